"""A few sessions in which a gateway asks about rooms: who finds them all taken waits, or is turned away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from floorcast.errors import DatabaseUnavailable

_SESSION = {
    "autocommit": True,
    # A standby may lag: what was just said or permitted would not be there yet.
    "target_session_attrs": "read-write",
    "connect_timeout": 5,
    # A peer that vanished without a word is noticed within seconds.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15000,
}

_SERVER_SPEAKS = ("08", "53", "57", "58")
"""Classes of errors in which the server says something of itself: no connection, no room, cancelled, a broken disk."""


class RoomsPool:
    """Sessions that act as floorcast_gateway, opened when they are needed."""

    def __init__(self, url: str, name: str, *, connections: int, waiting: int, patience_seconds: float) -> None:
        """Take the login that may become floorcast_gateway; connect nothing yet.

        Args:
            url: a login of Postgres.
            name: what the sessions are for; `floorcast <name>` is their name in pg_stat_activity.
            connections: how many ask at once.
            waiting: how many callers may wait for a session.
            patience_seconds: how long one may wait, and how long a statement may run.
        """
        self._milliseconds = str(round(patience_seconds * 1000))
        # min_size 0: an idle gateway holds no session, and one that starts before Postgres does not fail.
        self._pool = AsyncConnectionPool(
            url,
            min_size=0,
            max_size=connections,
            max_waiting=waiting,
            timeout=patience_seconds,
            kwargs={**_SESSION, "application_name": f"floorcast {name}"},
            configure=_become_gateway,
            check=AsyncConnectionPool.check_connection,
            open=False,
            name=name,
        )

    async def open(self) -> None:
        """Make ready; needs a running loop, not a running Postgres."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every session; what is being asked is cut off after a moment."""
        await self._pool.close(timeout=2.0)

    @asynccontextmanager
    async def trial(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """Give a session in a transaction that is rolled back.

        Raises:
            DatabaseUnavailable: Postgres does not answer, or not in time.
            psycopg.Error: it answered that something in what was asked is wrong.
        """
        try:
            async with self._pool.connection() as connection, connection.transaction(force_rollback=True):
                await connection.execute("select set_config('statement_timeout', %s, true)", [self._milliseconds])
                yield connection
        except (PoolTimeout, TooManyRequests) as error:
            raise DatabaseUnavailable("No session became free in time; nothing is lost, ask again.") from error
        except psycopg.Error as error:
            # Without a state the error is the driver's: there was no answer.
            if error.sqlstate is None or error.sqlstate.startswith(_SERVER_SPEAKS):
                raise DatabaseUnavailable("The database did not answer in time; nothing is lost, ask again.") from error
            raise


async def _become_gateway(connection: psycopg.AsyncConnection) -> None:
    await connection.execute("set role floorcast_gateway")
    await connection.execute("set search_path = ''")
    await connection.execute("set timezone to 'UTC'")
