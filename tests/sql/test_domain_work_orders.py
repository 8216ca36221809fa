"""Work orders: what their status implies, and what they may not hold."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.sql.plant import Connection, Plant, acting_as, add_order, take, value

LIFE = ("open", "assigned", "in_progress", "on_hold", "in_progress", "completed", "verified", "closed")


def order_row(owner: Connection, order: UUID) -> dict[str, Any]:
    """The order as it is now."""
    row = owner.execute("select * from public.work_orders where id = %s", [order]).fetchone()
    assert row is not None
    return row


def set_status(connection: Connection, order: UUID, status: str) -> None:
    """Bring an order to a status."""
    connection.execute("update public.work_orders set status = %s where id = %s", [status, order])


def test_work_begins_and_ends_when_the_status_says_so(owner: Connection, plant: Plant) -> None:
    """Times come with the statuses, and a pause does not begin the work anew."""
    order = add_order(owner, plant.north)
    assert order_row(owner, order)["actual_start"] is None

    set_status(owner, order, "in_progress")
    started = order_row(owner, order)
    set_status(owner, order, "on_hold")
    set_status(owner, order, "in_progress")
    set_status(owner, order, "completed")

    done = order_row(owner, order)
    assert started["actual_start"] is not None
    assert started["actual_end"] is None
    assert done["actual_start"] == started["actual_start"]
    assert done["actual_end"] > started["actual_start"]
    assert done["status_changed_at"] > started["status_changed_at"]


def test_times_that_are_given_are_kept(owner: Connection, plant: Plant) -> None:
    """History is loaded with its own times."""
    order = add_order(owner, plant.north, status="in_progress", actual_start="2004-07-01T08:00Z")

    owner.execute(
        "update public.work_orders set status = 'completed', actual_end = '2004-07-02T08:00Z' where id = %s",
        [order],
    )

    assert [order_row(owner, order)[column].year for column in ("actual_start", "actual_end")] == [2004, 2004]


def test_a_reopened_order_is_neither_ended_nor_verified(owner: Connection, plant: Plant) -> None:
    """Else it would still show as done."""
    order = add_order(owner, plant.north, status="in_progress")
    for status in ("completed", "verified", "closed"):
        set_status(owner, order, status)
    assert order_row(owner, order)["verified_at"] is not None

    set_status(owner, order, "open")

    row = order_row(owner, order)
    assert (row["actual_end"], row["verified_at"], row["verified_by"]) == (None, None, None)
    assert row["actual_start"] is not None


def test_the_person_of_the_token_requests_and_verifies(owner: Connection, plant: Plant) -> None:
    """Nobody has to type who he is."""
    with acting_as(owner, plant.people["requester"]):
        order = add_order(owner, plant.north)
    set_status(owner, order, "in_progress")
    set_status(owner, order, "completed")
    with acting_as(owner, plant.people["supervisor"]):
        set_status(owner, order, "verified")

    row = order_row(owner, order)
    assert row["requested_by"] == plant.people["requester"]
    assert row["verified_by"] == plant.people["supervisor"]


def test_a_token_of_somebody_who_is_no_user_requests_as_nobody(owner: Connection, plant: Plant) -> None:
    """An ERP's token names no person; its order is accepted all the same."""
    with acting_as(owner, uuid4(), role="service_role"):
        order = add_order(owner, plant.north)

    assert order_row(owner, order)["requested_by"] is None


@pytest.mark.parametrize("subject", ["erp", str(uuid4())], ids=["a word", "a uuid"])
def test_a_server_writes_orders_whatever_its_token_names(owner: Connection, plant: Plant, subject: str) -> None:
    """Its token names a system, which asked for nothing and verified nothing, and need not be a uuid."""
    with owner.transaction():
        owner.execute("set local role service_role")
        claims = f'{{"sub": "{subject}", "role": "service_role"}}'
        owner.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        orders = {status: add_order(owner, plant.north, status=status) for status in LIFE}
        for status in LIFE[1:]:
            set_status(owner, orders["open"], status)

    for order in orders.values():
        row = order_row(owner, order)
        assert (row["requested_by"], row["verified_by"]) == (None, None)
    assert order_row(owner, orders["open"])["verified_at"] is not None


@pytest.mark.parametrize(
    ("column", "wrong", "constraint"),
    [
        ("status", "done", "a_work_order_has_a_known_status"),
        ("type", "other", "a_work_order_has_a_known_type"),
        ("priority", "urgent", "a_work_order_has_a_known_priority"),
        ("title", " ", "a_work_order_has_a_title"),
        ("actual_cost", "NaN", "costs_are_numbers"),
        ("actual_hours", "NaN", "hours_are_not_negative"),
        ("estimated_hours", -1, "hours_are_not_negative"),
    ],
)
def test_an_illegal_order_is_refused_by_a_sentence(
    owner: Connection, plant: Plant, column: str, wrong: object, constraint: str
) -> None:
    """The name of the constraint says what is true of every row."""
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        add_order(owner, plant.north, **{column: wrong})


def test_a_credit_is_a_negative_cost(owner: Connection, plant: Plant) -> None:
    """The supplier's credit is booked on the order that it is for."""
    assert order_row(owner, add_order(owner, plant.north, actual_cost=-183.05))["actual_cost"] < 0


def test_an_order_that_took_parts_is_not_deleted(owner: Connection, plant: Plant) -> None:
    """The books would name an order that never was; deleted_at is there for it."""
    order = add_order(owner, plant.north)
    take(owner, plant.part, 1, order)

    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="parts_are_taken_for_a_work_order"):
        owner.execute("delete from public.work_orders where id = %s", [order])


def test_children_find_their_warehouse_themselves(owner: Connection, plant: Plant) -> None:
    """Clients that know only the mission's columns do not send one; a wrong one is refused."""
    order = add_order(owner, plant.north)
    owner.execute(
        "insert into public.work_order_timeline (work_order_id, event_type) values (%s, 'commented')", [order]
    )
    assert value(owner, "select array_agg(distinct warehouse_id) from public.work_order_timeline") == [plant.north]

    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="an_event_is_in_the_warehouse_of_its_work_order"):
        owner.execute(
            "insert into public.work_order_timeline (work_order_id, warehouse_id, event_type)"
            " values (%s, %s, 'commented')",
            [order, plant.south],
        )


def test_a_child_of_an_order_that_is_not_there_is_refused_with_a_sentence(owner: Connection) -> None:
    """Not with a missing column that the client never heard of."""
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="there is no work order"):
        owner.execute(
            "insert into public.work_order_timeline (work_order_id, event_type) values (%s, 'commented')",
            [uuid4()],
        )
