"""Follows the stream and feeds the hub: the waiting part, kept dull. What to do is decided in `course.py` and `hub.py`.

The feed brings ticks within milliseconds; Postgres answers every doubt. While either is away the topics stay joined and
hear no progress, so that a screen can say that it is stale; what was missed is read back before anything newer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import SystemRandom
from typing import Generic, TypeVar

from floorcast.backoff import Backoff
from floorcast.errors import AnotherTick, DatabaseUnavailable, StreamUnavailable
from floorcast.gateway.course import MOST_MISSING, Course, Link, Reason, is_news
from floorcast.gateway.hub import Hub
from floorcast.gateway.upstream import Feed, HeaderT, Onlooker, Trail
from floorcast.observe import (
    DatabaseBack,
    DatabaseLost,
    StreamBack,
    StreamLost,
    TaskFailed,
    TickDelivered,
    TickMissing,
    observe,
)
from floorcast.operation import Operation
from floorcast.position import Position
from floorcast.stream.entry import FeedEntry, FeedProgress, FeedTick

_COMPONENT = "gateway"

_SILENCE_SECONDS = 1.0
"""After so long without an entry, the feed's newest tick is compared with ours."""

STALE_SECONDS = 5.0
"""A gateway that has heard no sign of progress for so long is behind and says so."""

_HAND_OUT_BYTES = 65_536
"""Pending bytes after which sockets get a turn of the loop: a burst must not outrun readers who do read."""

ResultT = TypeVar("ResultT")


@dataclass(slots=True)
class Standing:
    """How this gateway stands, for those who ask whether it is of use."""

    # It has begun and takes joins.
    ready: bool = False
    # The last tick that was delivered.
    tick: int = 0
    # `time.monotonic` of the last sign of progress, None before the first; old when relay or Redis is away.
    fresh_at: float | None = None
    # What it waits for, in a sentence; empty when for nothing.
    waiting_for: str = "the first look at Postgres"

    def is_fresh(self) -> bool:
        """Whether signs of progress come: a leading relay gives one every second."""
        return self.fresh_at is not None and time.monotonic() - self.fresh_at <= STALE_SECONDS


class _CannotGoOn(Exception):  # noqa: N818 — not a fault: a decision
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Follower(Generic[HeaderT]):
    """Keeps a hub at the end of the stream."""

    def __init__(
        self,
        hub: Hub,
        feed: Feed,
        trail: Trail[HeaderT],
        standing: Standing,
        announce: Callable[[int], None] = lambda _: None,
        *,
        onlookers: Sequence[Onlooker] = (),
    ) -> None:
        """Do nothing before `run`; `announce` is told each tick at which joins are taken anew."""
        self._announce = announce
        self._onlookers = onlookers
        self._hub = hub
        self._feed = feed
        self._trail = trail
        self._standing = standing
        # Where we stand; set by the first beginning.
        self._course = Course("", 0, "")
        # Behind which entry of the feed to read on.
        self._after = Position(0)
        # The newest sign of progress that was heard.
        self._sign: FeedProgress | None = None

    async def run(self) -> None:
        """Begin and follow, until cancelled. Whatever happens, no tick is skipped: topics end with a reason instead."""
        while True:
            await self._begin()
            try:
                await self._follow()
            except _CannotGoOn as end:
                reason: str = end.reason
            except AnotherTick:
                reason = "incarnation"
            except Exception as error:  # noqa: BLE001 — a fault of ours must not leave topics silently behind
                observe(TaskFailed(_COMPONENT, f"{type(error).__name__}: {error}"))
                reason = "internal"
            self._standing.ready = False
            self._hub.end_all(reason)
            if reason == "internal":
                await asyncio.sleep(_SILENCE_SECONDS)

    async def _begin(self) -> None:
        self._standing.waiting_for = "where to begin, from Postgres"
        start = await self._insist(self._trail.begin)
        self._course = Course(start.incarnation, start.tick, start.seal)
        self._after, self._sign = Position(start.tick), None
        self._hub.begin(start)
        self._standing.tick, self._standing.ready = start.tick, True
        for onlooker in self._onlookers:
            onlooker.begin()
        self._announce(start.tick)

    async def _follow(self) -> None:
        # Postgres and Redis were read one after the other, so look once at what came between.
        entries = await self._look()
        while True:
            for entry in entries:
                await self._hear(entry)
                self._after = entry.position
                if self._hub.pending_bytes >= _HAND_OUT_BYTES:
                    self._hub.hand_out()
                    await asyncio.sleep(0)
            self._hub.hand_out()
            entries = await self._read() or await self._look()

    async def _look(self) -> Sequence[FeedEntry]:
        """Nothing came: because nothing happened, or because the feed is not the one that we read?

        A feed that is ahead of us is read on first, however far ahead it is; Postgres is asked for what it lost.
        """
        # A Redis that was emptied counts signs of progress anew, below the one that we heard last.
        self._after = Position(self._course.tick)
        try:
            newest = await self._feed.newest()
        except StreamUnavailable:
            return ()  # The next read says so, and insists.
        if newest is None:
            return ()  # Its leader fills it from Postgres; then we hear.
        step = self._course.hear_newest(newest.incarnation, newest.tick, newest.seal)
        if step == "read":
            entries = await self._read()
            if any(isinstance(entry, FeedTick) for entry in entries):
                return entries
        if step != "ignore":
            await self._consult()
        return ()

    async def _hear(self, entry: FeedEntry) -> None:
        match entry:
            case FeedTick():
                step = self._course.hear_tick(entry, entry.incarnation)
                if step == "deliver" and not entry.large:
                    self._deliver(entry, entry.at, entry.operations)
                elif step == "deliver":
                    # Its data is in Postgres; what lies behind it the feed has.
                    await self._consult(ticks=1)
                elif step == "consult":
                    await self._consult()
            case FeedProgress():
                step = self._course.hear_progress(entry.tick)
                if step == "consult":
                    await self._consult()
                if entry.tick == self._course.tick and is_news(entry, self._sign):
                    self._sign = entry
                    self._standing.fresh_at = time.monotonic()
                    self._hub.hand_out()
                    self._hub.progress(entry.tick, entry.at, asyncio.get_running_loop().time())

    async def _read(self) -> Sequence[FeedEntry]:
        """Read on; while Redis is away, try again. Empty when it is back: then it is looked at as after a silence."""
        try:
            return await self._read_once()
        except StreamUnavailable as error:
            observe(StreamLost(_COMPONENT, str(error)))
            self._standing.waiting_for = "Redis"
        backoff = Backoff(SystemRandom(), largest_seconds=2.0)
        while True:
            await asyncio.sleep(backoff.next_seconds())
            try:
                await self._feed.newest()
            except StreamUnavailable:
                continue
            observe(StreamBack(_COMPONENT))
            return ()

    async def _read_once(self) -> Sequence[FeedEntry]:
        self._standing.waiting_for = ""
        return await self._feed.read(self._course.incarnation, self._after, wait_seconds=_SILENCE_SECONDS)

    # Postgres

    async def _consult(self, ticks: int = MOST_MISSING + 1) -> None:
        """Settle a doubt: deliver what is missing from Postgres, up to so many ticks, or end with a reason.

        Whatever is finished leaves before each wait: nobody who joins meanwhile may get it, and everybody who was
        there already should not wait for Postgres.
        """
        self._hub.hand_out()
        first = self._course.tick
        incarnation, headers = await self._insist(lambda: self._trail.since(first, ticks + 1))
        missing = self._course.missing(incarnation, headers)
        if isinstance(missing, str):
            raise _CannotGoOn(missing)
        for header in missing:
            if header.large:
                await self._deliver_large(header)
                continue
            observe(TickMissing(header.tick))
            self._deliver(header, header.at, await self._insist(lambda header=header: self._operations(header)))  # type: ignore[misc]
            self._hub.hand_out()

    async def _operations(self, header: HeaderT) -> tuple[Operation, ...]:
        return tuple([operation async for page in self._trail.pages(header) for operation in page])

    async def _deliver_large(self, header: HeaderT) -> None:
        """Deliver a tick that does not fit into memory: what concerns access; the rest is read by whom it concerns.

        Withdrawals must come before the first row, and may stand behind the last one.
        """
        concerned = await self._insist(lambda: self._trail.concerned(header))
        access = await self._insist(lambda: self._trail.access(header))
        self._hub.deliver_large(header.tick, header.at, access, concerned, header.seal)
        self._delivered(header, access, 0)
        for onlooker in self._onlookers:
            onlooker.notice_large(concerned)

    def _deliver(self, link: Link, at: str, operations: tuple[Operation, ...]) -> None:
        self._delivered(link, operations, self._hub.deliver(link.tick, at, operations, link.seal))

    def _delivered(self, link: Link, operations: Sequence[Operation], deliveries: int) -> None:
        self._course = self._course.after(link)
        self._standing.tick = link.tick
        for onlooker in self._onlookers:
            onlooker.notice(operations)
        observe(TickDelivered(link.tick, deliveries))

    async def _insist(self, ask: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Ask Postgres until it answers."""
        backoff = Backoff(SystemRandom(), largest_seconds=5.0)
        lost = False
        while True:
            try:
                answer = await ask()
            except DatabaseUnavailable as error:
                if not lost:
                    lost = True
                    self._standing.waiting_for = "Postgres"
                    observe(DatabaseLost(_COMPONENT, str(error)))
                await asyncio.sleep(backoff.next_seconds())
            else:
                if lost:
                    observe(DatabaseBack(_COMPONENT))
                return answer
