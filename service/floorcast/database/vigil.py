"""Watches over a session whose questions may take long: it tells a server that works from one that is not there.

A cable that is pulled, a firewall that forgot the connection, a proxy that hangs: nobody is told, and an answer is
waited for without end. No deadline can tell this from a tick of a million rows. So after some seconds another session
asks the server whether the first one is at work; if it is not, or nobody answers here either, the first one is ended.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from floorcast.database.connect import Session, answered_within, connect, sever
from floorcast.database.queries import load_queries
from floorcast.errors import DatabaseUnavailable
from floorcast.observe import SessionSilent, observe

SILENT_SECONDS = 4.0
"""An answer that takes longer is asked after."""

_LOOK_SECONDS = 0.5
_PROBE_SECONDS = 3.0

_QUERIES = load_queries("queries.sql")


@asynccontextmanager
async def vigil(url: str, connection: Session) -> AsyncIterator[None]:
    """Sever a session if it falls silent meanwhile: whoever waits on it gets an OperationalError.

    `url` is the login that opened it.
    """
    task = asyncio.create_task(_keep(url, connection), name="vigil")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _keep(url: str, connection: Session) -> None:
    pid, name = connection.info.backend_pid, connection.info.get_parameters().get("application_name", "")
    while not connection.closed:
        await asyncio.sleep(min(_LOOK_SECONDS, SILENT_SECONDS / 4))
        since = connection.waits_since
        if since is None or time.monotonic() - since < SILENT_SECONDS or await _is_working(url, pid):
            continue
        if connection.waits_since == since:
            observe(SessionSilent(name, round(time.monotonic() - since, 1)))
            sever(connection)
            return


async def _is_working(url: str, pid: int) -> bool:
    """Whether the server says that it is at work for a session; false as well when the server says nothing."""
    try:
        # As the login itself: a role that it took sees nothing of its sessions.
        probe = await connect(url, role=None, application="floorcast vigil", within=_PROBE_SECONDS)
    except DatabaseUnavailable as error:
        # Refused is answered: too many connections, or a server that starts. What is broken then, the kernel notices.
        return not isinstance(error.__cause__, psycopg.errors.ConnectionTimeout)
    try:
        with answered_within(probe, _PROBE_SECONDS):
            cursor = await probe.execute(_QUERIES["is_working"], {"pid": pid})
            row = await cursor.fetchone()
    except psycopg.Error:
        return False
    finally:
        await probe.close()
    return row is not None and bool(row[0])
