"""First pictures, complete and exact: read in one snapshot under the caller's rights, then held by no connection.

The rows go into pages (pages.py), and whoever sends them to a slow reader takes his time with those. What is read is
decided in picture_request.py, the statements are made in rows.py. Connections are few, and so are those who wait.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from psycopg_pool import AsyncConnectionPool

from floorcast.database.pages import Pages, Room
from floorcast.database.picture_request import LawAtSnapshot, PictureRequest, TableRead
from floorcast.database.picture_session import (
    CONNECT_SECONDS,
    SESSION,
    become_gateway,
    read_into,
    transaction,
    write_out,
)
from floorcast.errors import DatabaseUnavailable, PicturesBusy
from floorcast.observe import PictureRead, observe

__all__ = ["PictureRequest", "Spool", "Spooler", "TableRead"]

_STOPPED = "This gateway is being stopped."


@dataclass(slots=True, eq=False)
class Spool:
    """A first picture that was read. Whoever is given one closes it; what it holds goes with the last who does."""

    # Everything that ticks up to this one delivered is in it.
    tick: int
    seal: str
    incarnation: str
    # pg_current_snapshot() as text: a change is in the picture exactly if this sees its transaction.
    snapshot: str
    # Nothing is in it that ticks up to `tick` did not deliver.
    clean: bool
    # Everything that had committed by then is in it; ISO 8601 in UTC, by the database's clock.
    at: str
    law: LawAtSnapshot
    _pages: Pages = field(repr=False)
    _closed: bool = False

    @property
    def size(self) -> int:
        """Bytes of its rows."""
        return self._pages.size

    def share(self) -> "Spool":
        """Return the same picture for one more, to be closed by him."""
        self._pages.hold()
        return Spool(self.tick, self.seal, self.incarnation, self.snapshot, self.clean, self.at, self.law, self._pages)

    def chunks(self, most_bytes: int) -> Iterator[tuple[str, bytes]]:
        """Yield (table, `row,row,row`), table by table: about `most_bytes` of JSON, more where one row is larger.

        Tables without rows are left out. Each call begins anew; it may be left off at any point.

        Raises:
            PicturesBusy: a temporary file cannot be read any more.
        """
        if self._closed:
            raise ValueError("this picture was closed")
        return self._pages.chunks(most_bytes)

    def __enter__(self) -> Self:
        """Hold it for a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Give it up; harmless when it was."""
        if not self._closed:
            self._closed = True
            self._pages.release()


class Spooler:
    """Reads pictures over a few connections of its own."""

    def __init__(
        self,
        url: str,
        *,
        room: Room,
        most_bytes: int,
        seconds: float,
        connections: int = 4,
        waiting: int = 256,
    ) -> None:
        """Take the service's login; connects nothing yet.

        Args:
            url: The login that may become floorcast_gateway, authenticated and service_role.
            room: What all pictures may hold together.
            most_bytes: What one may hold.
            seconds: How long one may take, waiting for its turn included.
            connections: How many are read at once.
            waiting: How many may wait for their turn.
        """
        self._room = room
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._turns = asyncio.Semaphore(connections)
        self._most_waiting = waiting
        self._waiting = 0
        self._readings: set[asyncio.Task[Spool]] = set()
        self._closing = False
        # min_size 0: an idle gateway holds no connection, and one that starts before Postgres does not fail.
        self._pool = AsyncConnectionPool(
            url,
            min_size=0,
            max_size=connections,
            timeout=CONNECT_SECONDS + 1,
            kwargs=SESSION,
            configure=become_gateway,
            check=AsyncConnectionPool.check_connection,
            open=False,
            name="spool",
        )

    async def open(self) -> None:
        """Make ready; needs a running loop, not a running Postgres."""
        await self._pool.open()

    async def close(self) -> None:
        """End what is being read, and every connection."""
        self._closing = True
        for reading in self._readings:
            reading.cancel()
        if self._readings:
            await asyncio.wait(self._readings)
        await self._pool.close(timeout=2.0)

    async def read(self, request: PictureRequest) -> Spool:
        """Read a picture; no connection and no transaction is held for it once it is there.

        Raises:
            DatabaseUnavailable: Postgres does not answer, or not in time.
            PicturesBusy: too many wait, or too much is held already.
            PictureTooLarge: it has more bytes than one may have.
            PictureUnreadable: a table is not as the request says.
        """
        until = asyncio.get_running_loop().time() + self._seconds
        await self._take_turn(until)
        reading = asyncio.create_task(self._read(request, until), name="picture")
        self._readings.add(reading)
        reading.add_done_callback(self._end_turn)
        try:
            # Not cancelled from outside: to end a statement takes a word with the server, and nobody waits for that.
            done, _ = await asyncio.wait({reading}, timeout=until - asyncio.get_running_loop().time())
        except asyncio.CancelledError:
            _abandon(reading)
            raise
        if not done:
            _abandon(reading)
            raise DatabaseUnavailable(f"The picture was not read within {self._seconds:g} s; nothing is lost.")
        if reading.cancelled():
            raise DatabaseUnavailable(_STOPPED)
        return reading.result()

    async def _take_turn(self, until: float) -> None:
        if self._turns.locked() and self._waiting >= self._most_waiting:
            raise PicturesBusy(f"{self._waiting} pictures wait to be read, which is as many as may.")
        self._waiting += 1
        try:
            async with asyncio.timeout_at(until):
                await self._turns.acquire()
        except TimeoutError:
            raise PicturesBusy(f"The picture's turn to be read did not come within {self._seconds:g} s.") from None
        finally:
            self._waiting -= 1
        if self._closing:
            # The next in the queue hears it, too.
            self._turns.release()
            raise DatabaseUnavailable(_STOPPED)

    def _end_turn(self, reading: asyncio.Task[Spool]) -> None:
        self._readings.discard(reading)
        self._turns.release()

    async def _read(self, request: PictureRequest, until: float) -> Spool:
        began = time.perf_counter()
        pages = Pages(self._room, self._most_bytes)
        try:
            seconds = until - asyncio.get_running_loop().time()
            async with transaction(self._pool, request, seconds) as connection:
                found = await read_into(connection, request, pages)
            pages.end_page()
            if pages.has_unwritten:
                await write_out(pages)
        except BaseException:
            pages.release()
            raise
        observe(PictureRead(time.perf_counter() - began, pages.size))
        return Spool(found.tick, found.seal, found.incarnation, found.snapshot, found.clean, found.at, found.law, pages)


def _abandon(reading: asyncio.Task[Spool]) -> None:
    """End a read that nobody waits for; if it has just succeeded, give it up."""
    reading.cancel()
    reading.add_done_callback(_give_up)


def _give_up(reading: asyncio.Task[Spool]) -> None:
    if not reading.cancelled() and reading.exception() is None:
        reading.result().close()
