"""Who is told of a change, of everybody who asked (pure): found by table and by what the filters ask."""

from collections.abc import Iterable, Iterator

from floorcast.filter.condition import Condition, any_of, columns_of
from floorcast.filter.index import Index
from floorcast.filter.row import Row
from floorcast.gateway.channels.channel import ChannelAudience, Outlook


class Directory:
    """Every audience."""

    def __init__(self) -> None:
        """Nobody asked for anything."""
        self._audiences: dict[Outlook, ChannelAudience] = {}
        # Table → those who are to look at each of its changes.
        self._onlookers: dict[str, dict[ChannelAudience, None]] = {}
        # Those who name no table.
        self._wide: dict[ChannelAudience, None] = {}
        self._index: Index[ChannelAudience] = Index()

    def __iter__(self) -> Iterator[ChannelAudience]:
        """Go over all of them."""
        return iter(self._audiences.values())

    def get(self, outlook: Outlook) -> ChannelAudience:
        """Return the audience of an outlook."""
        audience = self._audiences.get(outlook)
        if audience is None:
            audience = self._audiences[outlook] = ChannelAudience(outlook)
            filtered: dict[str, Condition] = {}
            for table in _tables(outlook):
                condition = _filter_of(outlook, table)
                if condition is None:
                    self._onlookers.setdefault(table, {})[audience] = None
                else:
                    filtered[table] = condition
            if any(binding.schema_wide for binding in outlook.bindings):
                self._wide[audience] = None
            self._index.add(audience, filtered)
        return audience

    def release(self, audience: ChannelAudience) -> None:
        """Forget an audience that nobody is in."""
        if audience.members or audience.behind or self._audiences.get(audience.outlook) is not audience:
            return
        del self._audiences[audience.outlook]
        self._wide.pop(audience, None)
        self._index.remove(audience)
        for table in _tables(audience.outlook):
            onlookers = self._onlookers.get(table)
            if onlookers is not None:
                onlookers.pop(audience, None)
                if not onlookers:
                    del self._onlookers[table]

    def concerned(self, table: str, old: Row | None, new: Row | None) -> Iterable[ChannelAudience]:
        """Return who may have to be told of a change; raises RowMismatch."""
        found = {**self._onlookers.get(table, {}), **self._wide}
        found.update(dict.fromkeys(self._index.candidates(table, old, new)))
        return found

    def is_filtered(self, table: str) -> bool:
        """Whether somebody is found by what a row of this table says."""
        return self._index.has(table)

    def filtering(self, table: str) -> Iterable[ChannelAudience]:
        """Return those who have a filter on a table."""
        return [
            audience
            for audience in self._audiences.values()
            if any(binding.table == table and binding.condition is not None for binding in audience.outlook.bindings)
        ]


def _tables(outlook: Outlook) -> Iterable[str]:
    return dict.fromkeys(binding.table for binding in outlook.bindings if not binding.schema_wide)


def _filter_of(outlook: Outlook, table: str) -> Condition | None:
    """Return what a row has to meet before or after a change; None where each has to be looked at.

    A condition on a column that is hidden somewhere is asked of the row as it is seen, which is not this one.
    """
    conditions = [binding.condition for binding in outlook.bindings if binding.table == table]
    known = [condition for condition in conditions if condition is not None]
    if len(known) < len(conditions):
        return None
    hidden = frozenset().union(*(view.hidden.get(table, ()) for _, view in outlook.sight.places))
    condition = any_of(known)
    return None if hidden & columns_of(condition) else condition
