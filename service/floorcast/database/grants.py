"""Where a gateway begins: a tick, and the grants exactly as that tick sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from floorcast.change import is_ours
from floorcast.database.queries import load_queries

_QUERIES = load_queries("queries.sql")


@dataclass(frozen=True, slots=True)
class Base:
    """A gateway's beginning; what comes after tick `tick` is applied to it tick by tick."""

    incarnation: str
    tick: int
    seal: str
    # user → warehouse → role
    grants: Mapping[str, Mapping[str, str]]
    warehouses: frozenset[str]
    # Tracked tables that may be sent; our own are not among them.
    tables: frozenset[str]


async def read_base(connection: psycopg.AsyncConnection[Any]) -> Base:
    """Read tick and grants in one snapshot.

    That snapshot may see grants that no tick has yet; they are taken back, because the tick that brings them will
    apply them at their place in the stream, before or after its data as the design asks.
    """
    async with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("set transaction isolation level repeatable read, read only")
        await cursor.execute(_QUERIES["base"])
        row = await cursor.fetchone()
        if row is None:
            raise AssertionError("tick 0 is written by the migration that creates the table")
        await cursor.execute(_QUERIES["grants_at_tick"], {"tick": row["tick"]})
        grants: dict[str, dict[str, str]] = {}
        async for grant in cursor:
            grants.setdefault(grant["user_id"], {})[grant["warehouse"]] = grant["role"]
    return Base(
        row["incarnation"],
        row["tick"],
        row["seal"],
        grants,
        frozenset(row["warehouses"]),
        frozenset(table for table in row["tables"] if not is_ours(table)),
    )
