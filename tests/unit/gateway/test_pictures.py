"""Who asks for the same is given the same, read once; whoever goes away takes nothing from the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.fixtures.spools import a_request

from floorcast.change import OWNER_RULE
from floorcast.database.pages import Pages, Room
from floorcast.database.picture_request import LawAtSnapshot, PictureRequest, TableRead
from floorcast.database.spool import Spool
from floorcast.errors import DatabaseUnavailable, PicturesBusy
from floorcast.gateway.pictures import Pictures
from floorcast.shape import TableShape

LETTERS = TableShape("letters", {"id": "uuid", "place": "uuid", "who": "uuid"}, ("id",), "warehouse", "place")
SHARED = LawAtSnapshot("service_role", "o", ())
ALONE = LawAtSnapshot(None, None, ())


class Source:
    """Reads when it is told to; see `PictureSource`."""

    def __init__(self) -> None:
        """Nothing is asked for yet."""
        self.room = Room(10**6, 10**6)
        self.asked: list[asyncio.Future[tuple[int, LawAtSnapshot]]] = []
        self.cancelled = 0

    async def read(self, request: PictureRequest) -> Spool:
        """As `PictureSource`."""
        del request
        self.asked.append(asyncio.get_running_loop().create_future())
        try:
            tick, law = await self.asked[-1]
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        pages = Pages(self.room, 10**6)
        pages.add("a", b"%d" % tick)
        pages.end_page()
        return Spool(tick, "", "first", "1:1:", clean=True, at="now", law=law, _pages=pages)

    async def answer(self, tick: int, law: LawAtSnapshot = SHARED) -> None:
        """Finish the newest read, and let everybody hear of it."""
        self.asked[-1].set_result((tick, law))
        await turns()


async def turns(count: int = 12) -> None:
    """Let everything that can happen happen."""
    for _ in range(count):
        await asyncio.sleep(0)


@asynccontextmanager
async def opened(source: Source, keep_seconds: float = 60.0) -> AsyncIterator[Pictures]:
    """Pictures of a source; closed afterwards, when everything must have been given back."""
    pictures = Pictures(source, keep_seconds=keep_seconds)
    yield pictures
    await pictures.close()
    assert source.room.held == 0


REQUEST = a_request(warehouse="w", organization="o")
OTHER = a_request(warehouse="v", organization="o")


def ask(
    pictures: Pictures, count: int = 1, request: PictureRequest = REQUEST, since: int = 0
) -> list[asyncio.Task[Spool]]:
    """Ask so often at once."""
    return [asyncio.create_task(pictures.read(request, not_before=since)) for _ in range(count)]


async def ticks(tasks: list[asyncio.Task[Spool]]) -> list[int]:
    """What everybody was given, which he closes."""
    found = []
    for task in tasks:
        with await asyncio.wait_for(task, 5) as spool:
            found.append(spool.tick)
            assert list(spool.chunks(10)) == [("a", b"%d" % spool.tick)]
    return found


async def test_a_thousand_who_ask_for_the_same_cost_one_read() -> None:
    """And so do those who come a moment later; who asks for something else does not wait for them."""
    source = Source()
    async with opened(source) as pictures:
        many = ask(pictures, 1000)
        await turns()
        assert len(source.asked) == 1
        other = ask(pictures, 1, OTHER)
        await turns()
        await source.answer(8)
        assert await ticks(other) == [8]
        source.asked.pop()
        await source.answer(7)
        assert await ticks(many) == [7] * 1000
        assert await ticks(ask(pictures, 10)) == [7] * 10
        assert len(source.asked) == 1


async def test_a_picture_is_kept_for_a_moment_only() -> None:
    """Then it is read anew, and its room is free."""
    source = Source()
    async with opened(source, keep_seconds=0) as pictures:
        first = ask(pictures)
        await turns()
        await source.answer(7)
        assert await ticks(first) == [7]
        assert source.room.held == 0
    async with opened(source, keep_seconds=0.001) as pictures:
        first = ask(pictures)
        await turns()
        await source.answer(8)
        assert await ticks(first) == [8]
        async with asyncio.timeout(5):
            while True:
                if not source.room.held:
                    break
                await asyncio.sleep(0)


async def test_what_is_somebodys_own_is_not_kept() -> None:
    """Ten thousand such pictures would wait for nobody."""
    source = Source()
    read = TableRead("letters", LETTERS, reads=False, owner="who")
    request = a_request(read, user="anna", role="authenticated", warehouse="w", organization="o")
    rules = ((OWNER_RULE, {"table_name": "letters", "column_name": "who", "actions": ["select"]}),)
    async with opened(source) as pictures:
        both = ask(pictures, 2, request)
        await turns()
        await source.answer(7, LawAtSnapshot("viewer", "o", rules))
        assert await ticks(both) == [7, 7]
        assert len(source.asked) == 1
        assert source.room.held == 0


async def test_nobody_is_given_what_was_read_before_his_access_changed() -> None:
    """He reads himself; the newer one then serves all."""
    source = Source()
    async with opened(source) as pictures:
        early, late = ask(pictures), ask(pictures, 3, since=9)
        await turns()
        await source.answer(8)
        assert len(source.asked) == 2
        assert await ticks(early) == [8]
        await source.answer(9)
        assert await ticks(late) == [9, 9, 9]
        assert await ticks(ask(pictures, since=0)) == [9]
        last = ask(pictures, since=10)
        await turns()
        await source.answer(10)
        assert await ticks(last) == [10]


async def test_what_was_read_under_another_law_is_for_its_reader_alone() -> None:
    """The others read in their own name; who found nothing for him twice does not wait a third time."""
    source = Source()
    async with opened(source) as pictures:
        tasks = ask(pictures, 4)
        await turns()
        await source.answer(7, ALONE)
        assert [task.done() for task in tasks] == [True, False, False, False]
        await source.answer(8, ALONE)
        assert [task.done() for task in tasks].count(True) == 2
        assert len(source.asked) == 4
        for asked in source.asked[2:]:
            asked.set_result((9, ALONE))
        assert await ticks(tasks) == [7, 8, 9, 9]


async def test_whoever_goes_away_takes_nothing_from_the_others() -> None:
    """Not even who asked first; the read ends with the last who waits for it."""
    source = Source()
    async with opened(source) as pictures:
        tasks = ask(pictures, 3)
        await turns()
        tasks[0].cancel()
        await turns()
        assert source.cancelled == 0
        await source.answer(7)
        assert await ticks(tasks[1:]) == [7, 7]
        gone = ask(pictures, 3, OTHER)
        await turns()
        for task in gone:
            task.cancel()
        await turns()
        assert source.cancelled == 1
        again = ask(pictures, 1, OTHER)
        await turns()
        await source.answer(8)
        assert await ticks(again) == [8]


async def test_who_goes_away_when_it_is_just_read_leaves_nothing() -> None:
    """In whichever turn of the loop it happens."""
    for turn in range(12):
        source = Source()
        async with opened(source, keep_seconds=0) as pictures:
            tasks = ask(pictures, 2)
            await turns()
            source.asked[-1].set_result((7, SHARED))
            await turns(turn)
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Spool):
                    outcome.close()
            await turns()


async def test_a_read_that_fails_fails_for_all_who_wait_and_for_nobody_else() -> None:
    """The next one tries again."""
    source = Source()
    async with opened(source) as pictures:
        tasks = ask(pictures, 3)
        await turns()
        source.asked[-1].set_exception(PicturesBusy("as many as may"))
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [PicturesBusy] * 3
        again = ask(pictures)
        await turns()
        await source.answer(8)
        assert await ticks(again) == [8]


async def test_a_gateway_that_stops_keeps_nobody() -> None:
    """Who waits is told."""
    source = Source()
    async with opened(source) as pictures:
        tasks = ask(pictures, 3)
        await turns()
    for task in tasks:
        with pytest.raises(DatabaseUnavailable, match="stopped"):
            await task
