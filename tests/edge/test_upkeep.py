"""The process of upkeep against a real Postgres: it does what is due, says so, and survives what fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import psycopg
from tests.fixtures.observed import Observed
from tests.fixtures.postgres import Database
from tests.fixtures.time import UNIT

from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.observe import (
    AccessEnded,
    DatabaseBack,
    DatabaseLost,
    JobFailed,
    MaintenanceDue,
    MessagesForgotten,
    ScheduleRefused,
    WorkOrdersEscalated,
)
from floorcast.upkeep.jobs import due_jobs
from floorcast.upkeep.upkeep import Upkeep

Connection = psycopg.AsyncConnection[Any]

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
    select w.id, 'machine ' || n from warehouse as w cross join generate_series(1, {machines}) as n
    returning id, warehouse_id
)
insert into public.maintenance_schedules (
    warehouse_id, equipment_id, template_id, schedule_type, frequency, next_due
)
select m.warehouse_id, m.id, t.id, 'days', 30, now() from machine as m cross join template as t
"""


async def build(owner: Connection, machines: int = 1) -> None:
    """Machines with a schedule each that is due now."""
    await owner.execute(PLANT.format(machines=machines).encode())


async def count(owner: Connection, query: str) -> int:
    """The number that a query gives."""
    row = await (await owner.execute(query.encode())).fetchone()
    assert row is not None
    return int(row[0])


@asynccontextmanager
async def keeping(url: str, escalate_hours: float = 0, message_hours: float = 0) -> AsyncIterator[None]:
    """An upkeep at work; asked to stop in the end."""
    stop = asyncio.Event()
    upkeep = Upkeep(url, due_jobs(escalate_hours, message_hours), every_seconds=0.02)
    task = asyncio.create_task(upkeep.run(stop), name="upkeep")
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(10 * UNIT):
            await task


async def test_what_is_due_is_done_and_said(database: Database, observed: Observed) -> None:
    """Each kind of thing once, and no line for a round that did nothing."""
    person = uuid4()
    async with database.owner() as owner:
        await build(owner, machines=3)
        await owner.execute(
            "insert into public.users (id, warehouse_id) select %s, w.id from public.warehouses as w", [person]
        )
        await owner.execute(
            "insert into public.user_warehouse_access (user_id, warehouse_id, role, ends_at)"
            " select %s, w.id, 'contractor', now() from public.warehouses as w",
            [person],
        )
        async with keeping(database.service_url):
            assert await observed.wait_for(MaintenanceDue) == MaintenanceDue(3)
            await owner.execute("update public.maintenance_schedules set next_due = now() - interval '1 second'")
            assert await observed.wait_for(MaintenanceDue) == MaintenanceDue(3)
        assert observed.of(AccessEnded) == [AccessEnded(1)]
        assert await count(owner, "select count(*) from public.work_orders") == 6
        assert await count(owner, "select count(*) from public.user_warehouse_access") == 0


async def test_more_than_one_call_makes_is_made_in_one_round(database: Database, observed: Observed) -> None:
    """101 schedules are 100 orders and one."""
    async with database.owner() as owner:
        await build(owner, machines=101)
        async with keeping(database.service_url):
            assert await observed.wait_for(MaintenanceDue) == MaintenanceDue(101)


async def test_an_order_that_nobody_touches_is_escalated(database: Database, observed: Observed) -> None:
    """By the hours of the setting; here a few milliseconds."""
    async with database.owner() as owner:
        await build(owner)
        async with keeping(database.service_url, escalate_hours=0.00001):
            assert await observed.wait_for(WorkOrdersEscalated) == WorkOrdersEscalated(1)
        query = "select count(*) from public.work_order_timeline where event_type = 'escalated'"
        assert await count(owner, query + " and actor = 'system:floorcast_maintain'") == 1


async def test_messages_get_their_day_and_are_forgotten_after_theirs(database: Database, observed: Observed) -> None:
    """By the hours of the setting; what was said today stays, and lies in a partition of its own."""
    async with database.owner() as owner:
        (day,) = await (await owner.execute(_LAST_DAY)).fetchone() or ("",)
        await owner.execute(f"drop table {day}".encode())
        await owner.execute(
            "insert into realtime.messages (topic, extension, event, inserted_at)"
            " select 'board', 'broadcast', 'e', (now() - n * interval '1 day') at time zone 'utc'"
            " from unnest(array[0, 2, 4, 5]) as n"
        )
        async with keeping(database.service_url, message_hours=72):
            assert await observed.wait_for(MessagesForgotten) == MessagesForgotten(2)
        assert await count(owner, "select count(*) from realtime.messages") == 2
        assert await count(owner, f"select count(*) from {day}") == 0
    assert observed.of(JobFailed) == []


_LAST_DAY = """
select max(inhrelid::regclass::text) from pg_inherits
where inhparent = 'realtime.messages'::regclass and inhrelid::regclass::text not like '%_default'
"""


async def test_a_job_that_fails_is_named_and_stops_no_other(database: Database, observed: Observed) -> None:
    """A right that is missing must not leave machines unmaintained."""
    async with database.owner() as owner:
        await build(owner)
        await owner.execute("revoke execute on function floorcast.end_expired_access() from floorcast_maintain")
        async with keeping(database.service_url):
            failed = await observed.wait_for(JobFailed)
            await observed.wait_for(MaintenanceDue)
    assert failed.job == "end_expired_access"
    assert "permission denied" in failed.error


async def test_a_schedule_that_is_refused_is_said(database: Database, observed: Observed) -> None:
    """Else a machine would stay without maintenance and nobody would know why."""
    async with database.owner() as owner:
        await build(owner)
        await owner.execute("alter table public.work_orders add constraint closed_for_good check (title = '')")
        async with keeping(database.service_url):
            refused = await observed.wait_for(ScheduleRefused)
    assert "closed_for_good" in refused.reason


async def test_it_comes_back_when_postgres_does(
    own_postgres: EmbeddedPostgres, own_database: Database, observed: Observed
) -> None:
    """Said once each way, however often it tries; and what fell due meanwhile is done."""
    async with own_database.owner() as owner:
        await build(owner)
    async with keeping(own_database.service_url):
        await observed.wait_for(MaintenanceDue)
        own_postgres.stop()
        await observed.wait_for(DatabaseLost)
        own_postgres.start()
        async with own_database.owner() as owner:
            await owner.execute("update public.maintenance_schedules set next_due = now() - interval '1 second'")
        await observed.wait_for(DatabaseBack, within=30 * UNIT)
        await observed.wait_for(MaintenanceDue)
    assert [event.component for event in observed.of(DatabaseLost)] == ["maintain"]
    assert len(observed.of(DatabaseBack)) == 1


async def test_it_ends_when_it_is_asked_also_while_postgres_is_away(own_postgres: EmbeddedPostgres) -> None:
    """A process that waits for a database that never comes can still be stopped."""
    url = own_postgres.owner_url
    own_postgres.stop()
    async with keeping(url):
        pass
