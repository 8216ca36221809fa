"""The trail as many read it at once: large ticks are read once for all who read them at about the same time.

A bulk update concerns everybody in a warehouse at once, and each is paced through it by his own outbox. Whoever is
ahead has the next page read; it is kept for those behind him, as long as there is room. Who falls so far behind that a
page is gone again begins another reading, which those behind him share in their turn.
"""

from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence

from floorcast.gateway.together import Together
from floorcast.gateway.upstream import PastTrail
from floorcast.operation import Operation
from floorcast.tick import Anchor

_OPERATION_BYTES = 400
"""About what an operation takes in memory beside its rows."""

_READING_BYTES = 1_000

_ANSWERS = 16
"""So many answers about access are kept."""

_SEALS = 4_096
"""So many seals are kept: those who come back together have cursors of the last minutes, each of its own tick."""

_Page = tuple[Operation, ...]
_Name = tuple[str, int, tuple[str, ...]]
_Access = Sequence[tuple[int, tuple[Operation, ...]]] | None


class _Reading:
    """One walk through a large tick for some places, as far as whoever is ahead."""

    def __init__(self, source: AsyncIterator[_Page]) -> None:
        self.readers = 0
        self.size = _READING_BYTES
        # The last page was read.
        self.over = False
        # It broke off with an error: to go on would look like the end of the tick.
        self.failure: Exception | None = None
        # Pages from this one on are here; those before were dropped to make room.
        self.first = 0
        self._pages: deque[_Page] = deque()
        self._source = source

    @property
    def end(self) -> int:
        """How many pages were read so far."""
        return self.first + len(self._pages)

    def page(self, number: int) -> _Page:
        """Return one of those that are here."""
        return self._pages[number - self.first]

    def drop(self) -> bool:
        """Drop the oldest page; false where only the newest is left, which somebody is about to take."""
        if len(self._pages) < 2:  # noqa: PLR2004 — one is the newest
            return False
        self.size -= _size(self._pages.popleft())
        self.first += 1
        return True

    async def read_on(self) -> None:
        """Have one more page, or learn that there is none."""
        if self.failure is not None:
            raise self.failure
        try:
            page = await anext(self._source)
        except StopAsyncIteration:
            self.over = True
        except Exception as error:
            self.failure = error
            raise
        else:
            self._pages.append(page)
            self.size += _size(page)


class SharedTrail:
    """Reads for many at once, and keeps what was read last; an `upstream.PastTrail` itself."""

    def __init__(self, trail: PastTrail, *, most_bytes: int) -> None:
        """Take where to read, and how much to keep."""
        self._trail = trail
        self._most_bytes = most_bytes
        # The newest reading of each, the least recently begun first; and those that others are ahead of, while read.
        self._newest: OrderedDict[_Name, _Reading] = OrderedDict()
        self._older: dict[int, _Reading] = {}
        self._fetching: Together[int, None] = Together()
        self._answers: OrderedDict[tuple[str, int, int], _Access] = OrderedDict()
        self._asking: Together[tuple[str, int, int], _Access] = Together()
        self._seals: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._asking_seals: Together[tuple[str, int], str | None] = Together()

    async def access(self, after: int, upto: int, anchor: Anchor) -> _Access:
        """Return what concerns access after a tick, up to and including another, by tick; None where nobody knows.

        Raises:
            DatabaseUnavailable: Postgres does not answer.
            AnotherTick: it is of another history than the anchor.
        """
        name = (anchor.origin, after, upto)
        if name in self._answers:
            self._answers.move_to_end(name)
            return self._answers[name]
        return await self._asking.ask(name, lambda: self._ask(name, anchor))

    async def seal_of(self, tick: int, anchor: Anchor) -> str | None:
        """Return the seal of a tick; None when it is not kept any more.

        Raises:
            DatabaseUnavailable: Postgres does not answer.
            AnotherTick: it is of another history than the anchor.
        """
        name = (anchor.origin, tick)
        if name in self._seals:
            self._seals.move_to_end(name)
            return self._seals[name]
        return await self._asking_seals.ask(name, lambda: self._ask_seal(name, anchor))

    async def pages(self, tick: int, places: Sequence[str], anchor: Anchor) -> AsyncIterator[_Page]:
        """Yield what a tick brought to some places; the same pages each time.

        Raises:
            DatabaseUnavailable: Postgres does not answer; begin again.
            TickNotKept: it is not kept any more.
            AnotherTick: Postgres is of another history than the anchor.
        """
        name, number = (anchor.origin, tick, tuple(places)), 0
        reading = self._enter(name, number, anchor)
        try:
            while number < reading.end or not reading.over:
                if number < reading.first:
                    self._leave(reading)
                    reading = self._enter(name, number, anchor)
                elif number < reading.end:
                    page, number = reading.page(number), number + 1
                    yield page
                else:
                    await self._read_on(name, reading)
        finally:
            self._leave(reading)

    async def aclose(self) -> None:
        """Cut off what is being read."""
        await self._fetching.aclose()
        await self._asking.aclose()
        await self._asking_seals.aclose()

    def _enter(self, name: _Name, number: int, anchor: Anchor) -> _Reading:
        """Take part in a reading that still has a page, or begin one."""
        reading = self._newest.get(name)
        if reading is None or number < reading.first:
            if reading is not None and reading.readers:
                self._older[id(reading)] = reading
            reading = self._newest[name] = _Reading(self._trail.pages(name[1], name[2], anchor))
        self._newest.move_to_end(name)
        reading.readers += 1
        return reading

    def _leave(self, reading: _Reading) -> None:
        reading.readers -= 1
        if not reading.readers:
            self._older.pop(id(reading), None)

    async def _read_on(self, name: _Name, reading: _Reading) -> None:
        try:
            await self._fetching.ask(id(reading), reading.read_on)
        except Exception:
            if self._newest.get(name) is reading:
                del self._newest[name]
            raise
        self._make_room()

    def _make_room(self) -> None:
        while sum(reading.size for reading in self._all()) > self._most_bytes:
            if not any(reading.drop() for reading in self._all()):
                idle = next((name for name, reading in self._newest.items() if not reading.readers), None)
                if idle is None:
                    return
                del self._newest[idle]

    def _all(self) -> Sequence[_Reading]:
        return (*self._older.values(), *self._newest.values())

    async def _ask_seal(self, name: tuple[str, int], anchor: Anchor) -> str | None:
        found = await self._trail.seal_of(name[1], anchor)
        if found is not None:
            self._seals[name] = found
            if len(self._seals) > _SEALS:
                self._seals.popitem(last=False)
        return found

    async def _ask(self, name: tuple[str, int, int], anchor: Anchor) -> _Access:
        found = await self._trail.access(name[1], name[2], anchor)
        if found is not None:
            self._answers[name] = found
            if len(self._answers) > _ANSWERS:
                self._answers.popitem(last=False)
        return found


def _size(page: _Page) -> int:
    return sum(each.size + _OPERATION_BYTES for each in page)
