"""What happened in some places since a tick: the ticks of the past, as those read them who were away. Pure data."""

from bisect import bisect_right
from dataclasses import dataclass

from floorcast.operation import Operation

PAGE_OPERATIONS, PAGE_BYTES = 2_000, 1_048_576
"""A page of the past ends with the tick in which it reaches either bound."""

_TICK_BYTES, _OPERATION_BYTES = 200, 400
"""About what a tick and an operation take in memory beside their rows."""


@dataclass(frozen=True, slots=True)
class PastTick:
    """A tick, as far as it concerns the places that were asked about."""

    tick: int
    # When it was closed, ISO 8601 in UTC.
    at: str
    # As they are delivered live, in that order; `n` is the place in the whole tick.
    operations: tuple[Operation, ...]
    # It has more than is held in memory: no operations here, they are read in pages from Postgres.
    large: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """A page of the past: everything that concerns some places from a tick on up to `upto`, itself included."""

    # How far it is complete; the next page begins behind it. May be less than was asked for.
    upto: int
    # Ascending. Ticks without anything for these places are left out.
    ticks: tuple[PastTick, ...]

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        rows = sum(each.size + _OPERATION_BYTES for tick in self.ticks for each in tick.operations)
        return rows + _TICK_BYTES * (1 + len(self.ticks))

    def bounded(self) -> "Past":
        """Return a first part that is as large as a page, or all of it."""
        told = size = 0
        for i, tick in enumerate(self.ticks[:-1]):
            told += len(tick.operations)
            size += sum(each.size for each in tick.operations)
            if told >= PAGE_OPERATIONS or size >= PAGE_BYTES:
                return Past(self.ticks[i + 1].tick - 1, self.ticks[: i + 1])
        return self

    def between(self, after: int, upto: int) -> "Past":
        """Return what of it lies behind one tick and up to another."""
        first = bisect_right(self.ticks, after, key=lambda each: each.tick)
        end = bisect_right(self.ticks, upto, key=lambda each: each.tick)
        return Past(min(self.upto, upto), self.ticks[first:end])


def in_order(operations: list[Operation]) -> tuple[Operation, ...]:
    """Return operations of one tick that come from several places in the order in which they are delivered live.

    The two of a move share their `n`, and the leave comes first.
    """
    return tuple(sorted(operations, key=lambda each: (each.n, each.op != "leave")))
