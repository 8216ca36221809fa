"""Opens a session as one of our roles."""

from typing import Any

import psycopg
from psycopg import sql

from floorcast.errors import DatabaseUnavailable

_CONNECT_SECONDS = 10

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
    # A peer that vanished without a word is noticed within seconds, not after the kernel's two hours.
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
    # A standby has no list of running transactions: a snapshot taken there loses rows.
    "target_session_attrs": "read-write",
    "connect_timeout": str(_CONNECT_SECONDS),
}


async def connect(url: str, *, role: str | None, application: str) -> psycopg.AsyncConnection[Any]:
    """Open an autocommit session that acts as `role` (None: the login itself).

    A direct session: advisory locks and LISTEN end with it, so nothing in between may share or swap it.

    Raises:
        DatabaseUnavailable: it cannot be reached, is a standby, or the login may not act as the role.
    """
    try:
        connection = await psycopg.AsyncConnection.connect(
            url, autocommit=True, application_name=application, **_LIVENESS
        )
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"Postgres cannot be reached: {error}") from error
    try:
        await connection.execute("; ".join(_SESSION).encode())
        if role is not None:
            await connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    except BaseException as error:
        await connection.close()
        if not isinstance(error, psycopg.Error):
            raise
        raise DatabaseUnavailable(
            f"The login of DATABASE_URL cannot act as {role}: {error}. Grant it that role, "
            "or run `floorcast migrate up` if the role does not exist."
        ) from error
    return connection
