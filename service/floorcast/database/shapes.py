"""Reads what tracked tables look like; whoever decides about columns decides by this."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

from floorcast.change import is_ours
from floorcast.database.queries import load_queries
from floorcast.shape import TableShape

_QUERIES = load_queries("queries.sql")


async def read_shapes(connection: psycopg.AsyncConnection[Any]) -> Mapping[str, TableShape]:
    """Return the shape of every tracked table whose rows may be sent, by its name in the trail.

    Reads the catalogue in one statement, as floorcast_gateway and in the snapshot of the transaction that is open, if
    one is. Floorcast's own tables and those whose rows belong to no place are left out: nobody is sent their rows.
    """
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_QUERIES["shapes"])
        return {
            row["table_name"]: TableShape(
                row["table_name"],
                dict(zip(row["columns"], row["types"], strict=True)),
                tuple(row["key_columns"]),
                row["scope"],
                row["place_column"],
                row["is_protected"],
                row["layout"],
            )
            for row in await cursor.fetchall()
            if not is_ours(row["table_name"])
        }


async def published_tables(connection: psycopg.AsyncConnection[Any]) -> frozenset[str] | None:
    """Return the tracked tables in publication `supabase_realtime`; None where there is no such publication."""
    cursor = await connection.execute(_QUERIES["published"])
    row = await cursor.fetchone()
    return None if row is None or row[0] is None else frozenset(row[0])
