"""A row as conditions look at it: its JSON read with every digit, and nothing inside of it (pure)."""

import json
import re
from decimal import Decimal
from typing import Any, NewType

Row = NewType("Row", dict[str, Any])
"""Column → value. A number with a point is a Decimal; what stands for an object or a list may have nothing in it."""

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|([{\[])|([}\]])', re.DOTALL)


class RowMismatch(ValueError):  # noqa: N818 — reads as a state, which it is
    """A row is not what the shape of its table promised, so nobody can say whether a condition holds.

    It says which column; never the value, which not everybody may see and which may end in a log.
    """


def read_row(written: bytes) -> Row:
    """Return a row from the JSON object that `row_to_json` made of it.

    Not with the parser that is fastest, which turns numbers into floats: a price of twenty digits would not be itself
    any more.

    Raises:
        RowMismatch: it is no JSON object.
    """
    try:
        row = json.loads(written, parse_float=Decimal)
    except (ValueError, RecursionError):
        row = _read_patiently(written)
    if not isinstance(row, dict):
        raise RowMismatch("a row is not a JSON object")
    return Row(row)


def _read_patiently(written: bytes) -> object:
    """Read what has more levels than the parser goes down, or an integer of more digits than it takes."""
    try:
        return json.loads(_without_depths(written.decode()), parse_float=Decimal, parse_int=_long_integer)
    except (ValueError, RecursionError) as error:
        raise RowMismatch("a row is not JSON") from error


def _long_integer(digits: str) -> int | Decimal:
    try:
        return int(digits)
    except ValueError:
        return Decimal(digits)


def _without_depths(text: str) -> str:
    """Empty the objects and lists inside of a row; nobody looks into them."""
    kept: list[str] = []
    depth, done = 0, 0
    for token in _TOKEN.finditer(text):
        if token[1]:
            depth += 1
            if depth == 2:  # noqa: PLR2004 – the row itself is the first
                kept.append(text[done : token.end()])
        elif token[2]:
            if depth == 2:  # noqa: PLR2004
                done = token.start()
            depth -= 1
    kept.append(text[done:])
    return "".join(kept)
