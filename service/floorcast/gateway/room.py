"""Who has joined one warehouse (pure): those who look at whole tables, and those with filters, found by what changed.

Most audiences look at whole tables, and there are few different ones. Of those with filters there may be one per
kiosk, so they are not asked one by one: an index says whom a change may concern.
"""

from collections.abc import Iterable, Iterator, Mapping

from floorcast.filter.index import Index
from floorcast.filter.row import Row, read_row
from floorcast.gateway.audience import Audience, Selection
from floorcast.operation import Operation


class Room:
    """The audiences of one warehouse."""

    def __init__(self) -> None:
        """Nobody is here."""
        # Those without filters.
        self.plain: dict[Selection, Audience] = {}
        self._filtered: dict[Selection, Audience] = {}
        self._index: Index[Audience] = Index()
        # Table → those with filters on other tables, who look at the whole of this one.
        self._onlookers: dict[str, dict[Audience, None]] = {}
        # Those with filters who look at every table there is.
        self._all_onlookers: dict[Audience, None] = {}

    def __bool__(self) -> bool:
        """Whether anybody is here."""
        return bool(self.plain or self._filtered)

    def filtering(self, tables: Iterable[str]) -> Iterable[Audience]:
        """Return those with a filter on one of these tables."""
        asked = frozenset(tables)
        return [audience for audience in self._filtered.values() if audience.selection.lens.where.keys() & asked]

    def __iter__(self) -> Iterator[Audience]:
        """Go over all audiences."""
        yield from self.plain.values()
        yield from self._filtered.values()

    def get(self, selection: Selection) -> Audience | None:
        """Return the audience of a selection."""
        return (self._filtered if selection.lens.where else self.plain).get(selection)

    def add(self, audience: Audience) -> None:
        """Let an audience in."""
        lens = audience.selection.lens
        if not lens.where:
            self.plain[audience.selection] = audience
            return
        self._filtered[audience.selection] = audience
        self._index.add(audience, dict(lens.asked.where))
        for onlookers in self._watching(audience):
            onlookers[audience] = None

    def remove(self, audience: Audience) -> None:
        """Let go of an audience."""
        if not audience.selection.lens.where:
            self.plain.pop(audience.selection, None)
        elif self._filtered.pop(audience.selection, None) is not None:
            self._index.remove(audience)
            for onlookers in self._watching(audience):
                onlookers.pop(audience, None)

    def concerned(self, operations: Iterable[Operation]) -> Mapping[Audience, list[Operation]]:
        """Return the audiences with filters that these operations may concern, each with those that do, in order.

        Raises:
            RowMismatch: a row is not of the shape that somebody's filter was read for.
        """
        found: dict[Audience, list[Operation]] = {}
        if not self._filtered:
            return found
        for operation in operations:
            for audience in self._met(operation):
                found.setdefault(audience, []).append(operation)
            for audience in self._onlookers.get(operation.table, ()):
                found.setdefault(audience, []).append(operation)
            for audience in self._all_onlookers:
                if operation.table not in audience.selection.lens.where:
                    found.setdefault(audience, []).append(operation)
        return found

    def _met(self, operation: Operation) -> Iterable[Audience]:
        """Return those with a filter on its table that a row met before or meets after it."""
        if operation.old is None and operation.new is None:
            # Nothing says whose filter the row met, so all of them are told that it left.
            return self.filtering((operation.table,))
        return self._index.candidates(operation.table, _read(operation.old), _read(operation.new))

    def _watching(self, audience: Audience) -> Iterator[dict[Audience, None]]:
        """Yield the lists of onlookers in which an audience stands."""
        lens = audience.selection.lens
        if lens.view.reads is None:
            yield self._all_onlookers
        else:
            for table in (lens.view.reads | lens.view.owned.keys()) - lens.where.keys():
                yield self._onlookers.setdefault(table, {})


def _read(row: bytes | None) -> Row | None:
    return None if row is None else read_row(row)
