"""One change as somebody sees it (pure): the row before and after, or neither, and which columns of them.

A change is told in several warehouses when the row moved, or is an organization's. Who is in more than one of them is
told of it once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from floorcast.gateway.channels.binding import Kind
from floorcast.gateway.channels.sight import Sight, hidden_columns
from floorcast.operation import Operation

Told = tuple[str, Operation]
"""A warehouse, and what is told there."""

_KINDS: Mapping[str, Kind] = {"insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}


class Side(NamedTuple):
    """A row, and which of its columns read as null."""

    row: bytes
    hidden: frozenset[str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of a change."""

    kind: Kind
    operation: Operation
    old: Side | None
    new: Side | None


def changes_in(told: Iterable[Told]) -> Iterator[Sequence[Told]]:
    """Yield what is told of each change, change by change, in the order of the tick."""
    for _, group in groupby(told, key=lambda each: (each[1].n, each[1].table)):
        yield tuple(group)


def see(change: Sequence[Told], sight: Sight, user: str, reading: Callable[[bytes], Mapping[str, Any]]) -> Seen | None:
    """Return what somebody sees of a change; None for nothing.

    Args:
        change: what is told of it, and where.
        sight: what he sees.
        user: who he is; matters for rows that have an owner.
        reading: reads a row.
    """
    old: Side | None = None
    new: Side | None = None
    first = change[0][1]
    for warehouse, operation in change:
        view = sight.get(warehouse)
        if view is None or not view.shows(operation.table):
            continue
        owned = operation.table in view.owned
        if operation.op != "enter" and operation.old is not None:
            row = reading(operation.old) if owned else None
            old = _better(old, operation.old, hidden_columns(view, operation.table, row, user))
        if operation.new is not None:
            row = reading(operation.new) if owned else None
            new = _better(new, operation.new, hidden_columns(view, operation.table, row, user))
    if old is None and new is None:
        return None
    return Seen(_KINDS[first.by], first, old, new)


def _better(known: Side | None, row: bytes, hidden: frozenset[str] | None) -> Side | None:
    """Return a row with as much of it as may be seen in any of the places."""
    if hidden is None:
        return known
    return Side(row, hidden if known is None else known.hidden & hidden)
