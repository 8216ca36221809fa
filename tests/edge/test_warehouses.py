"""Which warehouses somebody may open, asked of a real database: entitled, bounded, and nothing is left behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import psycopg
import pytest
from tests.builders import some_claims
from tests.fixtures.postgres import Database

from floorcast.database.caller import Caller
from floorcast.database.warehouses import WarehouseReader
from floorcast.errors import DatabaseUnavailable
from floorcast.factory import demo, plant


@pytest.fixture
async def factory(database: Database) -> Database:
    """A database with the demo factory in it."""
    await asyncio.to_thread(demo.load, database.owner_url)
    return database


@asynccontextmanager
async def opened(reader: WarehouseReader) -> AsyncIterator[WarehouseReader]:
    """The reader, closed afterwards."""
    await reader.open()
    try:
        yield reader
    finally:
        await reader.close()


def named(name: str) -> Caller:
    """One of the demo's people."""
    claims = some_claims(sub=str(plant.demo_id("person", name)))
    return Caller("authenticated", orjson.dumps(claims).decode())


def service() -> Caller:
    """A trusted server, which need not be a user."""
    return Caller("service_role", orjson.dumps(some_claims(sub="erp", role="service_role")).decode())


async def test_people_are_offered_the_warehouses_that_they_have_access_to(factory: Database) -> None:
    """With their role in each, by name; and role and claims end with the read: the next caller starts as nobody."""
    async with opened(WarehouseReader(factory.service_url, connections=1)) as reader:
        assert [one["role"] for one in orjson.loads(await reader.warehouses(service()))] == ["service_role"] * 3
        offered = orjson.loads(await reader.warehouses(named("Supervisor One")))
        assert [(one["name"], one["role"]) for one in offered] == [
            ("North Plant", "supervisor"),
            ("South Plant", "viewer"),
        ]
        assert len(orjson.loads(await reader.warehouses(named("Admin One")))) == 3
        assert orjson.loads(await reader.warehouses(named("Nobody At All"))) == []


async def test_nobody_waits_longer_than_promised(factory: Database) -> None:
    """A lock on a table must not collect every screen behind it."""
    async with (
        opened(WarehouseReader(factory.service_url, connections=1, waiting=1, patience_seconds=0.3)) as reader,
        factory.owner() as owner,
        owner.transaction(),
    ):
        await owner.execute("lock table public.warehouses in access exclusive mode")
        reads = [reader.warehouses(named("Wall Screen North")) for _ in range(4)]
        results = await asyncio.wait_for(asyncio.gather(*reads, return_exceptions=True), 5)
        assert [type(result) for result in results] == [DatabaseUnavailable] * 4
    # The lock is gone, and so is the trouble.


async def test_a_postgres_that_is_away_is_said_and_one_that_is_back_is_used(factory: Database) -> None:
    """A connection that was cut is found out and replaced."""
    async with opened(WarehouseReader(factory.service_url)) as reader:
        assert orjson.loads(await reader.warehouses(named("Wall Screen North")))
        async with factory.owner() as owner:
            await owner.execute(
                """select pg_terminate_backend(pid) from pg_stat_activity
                   where application_name = 'floorcast warehouses'"""
            )
        assert orjson.loads(await reader.warehouses(named("Wall Screen North")))
    away = factory.service_url.replace(psycopg.conninfo.conninfo_to_dict(factory.service_url)["port"], "1")
    async with opened(WarehouseReader(away, patience_seconds=0.5)) as reader:
        with pytest.raises(DatabaseUnavailable):
            await reader.warehouses(service())
