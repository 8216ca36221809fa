"""One joining on its way to the present, at the pace of its reader.

What was missed is read a page at a time, from the memory of this gateway or from further back, and sent once the reader
has taken what came before. When everything up to the hub's position was sent, the joining is live in that same turn of
the loop, so nothing can come in between.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from random import SystemRandom
from typing import TypeVar

from floorcast.access.arrivals import Arrivals
from floorcast.backoff import Backoff
from floorcast.cursor import seal_digest
from floorcast.errors import DatabaseUnavailable, TickNotKept
from floorcast.gateway import wire
from floorcast.gateway.audience import History, Member
from floorcast.gateway.fold import Fold
from floorcast.gateway.frames import picture_frame
from floorcast.gateway.hindsight import Settled
from floorcast.gateway.hub import Hub
from floorcast.gateway.kept import Kept
from floorcast.gateway.outbox import CHUNK
from floorcast.gateway.replayed import ROWS_AT_ONCE, Replays, folded_frames, unseen
from floorcast.gateway.turns import Turns
from floorcast.gateway.upstream import PastPages, PastTrail, Shown
from floorcast.observe import CaughtUp, observe
from floorcast.past import Past, PastTick

REACH_SECONDS = 3.0
"""How long a tick may be awaited that another gateway has delivered already, or that a picture has seen."""

_FOLD_BYTES = 4_194_304
"""So much is folded at most; then its outcome is sent, and folding begins anew."""

_STEPS_AT_ONCE = 8
"""So many errands take a step in one turn of the loop: each puts about a frame, or makes it first."""

_TOLD_BYTES = 8_388_608
"""So much of what was told is kept for those who are behind in the same place."""

_SPLICE_NEWS = 2
"""The first news of progress may have been under way when a snapshot was taken; the second was not."""

_IN_PICTURE = -1
"""There is no tick from which to go on in the middle of a picture."""

ResultT = TypeVar("ResultT")


class Refetch(Exception):  # noqa: N818 — an outcome, not a fault
    """It cannot be continued exactly, for one of `codes.REFETCH_REASONS`."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Sources:
    """What all errands of a gateway share."""

    hub: Hub
    pages: PastPages
    trail: PastTrail
    # Set when the hub has moved, and replaced by another.
    news: asyncio.Event = field(default_factory=asyncio.Event)
    extending: asyncio.Lock = field(default_factory=asyncio.Lock)
    turns: Turns = field(default_factory=lambda: Turns(_STEPS_AT_ONCE))
    replays: Replays = field(default_factory=Replays)
    # Warehouse and tick → a page of what it was told behind that, and whether the page is as long as any.
    told: Kept[tuple[Past, bool]] = field(default_factory=lambda: Kept(_TOLD_BYTES, lambda each: each[0].size))
    # Large ticks: what a warehouse's law made of them, and pages of what it was told.
    settled: Kept[Settled] = field(default_factory=lambda: Kept(16, lambda _: 1))
    told_of: Kept[PastTick] = field(default_factory=lambda: Kept(_TOLD_BYTES, lambda each: Past(0, (each,)).size))
    # What that was told under: another beginning, or another set of tables, would tell something else.
    under: tuple[object, int, frozenset[str]] = (None, 0, frozenset())

    def moved(self) -> None:
        """Wake everybody who waits for the hub."""
        news, self.news = self.news, asyncio.Event()
        news.set()

    async def reach(self, tick: int) -> None:
        """Wait until the hub has delivered a tick that exists already; raises Refetch when that takes too long."""
        try:
            async with asyncio.timeout(REACH_SECONDS):
                while self.hub.position < tick:
                    await self.news.wait()
        except TimeoutError:
            raise Refetch("future") from None

    async def know_since(self, tick: int) -> None:
        """See to it that the chronicle reaches back to a tick; raises Refetch when what it lacks is not kept."""
        chronicle = self.hub.chronicle
        if tick >= chronicle.since:
            return
        async with self.extending:
            upto = chronicle.since
            if tick < upto:
                earlier = await insist(lambda: self.trail.access(tick, upto, self.hub.seals.anchor))
                if earlier is None:
                    raise Refetch("trimmed")
                chronicle.precede(tick, earlier)

    def forget(self) -> None:
        """Keep nothing of the past: nobody is being told of it."""
        self.replays.clear()
        self.told.clear()
        self.settled.clear()
        self.told_of.clear()

    def recall(self, warehouse: str, after: int) -> Past | None:
        """Return what a warehouse was told after a tick, a page of it at least; None when it is not remembered."""
        hub = self.hub
        self._look_what_it_is_under()
        kept = self.told.find((warehouse, after))
        if kept is not None:
            told, is_full = kept
            if is_full or told.upto == hub.position:
                return told
        found = hub.hindsight.recall(warehouse, after, hub.position)
        return None if found is None else self._keep_told(warehouse, after, found)

    async def agree(self, tick: int, digest: bytes) -> None:
        """See to it that a tick up to the hub's has a seal with that digest; raises Refetch where it has another."""
        agrees = self.hub.seals.agrees(tick, digest)
        if agrees is None:
            seal = await insist(lambda: self.trail.seal_of(tick, self.hub.seals.anchor))
            if seal is None:
                raise Refetch("trimmed")
            agrees = seal_digest(seal) == digest
        if not agrees:
            raise Refetch("incarnation")

    async def missed(self, warehouse: str, after: int) -> Past:
        """Return what a warehouse was told after a tick, a page of it at least; raises Refetch."""
        hub = self.hub
        told = self.recall(warehouse, after)
        if told is not None:
            return told
        await self.know_since(after)
        places = hub.hindsight.places(warehouse, after)
        upto = min(max(hub.memory.since, after + 1), hub.position)
        past = await insist(lambda: self.pages.page(hub.incarnation, places, after, upto, hub.seals.anchor))
        if past is None:
            raise Refetch("trimmed")
        if past.upto <= after:
            raise AssertionError("a page of the past that does not go on would be asked for without end")
        # It may have forgotten something while the page was read; without it nobody can say who was where.
        await self.know_since(after)
        # Those who waited for the page with this one find it told.
        self._look_what_it_is_under()
        kept = self.told.find((warehouse, after))
        if kept is not None and kept[0].upto >= past.upto:
            return kept[0]
        return self._keep_told(warehouse, after, hub.hindsight.tell(warehouse, after, past))

    async def told_of_large(self, warehouse: str, tick: PastTick) -> AsyncIterator[PastTick]:
        """Yield what a warehouse is told of a large tick, in pages; one that cannot be read now is read later."""
        settled = await self._settle_large(warehouse, tick.tick)
        sent = 0
        backoff = Backoff(SystemRandom(), largest_seconds=5.0)
        while True:
            number = 0
            try:
                async for page in self.trail.pages(tick.tick, settled.places, self.hub.seals.anchor):
                    number += 1
                    if number > sent:
                        name = (warehouse, tick.tick, number)
                        told = self.told_of.find(name)
                        if told is None:
                            told = self.told_of.keep(name, settled.tell(tick, page))
                        yield told
                        sent = number
            except TickNotKept:
                raise Refetch("trimmed") from None
            except DatabaseUnavailable:
                await asyncio.sleep(backoff.next_seconds())
            else:
                return

    async def _settle_large(self, warehouse: str, tick: int) -> Settled:
        """Return by which law a warehouse is told of a large tick, the same for all its readers; raises Refetch."""
        hub, before = self.hub, tick - 1
        await self.know_since(before)
        earlier = await insist(lambda: self.trail.access(before, tick, hub.seals.anchor))
        if earlier is None:
            # Without what it did to access nobody can say who left by it.
            raise Refetch("trimmed")
        self._look_what_it_is_under()
        settled = self.settled.find((warehouse, tick))
        if settled is not None:
            return settled
        settled = hub.hindsight.settle(warehouse, before, [each for _, found in earlier for each in found])
        under = self.under
        await insist(lambda: self._look_for(settled.arrivals, tick))
        self._look_what_it_is_under()
        # Where something has changed meanwhile, this one goes on as it began, and the next one settles it anew.
        return self.settled.keep((warehouse, tick), settled) if under == self.under else settled

    async def _look_for(self, arrivals: Arrivals, tick: int) -> None:
        """Look through a large tick for those whom it let in, who are few; raises Refetch.

        A page tells of a row as it was, and a later one that this was before: nothing may be told until that is known.
        """
        try:
            if arrivals.places:
                async for page in self.trail.pages(tick, arrivals.places, self.hub.seals.anchor):
                    arrivals.note(page)
        except TickNotKept:
            raise Refetch("trimmed") from None

    def _keep_told(self, warehouse: str, after: int, told: Past) -> Past:
        self.told.keep((warehouse, after), (told, told.upto < self.hub.position))
        return told

    def _look_what_it_is_under(self) -> None:
        # The tables may change without a tick: when a look finds that one is protected, or no more.
        under = (self.hub.law, self.hub.chronicle.tracked_changed, self.hub.law.tables)
        if under != self.under:
            self.forget()
            self.under = under


async def insist(ask: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Ask until there is an answer; while Postgres is away, those who wait for it hear no progress."""
    backoff = Backoff(SystemRandom(), largest_seconds=5.0)
    while True:
        try:
            return await ask()
        except DatabaseUnavailable:
            await asyncio.sleep(backoff.next_seconds())


class Errand:
    """Brings one member to the present."""

    def __init__(self, sources: Sources, member: Member, history: History) -> None:
        """Begin behind `member.since`, with `member.splice` where its reader has a picture."""
        self._sources = sources
        self._hub = sources.hub
        self._member = member
        self._warehouse = member.audience.selection.warehouse
        self._history = history
        self._news = self._hub.news
        self._fold = Fold()
        # How far was read. `member.since` is how far was sent, which is less while something is being folded.
        self._reached = member.since
        self._at = ""
        # The turn in which a step may be taken; an older one when it was taken.
        self._turn = -1

    async def run(self) -> None:
        """Send what was missed until the member is live; raises Refetch."""
        first = self._member.since
        while not self._member.over:
            self._look_at_splice()
            if self._reached < self._hub.position:
                await self._await_turn()
                await self._send_page(await self._sources.missed(self._warehouse, self._reached))
                continue
            await self._send_folded()
            # Sending may have waited.
            if self._reached == self._hub.position:
                if self._member.splice is None and self._hub.go_live(self._member):
                    if self._hub.progress_at:
                        self._put_now(self._hub.progress_frame(self._member.audience), self._member.since)
                    observe(CaughtUp("errand", self._member.since - first))
                    return
                await self._sources.news.wait()

    async def show(self, shown: Shown) -> None:
        """Send a picture in parts, and with the last one the cursor to go on from."""
        audience, part, held = self._member.audience, 1, b"{}"
        for number, (table, rows) in enumerate(shown.chunks(wire.LARGEST_PART)):
            if number:
                await self._put(picture_frame(audience, shown, part, held), _IN_PICTURE)
                part += 1
            held = b'{"%b":[%b]}' % (table.encode(), rows)
        cursor = audience.cursor(shown.tick, self._member.splice)
        await self._put(picture_frame(audience, shown, part, held, end=True, cursor=cursor), _IN_PICTURE)
        self._member.since = self._reached = shown.tick

    def _look_at_splice(self) -> None:
        """Let go of the picture's snapshot once everything that it saw is behind us."""
        if self._member.splice is not None:
            behind = self._reached >= self._member.splice.until
            if behind or (self._reached == self._hub.position and self._hub.news - self._news >= _SPLICE_NEWS):
                self._member.splice = None

    async def _send_page(self, told: Past) -> None:
        if self._history == "newest":
            await self._fold_page(told)
        else:
            await self._send_ticks(told)
        self._reached = told.upto
        if not self._fold.size:
            self._member.since = told.upto
        elif self._fold.size > _FOLD_BYTES:
            await self._send_folded()

    async def _send_ticks(self, told: Past) -> None:
        """Send every change of a page; small ticks in one write, as live ones are."""
        member, replays = self._member, self._sources.replays
        frames: list[bytes] = []
        size = after = 0
        made = replays.made
        for each in told.ticks:
            if replays.made - made > ROWS_AT_ONCE:
                self._turn, made = -1, replays.made
                await self._await_turn()
            frame = b"" if each.large else replays.tick_frame(member, each, member.splice)
            if frames and (each.large or size + len(frame) > CHUNK):
                await self._put(b"".join(frames), after)
                frames, size, member.since = [], 0, each.tick - 1
            if each.large:
                await self._send_large(each)
            elif frame:
                after = after if frames else each.tick - 1
                frames.append(frame)
                size += len(frame)
            self._reached, self._at = each.tick, each.at
        if frames:
            await self._put(b"".join(frames), after)

    async def _fold_page(self, told: Past) -> None:
        """Fold a page into what was missed before it."""
        rows = 0
        for each in told.ticks:
            if each.large:
                await self._send_folded()
                await self._send_large(each)
            for operation in unseen(each, self._member.splice):
                self._fold.add(each.tick, operation)
                rows += 1
            self._reached, self._at = each.tick, each.at
            if rows > ROWS_AT_ONCE:
                self._turn, rows = -1, 0
                await self._await_turn()

    async def _send_folded(self) -> None:
        """Send the outcome of everything that was folded."""
        if self._fold.size:
            bodies: list[bytes] = []
            rows = self._fold.take()
            for start in range(0, len(rows), ROWS_AT_ONCE):
                await self._await_turn()
                bodies += self._sources.replays.folded_bodies(self._member, rows[start : start + ROWS_AT_ONCE])
                self._turn = -1
            for frame in folded_frames(self._member, bodies, self._reached, self._at, self._member.splice):
                await self._put(frame, self._member.since)
            self._member.since = self._reached

    async def _send_large(self, tick: PastTick) -> None:
        """Send a tick that is held nowhere but in the trail, page by page; nothing where nothing of it is shown."""
        member, part, start = self._member, 0, 0
        selection = member.audience.selection
        async for page in self._sources.told_of_large(self._warehouse, tick):
            for first in range(0, len(page.operations), ROWS_AT_ONCE):
                await self._await_turn()
                piece = PastTick(page.tick, page.at, page.operations[first : first + ROWS_AT_ONCE])
                for frame in self._sources.replays.large_frames(member, piece, start + first, part, member.splice):
                    part += 1
                    await self._put(frame, tick.tick - 1)
                self._turn = -1
            start += len(page.operations)
        if part:
            cursor = member.audience.cursor(tick.tick, self._member.splice)
            payload = wire.changes_payload(tick.tick, tick.at, (), cursor=cursor, part=part + 1)
            await self._put(wire.push(selection.version, selection.topic, "changes", payload), tick.tick - 1)
        member.since = tick.tick

    async def _await_turn(self) -> None:
        """Have a turn: one step may be taken before the next wait for anything."""
        if self._turn != self._sources.turns.number:
            self._turn = await self._sources.turns.take()

    async def _put(self, frame: bytes, after: int) -> None:
        """Send a frame in a turn of its own, once the reader has taken what came before; then let others go on."""
        outbox = self._member.subscriber.outbox
        await self._await_turn()
        while not outbox.has_room and not outbox.overflown:
            room = asyncio.Event()
            outbox.when_room(room.set)
            await room.wait()
            await self._await_turn()
        self._put_now(frame, after)
        self._turn = -1
        await asyncio.sleep(0)

    def _put_now(self, frame: bytes, after: int) -> None:
        outbox = self._member.subscriber.outbox
        if outbox.put(frame, self._member.audience.selection.topic, after):
            outbox.release()
