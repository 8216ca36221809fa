"""What people say in rooms, in a real Redis: heard in order, behind an id, and kept for a short while only."""

import contextlib
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from floorcast.broadcast import Broadcast, Room
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
