"""Reads what the catalogue says of tracked tables beyond their shapes; schemas for programs are made of both."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

from floorcast.change import is_ours
from floorcast.database.queries import load_queries
from floorcast.shape import ColumnDescription, TableDescription

_QUERIES = load_queries("descriptions.sql")

_LIST = re.compile(r"CHECK \(\(\w+ = ANY \(ARRAY\[((?:'(?:[^']|'')*'::text(?:, )?)+)\]\)\)\)")
_WORD = re.compile(r"'((?:[^']|'')*)'::text")


async def read_descriptions(connection: psycopg.AsyncConnection[Any]) -> Mapping[str, TableDescription]:
    """Return what there is to say of every tracked table whose rows may be sent, by its name in the trail.

    Reads the catalogue in one statement, as floorcast_gateway and in the snapshot of the transaction that is open, if
    one is.
    """
    columns: dict[str, dict[str, ColumnDescription]] = {}
    comments: dict[str, str] = {}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_QUERIES["columns"])
        for row in await cursor.fetchall():
            table = row["table_name"]
            if is_ours(table):
                continue
            comments[table] = row["table_comment"]
            labels = tuple(row["labels"]) or listed_in(row["checks"])
            column = ColumnDescription(required=row["required"], labels=labels, comment=row["comment"])
            columns.setdefault(table, {})[row["name"]] = column
    return {table: TableDescription(comments[table], columns[table]) for table in columns}


def listed_in(checks: Sequence[str]) -> tuple[str, ...]:
    """Return the words that a check allows which is a list of words, as Postgres writes it; empty if none is."""
    for check in checks:
        found = _LIST.fullmatch(check)
        if found is not None:
            return tuple(word.replace("''", "'") for word in _WORD.findall(found[1]))
    return ()
