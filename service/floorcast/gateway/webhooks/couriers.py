"""Keeps a courier on every share that has a URL and that nobody else brings: the gateways share them out by leases.

Every few seconds it is looked up which webhooks there are. A share whose lease nobody holds is taken by whoever comes
first; a gateway that is killed leaves its leases to end by themselves, and the next look of another one finds them.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from floorcast.errors import DatabaseUnavailable
from floorcast.gateway.webhooks.address import Reach
from floorcast.gateway.webhooks.breaker import Breaker
from floorcast.gateway.webhooks.courier import Bounds, Courier, Ledger, Line, ShareLost, ShareRefused
from floorcast.gateway.webhooks.message import Sheet
from floorcast.gateway.webhooks.schedule import Patience
from floorcast.gateway.webhooks.sender import Sender
from floorcast.gateway.webhooks.target import TargetRefused, read_target
from floorcast.observe import TaskFailed, WebhookFailed, observe
from floorcast.operation import Operation

LOOK_SECONDS = 2.0
"""How long a new webhook, or one whose gateway died, waits at most, beside what is left of its lease."""

_DRAIN_SECONDS = 5.0

_REFUSED_SECONDS = 30.0
"""A URL that may not be called, or an owner without access, is looked at again: either may have been put right."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A consumer that has a URL."""

    consumer: str
    url: str
    envelope: str
    # To sign with, the newest first.
    keys: tuple[str, ...]
    # Of one message.
    most_items: int
    # Shares that nobody brings at the moment.
    free: tuple[int, ...]
    # In a row, and how long nothing is to be sent because of them.
    failures: int = 0
    wait_seconds: float = 0.0
    # Whose rights count.
    owner: str = ""
    owner_role: str = "authenticated"
    # What it follows.
    warehouses: frozenset[str] = frozenset()
    # Something that was rejected is to be tried again.
    is_due: bool = False
    # When its owner last said what it is.
    put_at: str = ""

    @property
    def terms(self) -> tuple[object, ...]:
        """What a courier goes by; another one is needed when it changes."""
        return (self.url, self.envelope, self.keys, self.most_items, self.owner, self.put_at)


class Directory(Ledger, Protocol):
    """Which webhooks there are."""

    async def hooks(self) -> Sequence[Hook]:
        """Return all that are to be sent something, whoever brings it. Raises DatabaseUnavailable."""
        ...


OpenLine = Callable[[Hook, int], Line]
"""The changes of a consumer's share."""


@dataclass(slots=True)
class _Round:
    """One share's courier at work."""

    hook: Hook
    line: Line
    # None where its URL may not be called.
    courier: Courier | None
    task: asyncio.Task[None]


class Couriers:
    """All couriers of a gateway."""

    def __init__(
        self,
        directory: Directory,
        open_line: OpenLine,
        sender: Sender,
        *,
        reach: Reach,
        most_bytes: int,
        random: Random,
        patience: Patience | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Do nothing before `run`; `sender` is closed by whoever made it."""
        self._directory = directory
        self._open_line = open_line
        self._sender = sender
        self._reach = reach
        self._most_bytes = most_bytes
        self._random = random
        self._patience = patience or Patience()
        self._look_seconds = look_seconds
        self._rounds: dict[tuple[str, int], _Round] = {}
        # One circuit for all shares of a consumer, while any of them is brought from here.
        self._breakers: dict[str, Breaker] = {}
        self._at_once = asyncio.Event()

    def begin(self) -> None:
        """Look at everything: the gateway begins to follow the stream, and what was before it was not heard of."""
        for each in self._rounds.values():
            each.line.wake()

    def notice(self, operations: Iterable[Operation]) -> None:
        """Wake whom a tick concerns; an `upstream.Onlooker`."""
        if self._rounds:
            self._wake({operation.warehouse for operation in operations})

    def notice_large(self, places: Sequence[str]) -> None:
        """Wake whom a large tick concerns."""
        self._wake(set(places))

    def _wake(self, places: set[str]) -> None:
        # What belongs to no one warehouse may concern anybody.
        everybody = any(":" in place for place in places)
        for each in self._rounds.values():
            if everybody or not places.isdisjoint(each.hook.warehouses):
                each.line.wake()

    def look(self) -> None:
        """Look soon: something about webhooks was changed here."""
        self._at_once.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Bring what is to be brought until `stop` is set; batches under way are finished then, for some seconds."""
        stopping = asyncio.create_task(stop.wait(), name="webhooks stop")
        stopping.add_done_callback(lambda _: self._at_once.set())
        try:
            while not stop.is_set():
                self._at_once.clear()
                with contextlib.suppress(DatabaseUnavailable):
                    # Who observes that Postgres is away does so elsewhere.
                    self._arrange(await self._directory.hooks())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._look_seconds * (0.75 + self._random.random() / 2)):
                        await self._at_once.wait()
            await self._drain()
        finally:
            stopping.cancel()
            await self._end(self._rounds.values())

    def _arrange(self, hooks: Sequence[Hook]) -> None:
        """Have a courier on each share that is free, and none that goes by what was."""
        known = {hook.consumer: hook for hook in hooks}
        for (consumer, share), each in tuple(self._rounds.items()):
            hook = known.get(consumer)
            if each.task.done():
                del self._rounds[consumer, share]
            elif hook is None or hook.terms != each.hook.terms:
                each.task.cancel()
                # What was known of its receiver is not any more.
                self._breakers.pop(consumer, None)
            elif hook.is_due:
                each.line.wake()
        for consumer in self._breakers.keys() - {consumer for consumer, _ in self._rounds}:
            self._breakers.pop(consumer)
        for hook in hooks:
            for share in hook.free:
                if (hook.consumer, share) not in self._rounds:
                    self._begin(hook, share)

    def _begin(self, hook: Hook, share: int) -> None:
        courier: Courier | None = None
        line = self._open_line(hook, share)
        try:
            target = read_target(hook.url, self._reach)
        except TargetRefused as error:
            work = self._refuse(hook.consumer, str(error))
        else:
            courier = Courier(
                sheet=Sheet(hook.consumer, share, hook.envelope, hook.keys, single=hook.most_items == 1),
                target=target,
                line=line,
                ledger=self._directory,
                sender=self._sender,
                breaker=self._breaker(hook),
                bounds=Bounds(hook.most_items, self._most_bytes),
                patience=self._patience,
                random=self._random,
            )
            work = self._bring(hook.consumer, courier)
        name = f"webhook {hook.consumer} {share}"
        task = asyncio.create_task(_watched(name, work), name=name)
        task.add_done_callback(self._ended)
        self._rounds[hook.consumer, share] = _Round(hook, line, courier, task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        # One that was called back is followed at once; whatever else ends one had better not be tried so soon.
        if task.cancelled():
            self._at_once.set()

    async def _bring(self, consumer: str, courier: Courier) -> None:
        try:
            await courier.run()
        except ShareRefused as error:
            await self._refuse(consumer, str(error))

    async def _refuse(self, consumer: str, reason: str) -> None:
        observe(WebhookFailed(consumer, reason, _REFUSED_SECONDS))
        breaker = self._breakers.get(consumer)
        if breaker is not None:
            # So that the next message that is taken clears what is noted here.
            breaker.failures += 1
        await self._directory.failed(consumer, reason, 1, _REFUSED_SECONDS)
        await asyncio.sleep(_REFUSED_SECONDS)

    def _breaker(self, hook: Hook) -> Breaker:
        found = self._breakers.get(hook.consumer)
        if found is None:
            found = self._breakers[hook.consumer] = Breaker(self._patience, self._random, failures=hook.failures)
            if hook.wait_seconds > 0:
                # Another gateway found out; it need not be found out again.
                found.state, found.open_until = "open", time.monotonic() + hook.wait_seconds
        return found

    async def _drain(self) -> None:
        """Let batches under way be finished, so that their receivers are not sent them once more."""
        busy = []
        for each in self._rounds.values():
            if each.courier is None or each.courier.idle:
                each.task.cancel()
            else:
                each.courier.leave()
                busy.append(each.task)
        if busy:
            await asyncio.wait(busy, timeout=_DRAIN_SECONDS)

    async def _end(self, rounds: Iterable[_Round]) -> None:
        tasks = [each.task for each in rounds]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _watched(name: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except (ShareLost, DatabaseUnavailable):
        # It is taken again, by whoever comes first, when the share is free.
        pass
    except Exception as error:  # noqa: BLE001 — one webhook's fault is not to end all others
        observe(TaskFailed(name, f"{type(error).__name__}: {error}"))
