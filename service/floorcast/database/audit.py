"""Reads the chain of seals, as a login that may read the trail. It changes nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from floorcast.database.connect import connect
from floorcast.database.queries import load_queries
from floorcast.errors import DatabaseUnavailable
from floorcast.verification import Anchor, Anchored, SealedTick, Surroundings

_QUERIES = load_queries("audit.sql")

_PIECE = 500
"""Ticks that one statement walks: none lasts for the length of a trail, and vacuum is not held up by it."""


@dataclass(frozen=True, slots=True)
class Auditor:
    """A session that reads the trail."""

    connection: psycopg.AsyncConnection[Any]

    async def head(self) -> Anchor:
        """Return the newest tick as an anchor."""
        row = await self._one("head")
        return Anchor(
            row["incarnation"], row["tick"], row["seal"], row["closed_at"], row["ticks"], row["system_identifier"]
        )

    async def surroundings(self) -> Surroundings:
        """Return what lies outside the ticks."""
        row = await self._one("surroundings")
        book = tuple(f"{entry['begun_at']} by {entry['actor']}: {entry['reason']}" for entry in await self._all("book"))
        unguarded = tuple(entry["relation"] for entry in await self._all("unguarded"))
        return Surroundings(row["first_tick"], row["older"], row["newer"], row["future"], book, unguarded)

    async def ticks(self, first: int, last: int) -> AsyncIterator[SealedTick]:
        """Yield the ticks from one to another as they were sealed and as they are."""
        after = first - 1
        while after < last:
            rows = await self._all("ticks", after=after, limit=min(_PIECE, last - after))
            for row in rows:
                if row["tick"] <= last:
                    yield SealedTick(**row)
            after = rows[-1]["tick"] if rows else last

    async def anchored(self, anchor: Anchor) -> Anchored:
        """Return what is there of the tick that an anchor names."""
        return Anchored(**await self._one("anchored", tick=anchor.tick, incarnation=anchor.incarnation))

    async def _one(self, name: str, **parameters: object) -> dict[str, Any]:
        rows = await self._all(name, **parameters)
        if not rows:
            raise DatabaseUnavailable(
                "The trail has not a single tick, and there is one from the beginning on: they were removed."
            )
        return rows[0]

    async def _all(self, name: str, **parameters: object) -> list[dict[str, Any]]:
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_QUERIES[name], parameters)
            return await cursor.fetchall()


@asynccontextmanager
async def auditor(url: str) -> AsyncIterator[Auditor]:
    """Open a session as the login of `url`; one that may not read the trail itself becomes floorcast_relay.

    Raises:
        DatabaseUnavailable: it cannot be reached or read, or has no trail.
    """
    connection = await connect(url, role=None, application="floorcast audit")
    async with connection:
        try:
            row = await (await connection.execute(_QUERIES["may_read"])).fetchone()
            if row is not None and not row[0]:
                await connection.execute("set role floorcast_relay")
            yield Auditor(connection)
        except psycopg.Error as error:
            raise DatabaseUnavailable(
                f"The trail cannot be read: {str(error).strip()}. Nothing was changed. The login must own the database "
                "or be a member of floorcast_relay, and `floorcast migrate up` must have made it this version's."
            ) from error
