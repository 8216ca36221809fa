"""Maintenance that was done, or was not: its history, what is due next, and how much of it came in time."""

from typing import Any
from uuid import UUID

import pytest
from tests.sql.plant import Connection, Plant, add_machine, add_schedule, add_template, value
from tests.sql.schedules import finish, history, next_due, run


def test_a_schedule_that_waits_for_the_work_counts_from_it(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """No second order while one is open; and the next due is a month after the work, not after the due."""
    schedule = add_schedule(owner, plant.machine, monthly, basis="completion")
    run(owner, "2024-01-31T06:00Z")
    assert run(owner, "2024-06-01T00:00Z") == 0

    finish(owner, schedule, "2024-06-10T12:00Z")

    assert next_due(owner, schedule) == "2024-07-10"
    assert run(owner, "2024-07-10T12:00Z") == 1
    assert history(owner, schedule) == [("2024-01-31", True, False)]


@pytest.mark.parametrize(
    "end",
    [
        "update public.work_orders set status = 'cancelled' where schedule_id = %s",
        "update public.work_orders set deleted_at = now() where schedule_id = %s",
        "delete from public.work_orders where schedule_id = %s",
    ],
)
def test_an_order_that_is_never_done_does_not_stop_its_schedule(
    owner: Connection, plant: Plant, monthly: UUID, end: str
) -> None:
    """Cancelled, retired or deleted: the next due comes as if it had been done when it was due."""
    schedule = add_schedule(owner, plant.machine, monthly, basis="completion")
    run(owner, "2024-01-31T06:00Z")
    owner.execute(end.encode(), [schedule])

    assert run(owner, "2024-02-01T00:00Z") == 0
    assert run(owner, "2024-02-29T06:00Z") == 1


def test_a_meter_that_waits_for_the_work_counts_from_it(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """From what the meter shows when the work is done."""
    schedule = add_schedule(
        owner,
        plant.machine,
        monthly,
        schedule_type="meter_hours",
        frequency=500,
        next_due_meter=1000,
        basis="completion",
    )
    owner.execute("update public.equipment set meter_hours = 1000 where id = %s", [plant.machine])
    run(owner, "2024-01-01T00:00Z")
    owner.execute("update public.equipment set meter_hours = 1730 where id = %s", [plant.machine])
    finish(owner, schedule, "2024-02-01T00:00Z")

    assert value(owner, "select next_due_meter from public.maintenance_schedules where id = %s", schedule) == 2230


def test_done_work_is_one_line_of_history(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """Verifying and closing add none; reopening and doing it again tells of the last time."""
    schedule = add_schedule(owner, plant.machine, monthly, grace="1 day")
    run(owner, "2024-01-31T06:00Z")
    owner.execute("update public.work_orders set completion_notes = 'DONE', actual_hours = 2")
    finish(owner, schedule, "2024-02-01T06:00Z")
    finish(owner, schedule, "2024-02-01T06:00Z", "verified")
    finish(owner, schedule, "2024-02-01T06:00Z", "closed")

    assert history(owner, schedule) == [("2024-01-31", True, True)]
    results: dict[str, Any] = value(owner, "select results from public.maintenance_history")
    assert (results["notes"], results["hours"], results["number"][:3]) == ("DONE", 2, "WO-")
    assert value(owner, "select last_completed_at = '2024-02-01 06:00+00' from public.maintenance_schedules")
    assert next_due(owner, schedule) == "2024-02-29", "by the calendar, the work moves nothing"

    owner.execute("update public.work_orders set status = 'open'")
    finish(owner, schedule, "2024-02-01T06:01Z")
    assert history(owner, schedule) == [("2024-01-31", True, False)]


def test_maintenance_is_not_done_before_there_was_any_to_do(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """Else what is late would be in time by a date of years ago, and the next due would lie there."""
    schedule = add_schedule(owner, plant.machine, monthly, basis="completion")
    run(owner, "2024-01-31T06:00Z")
    finish(owner, schedule, "2020-01-01T00:00Z")

    assert value(owner, "select completed_at = due_at from public.maintenance_history")
    assert next_due(owner, schedule) == "2024-02-29"


def test_an_end_in_the_future_puts_off_nothing(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """A slip of the pen in the year would have the machine waiting for a decade."""
    schedule = add_schedule(owner, plant.machine, monthly, basis="completion")
    run(owner, "2024-01-31T06:00Z")
    finish(owner, schedule, "2099-01-01T00:00Z")
    assert value(
        owner,
        "select next_due between now() and now() + interval '32 days' from public.maintenance_schedules where id = %s",
        schedule,
    )


def test_an_old_order_that_is_done_late_does_not_turn_its_schedule_back(
    owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """The newer order was done already; the older one is only told."""
    schedule = add_schedule(owner, plant.machine, monthly, basis="completion")
    run(owner, "2024-01-31T06:00Z")
    old = value(owner, "select id from public.work_orders")
    owner.execute("update public.work_orders set status = 'cancelled'")
    run(owner, "2024-02-29T06:00Z")
    finish(owner, schedule, "2024-03-15T00:00Z")

    for step in ("status = 'open'", "status = 'in_progress', actual_start = '2024-03-01Z'"):
        owner.execute(f"update public.work_orders set {step} where id = %s".encode(), [old])
    owner.execute("update public.work_orders set status = 'completed', actual_end = '2024-03-01Z' where id = %s", [old])

    assert next_due(owner, schedule) == "2024-04-15"
    assert [due for due, _, _ in history(owner, schedule)] == ["2024-01-31", "2024-02-29"]


def test_history_that_is_loaded_as_done_is_recorded(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """An order may come into the table completed."""
    schedule = add_schedule(owner, plant.machine, monthly)
    owner.execute(
        "insert into public.work_orders"
        " (warehouse_id, equipment_id, title, status, actual_end, schedule_id, schedule_due)"
        " values (%s, %s, 'OLD', 'closed', '2023-12-31T05:00Z', %s, '2023-12-31T06:00Z')",
        [plant.north, plant.machine, schedule],
    )
    assert history(owner, schedule) == [("2023-12-31", True, True)]


def test_a_machine_takes_its_maintenance_along(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """Schedules, orders and history follow; the template stays, and a copy is where it is needed."""
    schedules = [
        add_schedule(owner, plant.machine, monthly, basis="completion"),
        add_schedule(owner, plant.machine, monthly, schedule_type="days", frequency=7),
    ]
    run(owner, "2024-01-31T06:00Z")
    finish(owner, schedules[0], "2024-01-31T06:00Z")

    for _ in range(2):
        owner.execute("update public.equipment set warehouse_id = %s where id = %s", [plant.south, plant.machine])
        for table in ("maintenance_schedules", "maintenance_history", "work_orders"):
            assert value(owner, f"select array_agg(distinct warehouse_id) from public.{table}") == [plant.south]
        owner.execute("update public.equipment set warehouse_id = %s where id = %s", [plant.north, plant.machine])
    assert value(owner, "select array_agg(distinct template_id) from public.maintenance_schedules") == [monthly]
    assert value(owner, "select count(*) from public.maintenance_templates") == 2

    assert run(owner, "2024-03-01T06:00Z") == 2


def test_a_copy_of_a_template_finds_a_name_that_is_free(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """The other site has a monthly service of its own, which asks for other things."""
    add_template(owner, plant.south, tasks='["LOOK AT IT"]')
    add_schedule(owner, plant.machine, monthly)
    owner.execute("update public.equipment set warehouse_id = %s where id = %s", [plant.south, plant.machine])
    assert (
        value(
            owner,
            "select t.name from public.maintenance_schedules as s"
            " join public.maintenance_templates as t on t.id = s.template_id and t.warehouse_id = s.warehouse_id",
        )
        == "Monthly service (Excavator)"
    )


def test_compliance_is_what_was_done_in_time_of_what_was_due(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """Missed, late and cancelled count; what still has time does not."""
    days = {"schedule_type": "days", "frequency": 7}
    add_schedule(owner, plant.machine, monthly, **days, next_due="2024-01-01T00:00Z")
    run(owner, "2024-01-15T00:00Z")  # two missed, one order
    mill = add_schedule(owner, add_machine(owner, plant.north, "Mill"), monthly, **days, next_due="2024-01-01T00:00Z")
    for day, end in (("01", "2023-12-31T00:00Z"), ("08", "2024-02-01T00:00Z"), ("15", "2024-01-15T00:00Z")):
        run(owner, f"2024-01-{day}T00:00Z")
        finish(owner, mill, end, "cancelled" if day == "15" else "completed")

    def figures(until: str) -> tuple[int, int, int, float | None]:
        row = owner.execute(
            "select * from floorcast.maintenance_compliance(%s, '2024-01-01Z', %s)", [plant.north, until]
        ).fetchone()
        assert row is not None
        return row["due"], row["done"], row["in_time"], None if row["compliance"] is None else float(row["compliance"])

    assert figures("2024-01-15T00:00Z") == (4, 2, 1, 0.25)
    assert figures("2024-01-16T00:00Z") == (6, 2, 1, 0.1667)
    owner.execute("update public.maintenance_schedules set grace = '10 days'")
    assert figures("2024-01-16T00:00Z") == (4, 2, 1, 0.25)
    assert figures("2023-01-01T00:00Z") == (0, 0, 0, None)


def test_compliance_counts_what_is_overdue_while_nobody_runs_the_job(
    owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """Else the figure would be best exactly while nothing makes orders."""
    schedule = add_schedule(
        owner, plant.machine, monthly, schedule_type="days", frequency=7, grace="2 days", next_due="2024-01-01T00:00Z"
    )

    gone = add_template(owner, plant.north, name="Gone", deleted_at="2024-01-01Z")

    def due(since: str = "2024-01-01Z", until: str = "2024-02-01Z") -> int:
        rows = owner.execute("select * from floorcast.maintenance_compliance(%s, %s, %s)", [plant.north, since, until])
        return sum(row["due"] - row["in_time"] for row in rows)

    assert due() == 1
    assert due(until="2024-01-02Z") == 0  # still has time
    assert due(since="2024-01-20Z") == 1  # stands ever since
    assert due(since="2024-03-01Z") == 0
    for table, change in (
        ("maintenance_schedules", "active = false"),
        ("maintenance_schedules", "deleted_at = now()"),
        ("maintenance_schedules", "blackout = '{[2023-12-31,2024-03-01)}'"),
        ("maintenance_schedules", f"template_id = '{gone}'"),
        ("equipment", "status = 'retired'"),
    ):
        with owner.transaction(force_rollback=True):
            owner.execute(f"update public.{table} set {change}".encode())
            assert due() == 0, change
    with owner.transaction(force_rollback=True):
        run(owner, "2024-01-15T00:00Z")  # two missed, one order, and the due of the 22nd; nothing twice
        assert due() == 4
    owner.execute("update public.maintenance_schedules set basis = 'completion'")
    run(owner, "2024-01-15T00:00Z")
    owner.execute(
        "update public.maintenance_schedules set next_due = '2024-01-22T00:00Z' where id = %s",
        [schedule],
    )
    assert due() == 1  # waits for its order
