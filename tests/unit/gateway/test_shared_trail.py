"""Large ticks that many read at once, each at his own pace."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.gateway import an_operation

from floorcast.errors import DatabaseUnavailable, TickNotKept
from floorcast.gateway.shared_trail import SharedTrail
from floorcast.operation import Operation
from floorcast.tick import Anchor

NORTH = ("north",)
HERE = Anchor(9, "seal", "first")
PAGE_BYTES = 10_000


def a_page(number: int) -> tuple[Operation, ...]:
    """A page of about ten kilobytes."""
    return (an_operation(number, text="x" * (PAGE_BYTES // 2)),)


@dataclass
class LargeTick:
    """A trail with one tick of so many pages; counts what is read of it."""

    pages_in_all: int = 10
    begun: int = 0
    read: int = 0
    asked: int = 0
    fails_at: int = -1
    failure: Exception = field(default_factory=lambda: DatabaseUnavailable("away"))

    async def pages(self, tick: int, places: Sequence[str], anchor: Anchor) -> AsyncIterator[tuple[Operation, ...]]:
        """See `upstream.PastTrail`."""
        assert (tick, tuple(places), anchor.tick) == (7, NORTH, HERE.tick)
        self.begun += 1
        for number in range(self.pages_in_all):
            await asyncio.sleep(0)
            if number == self.fails_at:
                raise self.failure
            self.read += 1
            yield a_page(number)

    async def access(self, after: int, upto: int, anchor: Anchor) -> Sequence[tuple[int, tuple[Operation, ...]]] | None:
        """See `upstream.PastTrail`."""
        assert anchor.tick >= HERE.tick
        self.asked += 1
        await asyncio.sleep(0)
        return None if after < 3 else [(upto, a_page(upto))]

    async def seal_of(self, tick: int, anchor: Anchor) -> str | None:
        """See `upstream.PastTrail`."""
        self.asked += 1
        await asyncio.sleep(0)
        return None if tick < 3 else f"{anchor.origin}{tick}"


async def read_all(trail: SharedTrail) -> list[tuple[Operation, ...]]:
    """Everything, as fast as it comes."""
    return [page async for page in trail.pages(7, NORTH, HERE)]


WHOLE = [a_page(number) for number in range(10)]


async def test_a_thousand_who_read_at_once_have_it_read_once() -> None:
    """And those who come a little later find it."""
    tick = LargeTick()
    trail = SharedTrail(tick, most_bytes=10**6)
    assert await asyncio.gather(*(read_all(trail) for _ in range(1000))) == [WHOLE] * 1000
    assert (tick.begun, tick.read) == (1, 10)
    assert await read_all(trail) == WHOLE
    assert tick.read == 10
    await trail.aclose()


@given(pages=st.integers(0, 12), most=st.integers(0, 8), readers=st.integers(1, 6), seed=st.integers(0, 2**16))
def test_everybody_reads_all_of_it_whatever_the_pace_and_the_room(
    pages: int, most: int, readers: int, seed: int
) -> None:
    """No page is missed or comes twice, though some were dropped before the slower ones came to them."""
    chance = random.Random(seed)
    tick = LargeTick(pages)

    async def read(trail: SharedTrail, pauses: int) -> list[tuple[Operation, ...]]:
        found = []
        async for page in trail.pages(7, NORTH, HERE):
            found.append(page)
            for _ in range(chance.randint(0, pauses)):
                await asyncio.sleep(0)
        return found

    async def play() -> None:
        trail = SharedTrail(tick, most_bytes=most * PAGE_BYTES)
        reading = [asyncio.create_task(read(trail, chance.choice((0, 3, 30)))) for _ in range(readers)]
        if chance.random() < 0.3:
            await asyncio.sleep(0)
            reading.pop().cancel()
        assert await asyncio.gather(*reading) == [[a_page(number) for number in range(pages)]] * len(reading)
        await trail.aclose()

    asyncio.run(play())
    assert tick.begun <= readers


async def test_no_more_is_kept_than_there_is_room_for() -> None:
    """Whoever is ahead loses nothing by it; a tick that nobody reads any more goes before what is being read."""
    tick = LargeTick(50)
    trail = SharedTrail(tick, most_bytes=5 * PAGE_BYTES)
    number = 0
    async for page in trail.pages(7, NORTH, HERE):
        assert page == a_page(number)
        number += 1
        assert sum(reading.size for reading in trail._all()) <= 6 * PAGE_BYTES
    assert number == tick.read == 50


@pytest.mark.parametrize("failure", [DatabaseUnavailable("away"), TickNotKept("gone")])
async def test_what_breaks_off_does_not_look_like_its_end(failure: Exception) -> None:
    """All who read are told, those behind too, and begin anew."""
    tick = LargeTick(fails_at=4, failure=failure)
    trail = SharedTrail(tick, most_bytes=10**6)
    slow = trail.pages(7, NORTH, HERE)
    assert await anext(slow) == WHOLE[0]
    outcomes = await asyncio.gather(*(read_all(trail) for _ in range(5)), return_exceptions=True)
    assert outcomes == [failure] * 5
    assert [await anext(slow) for _ in range(3)] == WHOLE[1:4]
    with pytest.raises(type(failure)):
        await anext(slow)
    assert tick.begun == 1
    tick.fails_at = -1
    assert await read_all(trail) == WHOLE
    assert tick.begun == 2


async def test_what_a_tick_did_to_access_is_asked_once() -> None:
    """Everybody who reads a large tick asks that first; where nobody knows, the next one asks again."""
    tick = LargeTick()
    trail = SharedTrail(tick, most_bytes=10**6)
    answers = await asyncio.gather(*(trail.access(6, 7, HERE) for _ in range(100)))
    assert answers == [[(7, a_page(7))]] * 100
    assert await trail.access(6, 7, HERE) == answers[0]
    assert tick.asked == 1
    for _ in range(2):
        assert await trail.access(1, 2, HERE) is None
    assert tick.asked == 3
    for upto in range(10, 40):
        await trail.access(upto - 1, upto, HERE)
    await trail.access(6, 7, HERE)
    assert tick.asked == 34


async def test_a_seal_is_asked_once() -> None:
    """A thousand kiosks come back with cursors of the same few ticks; what is not kept is asked again."""
    tick = LargeTick()
    trail = SharedTrail(tick, most_bytes=10**6)
    assert await asyncio.gather(*(trail.seal_of(7, HERE) for _ in range(100))) == ["first7"] * 100
    assert await trail.seal_of(7, replace(HERE, tick=10)) == "first7"
    assert tick.asked == 1
    for _ in range(2):
        assert await trail.seal_of(1, HERE) is None
    assert tick.asked == 3


async def test_what_was_read_of_another_history_answers_nobody() -> None:
    """A gateway that begins anew after a restore finds other ticks under the same numbers."""
    tick, there = LargeTick(), replace(HERE, origin="restored")
    trail = SharedTrail(tick, most_bytes=10**6)
    assert await read_all(trail) == WHOLE
    assert [page async for page in trail.pages(7, NORTH, there)] == WHOLE
    assert tick.begun == 2
    await trail.access(6, 7, HERE)
    await trail.access(6, 7, there)
    assert [await trail.seal_of(7, HERE), await trail.seal_of(7, there)] == ["first7", "restored7"]
    assert tick.asked == 4
