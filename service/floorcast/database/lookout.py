"""What a gateway asks Postgres now and then, beside following it: short questions on one session of their own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import psycopg

from floorcast.database.connect import Session, answered_within, connect
from floorcast.database.descriptions import read_descriptions
from floorcast.database.queries import load_queries
from floorcast.database.shapes import published_tables, read_shapes
from floorcast.errors import DatabaseUnavailable
from floorcast.shape import TableDescription, TableShape

_PATIENCE_SECONDS = 2.0
"""None of these questions takes a tenth of it, so a session that lets one wait for so long is not there any more."""

_QUERIES = load_queries("queries.sql")


class Lookout:
    """One session, opened at the first question and again after it was lost; several may ask at once.

    Every method raises DatabaseUnavailable when there is no answer within a few seconds.
    """

    def __init__(self, url: str) -> None:
        """Take the service's login; nothing is sent before the first question."""
        self._url = url
        self._connection: Session | None = None
        self._opening = asyncio.Lock()

    async def ping(self) -> None:
        """Return when Postgres answered."""
        async with self._session() as connection:
            await connection.execute("select")

    async def touch_canary(self, seconds: float) -> tuple[int, bool]:
        """Write a canary unless the newest is younger than so many seconds; return its beat, and whether it was us."""
        async with self._session() as connection:
            cursor = await connection.execute(_QUERIES["touch_canary"], {"seconds": seconds})
            row = await cursor.fetchone()
        if row is None:
            raise AssertionError("the function returns one row")
        return row[0], row[1]

    async def schema(self) -> tuple[Mapping[str, TableShape], frozenset[str] | None]:
        """Return what tracked tables look like now, and which are published; None where no publication narrows them."""
        async with self._session() as connection:
            return await read_shapes(connection), await published_tables(connection)

    async def described(self) -> tuple[Mapping[str, TableShape], Mapping[str, TableDescription]]:
        """Return what tracked tables look like now, and what else the catalogue says of them."""
        async with self._session() as connection:
            # Two statements are two moments: a table that is altered between them is read again by whoever asks next.
            return await read_shapes(connection), await read_descriptions(connection)

    async def aclose(self) -> None:
        """End the session."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        async with self._opening:
            connection = self._connection
            if connection is None or connection.closed:
                connection = self._connection = await connect(
                    self._url, role="floorcast_gateway", application="floorcast lookout", within=_PATIENCE_SECONDS
                )
        try:
            with answered_within(connection, _PATIENCE_SECONDS):
                yield connection
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"Postgres does not answer: {error}") from error
