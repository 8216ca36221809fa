"""Pages of the past, each read once for all who missed the same."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.gateway import AT, an_operation
from tests.fixtures.observed import Observed

from floorcast.errors import AnotherTick, DatabaseUnavailable, StreamUnavailable
from floorcast.gateway.pages import Pages
from floorcast.observe import PastRead
from floorcast.past import Past, PastTick
from floorcast.tick import Anchor

NORTH = ("north",)
HERE = Anchor(10_000, "seal")


@dataclass
class Shelf:
    """Every third tick brought something; pages of at most so many ticks with something in them."""

    since: int = 0
    most: int = 10_000
    failing: Exception | None = None
    reads: list[tuple[int, int]] = field(default_factory=list)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    # The origin of the only anchor that is there.
    origin: str = ""

    async def read(self, *asked: object) -> Past | None:
        """See `pages.Logs` and `pages.Trail`."""
        after, upto = (each for each in asked if isinstance(each, int))
        if isinstance(asked[-1], Anchor) and asked[-1].origin != self.origin:
            raise AnotherTick("another history")
        self.reads.append((after, upto))
        await self.opened.wait()
        if self.failing is not None:
            raise self.failing
        if after < self.since:
            return None
        ticks = [PastTick(tick, AT, (an_operation(tick),)) for tick in range(after + 1, upto + 1) if tick % 3 == 0]
        if len(ticks) > self.most:
            return Past(ticks[self.most - 1].tick, tuple(ticks[: self.most]))
        return Past(upto, tuple(ticks))


def _shelves(**vary: int) -> tuple[Shelf, Shelf]:
    logs, trail = Shelf(since=10**9), Shelf(**vary)
    logs.opened.set()
    trail.opened.set()
    return logs, trail


def _ticks(past: Past | None) -> list[int]:
    assert past is not None
    return [each.tick for each in past.ticks]


async def test_what_a_thousand_missed_together_is_read_once() -> None:
    """Though their cursors are some ticks apart; whoever is cut off meanwhile spoils it for nobody."""
    logs, trail = _shelves()
    trail.opened.clear()
    pages = Pages(logs, trail, most_bytes=10**7)
    asking = [asyncio.create_task(pages.page("first", NORTH, 1000 + n % 7, 1100, HERE)) for n in range(1000)]
    await asyncio.sleep(0)
    asking[0].cancel()
    trail.opened.set()
    found = await asyncio.gather(*asking[1:])
    assert trail.reads == [(768, 1100)]
    for n, past in enumerate(found, 1):
        assert _ticks(past) == [tick for tick in range(1001 + n % 7, 1101) if tick % 3 == 0]
    assert _ticks(await pages.page("first", NORTH, 1003, 1090, HERE)) == list(range(1005, 1091, 3))
    assert len(trail.reads) == 1
    await pages.page("first", ("south",), 1003, 1090, HERE)
    assert len(trail.reads) == 2


async def test_where_much_happens_pages_follow_each_other_whoever_asks() -> None:
    """Who missed less shares what is read for those who missed more; only who is far on begins somewhere else."""
    logs, trail = _shelves(most=20)
    pages = Pages(logs, trail, most_bytes=10**7)
    for after in (900, 870, 830, 780, 899):
        past = await pages.page("first", NORTH, after, 1100, HERE)
        assert past is not None
        assert after < past.upto
        assert _ticks(past) == [tick for tick in range(after + 1, past.upto + 1) if tick % 3 == 0]
    assert [after for after, _ in trail.reads] == [768, 828, 888]
    await pages.page("first", NORTH, 1021, 1100, HERE)
    assert [after for after, _ in trail.reads[3:]] == [948, 1021]


async def test_the_trail_of_another_history_answers_nobody() -> None:
    """Its ticks have the same numbers, and its incarnation the same name; what was read before is not told."""
    logs, trail = _shelves()
    pages = Pages(logs, trail, most_bytes=10**6)
    before = await pages.page("first", NORTH, 512, 515, HERE)
    trail.origin = "restored"
    with pytest.raises(AnotherTick):
        await pages.page("first", NORTH, 768, 770, HERE)
    assert await pages.page("first", NORTH, 512, 515, replace(HERE, tick=20_000)) == before
    assert len(trail.reads) == 1
    assert await pages.page("first", NORTH, 512, 515, replace(HERE, origin="restored")) is not None
    assert len(trail.reads) == 2


async def test_a_redis_that_is_away_is_not_asked_for_every_page() -> None:
    """One that hangs takes its time to fail, and somebody waits for each page."""
    logs, trail = _shelves()
    logs.failing = StreamUnavailable("away")
    pages = Pages(logs, trail, most_bytes=10**6)
    for block in range(5):
        assert await pages.page("first", NORTH, block * 256, block * 256 + 10, HERE) is not None
    assert len(logs.reads) == 1
    assert len(trail.reads) == 5
    await pages.aclose()


@given(after=st.integers(0, 900), upto=st.integers(1, 300), since=st.integers(0, 900), most=st.integers(1, 120))
def test_a_page_is_a_first_part_of_what_there_is_or_nothing_where_it_is_gone(
    after: int, upto: int, since: int, most: int
) -> None:
    """Whatever the round tick before it, however small pages are."""

    async def play() -> None:
        logs, trail = _shelves(since=since, most=most)
        past = await Pages(logs, trail, most_bytes=10**6).page("first", NORTH, after, after + upto, HERE)
        if after < since:
            assert past is None
        else:
            assert past is not None
            assert after < past.upto <= after + upto
            assert _ticks(past) == [tick for tick in range(after + 1, past.upto + 1) if tick % 3 == 0]

    asyncio.run(play())


async def test_redis_is_asked_first_and_postgres_for_what_it_cannot_prove(observed: Observed) -> None:
    """Or while it is away; where Postgres is, too, whoever asks is told, and the next one asks anew.

    Which of them answered is observed: the benchmark of coming back relies on it.
    """
    logs, trail = _shelves()
    pages = Pages(logs, trail, most_bytes=10**6)
    logs.since = 0
    assert _ticks(await pages.page("first", NORTH, 256, 260, HERE)) == [258]
    assert trail.reads == []
    logs.failing = StreamUnavailable("away")
    assert _ticks(await pages.page("first", NORTH, 512, 515, HERE)) == [513]
    trail.failing = DatabaseUnavailable("away")
    with pytest.raises(DatabaseUnavailable):
        await pages.page("first", NORTH, 768, 770, HERE)
    trail.failing = None
    assert _ticks(await pages.page("first", NORTH, 768, 775, HERE)) == [771, 774]
    assert [each.where for each in observed.of(PastRead)] == ["logs", "trail", "trail"]


async def test_no_more_is_kept_than_may_be() -> None:
    """What was not asked for lately goes."""
    logs, trail = _shelves()
    pages = Pages(logs, trail, most_bytes=40_000)
    for block in range(20):
        await pages.page("first", NORTH, block * 256, block * 256 + 100, HERE)
    assert pages._held <= 40_000
    assert 0 < len(pages._kept) < 6
    await pages.page("first", NORTH, 19 * 256, 19 * 256 + 50, HERE)
    assert len(trail.reads) == 20
