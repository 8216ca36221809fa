r"""Rows as somerow may see them: hidden columns read as null, columns that norow asked for are left out (pure).

The row's text is PostgreSQL's and stays it, byte for byte: `183.0500` keeps its zeros. So nothing is parsed and written
again; a scanner walks over the members of the row and cuts. What bears the same name elsewhere (inside a column of
JSON, in a text) is left alone.

Nearly all of a row is passed over by one match of one expression: members that are not looked for and whose value is a
string, a number, true, false or null. Names are compared as they are written: PostgreSQL writes a name in one way only.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NoReturn

import orjson

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SPACE = rb"[ \t\r\n]*+"
_SCALAR = rb"(?:" + _STRING + rb'|[^"{}\[\],: \t\r\n]++)'

_NAME = re.compile(_SPACE + rb"(?:(\})|(" + _STRING + rb")" + _SPACE + rb":" + _SPACE + rb")", re.DOTALL)
_VALUE = re.compile(_SCALAR, re.DOTALL)
_NEXT = re.compile(_SPACE + rb"([,}])")
_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:' + _STRING + rb'[^"{}\[\]]*+)*+([{}\[\]])', re.DOTALL)
_OPENING = (b"{", b"[")

_Visit = Callable[[int, int], int]
"""Told where a member that was looked for begins, and its value; says where it ends."""


def mask(row: bytes, columns: frozenset[str]) -> bytes:
    """Return a row with null in place of these columns.

    Raises:
        ValueError: it is not a JSON object. Nothing of it may be sent then.
    """
    pieces: list[bytes] = []
    done = 0

    def hide(_: int, value: int) -> int:
        nonlocal done
        pieces.extend((row[done:value], b"null"))
        done = _end_of_value(row, value)
        return done

    _walk(row, columns, hide)
    if not pieces:
        return row
    pieces.append(row[done:])
    return b"".join(pieces)


def pick(row: bytes, columns: frozenset[str]) -> bytes:
    """Return a row with these columns alone, in its order; raises like `mask`."""
    pieces: list[bytes] = []

    def keep(start: int, value: int) -> int:
        end = _end_of_value(row, value)
        pieces.append(row[start:end])
        return end

    _walk(row, columns, keep)
    return b"{" + b",".join(pieces) + b"}"


def _walk(row: bytes, names: frozenset[str], visit: _Visit) -> None:
    """Go over a row, visiting the members with these names."""
    if not row.startswith(b"{"):
        _refuse(0)
    others, wanted = _compiled(names)
    position = 1
    while True:
        passed = others.match(row, position)
        name = _NAME.match(row, passed.end() if passed else position)
        if name is None:
            _refuse(position)
        if name[1]:
            return
        end = visit(name.start(2), name.end()) if name[2] in wanted else _end_of_value(row, name.end())
        after = _NEXT.match(row, end)
        if after is None:
            _refuse(end)
        position = after.end()
        if after[1] == b"}":
            return


@lru_cache(maxsize=256)
def _compiled(names: frozenset[str]) -> tuple[re.Pattern[bytes], frozenset[bytes]]:
    """Return an expression for members to pass over, each with the comma behind it, and the names as written."""
    written = frozenset(orjson.dumps(name) for name in names)
    looked_for = b"|".join(re.escape(name) for name in sorted(written))
    member = _SPACE + rb"(?!" + looked_for + rb")" + _STRING + _SPACE + rb":" + _SPACE + _SCALAR + _SPACE + rb","
    return re.compile(rb"(?:" + member + rb")*+", re.DOTALL), written


def _end_of_value(row: bytes, start: int) -> int:
    if not row.startswith(_OPENING, start):
        scalar = _VALUE.match(row, start)
        if scalar is None:
            _refuse(start)
        return scalar.end()
    depth, position = 0, start
    while True:
        bracket = _BRACKET.match(row, position)
        if bracket is None:
            _refuse(position)
        position = bracket.end()
        depth += 1 if bracket[1] in _OPENING else -1
        if not depth:
            return position


def _refuse(position: int) -> NoReturn:
    # No word of the row itself: it may be what somerow may not see, and this ends in a log.
    raise ValueError(f"a row is not a JSON object as it should be, from byte {position} on")
