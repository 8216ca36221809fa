"""Which status may follow which, who verifies and reopens, and what escalates."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, Plant, acting_as, add_order, assign, connect, value, wait_until_blocked

UNFINISHED = ("open", "assigned", "in_progress", "on_hold")
DONE = ("completed", "verified", "closed", "cancelled")

FOLLOWS = {
    "open": {"assigned", "in_progress", "on_hold", "cancelled"},
    "assigned": {"open", "in_progress", "on_hold", "cancelled"},
    "in_progress": {"assigned", "on_hold", "completed", "cancelled"},
    "on_hold": {"open", "assigned", "in_progress", "cancelled"},
    "completed": {"verified", "open"},
    "verified": {"closed", "open"},
    "closed": {"open"},
    "cancelled": {"open"},
}

LEADS = {"supervisor", "manager", "admin"}


def set_status(connection: Connection, order: UUID, status: str) -> None:
    """Bring an order to a status."""
    connection.execute("update public.work_orders set status = %s where id = %s", [status, order])


@pytest.mark.parametrize("before", FOLLOWS)
def test_each_status_follows_those_that_make_sense(owner: Connection, plant: Plant, before: str) -> None:
    """The table above is the life of an order; whatever is not in it is refused for everybody, the owner too."""
    for after in FOLLOWS:
        order = add_order(owner, plant.north, status=before)
        if after == before or after in FOLLOWS[before]:
            set_status(owner, order, after)
        else:
            with pytest.raises(psycopg.errors.CheckViolation, match=f"is {before} and cannot become {after}"):
                set_status(owner, order, after)


@pytest.mark.parametrize(
    ("before", "after", "hint"),
    [
        ("closed", "in_progress", "Reopen it first: set its status to open."),
        ("cancelled", "assigned", "Reopen it first: set its status to open."),
        ("open", "completed", "Go step by step: in_progress, completed, verified, closed."),
        ("completed", "closed", "Go step by step: in_progress, completed, verified, closed."),
        ("closed", "cancelled", "What is done is not cancelled"),
    ],
)
def test_a_refusal_says_which_order_from_what_to_what_and_what_to_do(
    owner: Connection, plant: Plant, before: str, after: str, hint: str
) -> None:
    """It is read by the person who tapped the wrong button."""
    order = add_order(owner, plant.north, status=before, number="WO-2026-000123")
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        set_status(owner, order, after)

    said = refused.value.diag
    assert said.message_primary == f"work order WO-2026-000123 is {before} and cannot become {after}"
    assert said.message_detail == f"From {before} it becomes {' or '.join(_in_order(FOLLOWS[before]))}."
    assert str(said.message_hint).startswith(hint)
    assert said.constraint_name == "a_work_order_lives_step_by_step"


def _in_order(statuses: set[str]) -> list[str]:
    """As the error lists them: forwards, then back to open from what is done."""
    life = ["assigned", "in_progress", "on_hold", "completed", "verified", "closed", "cancelled", "open"]
    return [each for each in life if each in statuses]


@pytest.mark.parametrize("status", DONE)
def test_those_who_lead_reopen(owner: Connection, service: Connection, plant: Plant, status: str) -> None:
    """Others who may work on orders are told whom to ask."""
    for role in ("technician", "contractor", *LEADS):
        order = add_order(owner, plant.north, status=status)
        if role in LEADS:
            with acting_as(service, plant.people[role]):
                set_status(service, order, "open")
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused, acting_as(service, plant.people[role]):
                set_status(service, order, "open")
            assert "your role here does not let you reopen it" in str(refused.value)
            assert "supervisor" in str(refused.value.diag.message_hint)


def test_who_reopens_is_a_rule(owner: Connection, service: Connection, plant: Plant) -> None:
    """Another row of the rules, and technicians do."""
    order = add_order(owner, plant.north, status="closed")
    owner.execute(
        "update floorcast.table_rule set roles = roles || '{technician}'"
        " where (table_name, action) = ('work_orders', 'reopen')"
    )
    with acting_as(service, plant.people["technician"]):
        set_status(service, order, "open")


@pytest.mark.parametrize("after", ["verified", "closed"])
def test_those_who_lead_verify_and_close(owner: Connection, service: Connection, plant: Plant, after: str) -> None:
    """Who did the work does not also pass it."""
    before, word = {"verified": ("completed", "verify"), "closed": ("verified", "close")}[after]
    for role in ("technician", "contractor", *LEADS):
        order = add_order(owner, plant.north, status=before, number=f"{role} {after}")
        if role in LEADS:
            with acting_as(service, plant.people[role]):
                set_status(service, order, after)
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused, acting_as(service, plant.people[role]):
                set_status(service, order, after)
            assert str(refused.value.diag.message_primary) == (
                f"work order {role} {after} is {before}, and your role here does not let you {word} it;"
                " it stays as it is"
            )
            assert "Ask a supervisor" in str(refused.value.diag.message_hint)


def test_who_verifies_is_a_rule(owner: Connection, service: Connection, plant: Plant) -> None:
    """Another row of the rules, and technicians do."""
    order = add_order(owner, plant.north, status="completed")
    owner.execute(
        "update floorcast.table_rule set roles = roles || '{technician}'"
        " where (table_name, action) = ('work_orders', 'verify')"
    )
    with acting_as(service, plant.people["technician"]):
        set_status(service, order, "verified")
        set_status(service, order, "closed")


@pytest.mark.parametrize("column", ["verified_by", "verified_at", "status_changed_at"])
def test_nobody_signs_by_hand(owner: Connection, service: Connection, plant: Plant, column: str) -> None:
    """Who verified it, and when, is who was there; the admin does not write that either."""
    order = add_order(owner, plant.north, status="completed")
    for statement in (
        f"update public.work_orders set {column} = default where id = '{order}'",
        f"insert into public.work_orders (warehouse_id, title, {column}) values ('{plant.north}', 'X', default)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["admin"]):
            service.execute(statement.encode())


def test_people_ask_for_work_in_their_own_name(owner: Connection, service: Connection, plant: Plant) -> None:
    """An order in a colleague's name would be his to answer for, and stays in the name of who asked."""
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"),
        acting_as(service, plant.people["requester"]),
    ):
        add_order(service, plant.north, requested_by=plant.people["manager"])
    with acting_as(service, plant.people["requester"]):
        order = add_order(service, plant.north, requested_by=plant.people["requester"])
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["admin"]):
        service.execute(
            "update public.work_orders set requested_by = %s where id = %s", [plant.people["manager"], order]
        )
    assert value(owner, "select requested_by from public.work_orders") == plant.people["requester"]


def test_a_supervisor_elsewhere_does_not_reopen_here(owner: Connection, service: Connection, plant: Plant) -> None:
    """A role holds where it was given."""
    order = add_order(owner, plant.north, status="closed")
    give = "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, %s)"
    owner.execute(give.encode(), [plant.people["technician"], plant.south, "admin"])

    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="reopen it"),
        acting_as(service, plant.people["technician"]),
    ):
        set_status(service, order, "open")


def test_servers_load_orders_with_any_status_and_reopen(owner: Connection, service: Connection, plant: Plant) -> None:
    """History comes as it is."""
    for status in FOLLOWS:
        with acting_as(service, None, role="service_role"):
            order = add_order(service, plant.north, status=status)
            set_status(service, order, "open" if status in DONE else "cancelled")
    assert value(owner, "select count(*) from public.work_orders") == len(FOLLOWS)


def test_people_begin_orders_open_or_assigned(owner: Connection, service: Connection, plant: Plant) -> None:
    """What happens to an order later is told by its timeline."""
    for status in FOLLOWS:
        if status in ("open", "assigned"):
            with acting_as(service, plant.people["supervisor"]):
                add_order(service, plant.north, status=status)
        else:
            with (
                pytest.raises(psycopg.errors.CheckViolation, match=f"open or assigned, not {status}"),
                acting_as(service, plant.people["admin"]),
            ):
                add_order(service, plant.north, status=status)
    assert value(owner, "select count(*) from public.work_orders") == 2


def test_one_order_that_may_not_stops_the_whole_statement(owner: Connection, plant: Plant) -> None:
    """A list that was half closed would be worse than one that was not."""
    add_order(owner, plant.north, status="verified")
    add_order(owner, plant.north, status="on_hold")
    with pytest.raises(psycopg.errors.CheckViolation, match="is on_hold and cannot become closed"):
        owner.execute("update public.work_orders set status = 'closed'")

    assert value(owner, "select count(*) from public.work_orders where status = 'closed'") == 0


def test_a_retired_machine_is_looked_at_before_it_runs(owner: Connection, plant: Plant) -> None:
    """It comes back to standby or in_maintenance; other statuses go as they like."""
    update = "update public.equipment set status = %s where id = %s"
    for status in ("operational", "degraded", "down"):
        owner.execute(update.encode(), ["retired", plant.machine])
        with pytest.raises(psycopg.errors.CheckViolation, match=f'"Excavator" is retired and cannot become {status}'):
            owner.execute(update.encode(), [status, plant.machine])
    for status in ("standby", "retired", "in_maintenance", "down", "operational", "retired"):
        owner.execute(update.encode(), [status, plant.machine])


def test_those_who_take_machines_out_of_the_books_retire_them(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """Others who may set a machine down are told whom to ask; a server is not asked."""
    update = b"update public.equipment set status = %s where id = %s"
    for role in ("technician", "contractor", "supervisor"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused, acting_as(service, plant.people[role]):
            service.execute(update, ["retired", plant.machine])
        assert '"Excavator" is operational' in str(refused.value.diag.message_primary)
        assert "ask a manager" in str(refused.value.diag.message_hint)
    for role in ("manager", "admin", None):
        with acting_as(service, plant.people[role] if role else None, "authenticated" if role else "service_role"):
            service.execute(update, ["retired", plant.machine])
        # What is retired stays writable otherwise.
        with acting_as(service, plant.people["technician"]):
            service.execute(b"update public.equipment set location = 'Yard' where id = %s", [plant.machine])
            service.execute(update, ["standby", plant.machine])
    assert value(owner, "select previous_status from public.equipment") == "retired"


# Escalation. Orders are made old by loading them so, as history is.


def add_neglected(owner: Connection, plant: Plant, **columns: object) -> UUID:
    """An order that nobody has touched since January."""
    past = "2026-01-01T00:00Z"
    columns = {"created_at": past, "updated_at": past, "status_changed_at": past, **columns}
    order = add_order(owner, plant.north, **columns)
    owner.execute("update public.work_order_timeline set timestamp = %s where work_order_id = %s", [past, order])
    return order


def escalate(connection: Connection, older_than: str = "2 days") -> int:
    """Escalate; returns how many."""
    count: int = value(connection, "select floorcast.escalate_work_orders(%s::interval)", older_than)
    return count


@pytest.mark.parametrize("gone", ["organizations", "warehouses"])
def test_nobody_is_pointed_to_orders_of_what_is_retired(owner: Connection, plant: Plant, gone: str) -> None:
    """Nobody is there to be told."""
    order = add_neglected(owner, plant)
    owner.execute(f"update public.{gone} set deleted_at = now()".encode())
    assert escalate(owner) == 0
    assert escalations(owner, order) == []


def escalations(owner: Connection, order: UUID) -> list[tuple[str, str]]:
    """From what to what an order was escalated."""
    rows = owner.execute(
        "select details from public.work_order_timeline where event_type = 'escalated' and work_order_id = %s"
        " order by timestamp",
        [order],
    )
    return [(row["details"]["from"], row["details"]["to"]) for row in rows]


def priority(owner: Connection, order: UUID) -> str:
    """The order's priority."""
    found: str = value(owner, "select priority from public.work_orders where id = %s", order)
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("low", "medium"),
        ("medium", "high"),
        ("high", "critical"),
        ("critical", "emergency"),
        ("emergency", "emergency"),
    ],
)
def test_a_neglected_order_rises_by_a_step_once(owner: Connection, plant: Plant, before: str, after: str) -> None:
    """However often the job runs; at the top the line is all that is written."""
    order = add_neglected(owner, plant, priority=before)

    assert [escalate(owner), escalate(owner)] == [1, 0]

    assert escalations(owner, order) == [(before, after)]
    assert priority(owner, order) == after


@pytest.mark.parametrize("status", UNFINISHED)
def test_what_is_not_done_escalates(owner: Connection, plant: Plant, status: str) -> None:
    """One that waits for parts is asked after, too."""
    add_neglected(owner, plant, status=status)
    assert escalate(owner) == 1


@pytest.mark.parametrize("status", DONE)
def test_what_is_done_does_not_escalate(owner: Connection, plant: Plant, status: str) -> None:
    """Nobody needs to touch it."""
    add_neglected(owner, plant, status=status)
    assert escalate(owner) == 0


def test_what_somebody_touched_or_planned_or_withdrew_does_not_escalate(owner: Connection, plant: Plant) -> None:
    """A change, a comment, an assignment; a start that is still to come, or was only just."""
    for touch in (
        "update public.work_orders set title = 'SEE PHOTO' where id = %s",
        "insert into public.work_order_timeline (work_order_id, event_type) values (%s, 'commented')",
    ):
        owner.execute(touch.encode(), [add_neglected(owner, plant)])
    assign(owner, add_neglected(owner, plant), plant.people["technician"])
    for start in ("tomorrow", "yesterday"):
        add_neglected(owner, plant, scheduled_start=start)
    add_neglected(owner, plant, deleted_at="2026-01-01T00:00Z")
    assert escalate(owner) == 0

    add_neglected(owner, plant, scheduled_start="2026-01-02T00:00Z")
    assert escalate(owner) == 1


def test_an_order_escalates_again_in_its_next_status_only(owner: Connection, plant: Plant) -> None:
    """What has been pointed out is pointed out; when work went on and stopped again, it is news."""
    order = add_neglected(owner, plant, priority="low")
    assert escalate(owner) == 1
    _grow_old(owner)
    assert escalate(owner) == 0

    set_status(owner, order, "in_progress")
    _grow_old(owner)
    assert escalate(owner) == 1
    assert escalations(owner, order) == [("low", "medium"), ("medium", "high")]


def _grow_old(owner: Connection) -> None:
    """Let half a year pass over everything."""
    with owner.transaction():
        owner.execute("set local session_replication_role = replica")
        owner.execute("update public.work_order_timeline set timestamp = timestamp - interval '6 months'")
        owner.execute(
            "update public.work_orders set updated_at = updated_at - interval '6 months',"
            " status_changed_at = status_changed_at - interval '6 months'"
        )


def test_two_jobs_at_once_escalate_once(database: Database, owner: Connection, plant: Plant) -> None:
    """The second waits for the first, and looks again."""
    orders = [add_neglected(owner, plant, priority=each) for each in ("low", "emergency")]
    with (
        connect(database.owner_url) as first,
        connect(database.owner_url) as second,
        ThreadPoolExecutor(1) as pool,
    ):
        with first.transaction():
            assert escalate(first) == 2
            waiting = pool.submit(escalate, second)
            wait_until_blocked(database.owner_url, second)
        assert waiting.result() == 0
    assert [len(escalations(owner, order)) for order in orders] == [1, 1]


def test_an_order_that_somebody_is_writing_to_is_passed_over(
    database: Database, owner: Connection, plant: Plant
) -> None:
    """It is being touched right now, and the job does not wait."""
    busy, idle = add_neglected(owner, plant), add_neglected(owner, plant)
    with connect(database.owner_url) as writer, writer.transaction():
        writer.execute("update public.work_orders set title = 'ON IT' where id = %s", [busy])
        assert escalate(owner) == 1
    assert (escalations(owner, busy), len(escalations(owner, idle))) == ([], 1)


def test_escalating_is_for_servers(owner: Connection, service: Connection, plant: Plant) -> None:
    """And it says who did it; a time that makes no sense is refused."""
    add_neglected(owner, plant)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["admin"]):
        escalate(service)
    with acting_as(service, None, role="service_role"):
        assert escalate(service) == 1
    actor = value(owner, "select actor from public.work_order_timeline where event_type = 'escalated'")
    assert actor == "system:service_role"
    for nonsense in ("0", "-1 day"):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="cannot be neglected for"):
            escalate(owner, nonsense)
