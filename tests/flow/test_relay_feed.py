"""A change in, a feed entry out: the relay between real servers, when nothing goes wrong."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from tests.fixtures.cells import scribble
from tests.fixtures.observed import Observed
from tests.fixtures.relay import Stream, running
from tests.fixtures.time import UNIT

from floorcast.database.ticks import close_tick
from floorcast.errors import StreamUnavailable
from floorcast.observe import FeedRepaired, FeedRestarted, LeadershipLost, LeadershipTaken, TickPublished
from floorcast.position import Position
from floorcast.stream.entry import FeedProgress
from floorcast.stream.feed import FeedPublisher, FeedReader
from floorcast.tick import LARGE_COUNT


async def test_the_feed_is_the_trail(stream: Stream) -> None:
    """Every tick once, with what it brings to each warehouse, under random writers."""
    receiver = await stream.receiver()
    async with running(stream.relay()):
        await asyncio.gather(*[scribble(await stream.cells.session(), random.Random(i), 60) for i in range(4)])
        await stream.drained(receiver)
    await stream.check_receiver(receiver)
    held = await stream.check_feed()
    assert len(held) == len(receiver.ticks) == receiver.from_feed


async def test_what_happened_while_no_relay_ran_comes_as_one_tick(stream: Stream) -> None:
    """Nothing waits for a relay but the feed."""
    await scribble(await stream.cells.session(), random.Random(1), 50)
    receiver = await stream.receiver()
    async with running(stream.relay()):
        await stream.drained(receiver)
    assert await stream.newest() == 1
    await stream.check_receiver(receiver)


async def test_a_huge_transaction_is_a_marker_and_its_neighbours_are_whole(stream: Stream, observed: Observed) -> None:
    """Readers page through it from Postgres, in its place."""
    receiver = await stream.receiver()
    async with running(stream.relay()):
        await observed.wait_for(LeadershipTaken)
        await stream.cells.put(1)
        # A tick that was published may be an earlier one, and the two transactions would be in the next together.
        await stream.drained(receiver)
        await stream.cells.owner.execute(
            "insert into cells select i, 'south', 0 from generate_series(1000, %s) as i", [1000 + LARGE_COUNT]
        )
        await observed.wait_for(TickPublished, lambda event: event.large)
        await stream.cells.put(2)
        await stream.drained(receiver)
    held = await stream.check_feed()
    assert [entry.large for entry in held if entry.count] == [False, True, False]
    assert [len(entry.operations) for entry in held if entry.large] == [0]
    await stream.check_receiver(receiver)


async def test_a_feed_that_lags_is_repaired_tick_by_tick(stream: Stream, observed: Observed) -> None:
    """The relay before closed ticks and published none of them; the feed has all of them, and began nowhere anew."""
    async with running(stream.relay()):
        await observed.wait_for(LeadershipTaken)
        await stream.cells.put(0)
        await observed.wait_for(TickPublished, lambda event: event.tick == 1)
    for key in range(150):
        await stream.cells.put(key, 1)
        await stream.connection.execute("select floorcast.close_tick(2000, 1048576)")
    observed.forget()
    async with running(stream.relay()):
        assert await observed.wait_for(FeedRepaired) == FeedRepaired(2, 151)
    assert [entry.tick for entry in await stream.check_feed()] == list(range(1, 152))


async def test_a_feed_that_lags_too_far_begins_anew(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past a bound it is less work for everybody; readers are not fooled by the gap."""
    monkeypatch.setattr("floorcast.relay.publication.REPAIR_TICKS", 20)
    receiver = await stream.receiver()
    async with running(stream.relay()):
        await stream.cells.put(0)
        await stream.drained(receiver)
    for key in range(30):
        await stream.cells.put(key, 1)
        await stream.connection.execute("select floorcast.close_tick(2000, 1048576)")
    async with running(stream.relay()):
        restarted = await observed.wait_for(FeedRestarted, lambda event: event.tick > 0)
        await stream.drained(receiver)
    assert restarted.tick == 31
    assert [entry.tick for entry in await stream.check_feed()] == [31]
    await stream.check_receiver(receiver)


async def test_a_restart_of_the_relay_keeps_the_feed(stream: Stream, observed: Observed) -> None:
    """Deployments are every day; no cursor may end by one."""
    receiver = await stream.receiver()
    for key in range(4):
        async with running(stream.relay()):
            await stream.cells.put(key)
            await stream.drained(receiver)
    assert [event for event in observed.of(FeedRestarted) if event.tick > 0] == []
    assert receiver.incarnations == [receiver.incarnation]
    await stream.check_receiver(receiver)


async def test_progress_never_promises_too_much(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that had committed before its time is in the ticks up to it, however busy it is and whoever stays open."""
    monkeypatch.setattr("floorcast.relay.relay.SIGN_SECONDS", 0.0)
    commits: list[tuple[datetime, int]] = []

    async def write(seed: int) -> None:
        session = await stream.cells.session()
        for n in range(80):
            key = seed * 1000 + n
            await stream.cells.put(key, connection=session)
            # By the time that the answer is here, it has committed.
            cursor = await session.execute("select clock_timestamp()")
            row = await cursor.fetchone()
            assert row is not None
            commits.append((row[0], key))

    heard: list[FeedProgress] = []

    async def listen() -> None:
        reader = FeedReader(stream.redis_url)
        receiver = await stream.receiver()
        after = Position(0)
        try:
            while True:
                for entry in await reader.read(receiver.incarnation, after, wait_seconds=0.1):
                    after = entry.position
                    if isinstance(entry, FeedProgress):
                        heard.append(entry)
        finally:
            await reader.aclose()

    receiver = await stream.receiver()
    async with running(stream.relay()):
        listening = asyncio.create_task(listen())
        await asyncio.gather(*map(write, range(4)))
        await stream.drained(receiver)
        listening.cancel()
        await asyncio.wait({listening})
    tick_of = {
        orjson.loads(operation.key)["id"]: tick
        for tick, operations in receiver.ticks.items()
        for operation in operations
    }
    assert len(heard) > 5
    for progress in heard:
        at = datetime.fromisoformat(progress.at)
        late = [key for committed, key in commits if committed < at and tick_of[key] > progress.tick]
        assert late == []


async def test_a_tick_that_could_not_be_published_holds_progress_back(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is durable and not in the feed: to say that all until now is there would be a lie about just that tick."""
    async with running(stream.relay()):
        await stream.cells.put(1)
        await observed.wait_for(TickPublished, lambda event: event.tick == 1)
        publish = FeedPublisher.publish
        failures = iter([StreamUnavailable("for once")])

        async def fail_once(*arguments: Any, **named: Any) -> None:
            if (failure := next(failures, None)) is not None:
                raise failure
            await publish(*arguments, **named)

        monkeypatch.setattr(FeedPublisher, "publish", fail_once)
        await stream.cells.put(2)
        cursor = await stream.connection.execute("select clock_timestamp()")
        row = await cursor.fetchone()
        assert row is not None
        await stream.published(2)
    reader = FeedReader(stream.redis_url)
    newest = await reader.newest()
    assert newest is not None
    for entry in await reader.read(newest.incarnation, Position(1), wait_seconds=0.1):
        assert entry.tick == 2 or datetime.fromisoformat(entry.at) < row[0]
    await reader.aclose()


async def test_a_tick_that_somebody_else_closed_is_published_and_no_progress_said_before(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock was lost and its session was not, so it has a rival; where one dies half-way, the other sees nothing."""
    async with running(stream.relay()):
        await stream.cells.put(1)
        await observed.wait_for(TickPublished, lambda event: event.tick == 1)

        async def let_the_rival_close(_: object) -> None:
            await close_tick(stream.connection)

        monkeypatch.setattr("floorcast.relay.relay.close_tick", let_the_rival_close)
        await stream.cells.put(2)
        cursor = await stream.connection.execute("select clock_timestamp()")
        row = await cursor.fetchone()
        assert row is not None
        await observed.wait_for(TickPublished, lambda event: event.tick == 2)
    assert observed.of(LeadershipLost) == []
    reader = FeedReader(stream.redis_url)
    newest = await reader.newest()
    assert newest is not None
    for entry in await reader.read(newest.incarnation, Position(1), wait_seconds=0.1):
        assert entry.tick == 2 or datetime.fromisoformat(entry.at) < row[0]
    await reader.aclose()


async def test_a_quiet_relay_says_every_second_that_it_is_there(stream: Stream, observed: Observed) -> None:
    """So that a screen can tell quiet from stale."""
    reader = FeedReader(stream.redis_url)
    async with running(stream.relay()):
        await observed.wait_for(LeadershipTaken)
        newest = await reader.newest()
        assert newest is not None
        heard: list[str] = []
        after = Position(newest.tick, 0)
        async with asyncio.timeout(10 * UNIT):
            while len(heard) < 2:
                for entry in await reader.read(newest.incarnation, after, wait_seconds=1):
                    assert isinstance(entry, FeedProgress)
                    after = entry.position
                    heard.append(entry.at)
    await reader.aclose()
    first, second = (datetime.fromisoformat(at) for at in heard[:2])
    assert timedelta(0) < second - first < timedelta(seconds=3 * UNIT)
    assert abs(datetime.now(UTC) - second) < timedelta(seconds=10 * UNIT)
