"""One clock for every socket (pure): a timer wheel, since a timer each would cost more than a session.

Time is cut into slots of `grain` seconds. A socket is in at most one slot, where it is looked at again; late by up to
one grain, never early. Hearing from a socket moves nothing: it stores the time, and the next look decides.
"""

import math
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Wheel(Generic[Item]):
    """Items by the slot in which they are due; an item is due once, then no more until it is scheduled again."""

    def __init__(self, grain: float, now: float) -> None:
        """Begin at `now`, in seconds on whatever clock `advance` will use."""
        self.grain = grain
        self._slots: dict[int, set[Item]] = {}
        # The last slot that `advance` has emptied.
        self._passed = math.floor(now / grain)

    def schedule(self, item: Item, at: float) -> int:
        """Have the item due at `at`; returns its slot, which `cancel` wants."""
        slot = max(math.ceil(at / self.grain), self._passed + 1)
        self._slots.setdefault(slot, set()).add(item)
        return slot

    def cancel(self, item: Item, slot: int) -> None:
        """Take the item out, if it is still in."""
        items = self._slots.get(slot)
        if items is not None:
            items.discard(item)
            if not items:
                del self._slots[slot]

    def advance(self, now: float, most: int | None = None) -> list[Item]:
        """Return items that became due, `most` of them at most; the others are due at the next call."""
        due: list[Item] = []
        slot = math.floor(now / self.grain)
        if slot - self._passed > len(self._slots):
            # Fewer slots than steps (the process slept, or little is scheduled): visit the slots.
            passed = sorted(number for number in self._slots if number <= slot)
        else:
            passed = [number for number in range(self._passed + 1, slot + 1) if number in self._slots]
        for number in passed:
            items = self._slots[number]
            while items and (most is None or len(due) < most):
                due.append(items.pop())
            if items:
                self._passed = number - 1
                return due
            del self._slots[number]
        self._passed = max(self._passed, slot)
        return due
