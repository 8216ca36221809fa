"""Looks into the trail, and listens to the bell."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.fixtures.time import UNIT

Connection = psycopg.Connection[dict[str, Any]]

CHANGES = """
select op, key, warehouse, old_warehouse, actor, old, new
from floorcast.change where table_name = %s order by seq
"""

# What `changes` of a table that was never written to gives.
NOTHING: list[dict[str, Any]] = []


def changes(connection: Connection, table: str, *columns: str) -> list[Any]:
    """The trail of a table in the order of capture: rows with these columns, a bare value for one column."""
    rows = connection.execute(CHANGES.encode(), [table]).fetchall()
    if not columns:
        return rows
    picked = [tuple(row[column] for column in columns) for row in rows]
    return [row[0] for row in picked] if len(columns) == 1 else picked


def texts(connection: Connection, table: str) -> list[tuple[str | None, str | None]]:
    """Old and new rows as the text that the trigger wrote."""
    query = "select old::text as old, new::text as new from floorcast.change where table_name = %s order by seq"
    return [(row["old"], row["new"]) for row in connection.execute(query.encode(), [table])]


def bells(listener: Connection) -> list[str]:
    """What has rung by now. A bell of our own marks the end: the queue keeps the order of commits."""
    listener.execute("notify floorcast, 'end'")
    return list(_until_end(listener))


def _until_end(listener: Connection) -> Iterator[str]:
    for notification in listener.notifies(timeout=10 * UNIT):
        if notification.payload == "end":
            return
        yield notification.payload
    pytest.fail("our own bell did not come back")
