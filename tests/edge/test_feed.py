"""The feed in a real Redis: compare and set, no gap, no rival, no history in another's stream."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest
import redis.asyncio
from tests.fixtures.gateway import an_operation
from tests.fixtures.proxy import OpenLink
from tests.fixtures.time import UNIT

from floorcast.errors import PublishRefused, StreamUnavailable
from floorcast.position import Position
from floorcast.relay.plan import LARGEST_ENTRY
from floorcast.stream import keys
from floorcast.stream.entry import FeedEntry, FeedProgress, FeedTick
from floorcast.stream.feed import FeedPublisher, FeedReader, Newest

BEGINNING = Position(0)
AT = "2026-11-23T10:11:12.345678+00:00"


def a_tick(number: int, *warehouses: str, incarnation: str = "one", large: bool = False) -> FeedTick:
    """A tick with one operation for each warehouse; its seal is its number and history."""
    return FeedTick(
        number,
        f"{incarnation}{number}",
        f"{incarnation}{number - 1}",
        AT,
        incarnation,
        len(warehouses),
        large=large,
        operations=tuple(an_operation(n, warehouse, "bins") for n, warehouse in enumerate(warehouses, 1)),
    )


def newest_of(tick: FeedTick) -> Newest:
    """What is published once this tick is."""
    return Newest(tick.incarnation, tick.tick, tick.seal)


class Feed:
    """Both ends of one feed, and a look under it."""

    def __init__(self, url: str) -> None:
        """Connect lazily."""
        self.url = url
        self.publisher = FeedPublisher(url)
        self.reader = FeedReader(url)
        self.redis = redis.asyncio.Redis.from_url(url, protocol=3)

    async def publish(self, *ticks: FeedTick, floor: int = 0) -> None:
        """Publish ticks behind whatever is there; the first begins an empty feed."""
        for tick in ticks:
            after = await self.publisher.newest()
            await self.publisher.publish(tick, after=after, anew=after is None, floor=floor)

    async def entries(self, incarnation: str = "one", after: Position = BEGINNING) -> list[FeedEntry]:
        """Everything that can be read without waiting."""
        found: list[FeedEntry] = []
        while page := await self.reader.read(incarnation, found[-1].position if found else after, wait_seconds=0.001):
            found += page
        return found

    async def log(self, warehouse: str, incarnation: str = "one") -> list[tuple[bytes, bytes]]:
        """Ids of a log's entries, each with the tick that it says it is behind."""
        answer = await self.redis.xrange(keys.log_key(incarnation, warehouse))
        return [(identity, fields[b"behind"]) for identity, fields in answer]

    async def close(self) -> None:
        """End every connection."""
        await self.publisher.close()
        await self.reader.aclose()
        await self.redis.aclose()


@pytest.fixture
async def feed(redis_url: str) -> AsyncIterator[Feed]:
    """An empty feed."""
    made = Feed(redis_url)
    yield made
    await made.close()


async def test_what_is_published_is_read_in_order(feed: Feed) -> None:
    """Operations and all; an empty tick has its entry too."""
    ticks = [a_tick(1, "north"), a_tick(2), a_tick(3, "north", "south", "north"), a_tick(4, large=True)]
    await feed.publish(*ticks)
    assert await feed.entries() == ticks
    assert await feed.entries(after=Position(2)) == ticks[2:]
    assert await feed.reader.newest() == newest_of(ticks[-1])


async def test_more_ticks_than_one_answer_holds_are_read_one_answer_after_the_other(feed: Feed) -> None:
    """A gateway that was away catches up without a gap."""
    ticks = [a_tick(number, "north") for number in range(1, 400)]
    await feed.publish(*ticks)
    assert await feed.entries() == ticks


async def test_an_empty_redis_has_no_newest_tick(feed: Feed) -> None:
    """The relay begins the feed anew then."""
    assert await feed.publisher.newest() is None
    assert await feed.reader.newest() is None
    assert await feed.entries() == []


@pytest.mark.parametrize(
    "believed",
    [
        None,
        Newest("one", 4, "one4"),
        Newest("one", 6, "one6"),
        Newest("one", 5, "other5"),
        Newest("two", 5, "one5"),
    ],
)
async def test_a_publisher_that_believes_something_else_is_refused_and_changes_nothing(
    feed: Feed, believed: Newest | None
) -> None:
    """Whoever woke up late, or comes from another history: tick, seal and incarnation must all be what is there."""
    await feed.publish(a_tick(5, "north"))
    before = {key: await feed.redis.dump(key) for key in await feed.redis.keys()}
    for anew in (False, True):
        with pytest.raises(PublishRefused) as refusal:
            await feed.publisher.publish(a_tick(6, "north", "south"), after=believed, anew=anew)
        assert (refusal.value.tick, refusal.value.seal) == (5, "one5")
    if believed is not None:
        with pytest.raises(PublishRefused):
            await feed.publisher.progress(believed, AT)
    assert {key: await feed.redis.dump(key) for key in await feed.redis.keys()} == before


async def test_the_same_tick_twice_is_refused_and_harmless(feed: Feed) -> None:
    """After silence nobody knows whether it was published; trying again must not tell a story twice."""
    await feed.publish(a_tick(1, "north"))
    await feed.publisher.publish(a_tick(2, "north"), after=newest_of(a_tick(1)))
    with pytest.raises(PublishRefused, match="through tick 2"):
        await feed.publisher.publish(a_tick(2, "north"), after=newest_of(a_tick(1)))
    assert await feed.entries() == [a_tick(1, "north"), a_tick(2, "north")]


async def test_of_two_rivals_one_publishes(feed: Feed) -> None:
    """Both believe the same; Redis takes one."""
    await feed.publish(a_tick(1))
    rival = FeedPublisher(feed.url)
    after = newest_of(a_tick(1))
    mine, other = a_tick(2, "north"), replace(a_tick(2, "south"), seal="rival2")
    results = await asyncio.gather(
        feed.publisher.publish(mine, after=after), rival.publish(other, after=after), return_exceptions=True
    )
    await rival.close()
    assert sorted(type(result) for result in results if result is not None) == [PublishRefused]
    published = other if results[0] else mine
    assert (await feed.entries())[1:] == [published]


async def test_a_relay_of_an_older_history_cannot_publish_behind_its_own(feed: Feed) -> None:
    """Its stream is still there and ends where it believes; but another history is published now."""
    old, new = a_tick(5, "north"), a_tick(5, "north", incarnation="two")
    await feed.publish(old)
    await feed.publisher.publish(new, after=newest_of(old), anew=True)
    for anew in (False, True):
        with pytest.raises(PublishRefused):
            await feed.publisher.publish(a_tick(6, "north"), after=newest_of(old), anew=anew)
    with pytest.raises(PublishRefused):
        await feed.publisher.progress(newest_of(old), AT)
    assert await feed.reader.newest() == newest_of(new)
    assert await feed.entries("two") == [new]
    assert await feed.entries("one") == [old]


async def test_beginning_anew_drops_what_the_feed_held(feed: Feed) -> None:
    """Or a reader would go from tick 2 to tick 9 as if nothing were between."""
    await feed.publish(a_tick(1, "north"), a_tick(2, "north"))
    await feed.publisher.publish(a_tick(9, "north"), after=newest_of(a_tick(2)), anew=True)
    assert await feed.entries() == [a_tick(9, "north")]


async def test_each_entry_of_a_log_says_which_one_it_follows(feed: Feed) -> None:
    """Ticks that did not concern the warehouse are not there, so only this shows a hole."""
    await feed.publish(a_tick(1, "north"), a_tick(2, "south"), a_tick(3, "north", "south"), a_tick(4, "north"))
    assert await feed.log("north") == [(b"1-0", b"0"), (b"3-0", b"1"), (b"4-0", b"3")]
    assert await feed.log("south") == [(b"2-0", b"0"), (b"3-0", b"2")]


async def test_a_log_does_not_hide_what_was_never_published(feed: Feed) -> None:
    """The feed began anew past some ticks; a log from before cannot be continued, whenever its next entry comes."""
    await feed.publish(a_tick(1, "north", "south"))
    await feed.publisher.publish(a_tick(9, "north"), after=newest_of(a_tick(1)), anew=True)
    await feed.publish(a_tick(10), a_tick(11, "south", "north"))
    assert await feed.log("north") == [(b"9-0", b"8"), (b"11-0", b"9")]
    assert await feed.log("south") == [(b"11-0", b"8")]


async def test_a_log_that_was_swept_away_says_since_when_it_had_nothing(feed: Feed) -> None:
    """A reader who holds the last of it may go on; one who lacks it sees that."""
    await feed.publish(a_tick(1, "north"), a_tick(2, "south"))
    await feed.publisher.sweep("one", 2)
    assert await feed.log("north") == []
    await feed.publish(a_tick(3, "north"))
    assert await feed.log("north") == [(b"3-0", b"1")]


async def test_logs_and_feed_are_trimmed_below_the_floor(feed: Feed) -> None:
    """Redis keeps what the budget allows; the feed by whole nodes, which is cheaper."""
    await feed.publish(*(a_tick(number, "north") for number in range(1, 1000)))
    await feed.publish(a_tick(1000, "north"), floor=990)
    first = (await feed.entries())[0]
    assert isinstance(first, FeedTick)
    assert 500 < first.tick <= 990
    assert [identity for identity, _ in await feed.log("north")] == [b"%d-0" % n for n in range(990, 1001)]


async def test_a_sweep_drops_other_histories_and_keeps_this_one(feed: Feed) -> None:
    """Memory of a history that nobody can read any more."""
    await feed.publish(a_tick(1, "north"))
    await feed.publisher.publish(a_tick(1, "north", incarnation="two"), after=newest_of(a_tick(1)), anew=True)
    await feed.publisher.sweep("two", 0)
    assert set(await feed.redis.keys()) == {
        name.encode()
        for name in (keys.NEWEST, keys.feed_key("two"), keys.known_key("two"), keys.log_key("two", "north"))
    }
    assert await feed.entries("two") == [a_tick(1, "north", incarnation="two")]


async def test_progress_comes_behind_the_data_and_only_the_newest_is_kept(feed: Feed) -> None:
    """It promises that all before its time is in the ticks before it."""
    await feed.publish(a_tick(1))
    for second in range(5):
        await feed.publisher.progress(newest_of(a_tick(1)), f"at {second}")
    assert await feed.entries() == [a_tick(1), FeedProgress(1, 5, "at 4")]
    await feed.publish(a_tick(2))
    await feed.publisher.progress(newest_of(a_tick(2)), "later")
    assert (await feed.entries())[-2:] == [a_tick(2), FeedProgress(2, 1, "later")]


async def test_a_reader_that_waits_hears_progress_after_progress(feed: Feed) -> None:
    """Each replaces the one before, and must still be newer than it for those who have read that."""
    await feed.publish(a_tick(1))
    after, heard = Position(1), []
    for second in range(3):
        waiting = asyncio.create_task(feed.reader.read("one", after, wait_seconds=2 * UNIT))
        await feed.publisher.progress(newest_of(a_tick(1)), str(second))
        (entry,) = await waiting
        assert isinstance(entry, FeedProgress)
        heard.append(entry.at)
        after = entry.position
    assert heard == ["0", "1", "2"]


async def test_tick_zero_is_published_without_an_entry(feed: Feed) -> None:
    """`0-0` is no id for Redis; progress can follow it all the same."""
    await feed.publish(a_tick(0))
    await feed.publisher.progress(newest_of(a_tick(0)), "now")
    assert await feed.entries() == [FeedProgress(0, 1, "now")]
    await feed.publish(a_tick(1, "north"))
    assert (await feed.entries())[-1] == a_tick(1, "north")


async def test_the_largest_entry_fits_into_one_call(feed: Feed) -> None:
    """All of it for one warehouse, or each operation for another."""
    await feed.publish(a_tick(1, *(["north"] * LARGEST_ENTRY)))
    await feed.publish(a_tick(2, *(f"w{i}" for i in range(LARGEST_ENTRY))))
    assert [entry.count for entry in await feed.entries() if isinstance(entry, FeedTick)] == [LARGEST_ENTRY] * 2


async def test_a_newest_that_lost_a_part_counts_as_nothing(feed: Feed) -> None:
    """Somebody deleted a field: the feed begins anew instead of being refused for ever."""
    await feed.publish(a_tick(1))
    await feed.redis.hdel(keys.NEWEST, "seal")
    assert await feed.publisher.newest() is None
    await feed.publish(a_tick(2))
    assert await feed.publisher.newest() == newest_of(a_tick(2))


async def test_scripts_that_redis_forgot_are_sent_again(feed: Feed) -> None:
    """A restart forgets them."""
    await feed.publish(a_tick(1))
    await feed.redis.script_flush()
    await feed.publish(a_tick(2))
    assert len(await feed.entries()) == 2


async def test_a_field_of_the_header_that_is_missing_is_noticed(feed: Feed) -> None:
    """An entry that is not ours ends the reading loudly; a skipped tick would be silence."""
    await feed.publish(a_tick(1))
    await feed.redis.xadd(keys.feed_key("one"), {"tick": orjson.dumps({"tick": 2})}, id="2-0")
    with pytest.raises(KeyError):
        await feed.entries()


async def test_a_redis_that_is_gone_or_hangs_is_said_to_be_away(feed: Feed, proxy: OpenLink) -> None:
    """One error for all of it, and soon: a leader that waits long loses its lead."""
    await feed.publish(a_tick(1))
    link = await proxy(feed.url)
    publisher, reader = FeedPublisher(link.url), FeedReader(link.url)
    assert await publisher.newest() == newest_of(a_tick(1))
    await reader.newest()
    link.freeze()
    async with asyncio.timeout(4 * UNIT):
        with pytest.raises(StreamUnavailable):
            await publisher.publish(a_tick(2), after=newest_of(a_tick(1)))
    await link.cut()
    for call in (publisher.newest(), reader.newest(), reader.read("one", Position(0), wait_seconds=0.1)):
        with pytest.raises(StreamUnavailable):
            await call
    await link.heal()
    # Whether the frozen call arrived is unknown; comparing tells.
    assert await publisher.newest() == newest_of(a_tick(1))
    await publisher.close()
    await reader.aclose()


async def test_a_reader_that_is_stopped_while_its_wait_ends_is_stopped(feed: Feed) -> None:
    """The client may swallow a cancellation that arrives together with its answer."""
    await feed.publish(a_tick(1))

    async def read_for_ever() -> None:
        while True:
            await feed.reader.read("one", Position(0), wait_seconds=1)

    for turns in range(40):
        reading = asyncio.create_task(read_for_ever())
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        async with asyncio.timeout(2 * UNIT):
            with pytest.raises(asyncio.CancelledError):
                await reading
