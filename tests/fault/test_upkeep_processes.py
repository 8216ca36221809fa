"""`floorcast maintain` as real processes: two at once, killed half-way, asked to end."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest
from tests.builders import SECRET
from tests.fixtures.postgres import Database
from tests.fixtures.time import UNIT

Connection = psycopg.AsyncConnection[Any]
StartUpkeep = Callable[[], Awaitable[Process]]

START = "from floorcast.cli import app; app()"
GATE = 4711

PLANT = """
with organization as (
    insert into public.organizations (name) values ('Quarry') returning id
),
warehouse as (
    insert into public.warehouses (organization_id, name) select id, 'North' from organization returning id
),
template as (
    insert into public.maintenance_templates (warehouse_id, name) select id, 'Service' from warehouse returning id
),
machine as (
    insert into public.equipment (warehouse_id, name)
    select w.id, 'machine ' || n from warehouse as w cross join generate_series(1, 40) as n
    returning id, warehouse_id
)
insert into public.maintenance_schedules (
    warehouse_id, equipment_id, template_id, schedule_type, frequency, next_due
)
select m.warehouse_id, m.id, t.id, 'days', 30, now() from machine as m cross join template as t
"""

# The thirtieth order of a run waits at a gate, so that a process can be killed in the middle of its work.
SLOW = f"""
create function public.wait_at_the_gate() returns trigger language plpgsql as $$
begin
    if (select count(*) from public.work_orders) = 29 then
        perform pg_advisory_xact_lock_shared({GATE});
    end if;
    return new;
end
$$;
create trigger _100_wait before insert on public.work_orders
for each row execute function public.wait_at_the_gate();
alter function floorcast.create_due_work_orders set lock_timeout = 0;
"""

WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
DONE = """
select count(*) = 40 and count(distinct schedule_id) = 40
    and (select min(next_due) > now() from public.maintenance_schedules)
from public.work_orders
"""


@pytest.fixture
async def start_upkeep(database: Database) -> AsyncIterator[StartUpkeep]:
    """Start processes of upkeep; what still runs in the end is killed."""
    started: list[Process] = []

    async def start() -> Process:
        environment = {
            **os.environ,
            "DATABASE_URL": database.service_url,
            "FLOORCAST_JWT_SECRET": SECRET,
            "FLOORCAST_LOG_FORMAT": "json",
            "FLOORCAST_MAINTAIN_SECONDS": "0.1",
        }
        started.append(
            await asyncio.create_subprocess_exec(sys.executable, "-c", START, "maintain", env=environment, stderr=PIPE)
        )
        lines = started[-1].stderr
        assert lines is not None
        # Before this line, a signal would end it as it ends any process.
        async with asyncio.timeout(30 * UNIT):
            while b"process started" not in await lines.readline():
                assert not lines.at_eof()
        return started[-1]

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until(owner: Connection, query: str) -> None:
    """Look until a query says true."""
    async with asyncio.timeout(30 * UNIT):
        while True:
            row = await (await owner.execute(query.encode())).fetchone()
            if row is not None and row[0]:
                return
            await asyncio.sleep(0.02)


async def test_two_processes_do_what_is_due_once(database: Database, start_upkeep: StartUpkeep) -> None:
    """And both end when they are asked to, with 0."""
    async with database.owner() as owner:
        await owner.execute(PLANT.encode())
        processes = [await start_upkeep() for _ in range(2)]
        await until(owner, DONE)
        for process in processes:
            process.send_signal(signal.SIGTERM)
        said = []
        for process in processes:
            async with asyncio.timeout(10 * UNIT):
                _, lines = await process.communicate()
            assert process.returncode == 0
            said.append(lines.decode())
        await until(owner, DONE)
    assert sum(text.count("maintenance due") for text in said) >= 1
    assert all("process stopping" in text for text in said), said
    assert not any("failed" in text for text in said), said


@pytest.mark.parametrize("survives", ["session", "nothing"])
async def test_a_process_that_is_killed_half_way_leaves_what_is_due_to_the_next(
    database: Database, start_upkeep: StartUpkeep, survives: str
) -> None:
    """Kill -9 with 29 orders made and none committed; its session may live on and finish them, or die with it."""
    async with database.owner() as owner, database.owner() as gate:
        await owner.execute(PLANT.encode())
        await owner.execute(SLOW.encode())
        await gate.execute(f"select pg_advisory_lock({GATE})".encode())
        victim = await start_upkeep()
        await until(owner, f"select ({WAITING}) = 1")
        victim.kill()
        await victim.wait()
        if survives == "nothing":
            await owner.execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
                " where application_name = 'floorcast maintain' and datname = current_database()"
            )
            assert not (await (await owner.execute("select exists(select from public.work_orders)")).fetchone())[0]
        await start_upkeep()
        await gate.execute(f"select pg_advisory_unlock({GATE})".encode())
        await until(owner, DONE)


async def test_without_a_database_it_says_what_to_do() -> None:
    """An operator who forgets the variable reads its name."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        START.replace("app()", "main()").replace("import app", "import main"),
        "maintain",
        env=environment,
        stderr=PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"DATABASE_URL must be set" in said
