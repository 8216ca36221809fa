"""What a gateway remembers of the stream: the newest ticks, by place, within so many bytes (pure)."""

from collections import deque
from collections.abc import Iterable, Sequence

from floorcast.operation import EVERYWHERE, Operation
from floorcast.past import Past, PastTick, in_order

_OVERHEAD = 400
"""Bytes that an operation costs beside its rows, about."""

PAGE_BYTES = 1_048_576
"""A read returns no more than about this much at once."""


class Memory:
    """Every tick after `since`, up to the last that was noted."""

    def __init__(self, most_bytes: int) -> None:
        """Remember up to so many bytes."""
        self._most = most_bytes
        self._held = 0
        # Tick, its size, the places that it concerned; ascending.
        self._ticks: deque[tuple[int, int, Sequence[str]]] = deque()
        # Place → what happened there, ascending.
        self._places: dict[str, deque[PastTick]] = {}
        self.since = 0

    def begin(self, tick: int) -> None:
        """Forget everything; begin behind a tick."""
        self._held = 0
        self._ticks.clear()
        self._places.clear()
        self.since = tick

    def note(self, tick: int, at: str, operations: Iterable[Operation]) -> None:
        """Remember the next tick."""
        by_place: dict[str, list[Operation]] = {}
        size = 0
        for operation in operations:
            if operation.warehouse != EVERYWHERE:
                by_place.setdefault(operation.warehouse, []).append(operation)
                size += operation.size + _OVERHEAD
        self._keep(tick, size, {place: PastTick(tick, at, tuple(found)) for place, found in by_place.items()})

    def note_large(self, tick: int, at: str, places: Iterable[str]) -> None:
        """Remember that the next tick was too large to be held, and whom it concerned."""
        marks = {place: PastTick(tick, at, (), large=True) for place in places if place != EVERYWHERE}
        self._keep(tick, len(marks) * _OVERHEAD, marks)

    def places_after(self, prefix: str, after: int) -> Iterable[str]:
        """Return the places with a prefix in which something happened since a tick."""
        return [place for place, found in self._places.items() if place.startswith(prefix) and found[-1].tick > after]

    def read(self, places: Iterable[str], after: int, upto: int) -> Past | None:
        """Return what happened in some places after a tick, up to `upto` or less; None when that is not remembered."""
        if after < self.since:
            return None
        found = [each for place in places for each in self._after(place, after)]
        found.sort(key=lambda each: each.tick)
        ticks: list[PastTick] = []
        size = 0
        for each in found:
            if ticks and ticks[-1].tick == each.tick:
                ticks[-1] = _joined(ticks[-1], each)
            elif size >= PAGE_BYTES:
                return Past(ticks[-1].tick, tuple(ticks))
            else:
                ticks.append(each)
            size += sum(operation.size + _OVERHEAD for operation in each.operations)
        return Past(upto, tuple(ticks))

    def _after(self, place: str, after: int) -> Iterable[PastTick]:
        kept = self._places.get(place)
        if kept is None or kept[-1].tick <= after:
            return ()
        newer: list[PastTick] = []
        for each in reversed(kept):
            if each.tick <= after:
                break
            newer.append(each)
        return newer

    def _keep(self, tick: int, size: int, places: dict[str, PastTick]) -> None:
        for place, each in places.items():
            self._places.setdefault(place, deque()).append(each)
        self._ticks.append((tick, size + _OVERHEAD, tuple(places)))
        self._held += size + _OVERHEAD
        while self._held > self._most and self._ticks:
            self._forget()

    def _forget(self) -> None:
        tick, size, places = self._ticks.popleft()
        self._held -= size
        self.since = tick
        for place in places:
            kept = self._places[place]
            kept.popleft()
            if not kept:
                del self._places[place]


def _joined(one: PastTick, other: PastTick) -> PastTick:
    """Return what a tick brought to the places of both, in its order."""
    operations = in_order([*one.operations, *other.operations])
    return PastTick(one.tick, one.at, operations, large=one.large or other.large)
