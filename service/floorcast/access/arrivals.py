"""Whom a tick let in, and what is told of them there (pure): the newest state of their rows, and none before it.

The newest is what the tick shows. The states before it were not for that warehouse to see, since the person was not
there; and which is the newest is known only once the whole tick was looked at.
"""

from collections.abc import Iterable, Sequence

import orjson

from floorcast.operation import PERSON, Act, Operation

_Row = tuple[str, str, bytes]
"""A warehouse in which it is told, its table and its key."""


class Arrivals:
    """Those whom one tick let in. It has to be given all that the tick has in their `places` before it is asked."""

    def __init__(self, gained: Iterable[tuple[str, str]]) -> None:
        """Take who was let in where, as (user, warehouse)."""
        # Place of a person → the warehouses that he was let into.
        self._entered: dict[str, list[str]] = {}
        for user, warehouse in gained:
            self._entered.setdefault(f"{PERSON}:{user}", []).append(warehouse)
        # The last change of each of their rows: its place in the tick, and which side of a move it is.
        self._newest: dict[_Row, tuple[int, Act]] = {}

    @property
    def places(self) -> Sequence[str]:
        """The places of which it has to know everything, in a certain order."""
        return sorted(self._entered)

    def note(self, operations: Iterable[Operation]) -> None:
        """Look at a part of the tick; parts come in the order of the tick, and may begin anew."""
        if self._entered:
            for operation in operations:
                for warehouse in self._entered.get(operation.warehouse, ()):
                    self._newest[_row(warehouse, operation)] = (operation.n, operation.op)

    def conceal(self, warehouse: str, operation: Operation) -> bool:
        """Whether an operation is kept from a warehouse, since it is of somebody who was not there yet."""
        if warehouse not in self._entered.get(operation.warehouse, ()):
            return False
        return self._newest.get(_row(warehouse, operation)) != (operation.n, operation.op)


def _row(warehouse: str, operation: Operation) -> _Row:
    return warehouse, operation.table, orjson.dumps(orjson.loads(operation.key), option=orjson.OPT_SORT_KEYS)
