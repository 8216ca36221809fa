"""Progress says: all that had committed before T is in the ticks up to P. It must be true whatever fails meanwhile.

While all is well: `flow/test_relay_feed.py`.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
import redis.asyncio
from tests.fixtures.observed import Observed
from tests.fixtures.relay import Stream, running
from tests.fixtures.time import UNIT

from floorcast.errors import StreamUnavailable
from floorcast.observe import LeadershipLost, LeadershipTaken, TickPublished
from floorcast.position import Position
from floorcast.relay import leadership
from floorcast.relay import relay as module
from floorcast.relay.publication import Publication
from floorcast.stream.entry import FeedProgress, FeedTick
from floorcast.stream.feed import FeedReader

pytestmark = pytest.mark.usefixtures("quick_election", "always")

END_LEADER = (
    "select pg_terminate_backend(l.pid) from pg_locks as l where l.locktype = 'advisory' and l.granted"
    " and l.database = (select oid from pg_database where datname = current_database())"
    " and ((l.classid::bigint << 32) | l.objid::bigint) = floorcast.leader_lock()"
)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress behind every read, not once a second: each is a chance to lie."""
    monkeypatch.setattr(module, "SIGN_SECONDS", 0.0)


class Scribe:
    """Notes who committed when, and what progress said."""

    def __init__(self, stream: Stream) -> None:
        """Nothing yet."""
        self._stream = stream
        # Transaction → when it had committed for sure, by the clock of this machine, which is the server's.
        self.committed: dict[str, datetime] = {}
        self.heard: set[tuple[int, str]] = set()

    @contextlib.asynccontextmanager
    async def at_work(self, writers: int = 4) -> AsyncIterator[None]:
        """Write and listen meanwhile; then judge."""
        async with AsyncExitStack() as stack:
            for seed in range(writers):
                stack.push_async_callback(_end, asyncio.create_task(self._write(seed)))
            listening = asyncio.create_task(self._listen())
            stack.push_async_callback(_end, listening)
            yield
        await self.judge()

    async def judge(self) -> None:
        """Compare every claim with every transaction."""
        cursor = await self._stream.connection.execute(
            "select x, floorcast.tick_of(x::xid8) from unnest(%s::text[]) as x", [list(self.committed)]
        )
        ticks = {xid: tick for xid, tick in await cursor.fetchall() if tick is not None}
        assert len(self.heard) > 20
        assert len(ticks) > 100
        for tick, at in self.heard:
            before = datetime.fromisoformat(at)
            late = [xid for xid, found in ticks.items() if found > tick and self.committed[xid] < before]
            assert late == [], (tick, at)

    async def _write(self, seed: int) -> None:
        session, chance = await self._stream.cells.session(), random.Random(seed)
        while True:
            async with session.transaction():
                await self._stream.cells.put(chance.randrange(1000), chance.randrange(10**6), connection=session)
                cursor = await session.execute("select pg_current_xact_id()::text")
                (xid,) = await cursor.fetchone() or ("",)
            self.committed[xid] = datetime.now(UTC)

    async def _listen(self) -> None:
        """Hear as much as can be heard, again and again: a Redis that was restored says old things anew."""
        reader, after = FeedReader(self._stream.redis_url), Position(0)
        try:
            while True:
                with contextlib.suppress(StreamUnavailable):
                    newest = await reader.newest()
                    entries = [] if newest is None else await reader.read(newest.incarnation, after, wait_seconds=0.02)
                    self.heard |= {(entry.tick, entry.at) for entry in entries if isinstance(entry, FeedProgress)}
                    after = entries[-1].position if entries else Position(max(0, newest.tick - 1 if newest else 0))
        finally:
            await reader.aclose()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()


async def test_progress_is_true_while_leaders_are_ended_and_redis_is_emptied_and_restored(
    stream: Stream, observed: Observed
) -> None:
    """A leader that was ended says what it had found before; a Redis from an old file says it a second time."""
    client = redis.asyncio.Redis.from_url(stream.redis_url)
    chance = random.Random(11)
    file: dict[bytes, bytes] = {}
    async with running(stream.relay()), running(stream.relay()), Scribe(stream).at_work():
        for _ in range(8):
            await observed.wait_for(LeadershipTaken, within=20 * UNIT)
            for _ in range(chance.randrange(4, 12)):
                await observed.wait_for(TickPublished, within=20 * UNIT)
            match chance.randrange(3):
                case 0:
                    await client.flushdb()
                case 1:
                    file = {key: await client.dump(key) for key in await client.keys()}
                case 2:
                    await client.flushdb()
                    for key, dump in file.items():
                        await client.restore(key, 0, dump)
            await stream.connection.execute(END_LEADER)
            await observed.wait_for(LeadershipLost, within=20 * UNIT)
    await client.aclose()


async def test_a_redis_restored_while_all_is_quiet_is_not_told_that_it_has_everything(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tick comes that would be refused: progress itself must notice that what it speaks of is not there."""
    monkeypatch.setattr(module, "SAFETY_SECONDS", 0.002)
    client = redis.asyncio.Redis.from_url(stream.redis_url)
    async with running(stream.relay()):
        await stream.cells.put(1)
        await stream.published(1)
        file = {key: await client.dump(key) for key in await client.keys()}
        for key in (2, 3, 4):
            await stream.cells.put(key)
            await stream.published(key)
        restored = datetime.now(UTC)
        async with client.pipeline(transaction=True) as pipeline:
            pipeline.flushdb()
            for key, dump in file.items():
                pipeline.restore(key, 0, dump)
            await pipeline.execute()
        await stream.published(4)
    reader = FeedReader(stream.redis_url)
    newest = await reader.newest()
    assert newest is not None
    for entry in await reader.read(newest.incarnation, Position(1), wait_seconds=0.001):
        assert entry.tick == 4 or isinstance(entry, FeedTick) or datetime.fromisoformat(entry.at) < restored
    await reader.aclose()
    await client.aclose()


async def test_a_leader_that_stops_before_it_speaks_says_nothing_false_when_it_wakes(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claim is refused where another has led on, and is true where nothing has happened."""
    progress, stopped, go_on = Publication.progress, asyncio.Event(), asyncio.Event()

    async def stop_once(publication: Publication, at: str) -> None:
        if not stopped.is_set() and len(observed.of(TickPublished)) > 5:
            stopped.set()
            await go_on.wait()
        await progress(publication, at)

    monkeypatch.setattr(Publication, "progress", stop_once)
    async with running(stream.relay()), Scribe(stream).at_work(), running(stream.relay()):
        await stopped.wait()
        await stream.connection.execute(END_LEADER)
        await observed.wait_for(LeadershipTaken, lambda _: len(observed.of(LeadershipTaken)) > 1)
        for _ in range(5):
            await observed.wait_for(TickPublished, within=20 * UNIT)
        go_on.set()
        await observed.wait_for(LeadershipLost)
        for _ in range(30):
            await observed.wait_for(TickPublished, within=20 * UNIT)


async def test_a_clock_that_is_set_back_stops_neither_ticks_nor_progress(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ticks go by snapshots. Progress goes on with what the clock says now: too little for an hour, never too much."""
    scribe = Scribe(stream)
    earlier = leadership._QUERIES["sign_of_life"].replace(
        b"clock_timestamp()", b"clock_timestamp() - interval '1 hour'"
    )
    assert earlier != leadership._QUERIES["sign_of_life"]
    async with running(stream.relay()), scribe.at_work():
        for _ in range(20):
            await observed.wait_for(TickPublished, within=20 * UNIT)
        heard = len(scribe.heard)
        monkeypatch.setattr(leadership, "_QUERIES", {**leadership._QUERIES, "sign_of_life": earlier})
        for _ in range(20):
            await observed.wait_for(TickPublished, within=20 * UNIT)
        assert len(scribe.heard) > heard
    assert observed.of(LeadershipLost) == []
