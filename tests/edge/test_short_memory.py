"""What is remembered of joinings, on a real Redis."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from floorcast.errors import StreamUnavailable
from floorcast.stream.memory import Mark, Recalled, ShortMemory


@pytest.fixture
async def memory(redis_url: str) -> AsyncIterator[ShortMemory]:
    """One that has room for three joinings of a name, and for two names."""
    async with contextlib.aclosing(ShortMemory(redis_url, most_joinings=3, most_names=2)) as opened:
        yield opened


def a_mark(joining: str, tick: int, **vary: object) -> Mark:
    """Where somebody is."""
    return replace(Mark("name", joining, "first", tick, 60.0), **vary)  # type: ignore[arg-type]


def at(tick: int, incarnation: str = "first") -> Recalled:
    """The earliest place of others."""
    return Recalled(place=(incarnation, tick))


async def test_who_enters_is_told_the_earliest_place_of_all_others_and_begins_there(memory: ShortMemory) -> None:
    """Until he is said to be further: nobody knows yet that he was told what he missed."""
    assert await memory.enter(a_mark("a", 5)) == Recalled()
    assert await memory.enter(a_mark("b", 9)) == at(5)
    await memory.forget("name", "a")
    assert await memory.enter(a_mark("c", 10)) == at(5)
    await memory.keep([a_mark("b", 10), a_mark("c", 12)])
    assert await memory.enter(a_mark("d", 13)) == at(10)


async def test_too_many_joinings_are_folded_into_the_earlier_place(memory: ShortMemory) -> None:
    """Whoever was forgotten for want of room comes back to repeats, not to a hole; so does one of another history."""
    for number in range(8):
        await memory.enter(a_mark(f"tab {number}", 5))
        await memory.keep([a_mark(f"tab {number}", 3 if number == 1 else 100)])
    assert await memory.enter(a_mark("last", 100)) == at(3)
    await memory.enter(a_mark("other", 50, incarnation="second"))
    assert await memory.enter(a_mark("new", 100)) == at(50, "second")


async def test_no_more_names_are_remembered_than_there_is_room_for(memory: ShortMemory) -> None:
    """And whoever finds none is told so; names that are known go on."""
    for name in ("one", "two"):
        assert await memory.enter(a_mark("a", 1, name=name)) == Recalled()
    assert await memory.enter(a_mark("a", 1, name="three")) == Recalled(full=True)
    assert await memory.enter(a_mark("b", 2, name="two")) == at(1)


async def test_that_somebody_was_forgotten_is_said_once(memory: ShortMemory, redis_url: str) -> None:
    """He missed something that is not told again; and everything ends by time."""
    await memory.enter(a_mark("a", 1, seconds=-1.0))
    assert await memory.enter(a_mark("b", 2)) == Recalled(forgotten=True)
    assert await memory.enter(a_mark("c", 3)) == at(2)
    async with Redis.from_url(redis_url) as redis:
        assert {await redis.pttl(key) > 0 async for key in redis.scan_iter()} == {True}


async def test_a_redis_that_is_away_is_said() -> None:
    """Who cannot be remembered is told that there may be a gap."""
    away = ShortMemory("redis://127.0.0.1:1")
    with pytest.raises(StreamUnavailable):
        await away.enter(a_mark("a", 1))
    with pytest.raises(StreamUnavailable):
        await away.keep([a_mark("a", 1)])
    await away.aclose()
