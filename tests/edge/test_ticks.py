"""Ticks against a real server: nothing lost, nothing twice, whole, in order, whatever happens at the same time."""

import asyncio
import os
import random
import tracemalloc
from collections.abc import AsyncIterator, Awaitable
from itertools import groupby

import psycopg
import pytest
from tests.fixtures.cells import KEYS, Cells, Table, replay, scribble
from tests.fixtures.postgres import Connection
from tests.fixtures.tampering import FORGET, by_force
from tests.fixtures.time import UNIT

from floorcast.change import Change
from floorcast.database.ticks import (
    ClosedTick,
    close_tick,
    newest_tick,
    read_changes,
    read_headers,
    read_pages,
    seal_of,
)
from floorcast.tick import LARGE_BYTES, LARGE_COUNT, TickHeader

SOAK = "FLOORCAST_SOAK" in os.environ


async def all_headers(connection: Connection) -> list[TickHeader]:
    """Every tick but the first, ascending."""
    found: list[TickHeader] = []
    while page := await read_headers(connection, found[-1].tick if found else 0, limit=50):
        found += page
    return found


async def pages(connection: Connection, header: TickHeader) -> AsyncIterator[list[Change]]:
    """The pages of a tick, none of them empty or too large, numbered through."""
    n = 0
    async for page in read_pages(connection, header):
        assert page
        assert len(page) <= LARGE_COUNT
        assert [change.n for change in page] == list(range(n + 1, n + len(page) + 1))
        n += len(page)
        yield page
    assert n == header.count


async def until_blocked(connection: Connection, pid: int) -> None:
    """Return when another session waits for a lock."""
    async with asyncio.timeout(10 * UNIT):
        while True:
            cursor = await connection.execute("select wait_event_type from pg_stat_activity where pid = %s", [pid])
            if await cursor.fetchone() == ("Lock",):
                return
            await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(60 if SOAK else 3))
async def test_ticks_are_the_trail_cut_without_loss_or_repetition(cells: Cells, seed: int) -> None:
    """Writers at random on connections of their own, one transaction open all the while, a tick as often as one can."""
    chance = random.Random(seed)
    relay = await cells.relay_session()
    closed: list[ClosedTick] = []

    async def close_until(done: asyncio.Event) -> None:
        while not done.is_set():
            if (tick := await close_tick(relay)) is not None:
                closed.append(tick)
            # Sometimes many transactions meet in a tick, sometimes one is alone.
            await asyncio.sleep(chance.choice((0, 0.001, 0.02)))

    done = asyncio.Event()
    closing = asyncio.create_task(close_until(done))
    long = await cells.session()
    async with long.transaction():
        await cells.put(1000, connection=long)
        xid = await (await long.execute("select pg_current_xact_id()::text")).fetchone()
        assert xid is not None
        writers = [scribble(await cells.session(), random.Random(f"{seed}/{i}"), 300 if SOAK else 80) for i in range(6)]
        await asyncio.gather(*writers)
        await cells.put(1001, connection=long)
    done.set()
    await closing
    while (tick := await close_tick(relay)) is not None:
        closed.append(tick)

    delivered = [change for tick in closed for change in tick.changes]
    # No loss, no repetition.
    assert sorted((change.xid, change.seq) for change in delivered) == sorted(await cells.trail())
    # Dense numbers, places counted from one.
    assert [tick.header.tick for tick in closed] == list(range(1, len(closed) + 1))
    for tick in closed:
        assert [change.n for change in tick.changes] == list(range(1, tick.header.count + 1))
    # Transactions whole: each lies in one tick, all of it together.
    runs = [(tick.header.tick, xid) for tick in closed for xid, _ in groupby(change.xid for change in tick.changes)]
    assert len({xid for _, xid in runs}) == len(runs)
    # The one that stayed open comes last, and held up nobody.
    assert [tick for tick, of in runs if of == xid[0]] == [closed[-1].header.tick]
    assert len(closed) > 5
    # Causes before effects: each change finds its row as the one before left it, and in the end the tables are there.
    table: Table = {}
    replay(table, delivered)
    assert table == await cells.table()
    # Whoever reads it again reads the same.
    for tick, header in zip(closed, await all_headers(relay), strict=True):
        assert tick.header == header
        assert await read_changes(relay, header) == tick.changes


async def test_of_two_leaders_that_close_at_the_same_time_one_wins(cells: Cells) -> None:
    """The number is read no later than the snapshot, so the primary key fences whoever does not know that it lost."""
    first, second = await cells.relay_session(), await cells.relay_session()
    await cells.put(1)
    async with first.transaction():
        won = await close_tick(first)
        late = asyncio.create_task(close_tick(second))
        await until_blocked(cells.owner, second.info.backend_pid)
        # What commits meanwhile belongs to the next tick of whoever leads.
        await cells.put(2)
    with pytest.raises(psycopg.errors.UniqueViolation):
        await late
    again = await close_tick(second)
    assert won is not None
    assert again is not None
    assert [(tick.header.tick, [change.key for change in tick.changes]) for tick in (won, again)] == [
        (1, ['{"id" : 1}']),
        (2, ['{"id" : 2}']),
    ]


async def test_many_leaders_at_once_cut_the_trail_only_once(cells: Cells) -> None:
    """Without any lock between them: each tick is one's, and together they are the trail."""
    sessions = [await cells.relay_session() for _ in range(4)]
    closed: list[ClosedTick] = []

    async def close_or_lose(session: Connection) -> None:
        for _ in range(40):
            try:
                tick = await close_tick(session)
            except psycopg.errors.UniqueViolation:
                continue
            if tick is not None:
                closed.append(tick)

    writing: Awaitable[None] = scribble(await cells.session(), random.Random(7), 60)
    await asyncio.gather(writing, *map(close_or_lose, sessions))
    if (tick := await close_tick(sessions[0])) is not None:
        closed.append(tick)
    closed.sort(key=lambda tick: tick.header.tick)
    assert [tick.header.tick for tick in closed] == list(range(1, len(closed) + 1))
    table: Table = {}
    replay(table, (change for tick in closed for change in tick.changes))
    assert table == await cells.table()
    assert sorted((c.xid, c.seq) for tick in closed for c in tick.changes) == sorted(await cells.trail())


async def test_changes_of_a_row_follow_their_chain_when_a_trigger_acts_inside_a_statement(cells: Cells) -> None:
    """An AFTER ROW trigger bumps a value: its statement ends first, and its change is numbered before its cause."""
    await cells.owner.execute(
        "create function bump() returns trigger language plpgsql as $$ begin"
        " update cells set value = new.value + 1 where id = new.id; return null; end $$"
    )
    await cells.owner.execute(
        "create trigger bump after insert or update on cells for each row"
        " when (pg_trigger_depth() < 1) execute function bump()"
    )
    await cells.put(1, 10)
    await cells.put(1, 20)
    relay = await cells.relay_session()
    closed = await close_tick(relay)
    assert closed is not None
    table: Table = {}
    replay(table, closed.changes)
    assert table == await cells.table() == {1: {"id": 1, "warehouse_id": "north", "value": 21}}
    assert await read_changes(relay, closed.header) == closed.changes


async def test_a_tick_of_many_transactions_and_a_huge_one_is_read_in_pages_in_its_order(cells: Cells) -> None:
    """100,000 changes and more, in a memory that a page bounds; and rows as the table has them afterwards."""
    rows, transactions = 110_000, 3_000
    long = await cells.session()
    async with long.transaction():
        await long.execute("insert into cells select i, 'north', 0 from generate_series(1, %s) as i", [rows])
        await cells.owner.execute(
            "do $$ begin for i in 1 .. 3000 loop insert into cells values (1000000 + i, 'south', i); commit;"
            " end loop; end $$"
        )
    relay = await cells.relay_session()
    closed = await close_tick(relay)
    assert closed is not None
    header = closed.header
    assert header.large
    assert closed.changes == ()
    assert header.count == rows + transactions
    with pytest.raises(ValueError, match="large"):
        await read_changes(relay, header)

    cursor = await cells.owner.execute(
        "select seq from (select seq, xid, max(seq) over (partition by xid) as last_seq from floorcast.change) as c"
        " order by last_seq, seq"
    )
    expected = (seq for (seq,) in await cursor.fetchall())
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        async for page in pages(relay, header):
            for change in page:
                assert change.seq == next(expected)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 16 * 2**20
    assert next(expected, None) is None


async def test_pages_of_wide_rows_are_bounded_by_bytes(cells: Cells) -> None:
    """A few large rows among many small ones: the mean says nothing about either."""
    await cells.owner.execute("create table papers (id int primary key, warehouse_id text, text text)")
    await cells.owner.execute("select floorcast.track('papers')")
    await cells.owner.execute(FORGET)
    await cells.owner.execute("insert into papers select i, 'n', 'x' from generate_series(1, 4000) as i")
    await cells.owner.execute(
        "insert into papers select i, 'n', repeat('x', 400000) from generate_series(5000, 5019) as i"
    )
    relay = await cells.relay_session()
    closed = await close_tick(relay)
    assert closed is not None
    ids = []
    async for page in pages(relay, closed.header):
        sizes = [len(change.new or "") for change in page]
        assert sum(sizes[:-1]) < LARGE_BYTES
        ids += [change.key for change in page]
    assert len(ids) == len(set(ids)) == 4020


async def test_pages_of_a_small_tick_are_that_tick(cells: Cells) -> None:
    """Gateways read pages whatever the size; a position must mean the same to all of them."""
    await asyncio.gather(*[scribble(await cells.session(), random.Random(i), 20) for i in range(3)])
    relay = await cells.relay_session()
    closed = await close_tick(relay)
    assert closed is not None
    assert [tuple(page) async for page in read_pages(relay, closed.header)] == [closed.changes]


@pytest.mark.parametrize("count", [LARGE_COUNT - 1, LARGE_COUNT, LARGE_COUNT + 1])
async def test_a_tick_at_the_bound_is_read_whole(cells: Cells, count: int) -> None:
    """Large or not, none of its changes is forgotten."""
    await cells.owner.execute("insert into cells select i, 'n', 0 from generate_series(1, %s) as i", [count])
    relay = await cells.relay_session()
    closed = await close_tick(relay)
    assert closed is not None
    assert closed.header.large == (count > LARGE_COUNT)
    assert len(closed.changes) == (0 if closed.header.large else count)
    assert sum([len(page) async for page in pages(relay, closed.header)]) == count


async def test_headers_are_dense_and_chained(cells: Cells) -> None:
    """Each names the seal before; what is asked for beyond the newest is empty."""
    relay = await cells.relay_session()
    for key in range(KEYS):
        await cells.put(key)
        await close_tick(relay)
    headers = await read_headers(relay, -1, limit=KEYS + 1)
    assert [header.tick for header in headers] == list(range(KEYS + 1))
    assert headers[0].previous_seal == ""
    assert [header.previous_seal for header in headers[1:]] == [header.seal for header in headers[:-1]]
    assert [header.tick for header in await read_headers(relay, 5, limit=2)] == [6, 7]
    assert await read_headers(relay, KEYS, limit=5) == []
    newest = await newest_tick(relay)
    assert (newest.tick, newest.seal) == (KEYS, headers[-1].seal)
    assert await seal_of(relay, KEYS) == headers[-1].seal
    assert await seal_of(relay, KEYS + 1) is None
    assert await read_changes(relay, headers[0]) == ()


async def test_a_trail_that_was_edited_is_not_read_as_if_it_were_whole(cells: Cells) -> None:
    """A page that cannot be filled ends with a sentence and not in a loop."""
    await cells.owner.execute("insert into cells select i, 'n', 0 from generate_series(1, 5000) as i")
    relay = await cells.relay_session()
    closed = await close_tick(relay)
    assert closed is not None
    reading = read_pages(relay, closed.header)
    await anext(reading)
    await cells.owner.execute(by_force("delete from floorcast.change where seq > 2500"))
    with pytest.raises(AssertionError, match="edited"):
        async for _ in reading:
            pass
