"""The job of preventive maintenance: a due makes one work order, whoever runs the job and however often."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import (
    Connection,
    Plant,
    acting_as,
    add_machine,
    add_schedule,
    add_template,
    add_warehouse,
    connect,
    value,
)
from tests.sql.schedules import RUN, history, next_due, orders, run


def test_a_due_makes_its_order_from_the_template(owner: Connection, plant: Plant) -> None:
    """Whoever opens the order sees what to mind, what to do and what to take along."""
    template = add_template(
        owner,
        plant.north,
        name="500 h service",
        work_order_type="inspection",
        priority="high",
        estimated_duration="90 minutes",
        safety_notes="LOCK OUT",
        parts='[{"name": "Filter", "quantity": 2, "unit": "piece", "part_number": "F-1"}]',
    )
    schedule = add_schedule(owner, plant.machine, template)

    assert run(owner, "2024-01-31T06:00Z") == 1

    order = owner.execute("select * from public.work_orders").fetchone()
    assert order is not None
    assert (order["warehouse_id"], order["equipment_id"]) == (plant.north, plant.machine)
    assert order["title"] == "500 h service: Excavator"
    assert order["description"] == (
        "Safety: LOCK OUT\n\n1. GREASE ALL PINS\n2. CHECK OIL\n\nParts:\n- 2 piece Filter F-1"
    )
    assert (order["type"], order["priority"], order["status"]) == ("inspection", "high", "open")
    assert float(order["estimated_hours"]) == 1.5
    assert order["schedule_id"] == schedule
    assert order["due_at"] == order["schedule_due"]
    assert order["number"].startswith("WO-")


def test_a_due_makes_one_order_however_often_the_job_runs(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """Also when a clock goes back in between."""
    schedule = add_schedule(owner, plant.machine, monthly)
    made = [
        run(owner, upto)
        for upto in (
            "2024-01-31T05:59Z",
            "2024-01-31T06:00Z",
            "2024-01-31T06:01Z",
            "2024-01-01T00:00Z",
            "2024-01-31T06:00Z",
            "2024-02-29T05:00Z",
            "2024-02-29T07:00Z",
        )
    ]
    assert made == [0, 1, 0, 0, 0, 0, 1]
    assert orders(owner, schedule) == ["2024-01-31", "2024-02-29"]
    assert next_due(owner, schedule) == "2024-03-31"


def test_eight_runs_at_once_make_one_order_of_each_due(
    database: Database, owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """They leave each other's schedules alone and miss none."""
    for number in range(40):
        add_schedule(owner, add_machine(owner, plant.north, f"machine {number}"), monthly)
    begin = threading.Barrier(8)

    def work() -> int:
        with connect(database.owner_url) as connection:
            begin.wait()
            return sum(run(connection, "2024-02-01T00:00Z") for _ in range(3))

    with ThreadPoolExecutor(8) as pool:
        made = sum(future.result() for future in [pool.submit(work) for _ in range(8)])

    assert made == 40
    assert value(owner, "select count(*) from public.work_orders") == 40
    assert value(owner, "select count(distinct next_due) from public.maintenance_schedules") == 1


def test_eight_runs_at_once_make_one_order_when_a_meter_gets_there(
    database: Database, owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """No due of a calendar tells these apart: the lock alone keeps them from being made twice."""
    for number in range(20):
        machine = add_machine(owner, plant.north, f"machine {number}")
        add_schedule(owner, machine, monthly, schedule_type="meter_hours", frequency=500, next_due_meter=1000)
    owner.execute("update public.equipment set meter_hours = 1700")
    begin = threading.Barrier(8)

    def work(number: int) -> int:
        with connect(database.owner_url) as connection:
            begin.wait()
            return sum(run(connection, f"2024-01-01T0{number}:0{again}Z") for again in range(3))

    with ThreadPoolExecutor(8) as pool:
        made = sum(pool.map(work, range(8)))

    assert made == 20
    assert value(owner, "select count(*) from public.work_orders") == 20
    assert value(owner, "select min(next_due_meter) = 2000 from public.maintenance_schedules")


def test_a_run_that_rolls_back_made_nothing_and_the_next_one_makes_it(
    owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """Order and next due are one."""
    schedule = add_schedule(owner, plant.machine, monthly)
    with owner.transaction(force_rollback=True):
        assert run(owner, "2024-01-31T06:00Z") == 1
    assert (orders(owner, schedule), next_due(owner, schedule)) == ([], "2024-01-31")

    assert run(owner, "2024-01-31T06:00Z") == 1


def test_a_run_that_is_killed_made_nothing_and_the_next_one_makes_it(
    database: Database, owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """Killed behind its last statement, in front of its commit."""
    schedule = add_schedule(owner, plant.machine, monthly)
    with closing(connect(database.owner_url)) as victim:
        victim.execute("begin")
        assert run(victim, "2024-01-31T06:00Z") == 1
        assert run(owner, "2024-01-31T06:00Z") == 0, "the schedule is the victim's as long as it lives"
        owner.execute("select pg_terminate_backend(%s, 5000)", [victim.info.backend_pid])
        assert run(owner, "2024-01-31T06:00Z") == 1
    assert orders(owner, schedule) == ["2024-01-31"]


def test_after_an_outage_there_is_one_order_and_what_was_missed_is_told(
    owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """Five orders for one greasing would be noise; no trace of four weeks without one would be a lie."""
    schedule = add_schedule(owner, plant.machine, monthly, schedule_type="days", frequency=7)

    assert run(owner, "2024-03-01T00:00Z") == 1

    assert orders(owner, schedule) == ["2024-02-28"]
    assert next_due(owner, schedule) == "2024-03-06"
    assert history(owner, schedule) == [(f"2024-{day}", False, False) for day in ("01-31", "02-07", "02-14", "02-21")]
    assert run(owner, "2024-03-01T00:00Z") == 0


def test_of_years_without_a_job_a_year_of_dues_is_told(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """What a run writes is bounded, whatever the schedule says."""
    schedule = add_schedule(owner, plant.machine, monthly, schedule_type="days", frequency=1, next_due="1990-01-01Z")
    assert run(owner, "2024-01-01T12:00Z") == 1
    assert len(history(owner, schedule)) == 366


def test_a_due_that_people_put_back_makes_no_second_order(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """The schedule moves on over it, and says nothing was missed that has an order."""
    schedule = add_schedule(owner, plant.machine, monthly)
    run(owner, "2024-01-31T06:00Z")
    run(owner, "2024-03-01T06:00Z")
    owner.execute("update public.maintenance_schedules set next_due = '2024-01-31T06:00Z' where id = %s", [schedule])

    assert run(owner, "2024-03-01T06:00Z") == 0

    assert (orders(owner, schedule), next_due(owner, schedule)) == (["2024-01-31", "2024-02-29"], "2024-03-31")
    assert history(owner, schedule) == []


def test_an_order_comes_as_early_as_the_lead_says(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """Parts must be there on the day."""
    schedule = add_schedule(owner, plant.machine, monthly, lead="10 days")
    assert run(owner, "2024-01-21T05:59Z") == 0
    assert run(owner, "2024-01-21T06:00Z") == 1
    assert orders(owner, schedule) == ["2024-01-31"]


def test_a_lead_of_several_dues_makes_an_order_of_each(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """What is still to come is not missed because the next is near."""
    schedule = add_schedule(owner, plant.machine, monthly, schedule_type="days", frequency=7, lead="15 days")
    assert [run(owner, "2024-01-30T12:00Z") for _ in range(4)] == [1, 1, 1, 0]
    assert orders(owner, schedule) == ["2024-01-31", "2024-02-07", "2024-02-14"]
    assert history(owner, schedule) == []


def test_nothing_is_ordered_in_a_blackout_and_what_falls_due_there_is_due_at_its_end(
    owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """And what fell due there before was never due."""
    schedule = add_schedule(
        owner,
        plant.machine,
        monthly,
        schedule_type="days",
        frequency=7,
        blackout="{[2024-02-01 00:00+00, 2024-03-01 00:00+00)}",
    )
    assert run(owner, "2024-01-31T06:00Z") == 1
    assert run(owner, "2024-02-20T00:00Z") == 0
    assert run(owner, "2024-03-01T00:00Z") == 1

    assert orders(owner, schedule) == ["2024-01-31", "2024-02-28"]
    assert history(owner, schedule) == []
    assert value(
        owner, "select max(due_at) = '2024-03-01 00:00+00' from public.work_orders where schedule_id = %s", schedule
    )


@pytest.mark.parametrize(
    "obstacle",
    [
        "update public.maintenance_schedules set active = false",
        "update public.maintenance_schedules set deleted_at = now()",
        """with gone as (
            insert into public.maintenance_templates (warehouse_id, name, deleted_at)
            select warehouse_id, 'Gone', now() from public.maintenance_schedules returning id
        ) update public.maintenance_schedules set template_id = (select id from gone)""",
        "update public.equipment set deleted_at = now()",
        "update public.equipment set status = 'retired'",
        "update public.warehouses set deleted_at = now()",
        "update public.organizations set deleted_at = now()",
    ],
)
def test_what_is_out_of_use_is_not_maintained(owner: Connection, plant: Plant, monthly: UUID, obstacle: str) -> None:
    """Neither a paused or retired schedule nor one whose machine, template, warehouse or organization is retired."""
    schedule = add_schedule(owner, plant.machine, monthly)
    owner.execute(obstacle.encode())
    assert run(owner, "2025-01-01T00:00Z") == 0
    assert next_due(owner, schedule) == "2024-01-31"


def test_nothing_was_missed_while_a_machine_was_retired(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """It comes back with one order."""
    schedule = add_schedule(owner, plant.machine, monthly)
    owner.execute("update public.equipment set status = 'retired'")
    owner.execute("update public.equipment set status = 'standby'")

    assert run(owner, value(owner, "select now()")) == 1
    assert history(owner, schedule) == []


def test_a_meter_makes_an_order_when_it_gets_there(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """Once; and the next is counted on from the due, past what the meter shows."""
    schedule = add_schedule(
        owner, plant.machine, monthly, schedule_type="meter_hours", frequency=500, next_due_meter=1000
    )
    made = []
    for hours in (None, 999.99, 1000, 1400, 2600):
        owner.execute("update public.equipment set meter_hours = %s where id = %s", [hours, plant.machine])
        made += [run(owner, f"2024-01-0{len(made) // 2 + 1}T00:00Z"), run(owner, "2024-02-01T00:00Z")]

    assert made == [0, 0, 0, 0, 1, 0, 0, 0, 1, 0]
    assert value(owner, "select next_due_meter from public.maintenance_schedules where id = %s", schedule) == 3000


def test_the_job_waits_for_nobody(database: Database, owner: Connection, plant: Plant, monthly: UUID) -> None:
    """What people are working on is left for the next run: nobody can wait for the job in a circle."""
    busy = [plant.machine, add_machine(owner, plant.north, "Drill"), add_machine(owner, plant.north, "Saw")]
    _, edited, _ = [add_schedule(owner, machine, monthly) for machine in busy]
    add_schedule(owner, add_machine(owner, plant.north, "Mill"), monthly)
    elsewhere = add_warehouse(owner, plant.organization, "East")
    with connect(database.owner_url) as job, owner.transaction():
        owner.execute("update public.equipment set warehouse_id = %s where id = %s", [elsewhere, busy[0]])
        owner.execute("update public.maintenance_schedules set grace = '1 day' where id = %s", [edited])
        owner.execute("select from public.equipment where id = %s for update", [busy[2]])
        # It would give up by itself after a while; here it waits to the end, which would then be this one.
        job.execute("alter function floorcast.create_due_work_orders set lock_timeout = 0")
        job.execute("set statement_timeout = '20s'")
        assert run(job, "2024-01-31T06:00Z") == 1
    assert run(owner, "2024-01-31T06:00Z") == 3


def test_a_schedule_that_cannot_be_carried_out_stops_no_other(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """It is named, and the others are served."""
    add_schedule(owner, add_machine(owner, plant.north, "Mill"), monthly)
    broken = add_schedule(owner, plant.machine, monthly, next_due="2024-01-30T00:00Z")
    owner.execute(
        "alter table public.work_orders add constraint no_excavators check (title not like '%Excavator') not valid"
    )
    said: list[str] = []
    owner.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))

    assert run(owner, "2024-01-31T06:00Z") == 1
    assert [str(broken) in line and "no_excavators" in line for line in said] == [True]


def test_a_run_makes_at_most_so_many_orders(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """Its locks are held for a moment; whoever calls it goes on."""
    for number in range(5):
        add_schedule(owner, add_machine(owner, plant.north, f"machine {number}"), monthly)
    made = [
        len(owner.execute("select floorcast.create_due_work_orders('2024-02-01Z', 2)").fetchall()) for _ in range(4)
    ]
    assert made == [2, 2, 1, 0]


@pytest.mark.parametrize("most", ["0", "-5", "null"])
def test_a_run_that_may_make_nothing_is_refused(owner: Connection, plant: Plant, monthly: UUID, most: str) -> None:
    """It would make one, or all of them."""
    add_schedule(owner, plant.machine, monthly)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=f"at least one order, not {most}"):
        owner.execute(f"select floorcast.create_due_work_orders('2024-02-01Z', {most})".encode())
    assert value(owner, "select count(*) from public.work_orders") == 0


@pytest.mark.parametrize("upto", ["infinity", None])
def test_a_time_that_is_none_is_refused(owner: Connection, upto: str | None) -> None:
    """It would make everything due for ever."""
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="and this is none"):
        owner.execute(RUN.encode(), [upto])


@pytest.mark.parametrize("job", ["create_due_work_orders()", "end_expired_access()", "escalate_work_orders('1 day')"])
def test_only_those_who_run_jobs_run_them(owner: Connection, plant: Plant, job: str) -> None:
    """Not even a manager; and who runs them may do nothing else."""
    for role in ("floorcast_maintain", "service_role"):
        with acting_as(owner, None, role):
            owner.execute(f"select floorcast.{job}".encode())
    for role in ("authenticated", "anon", "floorcast_relay", "floorcast_gateway"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(owner, plant.people["admin"], role):
            owner.execute(f"select floorcast.{job}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(owner, None, "floorcast_maintain"):
        owner.execute("select from public.maintenance_schedules")


def test_what_the_job_does_is_attributed_to_it(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """In the timeline and in the trail: system:<role>."""
    add_schedule(owner, plant.machine, monthly)
    with acting_as(owner, None, "floorcast_maintain"):
        run(owner, "2024-01-31T06:00Z")
    assert value(owner, "select actor from public.work_order_timeline") == "system:floorcast_maintain"


def test_access_ends_when_its_time_has_come(owner: Connection, plant: Plant) -> None:
    """By a job that writes: the grant goes with it, and the trail names the job."""
    for role, ends in (("contractor", "-1 second"), ("technician", "1 hour")):
        owner.execute(
            "update public.user_warehouse_access set ends_at = now() + %s::interval where user_id = %s",
            [ends, plant.people[role]],
        )
    with acting_as(owner, None, "floorcast_maintain"):
        assert value(owner, "select floorcast.end_expired_access()") == 1
        assert value(owner, "select floorcast.end_expired_access()") == 0

    gone = owner.execute(
        "select actor from floorcast.change where table_name = 'floorcast.grants' and op = 'delete'"
    ).fetchall()
    assert [row["actor"] for row in gone] == ["system:floorcast_maintain"]
    assert (
        value(owner, "select count(*) from public.user_warehouse_access where user_id = %s", plant.people["contractor"])
        == 0
    )
