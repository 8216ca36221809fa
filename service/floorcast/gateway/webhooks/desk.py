"""What owners of webhooks ask for: make one, see it, change its secret, try it, remove it."""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from floorcast.database.batches import OwnerRefused
from floorcast.database.caller import Caller
from floorcast.database.webhooks import WebhookBook
from floorcast.gateway.webhooks.address import Reach
from floorcast.gateway.webhooks.answer import Taken, judge
from floorcast.gateway.webhooks.message import Sheet, ping_post
from floorcast.gateway.webhooks.sender import NotAnswered, Sender
from floorcast.gateway.webhooks.signature import Scheme, new_key, receivers_key
from floorcast.gateway.webhooks.target import TargetRefused, read_target

_WRONG, _NONE = "22023", "P0002"
"""SQLSTATEs, as Postgres has them for the same: an argument that cannot be, no such row."""


class WebhookDesk:
    """Answers owners; an `http.webhooks.Webhooks`.

    Every method raises OwnerRefused or DatabaseUnavailable.
    """

    def __init__(
        self, book: WebhookBook, sender: Sender, *, reach: Reach, key_seconds: int, look: Callable[[], None]
    ) -> None:
        """`look` is called when something was changed; earlier secrets sign for `key_seconds` more."""
        self._book = book
        self._sender = sender
        self._reach = reach
        self._key_seconds = key_seconds
        self._look = look

    async def put(self, caller: Caller, consumer: str, url: str, scheme: Scheme, most: int) -> Mapping[str, Any]:
        """Have a consumer posted to; the answer has the receiver's key, once, if this made it."""
        try:
            read_target(url, self._reach)
        except TargetRefused as error:
            raise OwnerRefused(f"url: {error}", _WRONG) from error
        key = new_key(scheme)
        made = await self._book.put(caller, consumer, url, key, most)
        self._look()
        return {**await self.show(caller, consumer), **({"key": receivers_key(key)} if made else {})}

    async def show(self, caller: Caller, consumer: str) -> Mapping[str, Any]:
        """Return what is known of a webhook."""
        row = await self._book.state(caller, consumer)
        if row is None:
            raise OwnerRefused("this consumer has no webhook", _NONE)
        return {
            "consumer": consumer,
            "url": row["url"],
            "changes": row["most_changes"],
            "signature": row["scheme"],
            "earlier_key_until": row["earlier_until"],
            "state": _state(row),
            "failures": row["failures"],
            "failure": row["failure"],
            "failed_at": row["failed_at"],
            "next_attempt_at": row["next_attempt_at"],
            "disabled_at": row["disabled_at"],
            "disabled_because": row["disabled_because"],
        }

    async def remove(self, caller: Caller, consumer: str) -> None:
        """Post nothing more."""
        if not await self._book.remove(caller, consumer):
            raise OwnerRefused("this consumer has no webhook", _NONE)
        self._look()

    async def rotate(self, caller: Caller, consumer: str, scheme: Scheme | None) -> Mapping[str, Any]:
        """Change the secret; the answer has the receiver's key, once, and until when the earlier one signs too."""
        shown = await self.show(caller, consumer)
        key = new_key(scheme or shown["signature"])
        until = await self._book.rotate(caller, consumer, key, self._key_seconds)
        self._look()
        return {"consumer": consumer, "key": receivers_key(key), "earlier_key_until": until}

    async def ping(self, caller: Caller, consumer: str) -> Mapping[str, Any]:
        """Send a message without changes, and say what came back."""
        shown = await self.show(caller, consumer)
        hooks = await self._book.hooks(consumer)
        if not hooks:
            raise OwnerRefused(f"the webhook is switched off ({shown['disabled_because']}); put it anew", _WRONG)
        hook = hooks[0]
        now = datetime.now(UTC)
        sheet = Sheet(consumer, 0, hook["envelope"], tuple(hook["keys"]))
        post = ping_post(sheet, f"msg_{secrets.token_hex(20)}", now.isoformat(), int(now.timestamp()))
        try:
            answer = await self._sender.post(read_target(hook["url"], self._reach), post)
        except (NotAnswered, TargetRefused) as error:
            return {"taken": False, "status": None, "reason": str(error)}
        verdict = judge(answer, (), datetime.now(UTC))
        reason = None if isinstance(verdict, Taken) else verdict.reason
        return {"taken": reason is None, "status": answer.status, "reason": reason}


def _state(row: Mapping[str, Any]) -> str:
    if row["disabled_at"] is not None:
        return "off"
    return "failing" if row["failures"] else "on"
