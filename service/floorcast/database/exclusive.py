"""A session that may migrate: pinned settings, a server that is new enough, the lock that only one holds."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psycopg

from floorcast.database.ledger import Connection
from floorcast.database.queries import load_queries
from floorcast.errors import DatabaseUnavailable

STATEMENTS = load_queries("migrate.sql")

# The advisory lock of the runner, per database: "floorcas" as a number, so that it is recognised in pg_locks.
LOCK_KEY = int.from_bytes(b"floorcas")
# The oldest server that the migrations are written for, as `server_version_num`.
OLDEST_SERVER = 150000
# Between two looks at the lock. Asking in turns instead of waiting in Postgres: a session that waits there
# holds a snapshot, and with it back vacuum and any `create index concurrently`.
LOOK_SECONDS = 0.2

Say = Callable[[str], None]


def silent(sentence: str) -> None:
    """Say nothing."""


@contextmanager
def session(url: str, *, lock_timeout: str) -> Iterator[Connection]:
    """A pinned connection to the primary, in autocommit, as the owner that `url` names.

    Raises:
        DatabaseUnavailable: no connection, a standby, or a server older than PostgreSQL 15.
    """
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=10,
            application_name="floorcast migrate",
            target_session_attrs="read-write",
        )
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise DatabaseUnavailable(
            f"The database does not take the connection: {str(error).strip()} Nothing was changed. "
            "Check FLOORCAST_OWNER_DATABASE_URL or DATABASE_URL, and that the server runs and is not a "
            "standby."
        ) from error
    with connection:
        _refuse_old_server(connection.info.server_version)
        pin(connection, lock_timeout=lock_timeout)
        with suppress(psycopg.errors.InvalidParameterValue):
            connection.execute(STATEMENTS["notice_lost_client"])
        yield connection


def pin(connection: Connection, *, lock_timeout: str, statement_timeout: str = "0") -> None:
    """Set what every migration may rely on; again after each, since one may have changed it."""
    parameters = {"lock_timeout": lock_timeout, "statement_timeout": statement_timeout}
    connection.execute(STATEMENTS["pin_session"], parameters)


def lock(connection: Connection, *, wait_seconds: float, say: Say) -> None:
    """Take the runner's lock for the rest of this session.

    The lock is the session's: it ends when the session does, however it does, and never before the work on
    it. That is why it is not held on a connection beside the working one: a killed runner would free the
    lock at once, while the server still carries out its last statement.

    Raises:
        DatabaseUnavailable: another session held it for all of `wait_seconds`.
    """
    deadline = time.monotonic() + wait_seconds
    told = False
    while not _try_lock(connection):
        holder = _holder(connection)
        if time.monotonic() >= deadline:
            raise DatabaseUnavailable(
                f"Another migration has kept this database for {wait_seconds:g} s: {holder}. Nothing was "
                "changed here. Wait until it is done and run this again; if it hangs, end its session with "
                "`select pg_terminate_backend(<its pid>)`: what it had not committed is undone."
            )
        if not told:
            say(f"Another migration is at work ({holder}); waiting for it, at most {wait_seconds:g} s.")
            told = True
        time.sleep(LOOK_SECONDS)


def seize(connection: Connection, locks: Sequence[str], *, wait_seconds: float) -> None:
    """Take all of these locks for the rest of the transaction, without a deadlock.

    Whoever takes one table after the other meets a writer who takes them in another order, and Postgres ends one of
    the two: it may be the writer. So this waits for a table only while it holds no other; where one is taken, all are
    given back, and the next try begins with the one that was.

    Args:
        connection: in a transaction.
        locks: statements that take one each.
        wait_seconds: for all of it together.

    Raises:
        psycopg.errors.LockNotAvailable: others used the tables for all of that time.
    """
    deadline = time.monotonic() + wait_seconds
    row = connection.execute(STATEMENTS["lock_patience"]).fetchone()
    patience = "0" if row is None else row[0]
    waiting = list(locks)
    while waiting:
        taken = 0
        try:
            with connection.transaction():
                for statement in waiting:
                    connection.execute(statement.encode())
                    if not taken:
                        # From the second on nobody is waited for; in milliseconds, less cannot be said.
                        connection.execute(STATEMENTS["set_lock_patience"], {"patience": "1ms"})
                    taken += 1
                connection.execute(STATEMENTS["set_lock_patience"], {"patience": patience})
        except psycopg.errors.LockNotAvailable:
            # The very first is waited for, as long as `lock_timeout` lets us.
            if not taken or time.monotonic() >= deadline:
                raise
            waiting.insert(0, waiting.pop(taken))
        else:
            return


def _try_lock(connection: Connection) -> bool:
    row = connection.execute(STATEMENTS["try_lock"], {"key": LOCK_KEY}).fetchone()
    return row is not None and bool(row[0])


def _holder(connection: Connection) -> str:
    """A few words about the session that holds the lock; it may just have ended."""
    row = connection.execute(STATEMENTS["lock_holder"], {"key": LOCK_KEY}).fetchone()
    return "it has just ended" if row is None else f"pid {row[0]}, {row[1]}, since {row[2]} UTC"


def _refuse_old_server(version: int) -> None:
    if version < OLDEST_SERVER:
        raise DatabaseUnavailable(
            f"This is PostgreSQL {version // 10000}; Floorcast needs {OLDEST_SERVER // 10000} or newer. "
            "Nothing was changed. Upgrade the server, or give the URL of a newer one."
        )
