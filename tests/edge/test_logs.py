"""The logs in a real Redis: what they answer is what was published, whatever happened to Redis or relay."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from unittest import mock

import pytest
import redis.asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.fixtures.gateway import an_operation
from tests.fixtures.proxy import OpenLink

from floorcast.errors import StreamUnavailable
from floorcast.operation import EVERYWHERE
from floorcast.past import Past, PastTick
from floorcast.stream import keys, logs
from floorcast.stream.entry import FeedTick
from floorcast.stream.feed import FeedPublisher, Newest
from floorcast.stream.logs import LogReader

PLACES = ("north", "south", "organization:1", "user:1", "@tick")
REPAIR = 3
"""How far behind this relay catches Redis up tick by tick."""

_stamps = count(1)


@dataclass
class World:
    """Postgres as a relay knows it, and the Redis that it publishes to."""

    url: str
    publisher: FeedPublisher
    reader: LogReader
    redis: redis.asyncio.Redis
    incarnation: str = "one"
    floor: int = 0
    saved: dict[bytes, bytes] | None = None

    def __post_init__(self) -> None:
        """Begin with tick 0."""
        self.ticks = [self.make([], large=False, number=0)]

    @property
    def newest(self) -> int:
        """The newest tick that Postgres has."""
        return len(self.ticks) - 1

    def make(self, told: Sequence[int], *, large: bool, number: int | None = None) -> FeedTick:
        """A tick that tells some places something; another history's tick of that number is another tick."""
        number = len(self.ticks) if number is None else number
        stamp = str(next(_stamps))
        operations = [
            an_operation(n // 2 + 1, PLACES[i], op="leave" if n % 2 == 0 else "enter", actor=stamp)
            for n, i in enumerate(told)
        ]
        operations.append(an_operation(len(told) + 1, EVERYWHERE, "floorcast.table_rule", actor=stamp))
        return FeedTick(
            number,
            stamp,
            "",
            f"at {number}",
            self.incarnation,
            len(operations),
            large=large,
            operations=() if large else tuple(operations),
            warehouses=tuple(PLACES[i] for i in told) if large else (),
        )

    async def close_tick(self, told: Sequence[int] = (), *, large: bool = False) -> None:
        """Close a tick and publish it, as a relay does: find out where Redis is, then go on, repair or begin anew."""
        self.ticks.append(self.make(told, large=large))
        seen = await self.publisher.newest()
        is_ours = seen is not None and seen.tick < len(self.ticks) and self.ticks[seen.tick].seal == seen.seal
        if seen is not None and not is_ours:
            self.incarnation = f"after {next(_stamps)}"
        missing = [] if seen is None else self.ticks[seen.tick + 1 :]
        anew = seen is None or not is_ours or seen.incarnation != self.incarnation or len(missing) > REPAIR
        for tick in self.ticks[-1:] if anew else missing:
            published = replace(tick, incarnation=self.incarnation)
            await self.publisher.publish(published, after=seen, anew=anew, floor=self.floor)
            seen = Newest(self.incarnation, tick.tick, tick.seal)

    def past(self, places: Sequence[str], after: int, upto: int) -> Past:
        """What a reader must get."""
        found = []
        for tick in self.ticks[after + 1 : upto + 1]:
            told = [each for each in tick.operations if each.warehouse in places]
            if told or (tick.large and set(tick.warehouses) & set(places)):
                found.append(PastTick(tick.tick, tick.at, tuple(told), tick.large))
        return Past(upto, tuple(found))

    async def check(self, places: Sequence[str], after: int, upto: int) -> bool:
        """Read; the answer is None (false) or the past."""
        answer = await self.reader.read(self.incarnation, places, after, upto)
        if answer is None:
            return False
        assert after < answer.upto <= upto
        assert answer == self.past(places, after, answer.upto)
        return True

    async def act(self, what: str, detail: Any) -> None:  # noqa: C901, PLR0912 — one arm for each thing that happens
        """Let something happen."""
        match what:
            case "tick":
                await self.close_tick(detail)
            case "large":
                await self.close_tick(detail, large=True)
            case "many":
                for _ in range(detail):
                    await self.close_tick([0])
            case "others":
                for _ in range(detail):
                    await self.close_tick([1])
            case "retire":
                self.floor = max(self.floor, self.newest - detail)
            case "sweep":
                self.floor = max(self.floor, self.newest - detail)
                await self.publisher.sweep(self.incarnation, self.floor)
            case "unpublished":
                self.ticks += [self.make([0, 1], large=False, number=len(self.ticks) + i) for i in range(detail)]
            case "flush":
                await self.redis.flushdb()
            case "lose":
                names = (keys.NEWEST, keys.known_key(self.incarnation), keys.feed_key(self.incarnation))
                await self.redis.delete(names[detail])
            case "lose log":
                await self.redis.delete(keys.log_key(self.incarnation, PLACES[detail]))
            case "save":
                self.saved = {key: await self.redis.dump(key) for key in await self.redis.keys()}
            case "restore" if self.saved is not None:
                await self.redis.flushdb()
                for key, value in self.saved.items():
                    await self.redis.restore(key, 0, value)
                await self.close_tick()
            case "lose tail":
                del self.ticks[max(1, len(self.ticks) - detail) :]
                if detail > REPAIR:
                    await self.redis.delete(keys.NEWEST)
                await self.close_tick()
            case "half":
                await self.half_publish(detail)
            case "old relay":
                await self.publish_as_before(detail)

    async def half_publish(self, told: Sequence[int]) -> None:
        """A publication that ended after some logs, and nobody knows what it was about."""
        for place in {PLACES[i] for i in told}:
            entry = {"behind": self.newest, "tick": b'{"at":"lost","large":false}'}
            await self._add(keys.log_key(self.incarnation, place), len(self.ticks), entry)

    async def publish_as_before(self, told: Sequence[int]) -> None:
        """A relay of the version before publishes: its entries name the id before, and there is no hash of logs."""
        seen = await self.publisher.newest()
        if seen is None or (seen.incarnation, seen.tick) != (self.incarnation, self.newest):
            return
        tick = self.make(told, large=False)
        self.ticks.append(tick)
        for place in {PLACES[i] for i in told}:
            entry = {"previous": f"{self.newest - 1}-0", "tick": b'{"at":"old","large":false}'}
            await self._add(keys.log_key(self.incarnation, place), tick.tick, entry)
        await self._add(keys.feed_key(self.incarnation), tick.tick, {"tick": b"{}"})
        await self.redis.hset(keys.NEWEST, mapping={"tick": tick.tick, "seal": tick.seal})

    async def _add(self, stream: str, tick: int, entry: dict[str, Any]) -> None:
        try:
            await self.redis.xadd(stream, entry, id=f"{tick}-0")  # type: ignore[arg-type]
        except redis.ResponseError:
            await self.redis.delete(stream)

    async def close(self) -> None:
        """End every connection."""
        await self.publisher.close()
        await self.reader.aclose()
        await self.redis.aclose()


async def open_world(url: str) -> World:
    """An empty Redis, tick 0."""
    world = World(url, FeedPublisher(url), LogReader(url), redis.asyncio.Redis.from_url(url, protocol=3))
    await world.redis.flushdb()
    return world


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    """A world of one's own."""
    made = await open_world(redis_url)
    yield made
    await made.close()


told = st.lists(st.integers(0, len(PLACES) - 1), max_size=4)
happening = st.one_of(
    st.tuples(st.just("tick"), told),
    st.tuples(st.just("tick"), told),
    st.tuples(st.just("tick"), told),
    st.tuples(st.sampled_from(["large", "half", "old relay"]), told),
    st.tuples(st.sampled_from(["many", "others"]), st.integers(1, 20)),
    st.tuples(st.sampled_from(["retire", "sweep", "unpublished", "lose tail"]), st.integers(1, 6)),
    st.tuples(st.just("lose"), st.integers(0, 2)),
    st.tuples(st.just("lose log"), st.integers(0, len(PLACES) - 1)),
    st.tuples(st.sampled_from(["flush", "save", "restore"]), st.none()),
)
question = st.tuples(
    st.lists(st.sampled_from(PLACES), min_size=1, max_size=5, unique=True), st.integers(0, 25), st.integers(0, 25)
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(happening, max_size=14), st.lists(question, min_size=2, max_size=4), st.integers(1, 12))
# A log that was there before the feed began anew, and goes on.
@example([("tick", [0]), ("unpublished", 5), ("tick", [1]), ("tick", [0])], [(["north"], 25, 0)], 9)
# What is left of a tail that Postgres lost stands in a log that goes on behind it.
@example([("many", 8), ("lose tail", 5), ("others", 6), ("tick", [0])], [(["north"], 5, 0), (["north"], 6, 4)], 9)
# A log is gone, and what comes then looks like its beginning.
@example([("many", 3), ("lose log", 0), ("tick", [0])], [(["north"], 25, 0), (["north"], 1, 0)], 9)
@example([("tick", [0]), ("old relay", [0]), ("tick", [])], [(["north"], 2, 0), (["north"], 1, 0)], 9)
# A try that ended half-way, and then another tick under its number.
@example([("tick", [0]), ("half", [0, 1]), ("tick", [0])], [(["north", "south"], 1, 0)], 9)
def test_an_answer_is_what_was_published_whatever_happened(
    redis_url: str, happenings: list[tuple[str, Any]], questions: list[tuple[list[str], int, int]], page: int
) -> None:
    """Or there is none. Places are asked for together, ranges at random, pages of a few operations."""

    async def play() -> None:
        world = await open_world(redis_url)
        try:
            for happened in happenings:
                await world.act(*happened)
                for places, back, less in questions:
                    after = max(0, world.newest - back)
                    await world.check(places, after, max(after + 1, world.newest - less))
        finally:
            await world.close()

    with mock.patch.object(logs, "PAGE_OPERATIONS", page):
        asyncio.run(play())


async def test_what_was_published_since_is_read_back_in_its_order(world: World) -> None:
    """Several places as one, moves with the leave first, and nothing of anybody else's."""
    await world.act("many", 3)
    await world.close_tick([1, 0, 0, 2, 3, 1])
    await world.close_tick([2])
    await world.close_tick([0, 1], large=True)
    for places in (["north"], ["south", "north"], ["north", "south"], ["user:1", "organization:1"], ["nowhere"]):
        for after in range(6):
            assert await world.check(places, after, 6)
    assert await world.reader.read("one", ["nowhere"], 2, 6) == Past(6, ())


async def test_a_quiet_place_is_known_to_be_quiet(world: World) -> None:
    """Nothing was trimmed that would matter, so nobody need ask Postgres: most kiosks that were away are these."""
    await world.close_tick([1])
    await world.act("many", 20)
    await world.act("retire", 2)
    await world.act("many", 2)
    assert await world.check(["south"], 1, world.newest)
    assert await world.check(["user:1"], 1, world.newest)
    assert not await world.check(["north"], 1, world.newest)


async def test_places_that_are_swept_out_are_known_to_be_quiet_since(world: World) -> None:
    """The hash does not grow for ever, and forgets what it knew of the time before with them."""
    await world.close_tick([1])
    await world.close_tick([2])
    await world.act("many", 4)
    await world.publisher.sweep("one", 3)
    assert set(await world.redis.hkeys(keys.known_key("one"))) == {b"@north", b"tick", b"behind"}
    assert await world.redis.exists(keys.log_key("one", "south")) == 0
    assert await world.check(["south", "user:1"], 2, world.newest)
    assert not await world.check(["south"], 1, world.newest)
    await world.close_tick([1])
    assert await world.check(["south"], 2, world.newest)


async def test_a_page_is_bounded_and_the_next_one_goes_on(world: World) -> None:
    """In operations and in bytes, over all places together; a tick is never cut in two."""
    for _ in range(40):
        await world.close_tick([0] * 300 + [1] * 100)
    pages: list[Past] = []
    while not pages or pages[-1].upto < 40:
        page = await world.reader.read("one", ["north", "south"], pages[-1].upto if pages else 0, 40)
        assert page is not None
        pages.append(page)
    assert [page.upto for page in pages] == [5, 10, 15, 20, 25, 30, 35, 40]
    assert tuple(tick for page in pages for tick in page.ticks) == world.past(["north", "south"], 0, 40).ticks
    wide = an_operation(1, "north", text="x" * 400_000)
    for _ in range(5):
        tick = replace(world.make([], large=False), operations=(wide,))
        world.ticks.append(tick)
        await world.publisher.publish(tick, after=await world.publisher.newest())
    page = await world.reader.read("one", ["south", "north"], 40, 45)
    assert page is not None
    assert page.upto == 42


async def test_what_is_not_published_yet_is_not_in_an_answer(world: World) -> None:
    """Redis may be behind Postgres, or be restored while somebody asks."""
    await world.act("many", 3)
    page = await world.reader.read("one", ["north"], 1, 99)
    assert page == world.past(["north"], 1, 3)
    assert await world.reader.read("one", ["north"], 3, 99) is None
    assert await world.reader.read("one", ["north"], 7, 99) is None
    assert await world.reader.read("two", ["north"], 1, 3) is None
    assert await world.reader.read("one", ["north"], 3, 3) == Past(3, ())


async def test_a_log_of_another_history_answers_nobody(world: World) -> None:
    """It is still there, and ends with the very number that is published now."""
    await world.act("many", 3)
    other = replace(world.make([0], large=False, number=3), incarnation="two")
    await world.publisher.publish(other, after=await world.publisher.newest(), anew=True)
    assert await world.redis.exists(keys.log_key("one", "north"), keys.known_key("one")) == 2
    assert await world.reader.read("one", ["north"], 2, 3) is None
    assert await world.reader.read("two", ["north"], 2, 3) is not None


async def test_a_tick_that_does_not_follow_begins_what_the_logs_know(world: World) -> None:
    """Whoever published it: what lies between was never told to them."""
    await world.close_tick([0, 1])
    world.ticks += [world.make([0, 1], large=False, number=number) for number in (2, 3)]
    await world.publisher.publish(world.ticks[3], after=await world.publisher.newest())
    for place in ("north", "user:1"):
        assert not await world.check([place], 1, 3)
        assert await world.check([place], 2, 3)


async def test_what_concerns_everybody_is_in_no_log(world: World) -> None:
    """To say that there was nothing would be wrong, so it cannot be asked."""
    with pytest.raises(ValueError, match="in no log"):
        await world.reader.read("one", [EVERYWHERE], 0, 1)


async def test_a_redis_that_is_away_is_said_to_be(world: World, proxy: OpenLink) -> None:
    """The same is in Postgres."""
    await world.act("many", 2)
    link = await proxy(world.url)
    reader = LogReader(link.url)
    assert await reader.read("one", ["north"], 0, 2) == world.past(["north"], 0, 2)
    await link.cut()
    with pytest.raises(StreamUnavailable):
        await reader.read("one", ["north"], 0, 2)
    await reader.aclose()
