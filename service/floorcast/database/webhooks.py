"""Webhooks as Postgres has them: which there are, what is to be sent, and how it goes."""

from collections.abc import Sequence

from psycopg.rows import DictRow

from floorcast.database.batches import BatchBook
from floorcast.database.caller import Caller


class WebhookBook(BatchBook):
    """Webhooks beside the batches that they bring. Methods raise what those of a BatchBook raise."""

    def __init__(self, url: str, *, connections: int = 4, patience_seconds: float = 10.0) -> None:
        """As a BatchBook."""
        super().__init__(url, "webhooks", connections=connections, patience_seconds=patience_seconds)

    async def hooks(self, consumer: str | None = None) -> Sequence[DictRow]:
        """Return the webhooks that are on, or the one of a consumer; their columns are those of the query `hooks`."""
        async with self._session() as session:
            return await (await session.execute(self._queries["hooks"], {"consumer": consumer})).fetchall()

    async def is_out(self, consumer: str, share: int) -> bool:
        """Say whether somebody has a share at the moment."""
        return bool(await self._value("is_out", {"consumer": consumer, "share": share}))

    async def failed(self, consumer: str, reason: str, failures: int, again_in_seconds: float) -> None:
        """Note that the receiver did not take a message."""
        noted = {"consumer": consumer, "reason": reason, "failures": failures, "seconds": again_in_seconds}
        async with self._session() as session:
            await session.execute(self._queries["failed"], noted)

    async def recovered(self, consumer: str) -> None:
        """Note that it takes messages again."""
        async with self._session() as session:
            await session.execute(self._queries["recovered"], {"consumer": consumer})

    async def disable(self, consumer: str, reason: str) -> None:
        """Send nothing more until its owner says otherwise."""
        async with self._session() as session:
            await session.execute(self._queries["disable"], {"consumer": consumer, "reason": reason})

    async def put(self, caller: Caller, consumer: str, url: str, key: str, most: int) -> bool:
        """Have a consumer posted to a URL; returns whether the secret is this one. Raises OwnerRefused."""
        return bool(await self._value("put", {"consumer": consumer, "url": url, "key": key, "most": most}, caller))

    async def rotate(self, caller: Caller, consumer: str, key: str, seconds: int) -> str:
        """Give a webhook a new secret; returns until when the earlier one signs too. Raises OwnerRefused."""
        return str(await self._value("rotate", {"consumer": consumer, "key": key, "seconds": seconds}, caller))

    async def remove(self, caller: Caller, consumer: str) -> bool:
        """Post nothing more; returns whether there was a webhook. Raises OwnerRefused."""
        return bool(await self._value("remove", {"consumer": consumer}, caller))

    async def state(self, caller: Caller, consumer: str) -> DictRow | None:
        """Return what is known of a webhook, without its secrets; None if there is none. Raises OwnerRefused."""
        async with self._session(caller) as session:
            return await (await session.execute(self._queries["state"], {"consumer": consumer})).fetchone()
