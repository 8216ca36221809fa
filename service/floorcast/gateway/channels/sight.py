"""What somebody sees in all his warehouses together (pure).

A channel names no warehouse: it is told of every change that its person sees anywhere. A row that is seen in several
warehouses, as those of an organization are, is told once, with what may be seen of it in any of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from floorcast.access.policy import View

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sight:
    """Warehouses, and what is seen there. Equal sights are sent equal bytes, but for rows of one's own."""

    places: tuple[tuple[str, View], ...]
    _views: Mapping[str, View] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make it quick to look up."""
        object.__setattr__(self, "_views", dict(self.places))

    @classmethod
    def of(cls, views: Mapping[str, View]) -> "Sight":
        """Return what these views show together."""
        return cls(tuple(sorted(views.items(), key=lambda each: each[0])))

    def __iter__(self) -> Iterator[str]:
        """Go over the warehouses."""
        return iter(self._views)

    def get(self, warehouse: str) -> View | None:
        """Return what is seen in a warehouse; None when nothing is."""
        return self._views.get(warehouse)

    def within(self, tables: Iterable[str]) -> "Sight":
        """Return the part of it that is about these tables."""
        asked = frozenset(tables)
        kept = {name: view.within(asked) for name, view in self.places}
        return Sight.of({name: view for name, view in kept.items() if view.owned or view.reads != _NONE})

    def meet(self, other: "Sight") -> "Sight":
        """Return what both see: of a tick that changes access is told only what was seen before and is after."""
        shared = {name: _meet(view, others) for name, view in self.places if (others := other.get(name)) is not None}
        return Sight.of(shared)

    def exceeds(self, other: "Sight") -> bool:
        """Whether something is seen that the other does not see."""
        return self.meet(other) != self

    @property
    def is_personal(self) -> bool:
        """Whether somebody sees more of rows that are his own, so that it matters who he is."""
        return any(view.owned for _, view in self.places)


def hidden_columns(view: View, table: str, row: Mapping[str, Any] | None, user: str) -> frozenset[str] | None:
    """Return which columns of a row read as null; None when the row is not seen at all.

    `row` is needed only where the table's rows have owners.
    """
    column = view.owned.get(table)
    if column is not None and user and row is not None and row.get(column) == user:
        return _NONE
    return view.hidden.get(table, _NONE) if view.reads_table(table) else None


def _meet(one: View, other: View) -> View:
    if one == other:
        return one
    reads = one.reads if other.reads is None else other.reads if one.reads is None else one.reads & other.reads
    owned = {
        table: column
        for table, column in (*one.owned.items(), *other.owned.items())
        if one.shows(table) and other.shows(table)
    }
    hidden = {
        table: columns
        for table in one.hidden.keys() | other.hidden.keys()
        if (reads is None or table in reads)
        and (columns := one.hidden.get(table, _NONE) | other.hidden.get(table, _NONE))
    }
    return View(reads, owned, hidden)
