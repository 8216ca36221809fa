"""The statement that reads a table's rows as a topic shows them: names of the catalogue and quoted values, no more.

What row level security and the views in schema `visible` let a person see is narrowed to the topic: to the rows of its
place, and by what the role in this very warehouse hides, since a view goes by all of a person's roles. Rows become JSON
as capture writes it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql

from floorcast.database.conditions import condition_sql
from floorcast.database.picture_request import PictureRequest, TableRead
from floorcast.shape import Scope

RETIRED = ("deleted_at", "timestamptz")
"""The column that says that a row is retired, and its type; see triggers/6_tracking/track.sql."""

_QUOTED = r'"(?:[^"]|"")*"'
_TABLE_NAME = re.compile(rf"(?:({_QUOTED}|[^.]*)\.)??({_QUOTED}|[^.]*)", re.DOTALL)

_TEXTS = frozenset({"text", "varchar"})


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is to be known of a table to find its newest rows by an index."""

    # Columns that people may read of the table itself, and not only of its view.
    readable: frozenset[str]
    # Columns that are never null.
    filled: frozenset[str]


UNKNOWN = Catalogue(frozenset(), frozenset())


def relation(table: str) -> tuple[str, str]:
    """Return schema and name of a table that the trail names; see triggers/2_capture/table_name.sql.

    Raises:
        ValueError: no table is named like this.
    """
    found = _TABLE_NAME.fullmatch(table)
    if found is None:
        raise ValueError(f"{table!r} is not a table's name as the trail writes it")
    return _unquoted(found[1] or "public"), _unquoted(found[2])


def source(read: TableRead, role: str) -> sql.Identifier:
    """Return what is read: for a person the view, for a trusted server, whom no rule names, the table."""
    schema, name = relation(read.table)
    return sql.Identifier(schema if role == "service_role" else "visible", name)


def rows_of(
    read: TableRead,
    request: PictureRequest,
    people: Collection[str],
    catalogue: Catalogue = UNKNOWN,
) -> sql.Composed:
    """Return the statement: one row of JSON for each that the topic shows.

    Args:
        read: what of which table.
        request: whose, and where.
        people: those who have access to the warehouse; asked for where a table's rows are about people.
        catalogue: of the table, where only its newest rows are read.
    """
    where = [_in_place(read, request, people), *_only(read, request.caller.role)]
    seen = sql.SQL("select {columns} from {source} as t where {where}").format(
        columns=_join(", ", [_seen(read, column) for column in read.shape.columns]),
        source=source(read, request.caller.role),
        where=_join(" and ", [*where, *_newest_keys(read, request, where, catalogue)]),
    )
    shown = sql.SQL("select {columns} from ({seen}) as t{condition}{newest}").format(
        columns=_join(", ", [_column(column) for column in read.shown]),
        seen=seen,
        condition=_condition(read),
        newest=sql.SQL("") if read.recent is None else _newest(read, catalogue),
    )
    # With `.*`, since the table may have a column of that name.
    return sql.SQL("select row_to_json(r.*) from ({}) as r").format(shown)


def _unquoted(name: str) -> str:
    # Quotes are only there for a dot inside; without one they are the name's own.
    return name[1:-1].replace('""', '"') if name.startswith('"') and "." in name else name


def _join(separator: str, parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(separator).join(parts)


def _column(name: str) -> sql.Composable:
    return sql.Identifier("t", name)


def _seen(read: TableRead, column: str) -> sql.Composable:
    """Return what is seen of a column; its type stays, so that a condition means the same."""
    if column not in read.hidden or not read.reads:
        return _column(column)
    whole = sql.SQL("false") if read.owner is None else _is_own(read.owner)
    return sql.SQL("case when {whole} then {column} end as {name}").format(
        whole=whole, column=_column(column), name=sql.Identifier(column)
    )


def _is_own(owner: str) -> sql.Composed:
    return sql.SQL("{} = (select floorcast.my_id())").format(_column(owner))


def _only(read: TableRead, role: str) -> list[sql.Composable]:
    """Return what else a row must be: not retired, one's own."""
    only: list[sql.Composable] = []
    # The views have no retired rows, and so do policies.
    if role == "service_role" and read.shape.columns.get(RETIRED[0]) == RETIRED[1]:
        only.append(sql.SQL("{} is null").format(_column(RETIRED[0])))
    if not read.reads:
        only.append(sql.SQL("false") if read.owner is None else _is_own(read.owner))
    return only


def _in_place(read: TableRead, request: PictureRequest, people: Collection[str]) -> sql.Composable:
    """Return the condition that a row belongs to the warehouse, to its organization or to somebody who is there."""
    places: Mapping[Scope, Collection[str]] = {
        "warehouse": (request.warehouse,),
        "organization": (request.organization,),
        "person": people,
    }
    wanted = list(places[read.shape.scope])
    column: sql.Composable = _column(read.shape.place_column)
    kind = read.shape.columns[read.shape.place_column]
    if kind == "uuid":
        wanted = [place for place in wanted if _is_uuid(place)]
    elif kind not in _TEXTS:
        # The trail names places by their text. (No index serves this, and no table of ours needs it.)
        column, kind = sql.SQL("{}::text").format(column), "text"
    # One alone is not an array: with an array no index gives rows in its order.
    text = "{column} = {places}::{kind}" if len(wanted) == 1 else "{column} = any ({places}::{kind}[])"
    return sql.SQL(text).format(
        column=column,
        places=sql.Literal(wanted[0] if len(wanted) == 1 else wanted),
        kind=sql.Identifier("pg_catalog", kind),
    )


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _condition(read: TableRead) -> sql.Composable:
    if read.where is None:
        return sql.SQL("")
    parameters: dict[str, Any] = {}
    return sql.SQL(" where {}").format(_filled_in(condition_sql(read.where, parameters, "t"), parameters))


def _filled_in(part: sql.Composable, parameters: Mapping[str, Any]) -> sql.Composable:
    """Put quoted values in place of placeholders: COPY takes no parameters."""
    if isinstance(part, sql.Composed):
        return sql.Composed([_filled_in(inner, parameters) for inner in part])
    if isinstance(part, sql.Placeholder):
        return sql.Literal(parameters[part.as_string().removeprefix("%(").removesuffix(")s")])
    return part


def _newest(read: TableRead, catalogue: Catalogue) -> sql.Composable:
    """Return order and limit; rows without a value are the last."""
    by, rows = read.recent or ("", 0)
    # Said only where there may be such, since an index has its order with nulls where it has them.
    nulls = sql.SQL("") if by in catalogue.filled else sql.SQL(" nulls last")
    return sql.SQL(" order by {by} desc{nulls}, {key} limit {rows}").format(
        by=_column(by), nulls=nulls, key=_join(", ", [_column(name) for name in read.shape.key]), rows=sql.Literal(rows)
    )


def _newest_keys(
    read: TableRead,
    request: PictureRequest,
    where: Sequence[sql.Composable],
    catalogue: Catalogue,
) -> list[sql.Composable]:
    """Return the condition that a row is among the newest, found in the table itself.

    Neither an order nor a limit is pushed into a view that is a security barrier, so all rows of the place would be
    read; keys given as an array are. The table's own policy is the same. Only where nothing is asked about that the
    caller may not read there; a trusted server reads the table anyway.
    """
    if read.recent is None or read.where is not None or request.caller.role == "service_role":
        return []
    needed = {*read.shape.key, read.shape.place_column, read.recent[0], *([] if read.reads else [read.owner])}
    if len(read.shape.key) != 1 or not needed <= catalogue.readable:
        return []
    schema, name = relation(read.table)
    key = _column(read.shape.key[0])
    keys = sql.SQL("select {key} from {table} as t where {where}{newest}").format(
        key=key, table=sql.Identifier(schema, name), where=_join(" and ", where), newest=_newest(read, catalogue)
    )
    return [sql.SQL("{} = any (array({}))").format(key, keys)]
