"""What is published of a tick, and what Redis may forget. Pure.

The relay does what these decide; nothing here can wait.
"""

from collections import deque
from collections.abc import Iterable

from floorcast.change import Change
from floorcast.operation import Operation, has_log, operations_in
from floorcast.stream.entry import FeedTick
from floorcast.tick import TickHeader

LARGEST_ENTRY = 3_000
"""Operations in one entry. A Lua call takes under 8,000 values, and an operation takes two."""


def feed_tick(
    incarnation: str, header: TickHeader, changes: Iterable[Change], warehouses: Iterable[str] = ()
) -> FeedTick:
    """Return the feed's entry of a tick; a large one is a marker without operations.

    `warehouses` are those that a large tick concerns: their logs get the marker too, or a hole in them would not show.
    """
    operations: tuple[Operation, ...] = ()
    if not header.large:
        operations = tuple(operations_in(tuple(changes)))
    large = header.large or len(operations) > LARGEST_ENTRY
    places = tuple(warehouses) or tuple(each.warehouse for each in operations)
    return FeedTick(
        header.tick,
        header.seal,
        header.previous_seal,
        header.at,
        incarnation,
        header.count,
        large,
        () if large else operations,
        tuple(dict.fromkeys(place for place in places if has_log(place))) if large else (),
    )


class Retention:
    """Keeps account of what was published, and says from which tick on Redis keeps entries.

    Bytes are counted twice, for feed and logs. A relay that has just taken the lead counts from there, so for a while
    Redis may hold up to twice the budget.
    """

    def __init__(self, budget: int) -> None:
        """`budget` is in bytes of published bodies."""
        self._budget = budget
        self._held = 0
        self._ticks: deque[tuple[int, int]] = deque()
        # Entries of ticks below it may be trimmed.
        self.floor = 0

    def published(self, tick: FeedTick) -> None:
        """Count a tick that is in the feed now; raises the floor when the budget is spent."""
        # Fields cost a header and a name each, which for small rows is as much as the body.
        size = 2 * sum(operation.size + 160 for operation in tick.operations) + 400
        self._ticks.append((tick.tick, size))
        self._held += size
        while self._held > self._budget and len(self._ticks) > 1:
            dropped, freed = self._ticks.popleft()
            self._held -= freed
            self.floor = dropped + 1
