"""The newest state of each row, instead of every change on the way there (pure).

Folded is what the row was before the first change and is after the last. So a row that left is told to leave, however
often it changed before; and one that came and went meanwhile is told to nobody.
"""

from dataclasses import replace

from floorcast.operation import Operation


class Fold:
    """Collects changes in their order; `take` returns them folded."""

    def __init__(self) -> None:
        """Hold nothing."""
        # Table and key → the tick and place of the last change, and all of them as one.
        self._rows: dict[tuple[str, bytes], tuple[int, Operation]] = {}
        # Bytes of what is held.
        self.size = 0

    def add(self, tick: int, operation: Operation) -> None:
        """Take the next change of a warehouse."""
        name = operation.table, operation.key
        held = self._rows.pop(name, None)
        folded = operation if held is None else _after(held[1], operation)
        self.size += (folded.size if folded is not None else 0) - (held[1].size if held is not None else 0)
        if folded is not None:
            self._rows[name] = tick, folded

    def take(self) -> list[tuple[int, Operation]]:
        """Return (tick, operation) for each row, in the order of their last changes; hold nothing any more."""
        rows, self._rows, self.size = list(self._rows.values()), {}, 0
        return rows


def _after(first: Operation, last: Operation) -> Operation | None:
    """Return two changes of one row as one; None when it was not there before and is not after."""
    was = first.op != "enter"
    if was and last.op != "leave":
        return replace(last, op="update", old=first.old)
    if not was:
        return None if last.op == "leave" else replace(last, op="enter", old=None)
    return replace(last, old=first.old)
