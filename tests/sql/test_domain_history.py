"""What was done to a machine, and what its meter shows."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.sql.plant import Connection, Plant, acting_as, add_machine, add_order, add_schedule, add_template, value

ADD = 'insert into public.equipment_maintenance_history (equipment_id, details) values (%s, \'{"text": "greased"}\')'


def history(owner: Connection) -> list[dict[str, Any]]:
    """All lines, the oldest first."""
    return owner.execute("select * from public.equipment_maintenance_history order by created_at").fetchall()


def go(connection: Connection, order: UUID, *statuses: str, **columns: object) -> None:
    """Bring an order to these statuses, one after the other; the last one with these columns."""
    for status in statuses:
        connection.execute("update public.work_orders set status = %s where id = %s", [status, order])
    for column, what in columns.items():
        connection.execute(f"update public.work_orders set {column} = %s where id = %s".encode(), [what, order])


def test_a_completed_order_is_a_line_in_the_history_of_its_machine(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """With what the order says of the work, by whom, and what the meter showed."""
    owner.execute("update public.equipment set meter_hours = 1200.5 where id = %s", [plant.machine])
    order = add_order(owner, plant.north, equipment_id=plant.machine, type="emergency")
    go(owner, order, "in_progress", actual_start="2026-03-01T08:00Z")
    with acting_as(service, plant.people["technician"]):
        service.execute(
            "update public.work_orders set status = 'completed', completion_notes = 'NEW PIN', actual_hours = 2.5,"
            " actual_cost = 80, actual_end = '2026-03-01T12:00Z' where id = %s",
            [order],
        )

    (line,) = history(owner)
    assert (line["equipment_id"], line["work_order_id"], line["warehouse_id"]) == (plant.machine, order, plant.north)
    assert (line["hours"], line["cost"], line["meter_hours"]) == (2.5, 80, 1200.5)
    assert line["actor"] == str(plant.people["technician"])
    assert line["performed_at"].isoformat().startswith("2026-03-01T")
    number = value(owner, "select number from public.work_orders")
    assert line["details"] == {
        "number": number,
        "title": "BUCKET WON'T OPEN",
        "type": "emergency",
        "notes": "NEW PIN",
    }


def test_each_completion_is_one_line(owner: Connection, plant: Plant) -> None:
    """Whatever else changes afterwards; reopened and completed again is work that was done twice."""
    order = add_order(owner, plant.north, equipment_id=plant.machine)
    go(owner, order, "in_progress")
    assert history(owner) == []

    go(owner, order, "completed", completion_notes="DONE")
    owner.execute("update public.work_orders set status = status")
    go(owner, order, "verified", "closed")
    assert len(history(owner)) == 1

    go(owner, order, "open", "in_progress", "completed")
    assert len(history(owner)) == 2


def test_an_order_without_a_machine_or_that_is_cancelled_writes_no_line(owner: Connection, plant: Plant) -> None:
    """Nothing was done to a machine."""
    go(owner, add_order(owner, plant.north), "in_progress", "completed")
    go(owner, add_order(owner, plant.north, equipment_id=plant.machine), "cancelled")
    owner.execute("update public.work_orders set status = 'completed' where false")

    assert history(owner) == []


@pytest.mark.parametrize(
    ("status", "lines"), [("completed", 1), ("verified", 1), ("closed", 1), ("cancelled", 0), ("in_progress", 0)]
)
def test_loaded_orders_that_are_done_are_lines_too(owner: Connection, plant: Plant, status: str, lines: int) -> None:
    """History comes as orders that are done already."""
    times = {"actual_start": "2004-07-01T08:00Z", "actual_end": "2004-07-02T08:00Z"}
    add_order(owner, plant.north, equipment_id=plant.machine, status=status, **times)

    assert [line["performed_at"].year for line in history(owner)] == [2004] * lines


def test_many_orders_that_are_completed_at_once_are_a_line_each(owner: Connection, plant: Plant) -> None:
    """Also in a session that planned for one."""
    for count in (1, 60):
        orders = [add_order(owner, plant.north, equipment_id=plant.machine, status="in_progress") for _ in range(count)]
        owner.execute("update public.work_orders set status = 'completed' where id = any(%s)", [orders])

    assert len({line["work_order_id"] for line in history(owner)}) == 61


def test_the_history_moves_with_its_machine(owner: Connection, plant: Plant) -> None:
    """Lines with an order and lines without: what was done to it is read where it stands now."""
    go(owner, add_order(owner, plant.north, equipment_id=plant.machine), "in_progress", "completed")
    owner.execute(ADD.encode(), [plant.machine])

    owner.execute("update public.equipment set warehouse_id = %s where id = %s", [plant.south, plant.machine])

    assert [line["warehouse_id"] for line in history(owner)] == [plant.south, plant.south]


def test_an_order_that_was_filed_under_the_wrong_machine_takes_its_line_along(owner: Connection, plant: Plant) -> None:
    """Also into another warehouse; but a line does not stay behind without a machine, nor without its order."""
    order = add_order(owner, plant.north, equipment_id=plant.machine, status="in_progress")
    go(owner, order, "completed")
    right = add_machine(owner, plant.south)

    owner.execute(
        "update public.work_orders set equipment_id = %s, warehouse_id = %s where id = %s", [right, plant.south, order]
    )
    assert [(line["equipment_id"], line["warehouse_id"]) for line in history(owner)] == [(right, plant.south)]

    with pytest.raises(psycopg.errors.NotNullViolation):
        owner.execute("update public.work_orders set equipment_id = null where id = %s", [order])
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="a_line_of_history_is_about_the_machine_of_its_order"):
        owner.execute("delete from public.work_orders where id = %s", [order])


def test_a_line_names_no_order_of_another_machine_or_warehouse(owner: Connection, plant: Plant) -> None:
    """The machine of a line is that of its order."""
    other = add_order(owner, plant.north, equipment_id=add_machine(owner, plant.north))
    query = "insert into public.equipment_maintenance_history (equipment_id, work_order_id) values (%s, %s)"
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="a_line_of_history_is_about_the_machine_of_its_order"):
        owner.execute(query.encode(), [plant.machine, other])
    query = "insert into public.equipment_maintenance_history (equipment_id, warehouse_id) values (%s, %s)"
    with pytest.raises(
        psycopg.errors.ForeignKeyViolation, match="a_line_of_history_is_in_the_warehouse_of_its_machine"
    ):
        owner.execute(query.encode(), [plant.machine, plant.south])


def test_people_add_lines_in_their_own_name_and_rewrite_none(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """What was done stays as it was told, and nobody tells it of others."""
    technician = plant.people["technician"]
    with acting_as(service, technician):
        service.execute(ADD.encode(), [plant.machine])
    assert [line["actor"] for line in history(owner)] == [str(technician)]

    forged = "insert into public.equipment_maintenance_history (equipment_id, actor) values (%s, %s)"
    for person, statement, parameters in (
        (technician, forged, [plant.machine, str(plant.people["admin"])]),
        (plant.people["requester"], ADD, [plant.machine]),
        (plant.people["admin"], "update public.equipment_maintenance_history set details = '{}'", []),
        (plant.people["admin"], "delete from public.equipment_maintenance_history", []),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, person):
            service.execute(statement.encode(), parameters)


def test_the_cost_of_a_line_is_for_managers(owner: Connection, service: Connection, plant: Plant) -> None:
    """As it is on the order."""
    add_order(owner, plant.north, equipment_id=plant.machine, status="closed", actual_cost=80)

    for role, seen in (("technician", None), ("manager", 80)):
        with acting_as(service, plant.people[role]):
            assert value(service, "select cost from visible.equipment_maintenance_history") == seen


def test_a_meter_never_falls(owner: Connection, plant: Plant) -> None:
    """Schedules go by it; a slip of the finger is refused with both figures."""
    update = "update public.equipment set meter_hours = %s where id = %s"
    for hours in (None, 100, 100, 250.5):
        owner.execute(update.encode(), [hours, plant.machine])

    for hours, shown in ((250.25, "250.25"), (0, "0"), (None, "nothing")):
        with (
            pytest.raises(psycopg.errors.CheckViolation) as refused,
            acting_as(owner, plant.people["technician"]),
        ):
            owner.execute(update.encode(), [hours, plant.machine])
        assert (
            refused.value.diag.message_primary
            == f'the meter of "Excavator" shows 250.5 hours and does not fall to {shown}'
        )
        assert refused.value.diag.constraint_name == "a_meter_never_falls"
    for hours in (-1, "NaN"):
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute(update.encode(), [hours, add_machine(owner, plant.north)])


LOWER = "update public.equipment set meter_hours = 900"


@pytest.mark.parametrize("role", ["technician", "contractor"])
def test_who_works_there_is_told_who_puts_a_meter_right(owner: Connection, plant: Plant, role: str) -> None:
    """He reads it again, or asks."""
    owner.execute("update public.equipment set meter_hours = 9000")
    with pytest.raises(psycopg.errors.CheckViolation) as refused, acting_as(owner, plant.people[role]):
        owner.execute(LOWER.encode())
    assert "ask a supervisor of this warehouse to put it right" in str(refused.value.diag.message_hint)


@pytest.mark.parametrize("who", ["supervisor", "manager", "admin", "server"])
def test_a_reading_that_was_wrong_is_put_right_by_who_leads(owner: Connection, plant: Plant, who: str) -> None:
    """Else a slip of the finger would stay for good."""
    owner.execute("update public.equipment set meter_hours = 9000")
    person, role = (None, "service_role") if who == "server" else (plant.people[who], "authenticated")
    with acting_as(owner, person, role):
        owner.execute(LOWER.encode())
    assert value(owner, "select meter_hours from public.equipment") == 900


@pytest.mark.parametrize(
    ("figures", "then"),
    [
        ((1000, 9000, 910), 1000),  # moved on to 9250 by the slip
        ((1000, 9000, 1000), 1250),
        ((1000, 9000, 0), 250),
        ((1000, 950, 940), 1000),  # not reached
        ((5000, 1900, 900), 5000),  # set by people, far ahead
    ],
)
def test_schedules_go_back_with_a_meter_that_is_put_right(
    owner: Connection, plant: Plant, figures: tuple[int, int, int], then: int
) -> None:
    """By whole steps, so that they keep their count; else nothing would be due for years."""
    due, wrong, right = figures
    schedule = add_schedule(
        owner,
        plant.machine,
        add_template(owner, plant.north),
        schedule_type="meter_hours",
        frequency=250,
        next_due_meter=due,
    )
    calendar = add_schedule(owner, plant.machine, add_template(owner, plant.north, name="Yearly"))
    owner.execute("update public.equipment set meter_hours = %s where id = %s", [wrong, plant.machine])
    owner.execute("select floorcast.create_due_work_orders('2024-01-01Z')")

    with acting_as(owner, plant.people["supervisor"]):
        owner.execute("update public.equipment set meter_hours = %s where id = %s", [right, plant.machine])

    found = "select next_due_meter from public.maintenance_schedules where id = %s"
    assert value(owner, found, schedule) == then
    assert value(owner, found, calendar) is None
