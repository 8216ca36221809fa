"""The job among people: they complete orders, move machines and change schedules while it runs, and nobody fails."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, Plant, add_machine, add_schedule, add_template, connect, value

Act = Callable[[Connection, random.Random, Plant], None]

MACHINES = 6
DAYS = 60


def complete(connection: Connection, chance: random.Random, _: Plant) -> None:
    """Complete up to three orders in one statement, in no order; not those that somebody else has in hand.

    Two who lock the same rows in two orders stand in each other's way whatever the job does.
    """
    connection.execute(
        "update public.work_orders set status = 'completed' where id in ("
        " select id from public.work_orders where status = 'in_progress' order by random() limit %s"
        " for update skip locked)",
        [chance.randint(1, 3)],
    )


def begin(connection: Connection, _: random.Random, __: Plant) -> None:
    """Begin an order."""
    connection.execute(
        "update public.work_orders set status = 'in_progress' where id in ("
        " select id from public.work_orders where status = 'open' order by random() limit 1)"
    )


def plan(connection: Connection, chance: random.Random, _: Plant) -> None:
    """Change a schedule, and look at it for a moment before the commit."""
    with connection.transaction():
        connection.execute(
            "update public.maintenance_schedules set grace = make_interval(hours => %s) where id in ("
            " select id from public.maintenance_schedules order by random() limit 1)",
            [chance.randint(0, 48)],
        )
        connection.execute("select pg_sleep(0.002)")


def move(connection: Connection, chance: random.Random, plant: Plant) -> None:
    """Move a machine to one of the two warehouses, with all that belongs to it."""
    connection.execute(
        "update public.equipment set warehouse_id = %s where id in ("
        " select id from public.equipment order by random() limit 1)",
        [chance.choice([plant.north, plant.south])],
    )


@pytest.mark.parametrize("people", [[begin, complete, complete, plan], [begin, move, plan]], ids=["work", "moves"])
def test_the_job_and_people_do_not_get_into_each_others_way(
    database: Database, owner: Connection, plant: Plant, people: list[Act]
) -> None:
    """No deadlock, nothing made twice, and in the end every due has its order or its line of history."""
    template = add_template(owner, plant.north)
    for number in range(MACHINES):
        machine = add_machine(owner, plant.north, f"machine {number}")
        for basis in ("due", "completion"):
            daily = {"schedule_type": "days", "frequency": 1, "next_due": "2024-01-01Z", "basis": basis}
            add_schedule(owner, machine, template, **daily)
    done = threading.Event()
    failures: list[str] = []

    def person(act: Act, seed: int) -> None:
        chance = random.Random(seed)
        with connect(database.owner_url) as connection:
            connection.execute("set deadlock_timeout = '20ms'")
            while not done.is_set():
                try:
                    act(connection, chance, plant)
                except psycopg.Error as error:
                    failures.append(f"{act.__name__}: {error}")

    def job() -> None:
        with connect(database.owner_url) as connection:
            connection.execute("set deadlock_timeout = '20ms'")
            connection.add_notice_handler(lambda notice: failures.append(f"job: {notice.message_primary}"))
            for day in range(DAYS):
                connection.execute(
                    "select floorcast.create_due_work_orders(timestamptz '2024-01-01Z' + make_interval(days => %s))",
                    [day],
                )

    with ThreadPoolExecutor(len(people) + 2) as pool:
        running = [pool.submit(person, act, seed) for seed, act in enumerate(people)]
        for future in [pool.submit(job) for _ in range(2)]:
            future.result()
        done.set()
        for future in running:
            future.result()

    assert failures == []
    # What was busy at the last look is done at the next one.
    owner.execute(
        "select floorcast.create_due_work_orders(timestamptz '2024-01-01Z' + make_interval(days => %s))", [DAYS]
    )
    by_calendar = value(
        owner,
        """
        select array_agg(distinct dues.count) from (
            select count(*) from (
                select schedule_id, schedule_due as due from public.work_orders
                union
                select schedule_id, due_at from public.maintenance_history
            ) as d
            join public.maintenance_schedules as s on s.id = d.schedule_id and s.basis = 'due'
            group by s.id
        ) as dues
        """,
    )
    assert by_calendar == [DAYS + 1]
    assert (
        value(
            owner,
            """
        select count(*) from (
            select from public.work_orders as w
            join public.maintenance_schedules as s on s.id = w.schedule_id and s.basis = 'completion'
            where w.status in ('open', 'in_progress') group by s.id having count(*) > 1
        ) as twice
        """,
        )
        == 0
    )
