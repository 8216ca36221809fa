"""Opens a session as one of our roles, and ends one that nobody answers on."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.abc import PQGen

from floorcast.errors import DatabaseUnavailable

_CONNECT_SECONDS = 10

ResultT = TypeVar("ResultT")

_SESSION = (
    "set search_path = ''",
    # What clients are told must have happened for good: a tick's flush covers everything that it sees.
    "set synchronous_commit = on",
    # Limits that a site sets for people's queries would cut a tick of a million rows, each time it is tried again.
    "set statement_timeout = 0",
    "set idle_session_timeout = 0",
    # The planner cannot know how little lies between two snapshots, and would compile for the worst at every tick.
    "set jit = off",
    # Plans are kept as long as a session; one made while a partition of the trail was empty must not scan it later.
    "set enable_seqscan = off",
)

_LIVENESS: dict[str, Any] = {
    # A peer that vanished without a word is noticed within ten seconds or so, not after the kernel's two hours.
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    # A standby has no list of running transactions: a snapshot taken there loses rows.
    "target_session_attrs": "read-write",
}


class Session(psycopg.AsyncConnection[Any]):
    """A session that can say since when it waits for the server."""

    # `time.monotonic` of when it began to wait; None while it does not.
    waits_since: float | None = None

    async def wait(self, gen: PQGen[ResultT], *args: Any, **kwargs: Any) -> ResultT:
        """Wait for the server, as the driver does whatever is asked of it."""
        self.waits_since = time.monotonic()
        try:
            return await super().wait(gen, *args, **kwargs)
        finally:
            self.waits_since = None


async def connect(url: str, *, role: str | None, application: str, within: float = _CONNECT_SECONDS) -> Session:
    """Open an autocommit session that acts as `role` (None: the login itself).

    A direct session: advisory locks and LISTEN end with it, so nothing in between may share or swap it.

    Args:
        url: a login of Postgres.
        role: what the login becomes.
        application: the session's name in pg_stat_activity.
        within: seconds that it may take, two at least.

    Raises:
        DatabaseUnavailable: it cannot be reached, is a standby, or the login may not act as the role.
    """
    try:
        connection = await Session.connect(
            url, autocommit=True, application_name=application, connect_timeout=str(round(within)), **_LIVENESS
        )
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"Postgres cannot be reached: {error}") from error
    try:
        with answered_within(connection, within):
            await connection.execute("; ".join(_SESSION).encode())
            if role is not None:
                await connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    except BaseException as error:
        await connection.close()
        if isinstance(error, psycopg.OperationalError):
            raise DatabaseUnavailable(f"Postgres does not answer: {error}") from error
        if not isinstance(error, psycopg.Error):
            raise
        raise DatabaseUnavailable(
            f"The login of DATABASE_URL cannot act as {role}: {error}. Grant it that role, "
            "or run `floorcast migrate up` if the role does not exist."
        ) from error
    return connection


def sever(connection: psycopg.AsyncConnection[Any]) -> None:
    """End a session from below: whoever waits on it gets an OperationalError now.

    Cancelling him instead would ask the server to cancel, over a network that may be gone, and wait for its answer.
    """
    # Closed already: then nobody waits on it.
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as twin:
        twin.shutdown(socket.SHUT_RDWR)


@contextmanager
def answered_within(connection: psycopg.AsyncConnection[Any], seconds: float) -> Iterator[None]:
    """Sever a session unless what is asked of it meanwhile is answered in time."""
    timer = asyncio.get_running_loop().call_later(seconds, sever, connection)
    try:
        yield
    finally:
        timer.cancel()
