"""What is made once and kept for whoever needs the same soon, within so many bytes (pure)."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

ThingT = TypeVar("ThingT")


class Kept(Generic[ThingT]):
    """Things by name; when they are too many, the longest unused are dropped."""

    def __init__(self, most_bytes: int, weigh: Callable[[ThingT], int]) -> None:
        """Keep things that together weigh at most so much, or else the newest alone."""
        self._most_bytes = most_bytes
        self._weigh = weigh
        self._things: OrderedDict[Hashable, tuple[ThingT, int]] = OrderedDict()
        self.held_bytes = 0

    def find(self, name: Hashable) -> ThingT | None:
        """Return what is kept under a name."""
        kept = self._things.get(name)
        if kept is None:
            return None
        self._things.move_to_end(name)
        return kept[0]

    def keep(self, name: Hashable, thing: ThingT) -> ThingT:
        """Keep something, instead of what had that name; returns it."""
        _, before = self._things.pop(name, (None, 0))
        weight = self._weigh(thing)
        self._things[name] = thing, weight
        self.held_bytes += weight - before
        while self.held_bytes > self._most_bytes and len(self._things) > 1:
            _, (_, dropped) = self._things.popitem(last=False)
            self.held_bytes -= dropped
        return thing

    def clear(self) -> None:
        """Keep nothing."""
        self._things.clear()
        self.held_bytes = 0
