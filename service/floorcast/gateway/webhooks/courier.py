"""Brings one share of one consumer's changes to its URL, for as long as this gateway holds the share's lease.

What is decided is decided elsewhere: what goes into a message (`delivery.py`), what an answer means (`answer.py`),
whether the receiver is to be tried (`breaker.py`). A batch is acknowledged when all of it was taken or rejected, and
never before; whatever ends a courier in between, the next one begins with that batch again.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Protocol

from floorcast.errors import DatabaseUnavailable
from floorcast.gateway.webhooks.answer import Failed, Gone, Taken, Unfit, Verdict, judge
from floorcast.gateway.webhooks.breaker import Breaker
from floorcast.gateway.webhooks.delivery import Delivery, Item
from floorcast.gateway.webhooks.message import Sheet, changes_post
from floorcast.gateway.webhooks.schedule import Patience
from floorcast.gateway.webhooks.sender import NotAnswered, Sender
from floorcast.gateway.webhooks.target import Target
from floorcast.observe import (
    WebhookDelivered,
    WebhookDisabled,
    WebhookFailed,
    WebhookPaused,
    WebhookRejected,
    WebhookResumed,
    observe,
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a share's consumer is to take next; of a large one, the first page."""

    # What is acknowledged.
    name: str
    items: Sequence[Item]
    # When the newest of them was committed, as ISO 8601.
    at: str


class ShareLost(Exception):  # noqa: N818 — reads as an event, which it is
    """This gateway may not go on with the share: another one has it, or the consumer is not what it was."""


class ShareRefused(Exception):  # noqa: N818 — reads as an event, which it is
    """There is nothing for this consumer as it is, and why: its owner has no access, its position is not kept."""


class Line(Protocol):
    """The changes of a share. Every method but `wake` raises ShareLost, ShareRefused or DatabaseUnavailable."""

    def wake(self) -> None:
        """There may be something: `pull` need not wait any longer."""
        ...

    async def pull(self) -> Batch | None:
        """Return what is next, the same until it is acknowledged; None when nothing came for a while."""
        ...

    async def more(self) -> Sequence[Item]:
        """Return the next page of what was pulled; empty behind the last."""
        ...

    async def hold(self) -> None:
        """Keep the lease, which ends by itself after some seconds."""
        ...

    async def let_go(self) -> None:
        """Leave what is out to whoever comes next, at once. Raises nothing."""
        ...

    async def ack(self, batch: Batch, rejected: Mapping[str, str]) -> None:
        """Be done with a batch, but for the changes that were rejected: id → reason."""
        ...


class Ledger(Protocol):
    """What is known of a webhook, for whoever asks why nothing comes. Every method raises DatabaseUnavailable."""

    async def failed(self, consumer: str, reason: str, failures: int, again_in_seconds: float) -> None:
        """Note that the receiver did not take a message."""
        ...

    async def recovered(self, consumer: str) -> None:
        """Note that it takes messages again."""
        ...

    async def disable(self, consumer: str, reason: str) -> None:
        """Send nothing more until its owner says otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one message."""

    most_items: int
    most_bytes: int


class Courier:
    """One share's way to its receiver."""

    def __init__(
        self,
        *,
        sheet: Sheet,
        target: Target,
        line: Line,
        ledger: Ledger,
        sender: Sender,
        breaker: Breaker,
        bounds: Bounds,
        patience: Patience,
        random: Random,
    ) -> None:
        """Do nothing before `run`; `breaker` is shared by all shares of the consumer."""
        self._sheet = sheet
        self._target = target
        self._line = line
        self._ledger = ledger
        self._sender = sender
        self._breaker = breaker
        self._bounds = bounds
        self._waits = patience.backoff(random)
        self._longest_hold = patience.hold_seconds
        # Nothing is under way: no message, and no batch of which some was posted.
        self.idle = True
        self._leaving = False

    def leave(self) -> None:
        """Return from `run` behind the batch that is under way."""
        self._leaving = True

    async def run(self) -> None:
        """Post batch after batch, until the share is lost or the receiver wants nothing more.

        Raises:
            ShareLost, ShareRefused, DatabaseUnavailable: the share is begun anew, by whoever has it then.
        """
        try:
            await self._work()
        finally:
            # Else it would be nobody's until the lease is over.
            await self._line.let_go()

    async def _work(self) -> None:
        while not self._leaving:
            self.idle = True
            batch = await self._line.pull()
            if batch is None:
                continue
            self.idle = False
            delivery = Delivery(batch.items, most_items=self._bounds.most_items, most_bytes=self._bounds.most_bytes)
            page: Sequence[Item] = batch.items
            while page:
                while items := delivery.message():
                    if not await self._bring(delivery, items, batch.at):
                        return
                page = await self._line.more()
                delivery.go_on(page)
            for change, reason in delivery.rejected.items():
                observe(WebhookRejected(self._sheet.consumer, change, reason))
            await self._line.ack(batch, delivery.rejected)

    async def _bring(self, delivery: Delivery, items: Sequence[Item], at: str) -> bool:
        """Post a message once; returns whether there is anything more to be posted at all."""
        await self._enter()
        began = time.monotonic()
        try:
            verdict = await self._attempt(items, at)
        except BaseException:
            self._breaker.gave_up()
            raise
        match verdict:
            case Taken(rejected):
                delivery.taken(rejected)
                observe(WebhookDelivered(self._sheet.consumer, len(items), time.monotonic() - began))
                await self._succeeded()
            case Unfit(reason):
                delivery.unfit(reason)
                await self._succeeded()
            case Failed(reason, asked):
                await self._failed(reason, asked)
            case Gone(reason):
                self._breaker.gave_up()
                await self._ledger.disable(self._sheet.consumer, reason)
                observe(WebhookDisabled(self._sheet.consumer, reason))
                return False
        return True

    async def _enter(self) -> None:
        """Wait until the circuit is closed, or this message is its trial; the lease is kept meanwhile."""
        await self._line.hold()
        while (seconds := self._breaker.enter(time.monotonic())) > 0:
            await self._wait(seconds)

    async def _wait(self, seconds: float) -> None:
        # Who waits for a receiver need not be waited for.
        self.idle = True
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, self._longest_hold))
            await self._line.hold()
        self.idle = False

    async def _attempt(self, items: Sequence[Item], at: str) -> Verdict:
        now = datetime.now(UTC)
        try:
            answer = await self._sender.post(self._target, changes_post(self._sheet, items, at, int(now.timestamp())))
        except NotAnswered as error:
            return Failed(str(error))
        return judge(answer, [item.id for item in items], datetime.now(UTC))

    async def _succeeded(self) -> None:
        self._waits.reset()
        if self._breaker.failures:
            with contextlib.suppress(DatabaseUnavailable):
                # What is known of it is behind then; that holds nobody up.
                await self._ledger.recovered(self._sheet.consumer)
        if self._breaker.taken():
            observe(WebhookResumed(self._sheet.consumer))

    async def _failed(self, reason: str, asked: float | None) -> None:
        consumer = self._sheet.consumer
        opened = self._breaker.failed(time.monotonic(), asked)
        seconds = max(self._waits.next_seconds(), opened or 0.0)
        observe(WebhookFailed(consumer, reason, seconds))
        if opened is not None:
            observe(WebhookPaused(consumer, opened))
        with contextlib.suppress(DatabaseUnavailable):
            await self._ledger.failed(consumer, reason, self._breaker.failures, seconds)
        await self._wait(seconds)
