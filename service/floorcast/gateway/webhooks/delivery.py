"""How one batch is posted (pure): in messages, in order, and again in smaller ones where something cannot be taken.

What a receiver rejects is kept back with everything behind it that is about the same row, in this batch and, by the
consumer's parked keys, in those to come: nobody is told the second thing about a row without the first.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One change of a batch."""

    # Names it for good: `<incarnation>:<tick>-<n>`.
    id: str
    # The row that it is about.
    key: Hashable
    # In the consumer's envelope: one JSON object.
    text: bytes


class Delivery:
    """What of a batch is still to be posted."""

    def __init__(self, items: Sequence[Item], *, most_items: int, most_bytes: int) -> None:
        """Begin with the first.

        Args:
            items: in order.
            most_items: of one message.
            most_bytes: of one message's changes, unless a single one has more.
        """
        self._items: Sequence[Item] = items
        self._most_bytes = most_bytes
        self._most_items = most_items
        # As many as are tried at once at the moment.
        self._limit = most_items
        # The first that nothing is known about.
        self._at = 0
        self._message: list[Item] | None = None
        # Of each row the first that was rejected: id → reason.
        self._rejected: dict[str, str] = {}
        # Rows of which nothing more is told.
        self._kept_back: set[Hashable] = set()

    @property
    def rejected(self) -> Mapping[str, str]:
        """Of each row the first change that was rejected, id → reason, in order; what follows it is parked with it."""
        return self._rejected

    def go_on(self, items: Sequence[Item]) -> None:
        """Have the next page of the same batch; all before it was taken or rejected."""
        self._items = items
        self._at = 0
        self._message = None

    def message(self) -> Sequence[Item]:
        """Return what is posted next; the same until something is known about it, and nothing at the end."""
        if self._message is None:
            self._message = self._gather()
        return self._message

    def taken(self, rejected: Mapping[str, str]) -> None:
        """Go on behind a message that was taken, but for some."""
        for item in self.message():
            if item.id in rejected and item.key not in self._kept_back:
                self._rejected[item.id] = rejected[item.id]
                self._kept_back.add(item.key)
        self._limit = min(self._most_items, self._limit * 2)
        self._message = None

    def unfit(self, reason: str) -> None:
        """Try with less; what stands alone is rejected."""
        message = self.message()
        if len(message) == 1:
            self.taken({message[0].id: reason})
            return
        self._at = self._items.index(message[0])
        self._limit = len(message) // 2
        self._message = None

    def _gather(self) -> list[Item]:
        message: list[Item] = []
        size = 0
        while self._at < len(self._items):
            item = self._items[self._at]
            if item.key not in self._kept_back:
                if message and (len(message) >= self._limit or size + len(item.text) > self._most_bytes):
                    break
                message.append(item)
                size += len(item.text) + 1
            self._at += 1
        return message
