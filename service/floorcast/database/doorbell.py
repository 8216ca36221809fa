"""The relay's side of the doorbell: hears NOTIFY, says whether it wants to be rung for, holds the silence lock."""

import asyncio
import contextlib
import secrets
import time
from typing import Any, Self

import psycopg

from floorcast.database.connect import connect
from floorcast.database.queries import load_queries
from floorcast.observe import SessionSilent, observe

ECHO = "floorcast_echo"
"""The channel on which the relay rings itself: such a ring is nobody's change, and must not be counted as one."""

LISTEN = f"listen floorcast; listen {ECHO}".encode()

ECHO_SECONDS = 2.0
"""How often it rings itself. Each time costs a transaction id, and no flush."""

DEAF_SECONDS = 2.0
"""A ring of its own that was not heard by then is not heard any more."""

_NAME = "floorcast relay bell"
_QUERIES = load_queries("queries.sql")


class Bell:
    """Hears the bell on a session of its own, since a session that waits for notifications can do nothing else.

    One that is cut off without a word looks like one on which nobody rings, since who waits says nothing either. Hence
    the echo: see `prove`.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Use `Bell.listen`; a bell is only good once LISTEN was answered."""
        self._connection = connection
        self._rung = asyncio.Event()
        # Set when the session ended; the next look raises what ended it.
        self._failure: BaseException | None = None
        # Our ring that should come back, and when it was rung; set while none is awaited.
        self._ring, self._rang_at = "", float("-inf")
        self._echo = asyncio.Event()
        self._echo.set()
        self._task = asyncio.create_task(self._hear(), name="doorbell")

    @classmethod
    async def listen(cls, url: str) -> Self:
        """Connect and LISTEN. Only what commits after this returns is sure to be heard: read once afterwards."""
        connection = await connect(url, role="floorcast_relay", application=_NAME)
        try:
            await connection.execute(LISTEN)
        except BaseException:
            await connection.close()
            raise
        return cls(connection)

    def clear(self) -> bool:
        """Take note of what has rung so far; true when something had.

        Clear first, read afterwards: the other way round, a bell between the two would be taken for one that was read.
        """
        if self._failure is not None:
            raise psycopg.OperationalError(f"the doorbell's session ended: {self._failure}")
        rung = self._rung.is_set()
        self._rung.clear()
        return rung

    async def wait(self, seconds: float) -> None:
        """Wait until it rings, but no longer than `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()

    async def prove(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Find out whether it still hears: ring on another session, and expect to hear it before long.

        To be called every second; does something every other second, and waits for nobody.

        Raises:
            psycopg.OperationalError: the last ring of ours was not heard.
        """
        now = time.monotonic()
        if not self._echo.is_set() and now - self._rang_at > DEAF_SECONDS:
            # It may lie in the socket already, where this process was held up.
            await self._await_echo(DEAF_SECONDS / 10)
        if self._echo.is_set() and now - self._rang_at >= ECHO_SECONDS:
            self._ring, self._rang_at = secrets.token_hex(8), now
            self._echo.clear()
            await connection.execute(_QUERIES["ring_itself"], {"channel": ECHO, "ring": self._ring})
        elif not self._echo.is_set() and now - self._rang_at > DEAF_SECONDS:
            observe(SessionSilent(_NAME, round(now - self._rang_at, 1)))
            raise psycopg.OperationalError("the doorbell's session hears nothing any more")

    async def _await_echo(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._echo.wait()

    async def close(self) -> None:
        """End the session."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._connection.close()

    async def _hear(self) -> None:
        try:
            async for heard in self._connection.notifies():
                if heard.channel != ECHO:
                    self._rung.set()
                elif heard.payload == self._ring:
                    self._echo.set()
        except psycopg.Error as error:
            self._failure = error
        else:
            self._failure = EOFError("no more notifications")
        # Wakes the waiter, which then looks and learns what happened.
        self._rung.set()


async def set_busy(connection: psycopg.AsyncConnection[Any], milliseconds: int) -> None:
    """Let writers stay silent for so long; renew it before it has passed."""
    await connection.execute(_QUERIES["set_busy"], {"milliseconds": milliseconds})


async def set_idle(connection: psycopg.AsyncConnection[Any]) -> None:
    """Have writers ring from now on; those that are silent already may still be open."""
    await connection.execute(_QUERIES["set_idle"])


async def take_silence(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Try to take the silence lock; true means that no silent writer is open, and none can begin."""
    cursor = await connection.execute(_QUERIES["take_silence"])
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def give_silence_back(connection: psycopg.AsyncConnection[Any]) -> None:
    """Let writers stay silent again, if the state is busy."""
    await connection.execute(_QUERIES["give_silence_back"])
