"""The relay's side of the doorbell: hears NOTIFY, says whether it wants to be rung for, holds the silence lock."""

import asyncio
import contextlib
from typing import Any, Self

import psycopg

from floorcast.database.connect import connect
from floorcast.database.queries import load_queries

CHANNEL = b"listen floorcast"

_QUERIES = load_queries("queries.sql")


class Bell:
    """Hears the bell on a session of its own, since a session that waits for notifications can do nothing else."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Use `Bell.listen`; a bell is only good once LISTEN was answered."""
        self._connection = connection
        self._rung = asyncio.Event()
        # Set when the session ended; the next look raises what ended it.
        self._failure: BaseException | None = None
        self._task = asyncio.create_task(self._hear(), name="doorbell")

    @classmethod
    async def listen(cls, url: str) -> Self:
        """Connect and LISTEN. Only what commits after this returns is sure to be heard: read once afterwards."""
        connection = await connect(url, role="floorcast_relay", application="floorcast relay bell")
        try:
            await connection.execute(CHANNEL)
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

    async def close(self) -> None:
        """End the session."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._connection.close()

    async def _hear(self) -> None:
        try:
            async for _ in self._connection.notifies():
                self._rung.set()
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
