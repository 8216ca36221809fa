r"""Puts null in place of hidden columns, inside an operation's finished JSON (pure).

The row's text is PostgreSQL's and stays it, byte for byte: `183.0500` keeps its zeros. So nothing is parsed and written
again; a scanner walks over the members of the body, steps into `new` and `old`, and cuts out what is hidden there. What
bears the same name elsewhere (in `key`, inside a column of JSON, in a text) is left alone.

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

_ROWS = frozenset({"new", "old"})

_Visit = Callable[[int], int]
"""Told where the value of a member that was looked for begins; says where it ends."""


def mask(body: bytes, columns: frozenset[str]) -> bytes:
    """Return the body of an operation with null in place of these columns of `new` and `old`.

    Raises:
        ValueError: it is not the JSON object that an operation's body is. Nothing of it may be sent then.
    """
    pieces: list[bytes] = []
    done = 0

    def hide(start: int) -> int:
        nonlocal done
        pieces.extend((body[done:start], b"null"))
        done = _end_of_value(body, start)
        return done

    def look_into(start: int) -> int:
        # A row that there is not is null.
        return _walk(body, start, columns, hide) if body.startswith(b"{", start) else _end_of_value(body, start)

    _walk(body, 0, _ROWS, look_into)
    if not pieces:
        return body
    pieces.append(body[done:])
    return b"".join(pieces)


def _walk(body: bytes, start: int, names: frozenset[str], visit: _Visit) -> int:
    """Go over the object that begins at `start`, visiting the members with these names; return where it ends."""
    if not body.startswith(b"{", start):
        _refuse(start)
    others, wanted = _compiled(names)
    position = start + 1
    while True:
        passed = others.match(body, position)
        name = _NAME.match(body, passed.end() if passed else position)
        if name is None:
            _refuse(position)
        if name[1]:
            return name.end()
        end = visit(name.end()) if name[2] in wanted else _end_of_value(body, name.end())
        after = _NEXT.match(body, end)
        if after is None:
            _refuse(end)
        position = after.end()
        if after[1] == b"}":
            return position


@lru_cache(maxsize=256)
def _compiled(names: frozenset[str]) -> tuple[re.Pattern[bytes], frozenset[bytes]]:
    """Return an expression for members to pass over, each with the comma behind it, and the names as written."""
    written = frozenset(orjson.dumps(name) for name in names)
    looked_for = b"|".join(re.escape(name) for name in sorted(written))
    member = _SPACE + rb"(?!" + looked_for + rb")" + _STRING + _SPACE + rb":" + _SPACE + _SCALAR + _SPACE + rb","
    return re.compile(rb"(?:" + member + rb")*+", re.DOTALL), written


def _end_of_value(body: bytes, start: int) -> int:
    if not body.startswith(_OPENING, start):
        scalar = _VALUE.match(body, start)
        if scalar is None:
            _refuse(start)
        return scalar.end()
    depth, position = 0, start
    while True:
        bracket = _BRACKET.match(body, position)
        if bracket is None:
            _refuse(position)
        position = bracket.end()
        depth += 1 if bracket[1] in _OPENING else -1
        if not depth:
            return position


def _refuse(position: int) -> NoReturn:
    # No word of the body itself: it may be what somebody may not see, and this ends in a log.
    raise ValueError(f"the body of an operation is not a JSON object as it should be, from byte {position} on")
