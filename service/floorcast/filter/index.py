"""Whom a row concerns, of everybody who filters (pure): an index over the conditions of one warehouse.

Equal conditions are one, however many ask it: they are evaluated once. And a condition that holds only for certain
values of a column is not even looked at for a row with others: it is found by its value, as a word is in a dictionary.
So ten thousand people, each of whom asks for what is assigned to himself, cost a row no more than one does.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from floorcast.filter.condition import And, Condition, OneOf, Or
from floorcast.filter.kinds import Value
from floorcast.filter.matcher import Matcher, Reader, compile_matcher, compile_reader
from floorcast.filter.row import Row

Key = TypeVar("Key", bound=Hashable)


class Sides(NamedTuple):
    """Whether a condition lets a row through."""

    before: bool
    after: bool


@dataclass(slots=True, eq=False)
class _Asked(Generic[Key]):
    """One condition and everybody who asks it."""

    matches: Matcher
    # Where it is found: lists of one column's values, one of which a row has if it meets the condition. None: anywhere.
    anchors: tuple[OneOf, ...] | None
    # In the order in which they came.
    keys: dict[Key, None] = field(default_factory=dict)


# In the order in which they came, too; a set would have none.
_Many = dict[_Asked[Key], None]


@dataclass(slots=True, eq=False)
class _Table(Generic[Key]):
    """The conditions on one table."""

    conditions: dict[Condition, _Asked[Key]] = field(default_factory=dict)
    # Column and type → how to read it, and value → the conditions that are found by it.
    by_value: dict[tuple[str, str], tuple[Reader, dict[Value, _Many[Key]]]] = field(default_factory=dict)
    anywhere: _Many[Key] = field(default_factory=dict)


class Index(Generic[Key]):
    """Who asks for what in one warehouse.

    A key is in it for the tables on which it has a condition; who asks for all of a table is told of all anyway.
    """

    def __init__(self, compile_: Callable[[Condition], Matcher] = compile_matcher) -> None:
        """Begin empty; `compile_` makes a condition say whether a row meets it."""
        self._compile = compile_
        self._tables: dict[str, _Table[Key]] = {}
        self._asked_by: dict[Key, Mapping[str, Condition]] = {}

    def add(self, key: Key, table_conditions: Mapping[str, Condition]) -> None:
        """Take in somebody who is not there yet, with a condition for each table that has one."""
        if key in self._asked_by:
            raise AssertionError("a key is added once")
        self._asked_by[key] = dict(table_conditions)
        for name, condition in table_conditions.items():
            table = self._tables.setdefault(name, _Table())
            asked = table.conditions.get(condition)
            if asked is None:
                asked = table.conditions[condition] = _Asked(self._compile(condition), _anchors(table, condition))
                for place in _places(table, asked):
                    place[asked] = None
            asked.keys[key] = None

    def remove(self, key: Key) -> None:
        """Forget somebody, and what nobody asks any more."""
        for name, condition in self._asked_by.pop(key, {}).items():
            table = self._tables[name]
            asked = table.conditions[condition]
            del asked.keys[key]
            if not asked.keys:
                del table.conditions[condition]
                for place in _places(table, asked):
                    del place[asked]
                _tidy(table, asked)
                if not table.conditions:
                    del self._tables[name]

    def has(self, table: str) -> bool:
        """Whether somebody has a condition on a table."""
        return table in self._tables

    def candidates(self, table: str, old_row: Row | None, new_row: Row | None) -> Mapping[Key, Sides]:
        """Return whose condition on a table the row met before a change or meets after it, and which of the two.

        A row that there was or is not is None. Each distinct condition is evaluated at most once for each of the rows.

        Raises:
            RowMismatch: a row is not of the shape that conditions were checked against.
        """
        known = self._tables.get(table)
        if known is None:
            return {}
        before = {} if old_row is None else _met(known, old_row)
        after = {} if new_row is None else _met(known, new_row)
        return {key: Sides(asked in before, asked in after) for asked in before | after for key in asked.keys}


def _met(table: _Table[Key], row: Row) -> _Many[Key]:
    """Return the conditions that a row meets."""
    reached = dict(table.anywhere)
    for read, by_value in table.by_value.values():
        reached |= by_value.get(read(row), _NOBODY)
    return {asked: None for asked in reached if asked.matches(row)}


_NOBODY: dict[_Asked[Key], None] = {}  # type: ignore[valid-type] # empty, whatever there might be in it


def _anchors(table: _Table[Key], condition: Condition) -> tuple[OneOf, ...] | None:
    """Return by which values a condition is found; None when it may hold for any.

    Of several columns that would do, the one by whose values the fewest others are found: so a condition on status and
    person soon ends among those of its person.
    """
    match condition:
        case OneOf(negated=False):
            return (condition,)
        case And(parts=parts):
            found = [anchors for part in parts if (anchors := _anchors(table, part)) is not None]
            return min(found, key=lambda anchors: _crowd(table, anchors), default=None)
        case Or(parts=parts):
            each = [_anchors(table, part) for part in parts]
            whole = [anchors for anchors in each if anchors is not None]
            return tuple(anchor for anchors in whole for anchor in anchors) if len(whole) == len(each) else None
        case _:
            return None


def _crowd(table: _Table[Key], anchors: Iterable[OneOf]) -> int:
    """Return how many conditions are found by these values, themselves counted."""
    crowd = 0
    for anchor in anchors:
        _, by_value = table.by_value.get((anchor.column, anchor.type), (None, {}))
        crowd += sum(1 + len(by_value.get(value, ())) for value in anchor.values)
    return crowd


def _places(table: _Table[Key], asked: _Asked[Key]) -> Iterator[_Many[Key]]:
    """Yield where a condition is kept, making the places that there are not yet."""
    if asked.anchors is None:
        yield table.anywhere
        return
    for name, value in _values(asked.anchors):
        if name not in table.by_value:
            table.by_value[name] = (compile_reader(OneOf(*name, ())), {})
        yield table.by_value[name][1].setdefault(value, {})


def _values(anchors: Iterable[OneOf]) -> dict[tuple[tuple[str, str], Value], None]:
    """Return each column and value once, though several lists may have it."""
    return {((anchor.column, anchor.type), value): None for anchor in anchors for value in anchor.values}


def _tidy(table: _Table[Key], asked: _Asked[Key]) -> None:
    """Remove the places that are empty now."""
    for name, value in _values(asked.anchors or ()):
        _, by_value = table.by_value[name]
        if not by_value[value]:
            del by_value[value]
        if not by_value:
            del table.by_value[name]
