"""Who is present, in a real Redis: statements are taken whole or refused, heard in order, and can be caught up with."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import pytest
import redis.asyncio
from tests.fixtures.proxy import OpenLink
from tests.fixtures.time import UNIT

from floorcast.errors import StreamUnavailable
from floorcast.stream import keys
from floorcast.stream.feed import FeedPublisher
from floorcast.stream.presence import KEPT_STATEMENTS, PresenceBoard
from floorcast.stream.statement import Entry, Gone, Muster, Said, Statement

ANNA = Entry("north", "anna", "g-1", b'{"phx_ref":"g-1"}')
BERT = Entry("south", "bert", "g-2", b'{"phx_ref":"g-2"}')


@pytest.fixture
async def board(redis_url: str) -> AsyncIterator[PresenceBoard]:
    """One gateway's connections."""
    async with contextlib.aclosing(PresenceBoard(redis_url)) as opened:
        yield opened


async def _say(
    board: PresenceBoard, after: int | None, number: int, changes: Mapping[str, Entry | None], gateway: str = "g"
) -> Muster:
    muster = await board.speak(gateway, Statement(after, number, changes))
    assert muster is not None
    return muster


async def test_what_is_said_can_be_heard_and_read(board: PresenceBoard) -> None:
    """By those who listen, and by those who come later; the number says what the state is of."""
    first = await _say(board, None, 1, {"a": ANNA})
    second = await _say(board, 1, 2, {"a": None, "b": BERT})
    heard = await board.listen("0-0", wait_seconds=0.001)
    assert [each for _, each in heard] == [Said("g", 1, None), Said("g", 2, {"a": None, "b": BERT})]
    assert [identity for identity, _ in heard] == [first.newest, second.newest]
    assert await board.read("g") == (2, {"b": BERT})
    assert await board.listen(second.newest, wait_seconds=0.001) == []
    assert await board.read("unknown") is None


async def test_a_sign_of_life_changes_the_mark_and_is_heard_by_nobody(board: PresenceBoard) -> None:
    """It costs one write, however many are present."""
    said = await _say(board, None, 1, {"a": ANNA})
    alive = await _say(board, 1, 1, {})
    assert alive.newest == said.newest
    assert alive.marks["g"].startswith("1:")
    assert alive.milliseconds >= said.milliseconds
    assert await board.read("g") == (1, {"a": ANNA})


@pytest.mark.parametrize("after", [0, 2, 7])
async def test_what_does_not_follow_is_refused_and_changes_nothing(board: PresenceBoard, after: int) -> None:
    """Redis is at another statement than the gateway believes."""
    await _say(board, None, 1, {"a": ANNA})
    assert await board.speak("g", Statement(after, after + 1, {"b": BERT})) is None
    assert await board.read("g") == (1, {"a": ANNA})
    assert await board.speak("never heard of", Statement(after, after, {})) is None


async def test_everything_anew_replaces_everything(board: PresenceBoard) -> None:
    """Unless it was overtaken by a newer one on its way."""
    await _say(board, None, 1, {"a": ANNA})
    await _say(board, None, 5, {"b": BERT})
    assert await board.read("g") == (5, {"b": BERT})
    for late in (4, 5):
        assert await board.speak("g", Statement(None, late, {"a": ANNA})) is None
    assert await board.read("g") == (5, {"b": BERT})


async def test_a_gateway_is_buried_once_and_only_if_it_is_still_silent(board: PresenceBoard) -> None:
    """Several may want to bury it, and it may wake up."""
    await _say(board, None, 1, {"a": ANNA})
    await _say(board, None, 1, {"b": BERT}, "other")
    old = (await _say(board, 1, 1, {}, "other")).marks["g"]
    await _say(board, 1, 2, {"b": BERT})
    await board.bury("g", old)
    assert await board.read("g") == (2, {"a": ANNA, "b": BERT})
    muster = await _say(board, 1, 1, {}, "other")
    for _ in range(2):
        await board.bury("g", muster.marks["g"])
    assert await board.read("g") is None
    heard = await board.listen(muster.newest, wait_seconds=0.001)
    assert [each for _, each in heard] == [Gone("g")]
    assert await board.speak("g", Statement(2, 3, {})) is None, "it has to say everything anew"
    assert set((await _say(board, 1, 1, {}, "other")).marks) == {"other"}


async def test_nothing_is_left_of_a_gateway_that_is_buried(board: PresenceBoard, redis_url: str) -> None:
    """A thousand restarts leave no key behind."""
    await _say(board, None, 1, {"a": ANNA})
    await board.bury("g")
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.keys("*") == [keys.PRESENCE_STATEMENTS.encode()]


async def test_a_statement_that_fails_half_way_leaves_nothing_behind_that_is_not_found(
    board: PresenceBoard, redis_url: str
) -> None:
    """Out of memory, for one: it is said again, or its gateway ends and is buried."""
    await _say(board, None, 1, {"a": ANNA}, "other")
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        statements = await client.dump(keys.PRESENCE_STATEMENTS)
        await client.set(keys.PRESENCE_STATEMENTS, "no stream")
        with pytest.raises(StreamUnavailable):
            await board.speak("g", Statement(None, 1, {"b": BERT}))
        with pytest.raises(StreamUnavailable):
            await board.speak("other", Statement(1, 2, {"a": None}))
        await client.restore(keys.PRESENCE_STATEMENTS, 0, statements, replace=True)
        muster = await _say(board, 1, 2, {"a": None}, "other")
        assert muster.marks["g"].startswith("0:")
        assert await client.exists(keys.presence_key("g"))
        await board.bury("g", muster.marks["g"])
        assert not await client.exists(keys.presence_key("g"))


async def test_statements_are_kept_for_a_while_only(board: PresenceBoard, redis_url: str) -> None:
    """Who is further behind reads whole states."""
    await _say(board, None, 1, {})
    for number in range(1, KEPT_STATEMENTS + 300):
        await _say(board, number, number + 1, {"a": ANNA})
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.xlen(keys.PRESENCE_STATEMENTS) < KEPT_STATEMENTS + 200


async def test_many_are_read_and_written_at_once(board: PresenceBoard) -> None:
    """A gateway with ten thousand people says everything anew in one piece, or nobody would know what is missing."""
    everybody = {str(n): Entry("north", f"u{n}", f"g-{n}", b'{"phx_ref":"%d"}' % n) for n in range(10_000)}
    await _say(board, None, 1, everybody)
    assert await board.read("g") == (1, everybody)


async def test_the_relays_sweep_leaves_presence_alone(board: PresenceBoard, redis_url: str) -> None:
    """Who is here does not depend on which history the feed tells."""
    await _say(board, None, 1, {"a": ANNA})
    publisher = FeedPublisher(redis_url)
    try:
        await publisher.sweep("another", 0)
    finally:
        await publisher.close()
    assert await board.read("g") == (1, {"a": ANNA})


async def test_a_redis_that_is_away_or_silent_is_told_within_seconds(redis_url: str, proxy: OpenLink) -> None:
    """Speaking and listening each find out by themselves."""
    link = await proxy(redis_url)
    async with contextlib.aclosing(PresenceBoard(link.url)) as board:
        await _say(board, None, 1, {"a": ANNA})
        await board.listen("0-0", wait_seconds=0.001)
        await link.cut()
        for call in (board.speak("g", Statement(1, 1, {})), board.listen("0-0", wait_seconds=0.001), board.read("g")):
            with pytest.raises(StreamUnavailable):
                await call
        await link.heal()
        await _say(board, 1, 2, {})
        link.freeze()
        async with asyncio.timeout(8 * UNIT):
            with pytest.raises(StreamUnavailable):
                await board.speak("g", Statement(2, 2, {}))
