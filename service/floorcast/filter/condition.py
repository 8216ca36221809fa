"""What a filter asks of a row, once it is known what the columns are (pure).

Conditions are three-valued, as in SQL: true, false, or unknown where null was compared; only true lets a row through.
Filters that ask the same, in other words or another order, become equal conditions, so that everybody who asks it
shares one evaluation and one frame. For that there is no *not*: what is negated is turned around down to the single
comparison, which three-valued logic allows. Nor is there *neq*, or a group in a group of its own sort; values are in
order and no one is there twice.

`str()` of a condition is written like a filter, and is the same for equal conditions in every process.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from floorcast.filter.kinds import KINDS, Value

Comparison = Literal["lt", "lte", "gt", "gte"]

_OPPOSITE: dict[Comparison, Comparison] = {"lt": "gte", "gte": "lt", "gt": "lte", "lte": "gt"}
# In a list, null is not the text.
_PLAIN_VALUE = re.compile(r"(?!null$)[A-Za-z0-9_.:+-]+", re.IGNORECASE)
_PLAIN_COLUMN = re.compile(r"[A-Za-z0-9_]+")
_TO_ESCAPE = re.compile(r'["\\]')


@dataclass(frozen=True, slots=True)
class Compare:
    """A column's value is before or behind another."""

    column: str
    # The name of its type, of which `KINDS` knows how to compare.
    type: str
    operator: Comparison
    value: Value

    def __str__(self) -> str:
        """Return it as a clause."""
        return f"{_column(self.column)}.{self.operator}.{_value(self.type, self.value)}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """A column's value is one of some; none of them, if negated. `eq`, `neq` and `in`."""

    column: str
    type: str
    # In their order; if there are none, it is false, of null too.
    values: tuple[Value, ...]
    negated: bool = False

    def __str__(self) -> str:
        """Return it as a clause."""
        written = [_value(self.type, value) for value in self.values]
        if len(written) == 1:
            return f"{_column(self.column)}.{'neq' if self.negated else 'eq'}.{written[0]}"
        return f"{_column(self.column)}.{_not(self.negated)}in.({','.join(written)})"


@dataclass(frozen=True, slots=True)
class Like:
    """A text is like a pattern of SQL's; with or without regard to case."""

    column: str
    type: str
    pattern: str
    # Capitals count as small letters; the pattern has none.
    folded: bool
    negated: bool = False

    def __str__(self) -> str:
        """Return it as a clause."""
        operator = "ilike" if self.folded else "like"
        return f"{_column(self.column)}.{_not(self.negated)}{operator}.{_quoted(self.pattern)}"


@dataclass(frozen=True, slots=True)
class Is:
    """A column's value is null, true or false; never unknown."""

    column: str
    type: str
    what: Literal["null", "true", "false"]
    negated: bool = False

    def __str__(self) -> str:
        """Return it as a clause."""
        return f"{_column(self.column)}.{_not(self.negated)}is.{self.what}"


@dataclass(frozen=True, slots=True)
class Distinct:
    """A column's value is another than this one, or null; never unknown."""

    column: str
    type: str
    value: Value
    negated: bool = False

    def __str__(self) -> str:
        """Return it as a clause."""
        return f"{_column(self.column)}.{_not(self.negated)}isdistinct.{_value(self.type, self.value)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more conditions."""

    parts: "tuple[Condition, ...]"

    def __str__(self) -> str:
        """Return it as a group."""
        return f"and({','.join(map(str, self.parts))})"


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more conditions."""

    parts: "tuple[Condition, ...]"

    def __str__(self) -> str:
        """Return it as a group."""
        return f"or({','.join(map(str, self.parts))})"


Condition = Compare | OneOf | Like | Is | Distinct | And | Or


def negate(condition: Condition) -> Condition:
    """Return what is true where this is false, and unknown where it is."""
    match condition:
        case Compare():
            return replace(condition, operator=_OPPOSITE[condition.operator])
        case And():
            return any_of(map(negate, condition.parts))
        case Or():
            return all_of(map(negate, condition.parts))
        case _:
            return replace(condition, negated=not condition.negated)


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Return what is true where all of these are; at least one."""
    parts: list[Condition] = []
    for condition in conditions:
        parts.extend(condition.parts if isinstance(condition, And) else [condition])
    joined = _in_order(_merged(parts, negated=True))
    return joined[0] if len(joined) == 1 else And(joined)


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Return what is true where any of these is; at least one."""
    parts: list[Condition] = []
    for condition in conditions:
        parts.extend(condition.parts if isinstance(condition, Or) else [condition])
    joined = _in_order(_merged(parts, negated=False))
    return joined[0] if len(joined) == 1 else Or(joined)


def one_of(column: str, type_: str, values: Iterable[Value]) -> OneOf:
    """Return that a column has one of these values."""
    return OneOf(column, type_, tuple(sorted(set(values))))


def columns_of(condition: Condition) -> frozenset[str]:
    """Return the columns that it looks at."""
    match condition:
        case And() | Or():
            return frozenset().union(*map(columns_of, condition.parts))
        case _:
            return frozenset((condition.column,))


def _merged(parts: list[Condition], *, negated: bool) -> Iterator[Condition]:
    """Make one of all lists of one column: any of them is in their union, all negated ones are outside of it."""
    lists: dict[str, OneOf] = {}
    for part in parts:
        if isinstance(part, OneOf) and part.negated is negated:
            known = lists.get(part.column)
            values = part.values if known is None else (*known.values, *part.values)
            lists[part.column] = replace(one_of(part.column, part.type, values), negated=negated)
        else:
            yield part
    yield from lists.values()


def _in_order(parts: Iterable[Condition]) -> tuple[Condition, ...]:
    by_text = {str(part): part for part in parts}
    return tuple(by_text[text] for text in sorted(by_text))


def _not(negated: bool) -> str:  # noqa: FBT001 – one word for one word
    return "not." if negated else ""


def _column(name: str) -> str:
    return name if _PLAIN_COLUMN.fullmatch(name) else _quoted(name)


def _value(type_: str, value: Value) -> str:
    text = KINDS[type_].write(value)
    return text if _PLAIN_VALUE.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    return '"' + _TO_ESCAPE.sub(r"\\\g<0>", text) + '"'
