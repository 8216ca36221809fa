"""A filter's text becomes a condition on the rows of one table, or is refused with the place and the reason (pure)."""

from collections.abc import Collection

from floorcast.filter.condition import Compare, Condition, Distinct, Is, Like, all_of, any_of, negate, one_of
from floorcast.filter.kinds import KINDS, Kind, Value
from floorcast.filter.pattern import compile_like, fold
from floorcast.filter.syntax import PATTERNS, Clause, FilterError, Group, Word, parse, shown
from floorcast.shape import TableShape

_ORDERED = ("lt", "lte", "gt", "gte")
_REGULAR = ("match", "imatch")


def read_filter(text: str, shape: TableShape, hidden: Collection[str] = ()) -> Condition | None:
    """Return what a filter asks of a row of this table; None for a blank one, which asks nothing.

    `hidden` are columns that whoever filters may not see: rows that come and go by their values would tell them.

    Raises:
        FilterError: it cannot be read, or not be asked of this table.
    """
    filter_ = parse(text)
    return _Reading(shape, hidden).group(filter_) if filter_.items else None


class _Reading:
    """Turns what was parsed into conditions on one table."""

    def __init__(self, shape: TableShape, hidden: Collection[str]) -> None:
        self.shape = shape
        self.hidden = hidden

    def group(self, group: Group) -> Condition:
        parts = [self.group(item) if isinstance(item, Group) else self.clause(item) for item in group.items]
        condition = all_of(parts) if group.joined == "and" else any_of(parts)
        return negate(condition) if group.negated else condition

    def clause(self, clause: Clause) -> Condition:
        column, type_ = clause.column.text, self.shape.columns.get(clause.column.text)
        if type_ is None:
            raise FilterError(clause.column.place, f"{self.shape.table} has no column {shown(column)}")
        if column in self.hidden:
            raise FilterError(clause.column.place, f"column {shown(column)} is hidden from you")
        condition = _is(clause, type_) if clause.operator.text == "is" else _compare(clause, type_)
        return negate(condition) if clause.negated else condition


def _is(clause: Clause, type_: str) -> Condition:
    (value,) = clause.values
    what = value.text.lower()
    match what:
        case "null":
            return Is(clause.column.text, type_, "null")
        case "true" | "false" | "unknown":
            kind = KINDS.get(type_)
            if kind is None or not kind.boolean:
                raise FilterError(value.place, f"only a column of type bool is {what}; this one is of {type_}")
            return Is(clause.column.text, type_, "null" if what == "unknown" else what)
    raise FilterError(value.place, "is takes null, true, false or unknown")


def _compare(clause: Clause, type_: str) -> Condition:
    column, operator, place = clause.column.text, clause.operator.text, clause.operator.place
    if operator in _REGULAR:
        raise FilterError(place, f"{operator} is not offered: a regular expression may take forever; use like or ilike")
    kind = KINDS.get(type_)
    if kind is None:
        raise FilterError(place, f"a column of type {type_} can only be asked whether it is.null")
    if operator in PATTERNS:
        if not kind.textual:
            raise FilterError(place, f"{operator} compares text, and this column is of type {type_}")
        return _like(column, type_, clause.values[0], folded=operator == "ilike")
    if operator in _ORDERED and not kind.ordered:
        raise FilterError(place, f"a column of type {type_} is not compared by order; use eq, neq or in")
    if operator == "in":
        _refuse_nulls(clause.values)
    values = [_cast(value, kind, type_) for value in clause.values]
    match operator:
        case "lt" | "lte" | "gt" | "gte":
            return Compare(column, type_, operator, values[0])
        case "isdistinct":
            return Distinct(column, type_, values[0])
        case "neq":
            return negate(one_of(column, type_, values))
        case _:
            return one_of(column, type_, values)


def _like(column: str, type_: str, pattern: Word, *, folded: bool) -> Condition:
    text = fold(pattern.text) if folded else pattern.text
    try:
        compile_like(text)
    except ValueError as error:
        raise FilterError(pattern.place, str(error)) from None
    return Like(column, type_, text, folded)


def _refuse_nulls(values: tuple[Word, ...]) -> None:
    """Refuse what SQL takes for null in a list: nothing equals it, and with it nothing would be outside of the list."""
    for value in values:
        if not value.quoted and value.text.lower() == "null":
            raise FilterError(value.place, 'nothing equals null; use or(column.is.null,…), or "null" for the text')


def _cast(value: Word, kind: Kind, type_: str) -> Value:
    try:
        return kind.cast(value.text)
    except ValueError as error:
        advice = "; null is asked for with is.null" if value.text.lower() == "null" else ""
        raise FilterError(value.place, f"{shown(value.text)} is no value of type {type_}: {error}{advice}") from None
