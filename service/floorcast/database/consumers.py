"""Durable consumers as Postgres has them: what their owners make, see, move and remove, and what is parked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg.rows import DictRow

from floorcast.cursor import parse_cursor, seal_digest
from floorcast.database.batches import BatchBook, OwnerRefused
from floorcast.database.caller import Caller

_GONE = "PT410"
"""SQLSTATE of a position that cannot be gone on from, as the functions have it; the detail says why."""


@dataclass(frozen=True, slots=True)
class ConsumerWish:
    """What a consumer is to be."""

    warehouses: Sequence[str]
    # None: all that its owner reads.
    tables: Sequence[str] | None = None
    # Table → which columns; None: all that its owner may see.
    columns: Mapping[str, Sequence[str]] | None = None
    shares: int = 1
    # How far behind it may be with the trail still kept for it.
    keep_seconds: float = 604_800.0
    attempts: int = 12
    envelope: str = "native"


class ConsumerBook(BatchBook):
    """Consumers beside their batches. Methods raise what those of a BatchBook raise, OwnerRefused among it."""

    def __init__(self, url: str, *, connections: int = 4, patience_seconds: float = 10.0) -> None:
        """As a BatchBook."""
        super().__init__(url, "consumers", connections=connections, patience_seconds=patience_seconds)

    async def listed(self, caller: Caller, consumer: str | None = None) -> Sequence[DictRow]:
        """Return the caller's consumers, or the one of a name; their columns are those of the query `listed`."""
        async with self._session(caller) as session:
            return await (await session.execute(self._queries["listed"], {"consumer": consumer})).fetchall()

    async def put(self, caller: Caller, consumer: str, wish: ConsumerWish) -> None:
        """Make a consumer, or say anew what it is."""
        asked = {
            "consumer": consumer,
            "warehouses": list(wish.warehouses),
            "tables": list(wish.tables) if wish.tables is not None else None,
            "columns": json.dumps(wish.columns) if wish.columns is not None else None,
            "shares": wish.shares,
            "keep_seconds": wish.keep_seconds,
            "attempts": wish.attempts,
            "envelope": wish.envelope,
        }
        await self._value("put", asked, caller)

    async def remove(self, caller: Caller, consumer: str) -> None:
        """Remove a consumer with all that belongs to it."""
        await self._value("remove", {"consumer": consumer}, caller)

    async def parked(self, caller: Caller, consumer: str, after: int, most: int) -> Sequence[DictRow]:
        """Return what is parked behind an id; its columns are those of the query `parked`."""
        asked = {"consumer": consumer, "after": after, "most": most}
        async with self._session(caller) as session:
            return await (await session.execute(self._queries["parked"], asked)).fetchall()

    async def replay(self, caller: Caller, consumer: str, parked: int | None) -> int:
        """Have what is parked told again at once: one change, or None for all; returns how many."""
        return int(await self._value("replay", {"consumer": consumer, "id": parked}, caller))

    async def drop(self, caller: Caller, consumer: str, parked: int) -> bool:
        """Give up a parked change; returns whether it was there."""
        return bool(await self._value("drop", {"consumer": consumer, "id": parked}, caller))

    async def move(self, caller: Caller, consumer: str, *, tick: int | None = None, at: str | None = None) -> int:
        """Move a consumer to a tick, to a time (ISO 8601), or to now where both are None; returns the tick."""
        return int(await self._value("move", {"consumer": consumer, "tick": tick, "at": at}, caller))

    async def move_to_cursor(self, caller: Caller, consumer: str, text: str) -> int:
        """Move a consumer to where a cursor of any stream stands; returns the tick.

        One that a picture came with may be in the middle of a tick: what the picture has of it comes again.
        """
        try:
            cursor = parse_cursor(text)
        except ValueError as error:
            raise OwnerRefused(f"cursor: {error}", "22023") from error
        async with self._session() as session:
            found = await (await session.execute(self._queries["seal"], {"tick": cursor.anchor})).fetchone()
        if found is None or found["seal"] is None:
            ahead = found is not None and cursor.anchor > (found["newest"] or 0)
            raise OwnerRefused("the cursor leads to a tick that is not there", _GONE, "future" if ahead else "trimmed")
        if seal_digest(found["seal"]) != cursor.seal:
            raise OwnerRefused("the cursor is of another history", _GONE, "incarnation")
        return await self.move(caller, consumer, tick=cursor.tick)
