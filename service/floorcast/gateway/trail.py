"""The gateway's sight of Postgres: where to begin, and the ticks that the feed does not have."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg

from floorcast.access.grants import FOLLOWED
from floorcast.database.connect import Session, connect
from floorcast.database.grants import Base, read_base
from floorcast.database.ticks import newest_tick, read_changes_of, read_headers, read_pages, seal_of, warehouses_of
from floorcast.database.vigil import vigil
from floorcast.errors import AnotherTick, DatabaseUnavailable
from floorcast.operation import Operation, operations_in
from floorcast.tick import TickHeader

_ROLE = "floorcast_gateway"


class PostgresTrail:
    """Reads ticks on one session, opened when it is first needed and again after it was lost.

    Only the follower uses it, one call at a time. Every method raises DatabaseUnavailable when there is no answer;
    those that are asked about a tick raise AnotherTick when it is not there any more.
    """

    def __init__(self, url: str) -> None:
        """Connect lazily; nothing is sent before the first call."""
        self._url = url
        self._connection: Session | None = None

    async def begin(self) -> Base:
        """Return where a gateway begins."""
        async with self._session() as connection:
            return await read_base(connection)

    async def since(self, tick: int, limit: int) -> tuple[str, Sequence[TickHeader]]:
        """Return the current incarnation, and up to `limit` ticks from `tick` on, itself included, ascending."""
        async with self._session() as connection:
            newest = await newest_tick(connection)
            return newest.incarnation, await read_headers(connection, tick - 1, limit)

    async def pages(self, header: TickHeader) -> AsyncIterator[tuple[Operation, ...]]:
        """Yield the operations of a tick page by page; the same pages each time."""
        async with self._at(header) as connection:
            async for page in read_pages(connection, header):
                yield tuple(operations_in(page))

    async def access(self, header: TickHeader) -> tuple[Operation, ...]:
        """Return what a tick of any size brings for gateways themselves: access, and canaries, in order."""
        async with self._at(header) as connection:
            changes = await read_changes_of(connection, header, FOLLOWED)
            return tuple(operations_in(changes))

    async def concerned(self, header: TickHeader) -> Sequence[str]:
        """Return the warehouses that a tick concerns."""
        async with self._at(header) as connection:
            return await warehouses_of(connection, header.tick)

    async def aclose(self) -> None:
        """End the session."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    @asynccontextmanager
    async def _at(self, header: TickHeader) -> AsyncIterator[Session]:
        """Yield a session to which a tick is the one of that header.

        Its changes are read by its number, and Postgres may have been away since the header was read: who answers now
        may have lost that tick and cut another. No session outlives that, so one look is enough for all of it.
        """
        async with self._session() as connection:
            if await seal_of(connection, header.tick) != header.seal:
                raise AnotherTick(f"Postgres does not have tick {header.tick} any more as it was read before")
            yield connection

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = await connect(self._url, role=_ROLE, application="floorcast gateway")
            # Some answers take long, so no deadline can tell whether there will be one.
            async with vigil(self._url, self._connection):
                yield self._connection
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"Postgres does not answer: {error}") from error
