"""Where a gateway begins: a tick, and what it decides by exactly as that tick sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg
from psycopg.rows import dict_row

from floorcast.change import GRANTS, POLICY, TRACKED, is_ours
from floorcast.database.queries import load_queries
from floorcast.database.shapes import published_tables, read_shapes
from floorcast.operation import PersonTable, person_table
from floorcast.shape import TableShape

_QUERIES = load_queries("law.sql")


@dataclass(frozen=True, slots=True)
class Base:
    """A gateway's beginning; what comes after tick `tick` is applied to it tick by tick."""

    incarnation: str
    tick: int
    seal: str
    # user → warehouse → role
    grants: Mapping[str, Mapping[str, str]]
    # Those that are in use → their organization.
    warehouses: Mapping[str, str]
    # Tracked tables that may be sent; our own are not among them.
    tables: frozenset[str]
    # Those of `tables` whose rows are about a person.
    persons: Mapping[str, PersonTable]
    # The rules: name of the policy table, row.
    policy: tuple[tuple[str, Mapping[str, Any]], ...]
    # Table → what it looks like, as this snapshot sees the catalogue: a table that is tracked since the tick is there
    # already, one that was dropped since is not.
    shapes: Mapping[str, TableShape] = field(default_factory=dict)
    # The tracked tables in publication `supabase_realtime`; None where there is none.
    published: frozenset[str] | None = None


async def read_base(connection: psycopg.AsyncConnection[Any]) -> Base:
    """Read tick, grants and rules in one snapshot.

    That snapshot may see rows that no tick has yet; they are taken back, because the tick that brings them will apply
    them at their place in the stream, before or after its data as the design asks.
    """
    grants: dict[str, dict[str, str]] = {}
    warehouses: dict[str, str] = {}
    tracked: dict[str, PersonTable | None] = {}
    policy: list[tuple[str, Mapping[str, Any]]] = []
    async with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("set transaction isolation level repeatable read, read only")
        await cursor.execute(_QUERIES["base"])
        newest = await cursor.fetchone()
        if newest is None:
            raise AssertionError("tick 0 is written by the migration that creates the table")
        await cursor.execute(_QUERIES["law_at_tick"], {"tick": newest["tick"]})
        async for found in cursor:
            table, row = found["table_name"], orjson.loads(found["row"])
            if table == GRANTS:
                grants.setdefault(row["user_id"], {})[row["warehouse"]] = row["role"]
            elif table in POLICY:
                policy.append((table, row))
            elif table != TRACKED:
                warehouses[row["id"]] = row["organization_id"]
            elif not is_ours(row["table_name"]):
                tracked[row["table_name"]] = person_table(row)
        shapes = await read_shapes(connection)
        published = await published_tables(connection)
    return Base(
        newest["incarnation"],
        newest["tick"],
        newest["seal"],
        grants,
        warehouses,
        frozenset(tracked),
        {table: about for table, about in tracked.items() if about is not None},
        tuple(policy),
        shapes,
        published,
    )
