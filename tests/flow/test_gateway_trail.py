"""The gateway's sight of Postgres, on a real one."""

from collections.abc import AsyncIterator

import pytest
from tests.fixtures.postgres import Database
from tests.fixtures.tampering import by_force

from floorcast.change import COLUMN_RULE, GRANTS, OWNER_RULE
from floorcast.database.ticks import close_tick
from floorcast.errors import AnotherTick, DatabaseUnavailable
from floorcast.gateway.trail import PostgresTrail
from floorcast.operation import EVERYWHERE
from floorcast.tick import LARGE_COUNT

FILL = """
with made as (
    insert into public.organizations (name) values ('Demo') returning id
), site as (
    insert into public.warehouses (organization_id, name) select id, 'North' from made returning id
), person as (
    insert into public.users (display_name) values ('Technician One') returning id
)
insert into public.user_warehouse_access (user_id, warehouse_id, role)
select person.id, site.id, 'technician' from person, site
"""
MACHINES = """
insert into public.equipment (warehouse_id, name)
select id, 'Machine ' || n from public.warehouses, generate_series(1, %s) as n
"""


@pytest.fixture
async def trail(database: Database) -> AsyncIterator[PostgresTrail]:
    """On the database of the test, as the service's login."""
    trail = PostgresTrail(database.service_url)
    yield trail
    await trail.aclose()


async def test_a_gateway_begins_at_the_newest_tick_and_reads_on_from_there(
    database: Database, trail: PostgresTrail
) -> None:
    """Grants and warehouses as that tick sees them; what came later comes as ticks."""
    empty = await trail.begin()
    assert (empty.tick, dict(empty.grants), dict(empty.warehouses)) == (0, {}, {})
    async with database.owner() as owner, database.service("floorcast_relay") as relay:
        await owner.execute(FILL)
        await close_tick(relay)
        await owner.execute(MACHINES, [3])
        await close_tick(relay)
    incarnation, headers = await trail.since(empty.tick, 10)
    assert incarnation == empty.incarnation
    assert [header.tick for header in headers] == [0, 1, 2]
    assert headers[0].seal == empty.seal
    assert [header.previous_seal for header in headers[1:]] == [header.seal for header in headers[:-1]]
    first = [operation async for page in trail.pages(headers[1]) for operation in page]
    assert {operation.table for operation in first} >= {GRANTS, "warehouses"}
    second = [operation async for page in trail.pages(headers[2]) for operation in page]
    assert [(operation.n, operation.table) for operation in second] == [(n, "equipment") for n in (1, 2, 3)]
    now = await trail.begin()
    (roles,) = now.grants.values()
    assert (now.tick, now.seal, roles) == (2, headers[2].seal, {second[0].warehouse: "technician"})


async def test_a_large_tick_comes_in_the_same_pages_each_time(database: Database, trail: PostgresTrail) -> None:
    """So that one that was cut off can go on behind the page that it had sent."""
    async with database.owner() as owner, database.service("floorcast_relay") as relay:
        await owner.execute(FILL)
        await owner.execute(MACHINES, [LARGE_COUNT * 2 + 10])
        await close_tick(relay)
    _, headers = await trail.since(0, 10)
    assert headers[1].large
    once = [page async for page in trail.pages(headers[1])]
    again = [page async for page in trail.pages(headers[1])]
    assert len(once) > 2
    assert once == again
    numbers = [operation.n for page in once for operation in page]
    assert numbers == sorted(numbers)
    assert sum(operation.table == "equipment" for page in once for operation in page) == LARGE_COUNT * 2 + 10


async def test_what_a_tick_of_any_size_does_to_access_is_read_by_itself(
    database: Database, trail: PostgresTrail
) -> None:
    """Rules among it, without a place; data not."""
    async with database.owner() as owner, owner.transaction():
        await owner.execute(FILL)
        await owner.execute("update floorcast.column_rule set roles = '{admin}' where table_name = 'users'")
        await owner.execute("delete from floorcast.owner_rule where table_name = 'users'")
    async with database.service("floorcast_relay") as relay:
        await close_tick(relay)
    _, headers = await trail.since(0, 10)
    told = [(operation.table, operation.warehouse) for operation in await trail.access(headers[1])]
    assert {table for table, _ in told} == {GRANTS, "warehouses", COLUMN_RULE, OWNER_RULE}
    assert told.count((COLUMN_RULE, EVERYWHERE)) == 2
    every = [operation.table for page in [p async for p in trail.pages(headers[1])] for operation in page]
    assert every.count(COLUMN_RULE) == 2


async def test_a_tick_that_postgres_lost_is_not_read_by_its_number(database: Database, trail: PostgresTrail) -> None:
    """It was restored while a gateway waited for it: what it has under that number is another history's."""
    async with database.owner() as owner, database.service("floorcast_relay") as relay:
        await owner.execute(FILL)
        await close_tick(relay)
        _, (_, lost) = await trail.since(0, 10)
        await owner.execute(by_force("delete from floorcast.tick where tick = 1"))
        for _ in range(2):
            with pytest.raises(AnotherTick):
                await trail.access(lost)
            with pytest.raises(AnotherTick):
                await trail.concerned(lost)
            with pytest.raises(AnotherTick):
                [page async for page in trail.pages(lost)]
            await owner.execute(MACHINES, [1])
            await close_tick(relay)


async def test_a_session_that_was_ended_is_opened_again(database: Database, trail: PostgresTrail) -> None:
    """The first call after it says so, the next one works."""
    await trail.begin()
    async with database.owner() as owner:
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'floorcast gateway'"
            " and datname = current_database()"
        )
    with pytest.raises(DatabaseUnavailable):
        await trail.begin()
    assert (await trail.begin()).tick == 0


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    """In our words, so that the follower tries again."""
    with pytest.raises(DatabaseUnavailable):
        await PostgresTrail("postgresql://nobody@127.0.0.1:1/nothing").begin()
