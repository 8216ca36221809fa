"""A join that begins with a picture, from the table to the client: seamless while others write."""

import asyncio
import random
from typing import Any

import orjson
from tests.builders import some_claims
from tests.fixtures.observed import Observed
from tests.fixtures.page import Floorcast
from tests.fixtures.postgres import Connection
from tests.fixtures.time import UNIT

from floorcast.client import Changes, Joined, Progress, Snapshot, WarehouseView
from floorcast.factory import plant
from floorcast.observe import TickDelivered

TABLES = (
    "equipment",
    "work_orders",
    "work_order_assignments",
    "work_order_timeline",
    "inventory_items",
    "notifications",
)
PEOPLE = ("Technician One", "Manager One", "Wall Screen North")


async def shown(connection: Connection, person: str, table: str) -> dict[str, Any]:
    """What the views show somebody of the north."""
    claims = orjson.dumps(some_claims(sub=str(plant.demo_id("person", person)))).decode()
    async with connection.transaction():
        await connection.execute("set local timezone = 'UTC'")
        await connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        await connection.execute("set local role authenticated")
        query = f"select row_to_json(r) from visible.{table} as r where warehouse_id = %s"
        cursor = await connection.execute(query.encode(), [plant.NORTH.id])
        return {row["id"]: row for (row,) in await cursor.fetchall()}


async def write(connection: Connection, chance: random.Random, stop: asyncio.Event) -> None:
    """Change machines, orders and stock of the north, one after the other."""
    while not stop.is_set():
        await connection.execute(
            chance.choice(
                (
                    (
                        b"update equipment set location = clock_timestamp()::text"
                        b" where id = (select id from equipment order by random() limit 1)"
                    ),
                    (
                        b"update work_orders set estimated_cost = random() * 100"
                        b" where id = (select id from work_orders order by random() limit 1)"
                    ),
                    (
                        b"insert into work_order_timeline (work_order_id, event_type)"
                        b" select id, 'commented' from work_orders order by random() limit 2"
                    ),
                    (
                        b"delete from work_order_assignments where ctid ="
                        b" (select ctid from work_order_assignments order by random() limit 1)"
                    ),
                )
            )
        )


async def follow(view: WarehouseView, until: asyncio.Future[int]) -> list[str]:
    """Take what comes until everything up to a tick is there; give back the kinds of news."""
    kinds = []
    async for event in view:
        assert isinstance(event, Joined | Snapshot | Changes | Progress), event
        kinds.append(type(event).__name__)
        if until.done() and isinstance(event, Progress) and int(event.position.partition("-")[0]) >= until.result():
            return kinds
    raise AssertionError("a view ended by itself")


async def test_a_picture_and_what_follows_are_what_the_views_show(observed: Observed, floorcast_up: Floorcast) -> None:
    """For people of several roles who come while others write: row for row, column for column, read once."""
    database, stop, chance = floorcast_up.database, asyncio.Event(), random.Random(4)
    settled: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with database.owner() as owner, database.owner() as other:
        writing = [asyncio.create_task(write(session, chance, stop)) for session in (owner, other)]
        views, following = [], []
        for person in PEOPLE * 3:
            view = WarehouseView(
                f"ws://127.0.0.1:{floorcast_up.port}", floorcast_up.token(person), str(plant.NORTH.id), tables=TABLES
            )
            await view.__aenter__()
            views.append(view)
            following.append(asyncio.create_task(follow(view, settled)))
            # The next one comes at another place of the stream.
            await observed.wait_for(TickDelivered)
        for _ in range(20):
            await observed.wait_for(TickDelivered)
        stop.set()
        await asyncio.gather(*writing)
        async with asyncio.timeout(20 * UNIT):
            settled.set_result(await last_tick(owner))
            kinds = await asyncio.gather(*following)
        assert all(each[:2] == ["Joined", "Snapshot"] and each.count("Joined") == 1 for each in kinds), kinds
        for person, view in zip(PEOPLE * 3, views, strict=True):
            for table in TABLES:
                assert dict(view.rows(table)) == await shown(owner, person, table), (person, table)
            await view.__aexit__(None, None, None)


async def last_tick(connection: Connection) -> int:
    """The first tick that has everything that was committed."""
    async with asyncio.timeout(10 * UNIT):
        while True:
            cursor = await connection.execute(
                "select t.tick, exists (select from floorcast.changes_between(t.snapshot, pg_current_snapshot()))"
                " from floorcast.tick as t order by t.tick desc limit 1"
            )
            ((tick, more),) = await cursor.fetchall()
            if not more:
                return int(tick)
            await asyncio.sleep(0)
