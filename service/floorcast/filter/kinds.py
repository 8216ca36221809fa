"""How the values of each type compare (pure): read from a row, cast from a filter's text, written for PostgreSQL.

The values of one kind are hashable and ordered as PostgreSQL orders those of the type; text by code point. A type
without a kind can only be asked whether it is null.
"""

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from floorcast.filter.moments import (
    cast_day,
    cast_moment,
    read_day,
    read_moment,
    write_day,
    write_moment,
)
from floorcast.shape import ENUM

Value = Any
"""Hashable, and ordered among those of its kind."""

_LARGEST = 1000
"""Digits of a numeric value in a filter, on either side of the point."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{4}(-?[0-9a-f]{4}){7}")
_WORDS = {True: ("true", "yes", "on", "1"), False: ("false", "no", "off", "0")}


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be done with the values of a type.

    Reading raises TypeError, ValueError or ArithmeticError where a row has something else; casting raises ValueError
    with the reason.
    """

    # What PostgreSQL calls it, where a value is bound.
    sql: str
    read: Callable[[Any], Value]
    cast: Callable[[str], Value]
    # Equal values are written equally, and PostgreSQL reads the same value from it.
    write: Callable[[Value], str]
    # Has an order that is known here.
    ordered: bool = True
    # like and ilike are defined.
    textual: bool = False
    # is.true and is.false are.
    boolean: bool = False


def _a_text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError("no text")
    return found


def _a_bool(found: Any) -> bool:
    if not isinstance(found, bool):
        raise TypeError("no truth value")
    return found


def _an_integer(found: Any) -> int:
    if not isinstance(found, int) or isinstance(found, bool):
        raise TypeError("no integer")
    return found


def _a_number(found: Any) -> Decimal:
    """Return a number of a row, exactly if its text was; NaN and infinity are strings in JSON."""
    if isinstance(found, bool) or not isinstance(found, (int, float, Decimal, str)):
        raise TypeError("no number")
    return Decimal(str(found) if isinstance(found, float) else found)


# NaN equals itself and is greater than everything, so it is a pair of its own.


def _numeric(number: Decimal) -> Value:
    return (1, Decimal(0)) if number.is_nan() else (0, number)


def _float8(number: Decimal) -> Value:
    return (1, 0.0) if number.is_nan() else (0, float(number))


def _float4(number: Decimal) -> Value:
    if number.is_nan() or number.is_infinite():
        return _float8(number)
    return (0, struct.unpack("f", struct.pack("f", float(number)))[0])


def _cast_bool(text: str) -> bool:
    word = text.strip().lower()
    for value, names in _WORDS.items():
        if word and word != "o" and any(name.startswith(word) for name in names):
            return value
    raise ValueError("it is true or false")


def _cast_integer(bits: int) -> Callable[[str], int]:
    most = 1 << bits - 1

    def cast(text: str) -> int:
        word = text.strip()
        number = int(word) if _INTEGER.fullmatch(word) else most
        if not -most <= number < most:
            raise ValueError(f"it is an integer from {-most} to {most - 1}")
        return number

    return cast


def _cast_number(text: str) -> Decimal:
    word = text.strip()
    if word.lower() == "nan" or _INFINITE.fullmatch(word):
        return Decimal(word)
    if not _NUMBER.fullmatch(word):
        raise ValueError("it is a number")
    number = Decimal(word) or Decimal(0)
    if number and not -_LARGEST <= number.as_tuple().exponent <= number.adjusted() <= _LARGEST:  # type: ignore[operator]
        raise ValueError(f"it is a number of at most {_LARGEST} digits")
    return number


def _cast_numeric(text: str) -> Value:
    return _numeric(_cast_number(text))


def _cast_float(convert: Callable[[Decimal], Value], largest: str) -> Callable[[str], Value]:
    def cast(text: str) -> Value:
        number = _cast_number(text)
        try:
            value = convert(number)
        except OverflowError:
            value = (0, float("inf"))
        if number.is_finite() and value[1] in {float("inf"), float("-inf")}:
            raise ValueError(f"it is a number up to {largest}")
        return value

    return cast


def _float_kind(name: str, convert: Callable[[Decimal], Value], largest: str) -> Kind:
    return Kind(name, lambda found: convert(_a_number(found)), _cast_float(convert, largest), _write_float)


def _cast_uuid(text: str) -> str:
    word = text.lower()
    if word.startswith("{") and word.endswith("}"):
        word = word[1:-1]
    if not _UUID.fullmatch(word):
        raise ValueError("it is a uuid")
    digits = word.replace("-", "")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _write_bool(value: Value) -> str:
    return "true" if value else "false"


def _write_numeric(value: Value) -> str:
    if value[0]:
        return "NaN"
    text = format(value[1], "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _write_float(value: Value) -> str:
    # There is a zero below zero, which equals it.
    return "NaN" if value[0] else repr(value[1] + 0.0)


def _padded(read: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda found: read(found).rstrip(" ")


_TEXT = Kind("text", _a_text, str, str, textual=True)
_INTEGERS = {f"int{size}": Kind(f"int{size}", _an_integer, _cast_integer(size * 8), str) for size in (2, 4, 8)}
KINDS: Mapping[str, Kind] = {
    "bool": Kind("bool", _a_bool, _cast_bool, _write_bool, boolean=True),
    **_INTEGERS,
    "numeric": Kind("numeric", lambda found: _numeric(_a_number(found)), _cast_numeric, _write_numeric),
    "float4": _float_kind("float4", _float4, "3.4e38"),
    "float8": _float_kind("float8", _float8, "1.7e308"),
    "text": _TEXT,
    "varchar": _TEXT,
    "name": _TEXT,
    # Blanks behind it count for nothing.
    "bpchar": Kind("text", _padded(_a_text), _padded(str), str, textual=True),
    # Ordered by the database, in a way that rows do not show.
    ENUM: Kind("text", _a_text, str, str, ordered=False),
    "uuid": Kind("uuid", _a_text, _cast_uuid, str),
    "date": Kind("date", lambda found: read_day(_a_text(found)), cast_day, write_day),
    "timestamp": Kind(
        "timestamp",
        lambda found: read_moment(_a_text(found)),
        lambda text: cast_moment(text, with_offset=False),
        write_moment,
    ),
    "timestamptz": Kind(
        "timestamptz",
        lambda found: read_moment(_a_text(found)),
        lambda text: cast_moment(text, with_offset=True),
        write_moment,
    ),
}
"""By the name of the type, as a table's shape has it."""
