"""What people say in rooms, in a real Redis: heard in order, behind an id, and kept for a short while only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis.asyncio
from tests.fixtures.time import UNIT

from floorcast.broadcast import Broadcast, Room
from floorcast.gateway.channels.crossing import Crossing
from floorcast.stream import keys
from floorcast.stream.broadcasts import KEPT_SECONDS, MOST_KEPT, BroadcastLine, Envelope

SAID = (
    Broadcast(Room("a:b", private=True), "e", b'{"n":1.50}', text=True),
    Broadcast(Room("ü", private=False), "", b"\x00\xff", binary=True, meta=b"{}"),
)


@pytest.fixture
async def line(redis_url: str) -> AsyncIterator[BroadcastLine]:
    """One gateway's connections."""
    async with contextlib.aclosing(BroadcastLine(redis_url)) as opened:
        yield opened


async def test_what_is_said_is_heard_as_it_was_said(line: BroadcastLine) -> None:
    """In order; and who begins with the newest hears what comes behind it."""
    assert await line.newest() == "0-0"
    first, second = [Envelope("g", number, said) for number, said in enumerate(SAID, 1)]
    await line.say([first])
    newest = await line.newest()
    await line.say([second])
    heard = await line.hear("0-0", wait_seconds=0.001)
    assert [envelope for _, envelope in heard] == [first, second]
    assert await line.hear(newest, wait_seconds=0.001) == heard[1:]
    assert await line.hear(heard[1][0], wait_seconds=0.001) == []


async def test_little_is_kept_and_not_for_long(line: BroadcastLine, redis_url: str) -> None:
    """By number, by bytes and by age: a quiet stream goes away whole."""
    async with contextlib.aclosing(redis.asyncio.Redis.from_url(redis_url)) as client:
        await client.xadd(keys.BROADCASTS, {"old": "1"}, id="1-1")
        await line.say([Envelope("g", 1, SAID[0])])
        assert await client.xlen(keys.BROADCASTS) == 1
        assert 0 < await client.ttl(keys.BROADCASTS) <= KEPT_SECONDS
        for _ in range(3):
            await line.say([Envelope("g", 1, SAID[0])] * MOST_KEPT)
        assert await client.xlen(keys.BROADCASTS) < 1.2 * MOST_KEPT
        await line.say([Envelope("g", 1, Broadcast(SAID[0].room, "e", b"x" * 1_000_000))])
        assert await client.xlen(keys.BROADCASTS) < 0.3 * MOST_KEPT


FUTURE = "9999999999999-1"


async def test_a_clock_that_is_set_back_makes_nobody_deaf(line: BroadcastLine, redis_url: str) -> None:
    """A quiet stream goes away; the next one counts from the clock as it is, behind what was heard last."""
    heard: asyncio.Queue[Broadcast] = asyncio.Queue()
    rooms: Any = SimpleNamespace(say=heard.put_nowait, carry=None)
    async with contextlib.aclosing(redis.asyncio.Redis.from_url(redis_url)) as client:
        await client.xadd(keys.BROADCASTS, {"old": "1"}, id=FUTURE)
        listening = asyncio.create_task(Crossing(rooms, line).run())
        try:
            async with asyncio.timeout(10 * UNIT):
                said = None
                while said is None:
                    # Until it listens.
                    await line.say([Envelope("other", 1, SAID[0])])
                    with contextlib.suppress(asyncio.QueueEmpty):
                        said = heard.get_nowait()
                    await asyncio.sleep(0)
                await client.delete(keys.BROADCASTS)
                await line.say([Envelope("other", 2, SAID[1])])
                assert await heard.get() == SAID[1]
        finally:
            listening.cancel()
            await asyncio.wait({listening})


async def test_a_clock_that_is_set_back_keeps_nothing_for_longer(line: BroadcastLine, redis_url: str) -> None:
    """What is older than is kept goes with the next that is said."""
    async with contextlib.aclosing(redis.asyncio.Redis.from_url(redis_url)) as client:
        await client.xadd(keys.BROADCASTS, {"old": "1"}, id=FUTURE)
        await line.say([Envelope("g", 1, SAID[0])])
        await client.delete(keys.BROADCASTS)
        await client.xadd(keys.BROADCASTS, {"old": "1"}, id="1-1")
        await line.say([Envelope("g", 2, SAID[0])])
        assert await client.xlen(keys.BROADCASTS) == 1
