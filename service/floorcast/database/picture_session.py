"""One read of a first picture on one session: locks, snapshot, position, law, and then the rows of each table."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from floorcast.database.pages import Pages
from floorcast.database.picture_request import LawAtSnapshot, PictureRequest
from floorcast.database.queries import load_queries
from floorcast.database.rows import UNKNOWN, Catalogue, rows_of, source
from floorcast.errors import DatabaseUnavailable, ForeignTrail, PictureUnreadable

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]

_QUERIES = load_queries("spool.sql")

CONNECT_SECONDS = 5

SESSION = {
    "autocommit": True,
    "application_name": "floorcast spool",
    "client_encoding": "utf8",
    # A standby may lag, and has no list of running transactions: a snapshot taken there loses rows.
    "target_session_attrs": "read-write",
    "connect_timeout": CONNECT_SECONDS,
    # A peer that vanished without a word is noticed within seconds.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15000,
}

_AS_GATEWAY = (
    "set role floorcast_gateway",
    # Rows are written as capture writes them; see triggers/6_tracking/track.sql.
    "set search_path = pg_catalog, pg_temp",
    "set timezone = 'UTC'",
    "set intervalstyle = 'iso_8601'",
    "set datestyle = 'ISO, MDY'",
    "set bytea_output = 'hex'",
    "set extra_float_digits = 1",
    # A read of a large table costs enough for it, and would wait longer for the compiler than it takes.
    "set jit = off",
)

_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
_COPY_ROW = struct.Struct(">hi")
"""Number of columns, size of the first."""

_PAGES_AT_ONCE = 16
"""After so many pages others have their turn, however much the server has sent."""

_OUR_MISTAKES = ("22", "42")
"""Classes of SQLSTATE that say that a statement does not fit the tables, or the role not the statement."""


@dataclass(frozen=True, slots=True)
class Standpoint:
    """Where in the stream a picture's snapshot stands; `spool.Spool` says what each of it means."""

    tick: int
    seal: str
    incarnation: str
    snapshot: str
    clean: bool
    at: str
    law: LawAtSnapshot


@asynccontextmanager
async def transaction(pool: Pool, request: PictureRequest, seconds: float) -> AsyncIterator[psycopg.AsyncConnection]:
    """A transaction in which nothing has taken a snapshot yet, with the tables of the request locked.

    Args:
        pool: of sessions with `SESSION` and `become_gateway`.
        request: whose tables, in whose name.
        seconds: how long any statement in it may take.

    Raises:
        DatabaseUnavailable: Postgres does not answer, or not in time.
        PictureUnreadable: a table is not as the request says.
    """
    try:
        async with pool.connection() as connection:
            try:
                await connection.execute(_beginning(request, seconds))
                yield connection
            finally:
                # A connection that broke is thrown away by the pool; it needs no rollback.
                if not connection.broken:
                    await connection.execute(_QUERIES["end"])
    except psycopg.Error as error:
        # The pool's errors have no SQLSTATE.
        if (error.sqlstate or "").startswith(_OUR_MISTAKES):
            raise PictureUnreadable(f"A table cannot be read as it was asked for: {error}") from error
        raise DatabaseUnavailable("The database did not answer in time; nothing is lost, ask again.") from error


async def read_into(connection: psycopg.AsyncConnection, request: PictureRequest, pages: Pages) -> Standpoint:
    """Read everything that is asked for, in a `transaction` that nothing was read in yet.

    Raises:
        PictureTooLarge, PicturesBusy: as `Pages.add`.
        ForeignTrail: the newest tick is another server's.
    """
    found = await _coordinates(connection, request)
    catalogues = await _catalogues(connection, request)
    await connection.execute(_QUERIES["become"], {"claims": request.caller.claims, "role": request.caller.role})
    for read in request.tables:
        statement = rows_of(read, request, found["people"], catalogues.get(read.table, UNKNOWN))
        await _copy(connection, statement, read.table, pages)
    return _standpoint(request, found)


async def write_out(pages: Pages) -> None:
    """Write in a thread, which has ended when this returns, also when it is cancelled: then the file can be closed."""
    writing = asyncio.ensure_future(asyncio.to_thread(pages.write_out))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.wait({writing})
        if not writing.cancelled():
            writing.exception()
        raise


async def become_gateway(connection: psycopg.AsyncConnection) -> None:
    """Ticks and incarnations are for the gateway's role, whatever the login."""
    await connection.execute("; ".join(_AS_GATEWAY).encode())


def _beginning(request: PictureRequest, seconds: float) -> sql.Composed:
    """Return everything that comes before the snapshot."""
    begin = sql.SQL(_QUERIES["begin"].decode())
    limit = sql.SQL("set local {} = {}")
    milliseconds = sql.Literal(max(1, round(seconds * 1000)))
    statements = [
        limit.format(sql.Identifier(name), milliseconds)
        for name in ("statement_timeout", "idle_in_transaction_session_timeout")
    ]
    if request.tables:
        lock = sql.SQL("lock table {} in access share mode").format(
            sql.SQL(", ").join([source(read, request.caller.role) for read in request.tables])
        )
        role = sql.SQL("set local role {}")
        statements += [
            role.format(sql.Identifier(request.caller.role)),
            lock,
            role.format(sql.Identifier("floorcast_gateway")),
        ]
    return sql.SQL("{} {}").format(begin, sql.SQL("; ").join(statements))


async def _coordinates(connection: psycopg.AsyncConnection, request: PictureRequest) -> Mapping[str, Any]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            _QUERIES["coordinates"],
            {
                "user": request.user,
                "warehouse": request.warehouse,
                "about_people": any(read.shape.scope == "person" for read in request.tables),
                "tables": [read.table for read in request.tables],
            },
        )
        found = await cursor.fetchone()
    if found is None:
        raise AssertionError("tick 0 is written by the migration that creates the table")
    if found["is_foreign"]:
        raise ForeignTrail("The newest tick is another server's; see 'Backup and restore' in docs/operations.md.")
    return found


async def _catalogues(connection: psycopg.AsyncConnection, request: PictureRequest) -> Mapping[str, Catalogue]:
    tables = [read.table for read in request.tables if read.recent is not None]
    if not tables:
        return {}
    cursor = await connection.execute(_QUERIES["catalogue"], {"tables": tables})
    return {table: Catalogue(frozenset(readable), frozenset(filled)) async for table, readable, filled in cursor}


def _standpoint(request: PictureRequest, found: Mapping[str, Any]) -> Standpoint:
    role = found["role"] if request.caller.role == "authenticated" else "service_role"
    rules = tuple((policy, row) for policy, row in orjson.loads(found["rules"]))
    law = LawAtSnapshot(role if found["organization"] is not None else None, found["organization"], rules)
    place = (found["tick"], found["seal"], found["incarnation"])
    return Standpoint(*place, found["snapshot"], found["is_clean"], found["at"], law)


async def _copy(connection: psycopg.AsyncConnection, statement: sql.Composed, table: str, pages: Pages) -> None:
    """Add the rows of a statement to the pages, one at a time: no more than one is held besides."""
    filled = 0
    async with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("copy ({}) to stdout (format binary)").format(statement)) as copy,
    ):
        async for message in copy:
            # Binary, since the text format would escape every backslash of the JSON.
            row = bytes(message).removeprefix(_COPY_HEADER)
            if row == _COPY_TRAILER or not row:
                continue
            if _COPY_ROW.unpack_from(row) != (1, len(row) - _COPY_ROW.size):
                raise AssertionError("a message of COPY is not one row of one column")
            if not pages.add(table, row[_COPY_ROW.size :]):
                continue
            filled += 1
            if pages.wants_writing:
                await write_out(pages)
            elif not filled % _PAGES_AT_ONCE:
                await asyncio.sleep(0)
