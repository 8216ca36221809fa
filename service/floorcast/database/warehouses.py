"""Which warehouses somebody may open, as the database says it.

Rows are read as `authenticated` (or `service_role`) under the caller's claims, through the views in schema `visible`:
row level security is the only judge. JSON is made in Postgres and passed through as text.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from floorcast.database.caller import Caller
from floorcast.database.queries import load_queries
from floorcast.errors import DatabaseUnavailable

_QUERIES = load_queries("warehouses.sql")

_MOST = 2000
"""Warehouses at most: a screen offers them in a list."""

_SESSION = {
    "autocommit": True,
    "application_name": "floorcast warehouses",
    # A standby may lag: access that was just given would not be there yet.
    "target_session_attrs": "read-write",
    "connect_timeout": 5,
    # A peer that vanished without a word is noticed within seconds.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15000,
}


class WarehouseReader:
    """Reads over a few connections of its own; who finds them all taken waits, or is turned away."""

    def __init__(self, url: str, *, connections: int = 4, waiting: int = 64, patience_seconds: float = 5.0) -> None:
        """Take the service's login; connects nothing yet.

        Args:
            url: The login that may become floorcast_gateway, authenticated and service_role.
            connections: How many read at once.
            waiting: How many callers may wait for a connection.
            patience_seconds: How long one may wait, and how long a statement may run.
        """
        self._milliseconds = str(round(patience_seconds * 1000))
        # min_size 0: an idle gateway holds no connection, and one that starts before Postgres does not fail.
        self._pool = AsyncConnectionPool(
            url,
            min_size=0,
            max_size=connections,
            max_waiting=waiting,
            timeout=patience_seconds,
            kwargs=_SESSION,
            configure=_become_gateway,
            check=AsyncConnectionPool.check_connection,
            open=False,
            name="warehouses",
        )

    async def open(self) -> None:
        """Make ready; needs a running loop, not a running Postgres."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection; reads that run are cut off after a moment."""
        await self._pool.close(timeout=2.0)

    async def warehouses(self, caller: Caller) -> str:
        """Return the warehouses that the caller may open: a JSON array of {id, name, location, role}.

        Raises:
            DatabaseUnavailable: Postgres does not answer, or not in time.
        """
        async with self._snapshot() as connection:
            await self._become(connection, caller)
            return await _text(connection, "warehouses", {"most": _MOST})

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """One snapshot, and nothing is left behind on the connection."""
        try:
            async with self._pool.connection() as connection:
                await connection.execute(_QUERIES["begin"])
                try:
                    yield connection
                finally:
                    # A connection that broke is thrown away by the pool; it needs no rollback.
                    if not connection.broken:
                        await connection.execute(_QUERIES["end"])
        except (PoolTimeout, TooManyRequests) as error:
            raise DatabaseUnavailable("No connection became free in time; nothing is lost, ask again.") from error
        except (psycopg.OperationalError, psycopg.errors.QueryCanceled) as error:
            raise DatabaseUnavailable("The database did not answer in time; nothing is lost, ask again.") from error

    async def _become(self, connection: psycopg.AsyncConnection, caller: Caller) -> None:
        """Go on as the caller until the transaction ends."""
        await connection.execute(
            _QUERIES["become"],
            {"milliseconds": self._milliseconds, "claims": caller.claims, "role": caller.role},
        )


async def _become_gateway(connection: psycopg.AsyncConnection) -> None:
    """Ticks are for the gateway's role, whatever the login."""
    await connection.execute("set role floorcast_gateway")
    await connection.execute("set search_path = ''")
    await connection.execute("set timezone to 'UTC'")


async def _text(connection: psycopg.AsyncConnection, statement: str, parameters: dict[str, object]) -> str:
    """Run a statement of one row and one text."""
    cursor = await connection.execute(_QUERIES[statement], parameters)
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — an aggregate without group by always has a row
    return str(row[0])
