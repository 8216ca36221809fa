"""What a private room said lately, as the database keeps it: told again to who joins late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from floorcast.database.rooms_pool import RoomsPool
from floorcast.errors import DatabaseUnavailable


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message of `realtime.messages`."""

    id: str
    event: str
    # JSON, as it is stored; None where it is bytes.
    payload_json: bytes | None
    binary: bytes | None


class MessageReader:
    """Asks over two sessions of its own; who finds them taken waits, or is turned away."""

    def __init__(self, url: str, *, connections: int = 2, waiting: int = 256, patience_seconds: float = 5.0) -> None:
        """Take the login that may become floorcast_gateway; connect nothing yet."""
        self._pool = RoomsPool(
            url, "messages", connections=connections, waiting=waiting, patience_seconds=patience_seconds
        )

    async def open(self) -> None:
        """Make ready; needs a running loop, not a running Postgres."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def since(self, topic: str, since_ms: int, limit: int) -> Sequence[StoredMessage]:
        """Return the newest messages of a private room since a time, the oldest first.

        Args:
            topic: the room's name, without `realtime:`.
            since_ms: milliseconds since 1970.
            limit: how many at most.

        Raises:
            DatabaseUnavailable: Postgres does not answer, or not in time.
            ValueError: the time is none that a calendar has.
        """
        try:
            since = datetime.fromtimestamp(since_ms / 1000, UTC)
        except (OverflowError, OSError) as error:
            raise ValueError(f"{since_ms} ms since 1970 is no time") from error
        try:
            async with self._pool.trial() as connection:
                cursor = await connection.execute(
                    "select id, event, payload, binary_payload from floorcast.messages_since(%s, %s, %s)",
                    [topic, since, limit],
                )
                rows = await cursor.fetchall()
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"Stored messages cannot be read: {error}") from error
        return [
            StoredMessage(name, event, None if payload is None else payload.encode(), binary)
            for name, event, payload, binary in rows
        ]
