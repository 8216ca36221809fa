"""Says of a row in memory what PostgreSQL would say of it: true, false, or None for unknown (pure)."""

from collections.abc import Callable
from operator import ge, gt, le, lt

from floorcast.filter.condition import And, Compare, Condition, Distinct, Is, Like, OneOf, Or
from floorcast.filter.kinds import KINDS, Value
from floorcast.filter.pattern import compile_like, fold
from floorcast.filter.row import Row, RowMismatch

Matcher = Callable[[Row], bool | None]
"""Raises RowMismatch where a value is not of its column's type. A column that a row does not have is null."""

Reader = Callable[[Row], Value]
"""Returns a column's value as its kind compares it, None for null."""

_COMPARE: dict[str, Callable[[Value, Value], bool]] = {"lt": lt, "lte": le, "gt": gt, "gte": ge}


def compile_matcher(condition: Condition) -> Matcher:
    """Return what says whether a row meets a condition."""
    match condition:
        case And():
            return _all(tuple(map(compile_matcher, condition.parts)))
        case Or():
            return _any(tuple(map(compile_matcher, condition.parts)))
        case Is():
            return _is(condition)
        case OneOf(values=()):
            return lambda _: condition.negated
    return _known(compile_reader(condition), condition)


def compile_reader(condition: Compare | OneOf | Like | Distinct) -> Reader:
    """Return what reads the column that a condition compares."""
    column = condition.column
    read = KINDS[condition.type].read

    def read_column(row: Row) -> Value:
        found = row.get(column)
        if found is None:
            return None
        try:
            return read(found)
        except (TypeError, ValueError, ArithmeticError):
            raise RowMismatch(f"column {column} has a value that is not of its type") from None

    return read_column


def _known(read: Reader, condition: Compare | OneOf | Like | Distinct) -> Matcher:
    """Compare what is not null; what null is, too, is said by `of_null`."""
    of_null: bool | None = None
    holds: Callable[[Value], bool]
    match condition:
        case Compare(operator=operator, value=value):
            compare = _COMPARE[operator]
            return lambda row: None if (found := read(row)) is None else compare(found, value)
        case OneOf(values=values):
            holds = frozenset(values).__contains__
        case Like(pattern=pattern, folded=folded):
            is_like = compile_like(pattern)
            holds = (lambda text: is_like(fold(text))) if folded else is_like
        case Distinct(value=value):
            of_null = not condition.negated

            def holds(found: Value) -> bool:
                return bool(found != value)

    negated = condition.negated
    return lambda row: of_null if (found := read(row)) is None else holds(found) is not negated


def _is(condition: Is) -> Matcher:
    column, negated = condition.column, condition.negated
    # Only a bool can be asked for true or false; what else a row might have there is neither.
    wanted = {"null": None, "true": True, "false": False}[condition.what]
    return lambda row: (row.get(column) is wanted) is not negated


def _all(matchers: tuple[Matcher, ...]) -> Matcher:
    def match(row: Row) -> bool | None:
        result: bool | None = True
        for matcher in matchers:
            found = matcher(row)
            if found is False:
                return False
            if found is None:
                result = None
        return result

    return match


def _any(matchers: tuple[Matcher, ...]) -> Matcher:
    def match(row: Row) -> bool | None:
        result: bool | None = False
        for matcher in matchers:
            found = matcher(row)
            if found:
                return True
            if found is None:
                result = None
        return result

    return match
