"""Webhooks and their shares as Postgres has them: `Directory` and `Line` on the functions that consumers have in SQL.

A lease is a batch's: nobody has a share of which nothing is out. So each gateway has a courier on each share, woken
when a tick brings something to one of its warehouses, and whoever is first has the batch. One that comes second leaves
the share alone for a while, so that the gateways do not ask twice for every change.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from floorcast.database.batches import LeaseGone, OpenBatch, OwnerRefused
from floorcast.database.caller import Caller
from floorcast.database.webhooks import WebhookBook
from floorcast.envelope.row import ENVELOPES, row_text
from floorcast.errors import DatabaseUnavailable
from floorcast.gateway.webhooks.courier import Batch, ShareLost, ShareRefused
from floorcast.gateway.webhooks.couriers import Hook
from floorcast.gateway.webhooks.delivery import Item

_IDLE_SECONDS = 10.0
"""A share is looked at so often though nothing was heard of it."""

_COLD_SECONDS = 2.0
"""For so long a share that another gateway brings is left to it."""


class Shelf:
    """All webhooks; a `couriers.Directory`."""

    def __init__(self, book: WebhookBook, worker: str, *, lease_seconds: int) -> None:
        """`worker` is this gateway's name, as it stands with its leases, which are kept anew before they end."""
        self._book = book
        self._worker = worker
        self._lease_seconds = lease_seconds

    async def hooks(self) -> Sequence[Hook]:
        """Return all that are on."""
        return [_hook(row) for row in await self._book.hooks()]

    async def failed(self, consumer: str, reason: str, failures: int, again_in_seconds: float) -> None:
        """Note that the receiver did not take a message."""
        await self._book.failed(consumer, reason, failures, again_in_seconds)

    async def recovered(self, consumer: str) -> None:
        """Note that it takes messages again."""
        await self._book.recovered(consumer)

    async def disable(self, consumer: str, reason: str) -> None:
        """Send nothing more until its owner says otherwise."""
        await self._book.disable(consumer, reason)

    def line(self, hook: Hook, share: int) -> "ShareLine":
        """Return the changes of a share."""
        return ShareLine(self._book, hook, share, worker=self._worker, lease_seconds=self._lease_seconds)


class ShareLine:
    """One share; a `courier.Line`."""

    def __init__(self, book: WebhookBook, hook: Hook, share: int, *, worker: str, lease_seconds: int) -> None:
        """Take nothing before `pull`."""
        self._book = book
        self._hook = hook
        self._owner = owner_of(hook)
        self._share = share
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._news = asyncio.Event()
        # The first look needs no news.
        self._news.set()
        # The batch that is out, and who keeps its lease: it ends when that is gone.
        self._out: str | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._pages: OpenBatch | None = None

    def wake(self) -> None:
        """There may be something."""
        self._news.set()

    async def pull(self) -> Batch | None:
        """Wait until there may be something, and take it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_IDLE_SECONDS):
                await self._news.wait()
        self._news.clear()
        try:
            found = await self._book.next_batch(
                self._owner,
                self._hook.consumer,
                self._share,
                most=self._hook.most_items,
                worker=self._worker,
                seconds=self._lease_seconds,
            )
        except OwnerRefused as error:
            raise ShareRefused(str(error)) from error
        if found is None:
            if await self._book.is_out(self._hook.consumer, self._share):
                await asyncio.sleep(_COLD_SECONDS)
                # It may have let go of something.
                self._news.set()
            return None
        self._out = str(found.rows[0]["batch"])
        self._pages = found
        self._keeping = asyncio.create_task(self._keep(self._out), name=f"lease of {self._hook.consumer}")
        # Behind a batch there may be another one.
        self._news.set()
        return Batch(self._out, self._items(found.rows), found.rows[-1]["closed_at"])

    async def more(self) -> Sequence[Item]:
        """Read on in a large batch."""
        return self._items(await self._pages.next()) if self._pages is not None else []

    def _items(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[Item]:
        envelope = ENVELOPES.get(self._hook.envelope)
        if envelope is None:
            raise ShareRefused(f"webhooks do not know the envelope {self._hook.envelope}")
        return [Item(row["id"], (row["table_name"], row["key"]), row_text(row, envelope)) for row in rows]

    async def hold(self) -> None:
        """Say whether the lease is ours."""
        if self._keeping is not None and self._keeping.done():
            raise ShareLost

    async def let_go(self) -> None:
        """Let the lease end now."""
        out, self._out = self._out, None
        await self._put_away()
        if out is not None:
            with contextlib.suppress(LeaseGone, DatabaseUnavailable, OwnerRefused):
                await self._book.hold(self._owner, self._hook.consumer, out, 0)

    async def ack(self, batch: Batch, rejected: Mapping[str, str]) -> None:
        """Be done with a batch."""
        try:
            await self._book.ack(self._owner, self._hook.consumer, batch.name, rejected)
        except LeaseGone as error:
            raise ShareLost from error
        except OwnerRefused as error:
            raise ShareRefused(str(error)) from error
        self._out = None
        await self._put_away()

    async def _keep(self, batch: str) -> None:
        """Keep a lease until it is gone."""
        with contextlib.suppress(LeaseGone, OwnerRefused):
            while True:
                await asyncio.sleep(self._lease_seconds / 3)
                with contextlib.suppress(DatabaseUnavailable):
                    # When Postgres is back, it says whether somebody else came meanwhile.
                    await self._book.hold(self._owner, self._hook.consumer, batch, self._lease_seconds)

    async def _put_away(self) -> None:
        pages, self._pages = self._pages, None
        if pages is not None:
            await pages.close()
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.wait({keeping})


def owner_of(hook: Hook) -> Caller:
    """Return in whose name a consumer's changes are read."""
    if hook.owner_role == "service_role":
        return Caller("service_role", json.dumps({"role": "service_role"}))
    return Caller("authenticated", json.dumps({"sub": hook.owner, "role": "authenticated"}))


def _hook(row: Mapping[str, Any]) -> Hook:
    return Hook(
        consumer=row["consumer"],
        url=row["url"],
        envelope=row["envelope"],
        keys=tuple(row["keys"]),
        most_items=row["most_changes"],
        free=tuple(row["free"]),
        failures=row["failures"],
        wait_seconds=row["wait_seconds"] or 0.0,
        owner=row["owner"],
        owner_role=row["owner_role"],
        warehouses=frozenset(row["warehouses"]),
        is_due=row["is_due"],
        put_at=row["altered_at"].isoformat(),
    )
