"""Brings joinings to the present: those that begin with a picture or behind a cursor, and those that fell behind.

Most who come back have missed little, which this gateway remembers: they are sent it in the call that asks, and are
live. For the others there is an errand each. What errands need is shared: pictures are read once for all who see the
same, and what a warehouse was told is read once for all who missed it.
"""

import asyncio
from collections.abc import Awaitable, Callable

from floorcast.cursor import Cursor, Splice, seal_digest
from floorcast.errors import (
    AnotherTick,
    DatabaseUnavailable,
    PicturesBusy,
    PictureTooLarge,
    PictureUnreadable,
    TickNotKept,
)
from floorcast.filter.row import RowMismatch
from floorcast.gateway.audience import History, Member
from floorcast.gateway.errand import Errand, Refetch, Sources
from floorcast.gateway.frames import writes_of
from floorcast.gateway.hub import Hub
from floorcast.gateway.joining import Joining
from floorcast.gateway.upstream import PastPages, PastTrail, Pictures
from floorcast.gateway.wish import picture_request
from floorcast.observe import CaughtUp, TaskFailed, observe
from floorcast.snapshot import Snapshot

_COMPONENT = "gateway"

_AT_ONCE_BYTES = 65_536
"""So much of the past is sent in the call that asks for it, without an errand."""

_TICKS_OF_SPLICE = 2
"""The tick behind a picture's may have been cut before its snapshot was taken; the next one was cut after that."""

_REFUSED: dict[type[Exception], str] = {
    DatabaseUnavailable: "unavailable",
    PicturesBusy: "too_busy",
    PictureTooLarge: "picture_too_large",
    PictureUnreadable: "not_ready",
}


class CatchUps:
    """Every errand of a gateway."""

    def __init__(
        self, hub: Hub, pages: PastPages, trail: PastTrail, pictures: Pictures, *, reading_seconds: float
    ) -> None:
        """Serve a hub.

        Args:
            hub: tells of whoever falls behind, and when it has moved.
            pages: what this gateway does not remember itself.
            trail: large ticks, and what happened to access.
            pictures: first pictures.
            reading_seconds: how long somebody may take to read his picture.
        """
        self._hub = hub
        self._sources = Sources(hub, pages, trail)
        self._pictures = pictures
        self._reading_seconds = reading_seconds
        self._errands: set[asyncio.Task[None]] = set()
        hub.fell_behind = self.fell_behind
        hub.moved = self._moved
        # Whether somebody else reads what errands share; set by whoever knows.
        self.others_wait: Callable[[], bool] = _never

    def welcome(self, member: Member, joining: Joining) -> None:
        """Answer a join that begins with a picture or behind a cursor, and bring it to the present."""
        cursor = joining.request.origin.cursor
        if cursor is None:
            self._send(member, lambda: self._begin_with_picture(member, joining))
        elif not self._at_once(member, joining, cursor):
            self._send(member, lambda: self._begin_behind(member, joining, cursor))

    def fell_behind(self, member: Member) -> None:
        """Bring somebody to the present who was live: too much was waiting for him, or a tick too large to be held."""
        history: History = "newest" if member.manner.when_slow == "newest" else "every"
        self._send(member, Errand(self._sources, member, history).run)

    @property
    def sources(self) -> Sources:
        """What its errands read, for others who bring somebody to the present."""
        return self._sources

    async def aclose(self) -> None:
        """End every errand."""
        for errand in self._errands:
            errand.cancel()
        if self._errands:
            await asyncio.wait(self._errands)

    def _moved(self) -> None:
        if self._errands or self.others_wait():
            self._sources.moved()
        else:
            self._sources.forget()

    def _send(self, member: Member, work: Callable[[], Awaitable[None]]) -> None:
        errand = asyncio.create_task(self._run(member, work), name="errand")
        member.errand = errand
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _run(self, member: Member, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Refetch as end:
            self._give_up(member, end.reason)
        except TickNotKept:
            self._give_up(member, "trimmed")
        except AnotherTick:
            # Postgres was restored; the follower will see it too.
            self._give_up(member, "incarnation")
        except RowMismatch:
            # A row of another shape than the filter was read for: the table was altered meanwhile.
            self._give_up(member, "schema")
        except Exception as error:  # noqa: BLE001 — a fault of ours must not leave a topic silently behind
            observe(TaskFailed(_COMPONENT, f"{type(error).__name__}: {error}"))
            self._give_up(member, "internal")

    def _give_up(self, member: Member, reason: str) -> None:
        # It is this very errand, which must not cancel itself before the last word is out.
        member.errand = None
        if not member.over:
            self._hub.refetch(member, reason)

    def _at_once(self, member: Member, joining: Joining, cursor: Cursor) -> bool:
        """Continue from a cursor in this very call, when little is missing and it is remembered here."""
        hub, outbox = self._hub, member.subscriber.outbox
        is_known = hub.seals.agrees(cursor.anchor, cursor.seal) is not None
        if not is_known or cursor.tick < hub.chronicle.since or cursor.splice is not None:
            return False
        reason = hub.examine(member, cursor)
        if reason is not None:
            hub.refetch(member, reason)
            return True
        selection = member.audience.selection
        told = self._sources.recall(selection.warehouse, cursor.tick)
        if told is None or told.upto != hub.position or any(each.large for each in told.ticks) or not outbox.has_room:
            return False
        try:
            frames = self._sources.replays.frames_of(member, cursor.tick, told, joining.request.manner.history)
        except RowMismatch:
            hub.refetch(member, "schema")
            return True
        if sum(len(frame) for _, frame in frames) > _AT_ONCE_BYTES:
            return False
        member.since = hub.position
        hub.go_live(member)
        if hub.progress_at:
            frames.append((hub.position, hub.progress_frame(member.audience)))
        _answer(member, joining.accepted(cursor.tick, member.audience.cursor(cursor.tick)))
        # As live frames leave: in few writes, and what waits can be taken back.
        for after, frame in writes_of(frames):
            outbox.put(frame, selection.topic, after)
        outbox.release()
        observe(CaughtUp("memory", hub.position - cursor.tick))
        return True

    async def _begin_behind(self, member: Member, joining: Joining, cursor: Cursor) -> None:
        await self._sources.turns.take()
        if cursor.terms.history == member.audience.terms.history:
            await self._sources.reach(cursor.anchor)
            await self._sources.agree(cursor.anchor, cursor.seal)
            await self._sources.know_since(cursor.tick)
        reason = self._hub.examine(member, cursor)
        if reason is not None:
            raise Refetch(reason)
        member.since = cursor.tick
        if cursor.tick < self._hub.position:
            # Before the answer, since it may be that the past is not kept.
            await self._sources.missed(member.audience.selection.warehouse, cursor.tick)
            await self._sources.turns.take()
        _answer(member, joining.accepted(cursor.tick, member.audience.cursor(cursor.tick, cursor.splice)))
        member.splice = cursor.splice
        await Errand(self._sources, member, joining.request.manner.history).run()

    async def _begin_with_picture(self, member: Member, joining: Joining) -> None:
        hub, who = self._hub, member.subscriber
        changed = hub.chronicle.changed_at(who.role, who.user, member.audience.selection.warehouse)
        # A table that was made again since has none of the rows that an earlier picture shows.
        not_before = max(changed, hub.chronicle.tracked_changed)
        try:
            shown = await self._pictures.read(picture_request(member, joining, hub), not_before=not_before)
        except tuple(_REFUSED) as error:
            member.errand = None
            hub.refuse(member, joining.refused(_REFUSED[type(error)], str(error)))
            return
        try:
            if shown.incarnation != hub.incarnation:
                raise Refetch("incarnation")
            await self._sources.reach(shown.tick)
            # It may have been kept since before a restore; its cursor would say that it is of this history.
            await self._sources.agree(shown.tick, seal_digest(shown.seal))
            if hub.chronicle.tracked_changed > shown.tick:
                # It was being read when a table was dropped and made again: nothing tells that its old rows are gone.
                raise Refetch("schema")
            # A picture is read once for many, who have it in the same moment.
            await self._sources.turns.take()
            _answer(member, joining.accepted(shown.tick, None))
            if not shown.clean:
                member.splice = Splice(Snapshot.parse(shown.snapshot), shown.tick + _TICKS_OF_SPLICE)
            errand = Errand(self._sources, member, joining.request.manner.history)
            async with asyncio.timeout(self._reading_seconds):
                await errand.show(shown)
        except TimeoutError:
            # Whoever reads so slowly would hold it for ever.
            raise Refetch("trimmed") from None
        finally:
            shown.close()
        await errand.run()


def _answer(member: Member, answer: bytes) -> None:
    member.asking = None
    member.subscriber.outbox.put(answer)
    member.subscriber.outbox.release()


def _never() -> bool:
    """Nobody else does."""
    return False
