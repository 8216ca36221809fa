"""database/spool.py when there is too much, too many, too slow or nobody there: a clear error, and nothing is left."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from tests.fixtures.observed import Observed
from tests.fixtures.postgres import Connection, Database
from tests.fixtures.proxy import Link
from tests.fixtures.spools import a_request, open_spooler, rows_in, texts_in, whole
from tests.fixtures.time import UNIT

from floorcast.database.pages import PAGE_BYTES, Room
from floorcast.database.picture_request import PictureRequest
from floorcast.database.spool import Spooler
from floorcast.errors import DatabaseUnavailable, PicturesBusy, PictureTooLarge
from floorcast.observe import PictureRead

ROWS = 3000


@pytest.fixture
async def bulky(database: Database) -> Database:
    """A table of about three megabytes of JSON, one of its rows far larger than a page."""
    async with database.owner() as owner:
        await owner.execute("create table bulk (id int primary key, warehouse_id text, text text)")
        await owner.execute("select floorcast.track('bulk')")
        await owner.execute("grant select on bulk to service_role")
        await owner.execute(
            "insert into bulk select n, 'w', repeat('x', case n when 1000 then 50000 else 1000 end)"
            " from generate_series(1, %s) as n",
            [ROWS],
        )
    return database


async def bulk(database: Database) -> PictureRequest:
    """All of it."""
    return await whole(database, "w", "bulk")


async def sessions(connection: Connection) -> list[str]:
    """What those who read pictures are doing."""
    cursor = await connection.execute(
        "select case wait_event_type when 'Lock' then 'waits' else state end from pg_stat_activity"
        " where application_name = 'floorcast spool' and datname = current_database()"
    )
    return [state for (state,) in await cursor.fetchall()]


async def until(connection: Connection, holds: Callable[[list[str]], bool]) -> None:
    """Return when something is true of those sessions."""
    async with asyncio.timeout(10 * UNIT):
        while True:
            if holds(await sessions(connection)):
                return
            await asyncio.sleep(0)


def waits(states: list[str]) -> bool:
    """One of them does, for its lock."""
    return "waits" in states


def rest(states: list[str]) -> bool:
    """None of them does anything, or is in a transaction."""
    return set(states) <= {"idle"}


@asynccontextmanager
async def locked(database: Database) -> AsyncIterator[Connection]:
    """Nobody can read the table meanwhile; gives a session beside the one that keeps it."""
    async with database.owner() as keeper, database.owner() as owner, keeper.transaction():
        await keeper.execute("lock table bulk in access exclusive mode")
        yield owner


def temporary_files() -> int:
    """How many nameless files this process has open."""
    found = 0
    for file in Path("/proc/self/fd").iterdir():
        # The one that lists them is among them, and gone.
        with suppress(FileNotFoundError):
            found += "(deleted)" in str(file.readlink())
    return found


async def can_read(spooler: Spooler, database: Database) -> bool:
    """Whether all is well again."""
    with await spooler.read(await bulk(database)) as spool:
        return len(rows_in(spool)["bulk"]) == ROWS


async def test_what_does_not_fit_into_memory_waits_in_a_file(bulky: Database) -> None:
    """The same rows in the same order, for several readers at once, in chunks of any size; and then it is gone."""
    before = temporary_files()
    room = Room(64 * 2**20, 500_000)
    request = await bulk(bulky)
    async with open_spooler(bulky) as in_memory, open_spooler(bulky, room=room) as in_file:
        with await in_memory.read(request) as expected, await in_file.read(request) as spool:
            assert (room.held, room.in_memory <= 500_000, temporary_files()) == (spool.size, True, before + 1)
            texts = texts_in(expected)
            other = spool.share()
            readers = [spool.chunks(1), other.chunks(100_000), spool.chunks(10**9)]
            first = [next(reader) for reader in readers]
            other.close()
            read = [[first[number], *reader] for number, reader in enumerate(readers)]
            for chunks in read:
                assert b",".join(rows for _, rows in chunks).decode() == ",".join(texts["bulk"])
            assert all(len(rows) <= 100_000 for _, rows in read[1])
            assert sorted(len(rows) for _, rows in read[0])[-2] <= PAGE_BYTES
            assert len(read[2]) == 1
    assert temporary_files() == before


async def test_a_picture_holds_no_connection_once_it_is_read(bulky: Database) -> None:
    """However slow its reader is: no transaction that keeps old rows alive."""
    async with open_spooler(bulky) as spooler, bulky.owner() as owner:
        with await spooler.read(await bulk(bulky)) as spool:
            reading = spool.chunks(10_000)
            next(reading)
            assert set(await sessions(owner)) == {"idle"}
            assert len(list(reading)) > 10


async def test_a_picture_that_is_too_large_is_refused(bulky: Database) -> None:
    """Its own bound, not that of all; and the session goes on with the next."""
    async with open_spooler(bulky, most_bytes=1_000_000, connections=1) as spooler, bulky.owner() as owner:
        with pytest.raises(PictureTooLarge, match="1,000,000"):
            await spooler.read(await bulk(bulky))
        assert await sessions(owner) == ["idle"]
        with await spooler.read(await whole(bulky, "w", "bulk", columns=("id",))) as spool:
            assert len(rows_in(spool)["bulk"]) == ROWS


async def test_all_pictures_together_are_bounded(bulky: Database) -> None:
    """Who finds no room is told to come later, and finds it when others are done."""
    async with open_spooler(bulky, room=Room(5_000_000, 5_000_000)) as spooler:
        with await spooler.read(await bulk(bulky)) as first:
            with pytest.raises(PicturesBusy, match="room"):
                await spooler.read(await bulk(bulky))
            assert len(rows_in(first)["bulk"]) == ROWS
        assert await can_read(spooler, bulky)


async def test_only_so_many_wait_and_nobody_longer_than_promised(bulky: Database) -> None:
    """One reads, one waits, the next is refused at once; no statement goes on without anybody who wants it."""
    request = await bulk(bulky)
    async with open_spooler(bulky, connections=1, waiting=1, seconds=UNIT) as spooler:
        async with locked(bulky) as owner:
            first = asyncio.create_task(spooler.read(request))
            await until(owner, waits)
            second = asyncio.create_task(spooler.read(request))
            await asyncio.sleep(0)
            with pytest.raises(PicturesBusy, match="wait"):
                await spooler.read(request)
            outcomes = await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), 10 * UNIT)
            assert type(outcomes[0]) is DatabaseUnavailable
            assert type(outcomes[1]) in (PicturesBusy, DatabaseUnavailable)
            await until(owner, rest)
        assert await can_read(spooler, bulky)


async def test_who_goes_away_leaves_nothing_behind(bulky: Database) -> None:
    """Neither while waiting for a turn nor while reading nor when it is just done."""
    request = await bulk(bulky)
    async with open_spooler(bulky, connections=1) as spooler:
        async with locked(bulky) as owner:
            reading = asyncio.create_task(spooler.read(request))
            await until(owner, waits)
            waiting = asyncio.create_task(spooler.read(request))
            await asyncio.sleep(0)
            for task in (waiting, reading):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            await until(owner, rest)
        # At any moment of a read that would succeed, writing its file included.
        spooler._room.memory_bytes, patience, task = 0, 0, None
        while task is None or task.cancelled():
            task, patience = asyncio.create_task(spooler.read(request)), patience + 7 + patience // 8
            turns = 0
            while turns < patience and not task.done():
                turns += 1
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
        task.result().close()
        assert patience > 100
        assert await can_read(spooler, bulky)


async def test_a_session_that_ends_is_an_error_and_not_half_a_picture(bulky: Database, observed: Observed) -> None:
    """And is replaced by the next."""
    request = await bulk(bulky)
    async with open_spooler(bulky) as spooler, bulky.owner() as other:
        async with locked(bulky) as owner:
            reading = asyncio.create_task(spooler.read(request))
            await until(owner, waits)
            await other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'floorcast spool'"
                " and datname = current_database()"
            )
            with pytest.raises(DatabaseUnavailable):
                await reading
        assert not observed.of(PictureRead)
        assert await can_read(spooler, bulky)
        (read,) = observed.of(PictureRead)
        assert read.size_bytes > 3_000_000


async def test_a_postgres_that_is_away_is_said(bulky: Database) -> None:
    """At once, not after everybody's patience."""
    port = psycopg.conninfo.conninfo_to_dict(bulky.service_url)["port"]
    away = bulky.service_url.replace(f":{port}/", ":1/")
    async with open_spooler(bulky, url=away, seconds=0.5) as spooler:
        with pytest.raises(DatabaseUnavailable):
            await spooler.read(a_request(warehouse="w"))


async def test_a_network_that_falls_silent_costs_no_more_than_the_deadline(bulky: Database) -> None:
    """Nothing is reset, nothing answers; who asks is told in time, and all goes on when the cable is back."""
    async with Link(bulky.service_url) as link:
        await link.heal()
        async with open_spooler(bulky, url=link.url, seconds=UNIT, connections=1) as spooler:
            async with locked(bulky) as owner:
                reading = asyncio.create_task(spooler.read(await bulk(bulky)))
                await until(owner, waits)
                link.freeze()
                with pytest.raises(DatabaseUnavailable):
                    await asyncio.wait_for(reading, 5 * UNIT)
                # Its turn is not free before its session is given up; another one would not be answered either.
                with pytest.raises((PicturesBusy, DatabaseUnavailable)):
                    await asyncio.wait_for(spooler.read(await bulk(bulky)), 5 * UNIT)
                await link.heal()
                await until(owner, rest)
            # The session goes, or is found to be gone, and another comes.
            async with asyncio.timeout(20 * UNIT):
                while True:
                    with suppress(DatabaseUnavailable, PicturesBusy):
                        assert await can_read(spooler, bulky)
                        break


async def test_a_spooler_that_is_closed_keeps_nobody(bulky: Database) -> None:
    """Who reads and who waits is told; nothing hangs."""
    request = await bulk(bulky)
    async with locked(bulky) as owner:
        async with open_spooler(bulky, connections=1) as spooler:
            reads = [asyncio.create_task(spooler.read(request)) for _ in range(3)]
            await until(owner, waits)
        outcomes = await asyncio.wait_for(asyncio.gather(*reads, return_exceptions=True), 10 * UNIT)
        assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 3
        await until(owner, lambda states: not states)
