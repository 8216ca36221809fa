"""One relay leads. A lock says who; signs of life say whether he still does.

A lock is not a lease: a stopped process keeps it. So standbys look for signs of life, and end the session of a leader
that gives none; its lock falls, and the tick's primary key and the publishing script fence it when it wakes up.
Standbys poll for the lock, because a session that waits inside a lock call holds back vacuum.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from floorcast.database.queries import load_queries
from floorcast.observe import LeaderSilent, Standby, observe

LOOK_SECONDS = 0.5
SILENT_SECONDS = 5.0

_QUERIES = load_queries("queries.sql")


@dataclass(slots=True)
class _Leader:
    """What a standby knows of the leader."""

    pid: int
    # The leader's last sign of life, by the server's clock; only compared with itself.
    seen: int
    # When we first saw that sign, by our own clock: clocks of two machines are never compared.
    since: float


async def take_lead(connection: psycopg.AsyncConnection[Any]) -> None:
    """Return when this session holds the leader's lock."""
    leader: _Leader | None = None
    while not await _try(connection):
        leader = await _watch(connection, leader)
        await asyncio.sleep(LOOK_SECONDS)


async def sign_of_life(connection: psycopg.AsyncConnection[Any]) -> str:
    """Tell standbys that this leader is at work; costs no transaction id and no flush.

    Returns the server's time, ISO 8601 in UTC: a tick closed after this call sees all that had committed by then.
    """
    cursor = await connection.execute(_QUERIES["sign_of_life"])
    row = await cursor.fetchone()
    if row is None:
        raise AssertionError("a select without from returns one row")
    return str(row[1])


async def _try(connection: psycopg.AsyncConnection[Any]) -> bool:
    cursor = await connection.execute(_QUERIES["try_lead"])
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def _watch(connection: psycopg.AsyncConnection[Any], known: _Leader | None) -> _Leader | None:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_QUERIES["leader"])
        row = await cursor.fetchone()
    if row is None:
        return None
    now = time.monotonic()
    if known is None or known.pid != row["pid"]:
        observe(Standby(row["pid"]))
        return _Leader(row["pid"], row["seen"], now)
    if known.seen != row["seen"]:
        return _Leader(row["pid"], row["seen"], now)
    if now - known.since < SILENT_SECONDS:
        return known
    # A leader whose session is at work on a query is alive, however long the query takes: a tick of a million rows
    # must not cost it the lead, or the next leader would be ended over the same tick.
    if await _as_login(connection, "is_working", known.pid):
        return _Leader(row["pid"], row["seen"], now)
    observe(LeaderSilent(known.pid, round(now - known.since, 1)))
    await _as_login(connection, "end_leader", known.pid)
    return None


async def _as_login(connection: psycopg.AsyncConnection[Any], query: str, pid: int) -> bool:
    """Ask about another session of our own login; the role that we act as owns none and sees none."""
    async with connection.transaction():
        await connection.execute("set local role none")
        cursor = await connection.execute(_QUERIES[query], {"pid": pid})
        row = await cursor.fetchone()
        return row is not None and bool(row[0])
