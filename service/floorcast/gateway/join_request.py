"""Reads what a join asks for (pure): tables, filters, columns, where to begin, and how to be told what was missed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from floorcast.access.policy import View
from floorcast.cursor import Cursor, parse_cursor
from floorcast.filter.condition import Condition
from floorcast.filter.reading import read_filter
from floorcast.filter.syntax import FilterError
from floorcast.gateway.appearance import PresenceWish, read_presence
from floorcast.gateway.audience import Manner
from floorcast.gateway.lens import Asked
from floorcast.gateway.refusal import Refusal
from floorcast.shape import TableShape

MOST_RECENT = 10_000
"""Rows of one table at most, where a picture is asked for the newest only."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a stream is to begin: now, with a picture, or behind a cursor."""

    picture: bool = False
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A join's payload, understood."""

    asked: Asked
    origin: Origin
    manner: Manner
    # Of a picture: table → (column, rows), the newest so many by that column.
    recent: Mapping[str, tuple[str, int]]
    # None: he is shown nobody, and shown to nobody.
    presence: PresenceWish | None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a join is read against."""

    # Of whoever joins.
    view: View
    # Those that are sent to him.
    tables: frozenset[str]
    shapes: Mapping[str, TableShape]
    # Those of which that is known in a moment.
    awaited: frozenset[str] = frozenset()


def read_request(payload: Mapping[str, Any], ground: Ground) -> Request:
    """Read a join's payload; raises Refusal."""
    tables = _tables(payload.get("tables"), ground)
    followed = ground.tables if tables is None else tables
    asked = Asked(tables, _where(payload.get("where"), followed, ground), _columns(payload, followed, ground))
    return Request(
        asked,
        _origin(payload.get("from", "now")),
        _manner(payload),
        _recent(payload, followed, ground),
        read_presence(payload.get("presence")),
    )


def _tables(asked: object, ground: Ground) -> frozenset[str] | None:
    """Read `tables`: None when it names none, for all that there are."""
    if asked is None:
        return None
    if not isinstance(asked, list) or not asked or not all(isinstance(name, str) for name in asked):
        raise Refusal("bad_join", "`tables` is not a list of names")
    for name in asked:
        if name in ground.awaited:
            # To say that there is no such table would be the last word for a client that was told to read it again.
            raise Refusal("not_ready", f"{name[:64]} has just been tracked")
        if name not in ground.tables:
            raise Refusal("unknown_table", f"{name[:64]!r} is not a table that you may follow")
    return frozenset(asked)


def _by_table(payload: Mapping[str, Any], name: str, followed: frozenset[str]) -> list[tuple[str, Any]]:
    """Read a part of the payload that says something of some tables; by table."""
    found = payload.get(name)
    if found is None:
        return []
    if not isinstance(found, dict):
        raise Refusal("bad_join", f"`{name}` is not an object with a member for each table")
    for table in found:
        if table not in followed:
            raise Refusal("unknown_table", f"`{name}` names {table[:64]!r}, which is not a table that you follow")
    return sorted(found.items())


def _where(asked: object, followed: frozenset[str], ground: Ground) -> tuple[tuple[str, Condition], ...]:
    conditions: list[tuple[str, Condition]] = []
    for table, text in _by_table({"where": asked}, "where", followed):
        if not isinstance(text, str):
            raise Refusal("bad_filter", f"`where` of {table} is not a text")
        try:
            condition = read_filter(text, _shape(table, ground), ground.view.hidden.get(table, frozenset()))
        except FilterError as error:
            raise Refusal("bad_filter", f"`where` of {table}: {error}") from None
        if condition is not None:
            conditions.append((table, condition))
    return tuple(conditions)


def _columns(
    payload: Mapping[str, Any], followed: frozenset[str], ground: Ground
) -> tuple[tuple[str, frozenset[str]], ...]:
    columns: list[tuple[str, frozenset[str]]] = []
    for table, names in _by_table(payload, "columns", followed):
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise Refusal("bad_join", f"`columns` of {table} is not a list of names")
        known = _shape(table, ground).columns
        for name in names:
            if name not in known:
                raise Refusal("bad_join", f"`columns` of {table}: there is no column {name[:64]!r}")
        # Whoever keeps rows keeps them by key.
        columns.append((table, frozenset((*names, *_shape(table, ground).key))))
    return tuple(columns)


def _recent(payload: Mapping[str, Any], followed: frozenset[str], ground: Ground) -> Mapping[str, tuple[str, int]]:
    recent: dict[str, tuple[str, int]] = {}
    for table, wish in _by_table(payload, "recent", followed):
        by, rows = (wish.get("by"), wish.get("rows")) if isinstance(wish, dict) else (None, None)
        if not isinstance(by, str) or type(rows) is not int or not 0 < rows <= MOST_RECENT:
            raise Refusal("bad_join", f"`recent` of {table} is not {{by: column, rows: 1 to {MOST_RECENT}}}")
        if by not in _shape(table, ground).columns or by in ground.view.hidden.get(table, ()):
            raise Refusal("bad_join", f"`recent` of {table}: there is no column {by[:64]!r} to order by")
        recent[table] = by, rows
    return recent


def _shape(table: str, ground: Ground) -> TableShape:
    shape = ground.shapes.get(table)
    if shape is None:
        raise Refusal("not_ready", f"{table} has just been tracked")
    return shape


def _origin(asked: object) -> Origin:
    if asked == "now":
        return Origin()
    if asked == "snapshot":
        return Origin(picture=True)
    if not isinstance(asked, str):
        raise Refusal("bad_join", '`from` is not "now", "snapshot" or a cursor')
    try:
        return Origin(cursor=parse_cursor(asked))
    except ValueError as error:
        raise Refusal("bad_cursor", str(error)) from None


def _manner(payload: Mapping[str, Any]) -> Manner:
    history, when_slow = payload.get("history", "every"), payload.get("slow", "resume")
    if history not in ("every", "newest"):
        raise Refusal("bad_join", '`history` is not "every" or "newest"')
    if when_slow not in ("resume", "newest", "close"):
        raise Refusal("bad_join", '`slow` is not "resume", "newest" or "close"')
    return _MANNERS[history, when_slow]


_MANNERS = {
    (history, when_slow): Manner(history, when_slow)
    for history in ("every", "newest")
    for when_slow in ("resume", "newest", "close")
}
"""One for all who want the same: a socket is small."""
