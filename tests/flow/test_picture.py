"""The first picture on a real database: entitled, consistent, bounded, and at a position."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import psycopg
import pytest
from tests.builders import some_claims
from tests.fixtures.postgres import Database

from floorcast.database.connect import connect
from floorcast.database.picture import Caller, Picture, PictureReader
from floorcast.database.ticks import close_tick
from floorcast.errors import DatabaseUnavailable
from floorcast.factory import demo, plant

NORTH, SOUTH = str(plant.NORTH.id), str(plant.SOUTH.id)
PRESS = plant.demo_id("machine", "N-101")


@pytest.fixture
async def reader(database: Database) -> AsyncIterator[PictureReader]:
    """A reader on a database with the demo factory in it."""
    await asyncio.to_thread(demo.load, database.owner_url)
    async with opened(PictureReader(database.service_url)) as reader:
        yield reader


@asynccontextmanager
async def opened(reader: PictureReader) -> AsyncIterator[PictureReader]:
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


def service(sub: str = "erp") -> Caller:
    """A trusted server, which need not be a user."""
    return Caller("service_role", orjson.dumps(some_claims(sub=sub, role="service_role")).decode())


def tables(picture: Picture | None) -> dict[str, list[dict[str, Any]]]:
    """The rows of a picture that must be there."""
    assert picture is not None
    rows: dict[str, list[dict[str, Any]]] = orjson.loads(picture.tables)
    return rows


async def test_people_are_offered_the_warehouses_that_they_have_access_to(reader: PictureReader) -> None:
    """With their role in each, by name."""
    offered = orjson.loads(await reader.warehouses(named("Supervisor One")))
    assert [(one["name"], one["role"]) for one in offered] == [("North Plant", "supervisor"), ("South Plant", "viewer")]
    assert len(orjson.loads(await reader.warehouses(named("Admin One")))) == 3
    assert orjson.loads(await reader.warehouses(named("Nobody At All"))) == []
    assert [one["role"] for one in orjson.loads(await reader.warehouses(service()))] == ["service_role"] * 3


async def test_a_picture_is_for_those_entitled_and_of_one_warehouse(reader: PictureReader) -> None:
    """Row level security decides, not this service."""
    assert await reader.picture(named("Wall Screen South"), NORTH) is None
    assert await reader.picture(named("Nobody At All"), NORTH) is None
    assert await reader.picture(named("Wall Screen North"), str(plant.ORGANIZATION)) is None
    for caller in (named("Wall Screen North"), named("Admin One"), service()):
        rows = tables(await reader.picture(caller, NORTH))
        seen = {row["warehouse_id"] for table, found in rows.items() if table != "users" for row in found}
        assert seen == {NORTH}


async def test_nobody_gets_contact_data(reader: PictureReader) -> None:
    """Names for assignees and actors are all that a board needs."""
    for caller in (named("Manager One"), service()):
        people = tables(await reader.picture(caller, NORTH))["users"]
        assert {tuple(sorted(person)) for person in people} == {("display_name", "id")}
        assert "Technician One" in {person["display_name"] for person in people}


async def test_what_matters_most_comes_first_and_closed_orders_only_to_give_events_a_name(
    reader: PictureReader, database: Database
) -> None:
    """A limit then cuts off what matters least."""
    order = next(order for order in plant.ORDERS if order.machine.warehouse == plant.NORTH.id)
    async with database.owner() as owner:
        await owner.execute("update public.equipment set status = 'down' where id = %s", [PRESS])
        await owner.execute("update public.work_orders set status = 'completed' where id = %s", [order.id])
        retired = plant.demo_id("machine", "N-141")
        await owner.execute("update public.equipment set status = 'retired' where id = %s", [retired])
        await owner.execute(
            """insert into public.work_order_timeline (work_order_id, event_type, details)
               select %s, 'commented', '{"text": "still there"}' from generate_series(1, 80)""",
            [order.id],
        )
    rows = tables(await reader.picture(named("Wall Screen North"), NORTH))
    assert rows["equipment"][0]["id"] == str(PRESS)
    assert str(retired) not in {row["id"] for row in rows["equipment"]}
    assert len(rows["work_order_timeline"]) == 50
    assert [row["status"] for row in rows["work_orders"] if row["id"] == str(order.id)] == ["completed"]


async def test_whatever_its_tick_delivered_is_in_the_picture(reader: PictureReader, database: Database) -> None:
    """And what committed after the tick may be in it too: it comes again, as a whole row, and changes nothing."""
    caller = named("Wall Screen North")
    before = await reader.picture(caller, NORTH)
    assert before is not None
    async with database.owner() as owner:
        await owner.execute("update public.equipment set status = 'down' where id = %s", [PRESS])
    unticked = await reader.picture(caller, NORTH)
    assert unticked is not None
    assert unticked.tick == before.tick
    relay = await connect(database.service_url, role="floorcast_relay", application="floorcast test")
    async with relay:
        closed = await close_tick(relay)
    assert closed is not None
    after = await reader.picture(caller, NORTH)
    assert after is not None
    assert after.tick == closed.header.tick > before.tick
    assert after.incarnation == before.incarnation
    for picture in (unticked, after):
        assert {row["status"] for row in tables(picture)["equipment"] if row["id"] == str(PRESS)} == {"down"}


async def test_a_connection_keeps_nothing_of_the_caller_before(database: Database) -> None:
    """Role and claims end with the transaction; the next caller starts as nobody."""
    await asyncio.to_thread(demo.load, database.owner_url)
    async with opened(PictureReader(database.service_url, connections=1)) as reader:
        assert len(orjson.loads(await reader.warehouses(service()))) == 3
        assert len(orjson.loads(await reader.warehouses(named("Wall Screen North")))) == 1
        assert orjson.loads(await reader.warehouses(named("Nobody At All"))) == []
        assert await reader.picture(named("Wall Screen North"), SOUTH) is None


async def test_nobody_waits_longer_than_promised(database: Database) -> None:
    """A lock on a table must not collect every screen behind it."""
    await asyncio.to_thread(demo.load, database.owner_url)
    async with (
        opened(PictureReader(database.service_url, connections=1, waiting=1, patience_seconds=0.3)) as reader,
        database.owner() as owner,
        owner.transaction(),
    ):
        await owner.execute("lock table public.equipment in access exclusive mode")
        reads = [reader.picture(named("Wall Screen North"), NORTH) for _ in range(4)]
        results = await asyncio.wait_for(asyncio.gather(*reads, return_exceptions=True), 5)
        assert [type(result) for result in results] == [DatabaseUnavailable] * 4
    # The lock is gone, and so is the trouble.


async def test_a_postgres_that_is_away_is_said_and_one_that_is_back_is_used(
    database: Database,
) -> None:
    """A connection that was cut is found out and replaced."""
    await asyncio.to_thread(demo.load, database.owner_url)
    async with opened(PictureReader(database.service_url)) as reader:
        assert await reader.picture(named("Wall Screen North"), NORTH) is not None
        async with database.owner() as owner:
            await owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'floorcast picture'"
            )
        assert await reader.picture(named("Wall Screen North"), NORTH) is not None
    away = database.service_url.replace(psycopg.conninfo.conninfo_to_dict(database.service_url)["port"], "1")
    async with opened(PictureReader(away, patience_seconds=0.5)) as reader:
        with pytest.raises(DatabaseUnavailable):
            await reader.ping()
