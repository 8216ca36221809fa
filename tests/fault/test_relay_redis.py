"""Redis is a cache that can be thrown away: emptied, restarted, restored, frozen; the stream goes on all the same."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from tests.fixtures.cells import Cells, scribble
from tests.fixtures.observed import Observed
from tests.fixtures.relay import Receiver, Stream, running, stream_of
from tests.fixtures.tampering import by_force
from tests.fixtures.time import UNIT

from floorcast.embedded.redis import EmbeddedRedis
from floorcast.observe import (
    FeedRestarted,
    IncarnationBegan,
    LeadershipLost,
    LeadershipTaken,
    StreamBack,
    StreamLost,
    TickClosed,
)


@pytest.fixture
async def own_stream(cells: Cells, own_redis: EmbeddedRedis) -> AsyncIterator[Stream]:
    """A stream over a Redis of its own."""
    async with stream_of(cells, own_redis.url) as made:
        yield made


@contextlib.asynccontextmanager
async def load(stream: Stream, receiver: Receiver, *, writers: int = 3) -> AsyncIterator[None]:
    """Writers and a receiver at work meanwhile; afterwards everything is compared."""
    sessions = [await stream.cells.session() for _ in range(writers)]
    writing = [
        asyncio.create_task(scribble(session, random.Random(seed), 100_000)) for seed, session in enumerate(sessions)
    ]
    following = asyncio.create_task(receiver.until(2**62, within=120 * UNIT))
    try:
        yield
    finally:
        for task in (*writing, following):
            task.cancel()
        await asyncio.wait((*writing, following))
    if following.done() and not following.cancelled():
        following.result()
    await stream.drained(receiver)
    await stream.check_feed()
    await stream.check_receiver(receiver)


async def some_ticks(observed: Observed, count: int = 5) -> None:
    """Wait for ticks to go on being closed."""
    for _ in range(count):
        await observed.wait_for(TickClosed, within=10 * UNIT)


async def test_a_redis_that_restarts_empty_is_filled_again(
    own_stream: Stream, own_redis: EmbeddedRedis, observed: Observed
) -> None:
    """Ticks are closed all the while; the feed begins anew, and readers get the rest from Postgres."""
    receiver = await own_stream.receiver()
    async with running(own_stream.relay()), load(own_stream, receiver):
        await some_ticks(observed)
        own_redis.kill()
        await observed.wait_for(StreamLost)
        await some_ticks(observed)
        await asyncio.to_thread(own_redis.start)
        await observed.wait_for(StreamBack)
        await some_ticks(observed)
    assert receiver.incarnations == [receiver.incarnation]
    assert observed.of(LeadershipLost) == []


async def test_flushall_under_load_costs_no_tick(stream: Stream, observed: Observed) -> None:
    """Again and again, at any moment of a publication; FLUSHDB here, since other tests share the server."""
    receiver = await stream.receiver()
    client = redis.asyncio.Redis.from_url(stream.redis_url)
    async with running(stream.relay()), load(stream, receiver):
        for _ in range(8):
            await some_ticks(observed, 3)
            await client.flushdb()
    await client.aclose()
    assert receiver.incarnations == [receiver.incarnation]
    assert observed.of(LeadershipLost) == []


async def test_a_redis_restored_from_yesterday_is_repaired(
    own_stream: Stream, own_redis: EmbeddedRedis, observed: Observed
) -> None:
    """It is at an older tick of the same history: what it lacks is published again, in order, with no new history."""
    receiver = await own_stream.receiver()
    client = redis.asyncio.Redis.from_url(own_redis.url)
    async with running(own_stream.relay()), load(own_stream, receiver):
        await some_ticks(observed)
        await client.save()
        await some_ticks(observed, 20)
        own_redis.kill()
        await observed.wait_for(StreamLost)
        await asyncio.to_thread(own_redis.start)
        await observed.wait_for(StreamBack)
        await some_ticks(observed)
    await client.aclose()
    held = await own_stream.entries()
    assert held[0].tick <= 2
    assert len(held) == await own_stream.newest() - held[0].tick + 1
    assert [event for event in observed.of(FeedRestarted) if event.tick > 1] == []
    assert observed.of(IncarnationBegan) == []


async def test_a_frozen_redis_neither_stops_the_ticks_nor_costs_the_lead(
    own_stream: Stream, own_redis: EmbeddedRedis, observed: Observed
) -> None:
    """Calls end in time, signs of life go on, and what was in flight when it froze is not published twice."""
    receiver = await own_stream.receiver()
    standby = own_stream.relay()
    assert own_redis.pid is not None
    async with running(own_stream.relay()):
        await observed.wait_for(LeadershipTaken)
        async with running(standby), load(own_stream, receiver):
            await some_ticks(observed)
            os.kill(own_redis.pid, signal.SIGSTOP)
            try:
                await observed.wait_for(StreamLost)
                await some_ticks(observed, 2)
            finally:
                os.kill(own_redis.pid, signal.SIGCONT)
            await observed.wait_for(StreamBack)
            await some_ticks(observed)
    assert len(observed.of(LeadershipTaken)) == 1
    assert observed.of(LeadershipLost) == []


async def test_without_redis_a_relay_leads_all_the_same(
    own_stream: Stream, own_redis: EmbeddedRedis, observed: Observed
) -> None:
    """It begins while Redis is away: ticks are durable, and published when it comes."""
    own_redis.kill()
    receiver = await own_stream.receiver()
    async with running(own_stream.relay()):
        await own_stream.cells.put(1)
        await observed.wait_for(TickClosed)
        await asyncio.to_thread(own_redis.start)
        await own_stream.cells.put(2)
        await own_stream.drained(receiver)
    await own_stream.check_receiver(receiver)
    await own_stream.check_feed()


async def test_a_full_redis_is_filled_on_when_there_is_room(
    own_stream: Stream, own_redis: EmbeddedRedis, observed: Observed
) -> None:
    """`noeviction` refuses the write and keeps what is there; nothing is dropped in secret."""
    receiver = await own_stream.receiver()
    client = redis.asyncio.Redis.from_url(own_redis.url)
    async with running(own_stream.relay()), load(own_stream, receiver):
        await some_ticks(observed)
        await client.config_set("maxmemory", 1)
        await observed.wait_for(StreamLost)
        await some_ticks(observed)
        await client.config_set("maxmemory", 0)
        await observed.wait_for(StreamBack)
        await some_ticks(observed)
    await client.aclose()
    assert (await own_stream.check_feed())[0].tick <= 2
    assert observed.of(LeadershipLost) == []


@pytest.mark.usefixtures("quick_election")
async def test_another_history_under_the_same_tick_numbers_is_told_apart(stream: Stream, observed: Observed) -> None:
    """A copy of the database went its own way: same incarnation row, same numbers, other seals."""
    cells, receiver = stream.cells, await stream.receiver()
    async with running(stream.relay()):
        for key in range(3):
            await cells.put(key)
            await stream.drained(receiver)
    # The copy's past: this database at tick 1, and then two ticks of its own.
    await cells.owner.execute(
        by_force("delete from floorcast.tick where tick > 1", "delete from floorcast.change where key ->> 'id' <> '0'")
    )
    for key in (7, 8):
        await cells.put(key, 7)
        await cells.owner.execute("select floorcast.close_tick(2000, 1048576)")
    assert await stream.newest() == 3
    observed.forget()
    other = await stream.receiver()
    async with running(stream.relay()):
        began = await observed.wait_for(IncarnationBegan)
        await cells.put(9)
        await stream.drained(other)
    assert began.incarnation != receiver.incarnation
    assert [entry.incarnation for entry in await stream.check_feed()] == [began.incarnation] * 2
    cursor = await cells.owner.execute("select count(*) from floorcast.incarnation")
    assert await cursor.fetchone() == (2,)


@pytest.mark.usefixtures("quick_election")
async def test_a_tick_that_postgres_lost_begins_a_new_history(stream: Stream, observed: Observed) -> None:
    """A failover without the last commits: Redis and gateways know a tick that never was. Its number is used again."""
    receiver = await stream.receiver()
    async with running(stream.relay()):
        for key in range(3):
            await stream.cells.put(key)
            await stream.drained(receiver)
    await stream.cells.owner.execute(
        by_force("delete from floorcast.tick where tick = 3", "delete from floorcast.change where key ->> 'id' = '2'")
    )
    observed.forget()
    async with running(stream.relay()):
        await observed.wait_for(IncarnationBegan)
        await observed.wait_for(FeedRestarted)
    await stream.check_feed()
