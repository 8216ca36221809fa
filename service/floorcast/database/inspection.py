"""Gathers the facts about Postgres that `diagnosis` judges. It changes nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from floorcast.database import migrate
from floorcast.database.queries import load_queries
from floorcast.errors import DatabaseUnavailable, FloorcastError
from floorcast.facts import DatabaseFacts, Guards, Leader, LongTransaction, Messages, Migrations, Reached, TrackedTable

ROLES = ("authenticated", "service_role", "anon", "floorcast_relay", "floorcast_gateway")
"""What the login of DATABASE_URL must be able to become."""

_QUERIES = load_queries("inspection.sql")
_TICKS = load_queries("queries.sql")
_CONNECT_SECONDS = 10
_NOTIFY_SECONDS = 3.0
_STATEMENTS = 5
"""So many statements should meet the same server process."""

_Connection = psycopg.AsyncConnection[tuple[Any, ...]]


async def inspect_database(url: str, owner_url: str | None) -> DatabaseFacts:
    """Gather facts as the login of `url`; the ledger of migrations is read as the owner's, when that differs.

    Raises:
        DatabaseUnavailable: it cannot be reached at all.
    """
    try:
        connection = await psycopg.AsyncConnection.connect(
            url, autocommit=True, application_name="floorcast doctor", connect_timeout=_CONNECT_SECONDS
        )
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"Postgres cannot be reached with DATABASE_URL: {str(error).strip()}") from error
    async with connection:
        is_direct = await _is_direct(connection)
        server = await _one(connection, "server")
        version, is_standby, login, prepared, queue = server
        longest = await _optional(connection, None, "longest_transaction")
        leader = await _optional(connection, "floorcast_relay", "leader")
        newest = await _optional(connection, "floorcast_gateway", "newest_tick")
        guards = await _optional(connection, "floorcast_gateway", "guards")
        messages = await _optional(connection, None, "messages")
        cache = await _optional(connection, None, "sequence_cache")
        return DatabaseFacts(
            version=version,
            is_standby=is_standby,
            login=login,
            roles=dict(await _all(connection, "roles", {"roles": list(ROLES)})),
            settings=dict(await _all(connection, "settings")),
            prepared_transactions=prepared,
            notification_queue=queue,
            longest=None if longest is None else LongTransaction(*longest),
            is_direct=is_direct,
            hears_notify=await _hears_notify(connection) if not is_standby else True,
            migrations=await asyncio.to_thread(_migrations, owner_url or url),
            tables=await _tables(connection),
            guards=None if guards is None else Guards(*guards),
            messages=None if messages is None else Messages(*messages),
            sequence_cache=None if cache is None else cache[0],
            leader=None if leader is None else Leader(*leader),
            newest=None if newest is None else Reached(newest[2], newest[0], newest[1]),
        )


async def _is_direct(connection: _Connection) -> bool:
    # A pooler answers with whichever process is free, and with a process id of its own at the start.
    pids = {connection.info.backend_pid}
    for _ in range(_STATEMENTS):
        pids.add((await _one(connection, "backend"))[0])
    return len(pids) == 1


async def _hears_notify(connection: _Connection) -> bool:
    word = uuid.uuid4().hex
    await connection.execute(_QUERIES["listen"])
    await connection.execute(_QUERIES["ring"], {"word": word})
    async for heard in connection.notifies(timeout=_NOTIFY_SECONDS):
        if heard.payload == word:
            return True
    return False


async def _tables(connection: _Connection) -> list[TrackedTable] | None:
    try:
        async with _as(connection, "floorcast_gateway"):
            return [TrackedTable(*row) for row in await _all(connection, "tables")]
    except psycopg.Error:
        return None


def _migrations(url: str) -> Migrations | None:
    try:
        status = migrate.status(url)
    except (FloorcastError, psycopg.Error):
        return None
    changed = (*status.behaviour.added, *status.behaviour.changed)
    return Migrations(status.pending, status.unknown, changed)


async def _optional(connection: _Connection, role: str | None, name: str) -> tuple[Any, ...] | None:
    """Return a row, or None when there is none or it may not be read: something else is wrong then, and is said."""
    try:
        async with _as(connection, role):
            queries = _QUERIES if name in _QUERIES else _TICKS
            return await (await connection.execute(queries[name])).fetchone()
    except psycopg.Error:
        return None


@asynccontextmanager
async def _as(connection: _Connection, role: str | None) -> AsyncIterator[None]:
    async with connection.transaction():
        if role is not None:
            await connection.execute(_QUERIES["become"], {"role": role})
        yield


async def _one(connection: _Connection, name: str) -> tuple[Any, ...]:
    row = await (await connection.execute(_QUERIES[name])).fetchone()
    if row is None:
        raise AssertionError(f"the query {name} always has a row")
    return row


async def _all(connection: _Connection, name: str, parameters: dict[str, object] | None = None) -> list[Any]:
    return await (await connection.execute(_QUERIES[name], parameters)).fetchall()
