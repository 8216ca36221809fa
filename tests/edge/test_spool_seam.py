"""A first picture and the ticks behind it are the table: whatever is written meanwhile, nothing is missing or twice."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import orjson
from tests.edge.test_ticks import all_headers
from tests.fixtures.cells import WAREHOUSES, Cells, scribble
from tests.fixtures.postgres import Connection
from tests.fixtures.spools import open_spooler, rows_in, whole
from tests.fixtures.time import UNIT

from floorcast.change import Change
from floorcast.database.spool import Spool
from floorcast.database.ticks import close_tick, read_changes

PICTURES = 40

Rows = dict[int, dict[str, Any]]


async def unseen(connection: Connection, changes: Sequence[Change], snapshot: str) -> set[str]:
    """The transactions of some changes that a snapshot does not see."""
    cursor = await connection.execute(
        "select x from unnest(%s::text[]) as x where not pg_visible_in_snapshot(x::xid8, %s::pg_snapshot)",
        [sorted({change.xid for change in changes}), snapshot],
    )
    return {xid for (xid,) in await cursor.fetchall()}


def fold(rows: Rows, warehouse: str, changes: Sequence[Change]) -> None:
    """Apply changes to what one warehouse has; each must find its row exactly as the one before left it."""
    for change in changes:
        key = orjson.loads(change.key)["id"]
        before = None if change.old is None else orjson.loads(change.old)
        after = None if change.new is None else orjson.loads(change.new)
        if before is not None and before["warehouse_id"] == warehouse:
            assert rows.pop(key) == before
        if after is not None and after["warehouse_id"] == warehouse:
            assert key not in rows
            rows[key] = after


async def test_a_picture_and_the_ticks_behind_it_are_the_table(cells: Cells) -> None:
    """With rollbacks, savepoints, moves, ticks in between, and a transaction that is open all the while."""
    relay = await cells.relay_session()
    await cells.owner.execute("grant select on cells to service_role")
    held = await cells.session()
    other = await cells.session()
    writing = asyncio.Event()
    requests = {warehouse: await whole(cells.database, warehouse, "cells") for warehouse in WAREHOUSES}

    async def close_ticks() -> None:
        while not writing.is_set():
            await close_tick(relay)

    async def read(number: int) -> tuple[str, Rows, Spool]:
        warehouse = WAREHOUSES[number % len(WAREHOUSES)]
        with await spooler.read(requests[warehouse]) as spool:
            return warehouse, {row["id"]: row for row in rows_in(spool).get("cells", [])}, spool

    async with open_spooler(cells.database) as spooler:
        async with held.transaction():
            await cells.put(1000, 1, connection=held)
            async with asyncio.TaskGroup() as group:
                ticks = group.create_task(close_ticks())
                writers = [
                    group.create_task(scribble(await cells.session(), random.Random(seed), 60)) for seed in range(4)
                ]
                pictures = [await read(number) for number in range(PICTURES // 2)]
                pictures += await asyncio.gather(*[read(number) for number in range(PICTURES // 2)])
                await asyncio.wait(writers)
                writing.set()
                await ticks
            await cells.put(1001, 2, connection=held)
            pictures.append(await read(0))
        # One that sees the held transaction, which no tick has delivered yet.
        pictures.append(await read(0))
    while await close_tick(relay):
        pass

    changes = {header.tick: await read_changes(relay, header) for header in await all_headers(relay)}
    table = await cells.table()
    assert any(picture.clean for _, _, picture in pictures)
    assert not pictures[-1][2].clean
    for warehouse, rows, picture in pictures:
        later = [change for tick, those in changes.items() if tick > picture.tick for change in those]
        earlier = [change for tick, those in changes.items() if tick <= picture.tick for change in those]
        fresh = await unseen(other, later, picture.snapshot)
        assert not await unseen(other, earlier, picture.snapshot)
        assert picture.clean == all(change.xid in fresh for change in later)
        fold(rows, warehouse, [change for change in later if change.xid in fresh])
        assert rows == {key: row for key, row in table.items() if row["warehouse_id"] == warehouse}


async def test_a_table_that_is_rewritten_meanwhile_is_not_empty(cells: Cells) -> None:
    """A snapshot from before would see nothing in the new files; so the picture has its lock before it takes one."""
    await cells.owner.execute("grant select on cells to service_role")
    for key in range(5):
        await cells.put(key)
    request = await whole(cells.database, "north", "cells")
    altering = await cells.session()
    async with open_spooler(cells.database) as spooler:
        async with altering.transaction():
            await altering.execute("alter table cells alter value type bigint")
            reading = asyncio.create_task(spooler.read(request))
            await until_blocked(cells.owner)
            # Something commits between the beginning of the read and its snapshot.
            await cells.owner.execute("create table unrelated ()")
        with await reading as spool:
            assert len(rows_in(spool).get("cells", [])) == 5


async def until_blocked(connection: Connection) -> None:
    """Return when the session that reads pictures waits for a lock."""
    async with asyncio.timeout(10 * UNIT):
        while True:
            cursor = await connection.execute(
                "select from pg_stat_activity where application_name = 'floorcast spool' and wait_event_type = 'Lock'"
                " and datname = current_database()"
            )
            if cursor.rowcount:
                return
            await asyncio.sleep(0)
