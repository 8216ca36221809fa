"""Brings channels to the present: those that go on from a position, and those whose reader could not keep up.

What happened in each of somebody's warehouses is read as for their own topics, and put together tick by tick.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

from floorcast.errors import AnotherTick, TickNotKept
from floorcast.filter.row import RowMismatch
from floorcast.gateway.channels import frames
from floorcast.gateway.channels.channel import Channel
from floorcast.gateway.channels.channels import Channels
from floorcast.gateway.channels.message import Messages
from floorcast.gateway.channels.seen import Told
from floorcast.gateway.errand import Refetch, Sources
from floorcast.gateway.replayed import ROWS_AT_ONCE
from floorcast.observe import CaughtUp, TaskFailed, observe
from floorcast.operation import Operation
from floorcast.past import PastTick, in_order
from floorcast.position import Position

_COMPONENT = "gateway"


class Retelling:
    """Every channel of a gateway that is not live."""

    def __init__(self, channels: Channels, sources: Sources) -> None:
        """Serve these channels; what is read is shared with the errands of other topics."""
        self._channels = channels
        self._sources = sources
        self._errands: set[asyncio.Task[None]] = set()
        channels.fell_behind = self.fell_behind

    @property
    def waiting(self) -> bool:
        """Whether somebody wants to hear that the hub has moved."""
        return bool(self._errands)

    def fell_behind(self, channel: Channel) -> None:
        """Bring somebody to the present who was live."""
        self.tell(channel, Position(channel.since))

    def tell(self, channel: Channel, after: Position) -> None:
        """Bring a channel to the present that has everything up to a position."""
        errand = asyncio.create_task(self._run(channel, after), name="retelling")
        channel.errand = errand
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def examine(self, channel: Channel, incarnation: str, after: Position) -> str | None:
        """Return why a channel cannot be told everything after a position; None when it can.

        The reason is one of `codes.REFETCH_REASONS`.
        """
        hub = self._sources.hub
        if incarnation != hub.incarnation:
            return "incarnation"
        try:
            await self._sources.reach(after.tick)
            await self._sources.know_since(_whole(after))
            who, chronicle = channel.person, hub.chronicle
            if any(
                chronicle.access_changed(who.role, who.user, warehouse, _whole(after)) for warehouse in channel.sight
            ):
                return "policy"
            for warehouse in channel.sight:
                # That it is kept is known by reading it; what was read is not read again.
                await self._sources.missed(warehouse, _whole(after))
        except Refetch as end:
            return end.reason
        except AnotherTick:
            return "incarnation"
        return None

    async def aclose(self) -> None:
        """End every errand."""
        for errand in self._errands:
            errand.cancel()
        if self._errands:
            await asyncio.wait(self._errands)

    async def _run(self, channel: Channel, after: Position) -> None:
        reason = ""
        try:
            await self._bring(channel, after)
        except Refetch as end:
            reason = end.reason
        except TickNotKept:
            reason = "trimmed"
        except AnotherTick:
            reason = "incarnation"
        except RowMismatch:
            reason = "schema"
        except Exception as error:  # noqa: BLE001 — a fault of ours must not leave a channel silently behind
            observe(TaskFailed(_COMPONENT, f"{type(error).__name__}: {error}"))
            reason = "internal"
        if reason and not channel.over:
            # It is this very errand, which must not cancel itself before the last word is out.
            channel.errand = None
            self._channels.end(channel, frames.gap(reason), returns=True)

    async def _bring(self, channel: Channel, after: Position) -> None:
        sources, channels = self._sources, self._channels
        channel.since, first = _whole(after), after.tick
        while not channel.over:
            if channel.since < sources.hub.position:
                await self._send_page(channel, after)
            elif channels.go_live(channel):
                observe(CaughtUp("errand", channel.since - first))
                return
            else:
                await sources.news.wait()

    async def _send_page(self, channel: Channel, after: Position) -> None:
        """Send what is known of the next ticks, and note how far that goes."""
        since, upto = channel.since, self._sources.hub.position
        ticks: dict[int, list[tuple[str, PastTick]]] = {}
        for warehouse in channel.sight:
            told = await self._sources.missed(warehouse, since)
            upto = min(upto, told.upto)
            for each in told.ticks:
                ticks.setdefault(each.tick, []).append((warehouse, each))
        for tick in sorted(number for number in ticks if number <= upto):
            parts = ticks[tick]
            if channel.over:
                return
            if any(each.large for _, each in parts):
                await self._send_large(channel, parts, after)
            else:
                await self._send(channel, tick, parts[0][1].at, _together(parts), after)
            channel.since = tick
        channel.since = max(channel.since, upto)

    async def _send_large(self, channel: Channel, parts: Sequence[tuple[str, PastTick]], after: Position) -> None:
        """Send a tick that is held nowhere but in the trail: the pages of all warehouses side by side."""
        tick = parts[0][1]
        pages = {warehouse: aiter(self._sources.told_of_large(warehouse, each)) for warehouse, each in parts}
        async for told in _side_by_side(pages):
            await self._send(channel, tick.tick, tick.at, told, after)

    async def _send(self, channel: Channel, tick: int, at: str, told: list[Told], after: Position) -> None:
        if tick == after.tick and after.n:
            told = [each for each in told if each[1].n > after.n]
        outbox = channel.outbox
        while not outbox.has_room and not outbox.overflown:
            room = asyncio.Event()
            outbox.when_room(room.set)
            await room.wait()
        written = await self._cut(channel, tick, at, told)
        if written and not channel.over and outbox.put(written, channel.topic, tick - 1):
            outbox.release()
        await asyncio.sleep(0)

    async def _cut(self, channel: Channel, tick: int, at: str, told: Sequence[Told]) -> bytes:
        """Return what a channel is told of a tick as it may see it now, a piece in each turn of the loop."""
        while not channel.over:
            messages, seen = Messages(tick, at, self._channels.shapes), (channel.sight_at(tick), channel.bound)
            pieces: list[bytes] = []
            for piece in _pieces(told):
                await self._sources.turns.take()
                pieces.append(self._channels.frames_for(channel, piece, messages))
            if (channel.sight_at(tick), channel.bound) == seen:
                return b"".join(pieces)
            # His access has changed between two pieces: what was cut before is not his any more.
        return b""


def _whole(after: Position) -> int:
    """Return the last tick of which everything is known."""
    return after.tick - 1 if after.n else after.tick


def _pieces(told: Sequence[Told]) -> Iterator[Sequence[Told]]:
    """Yield what was told in pieces of about ROWS_AT_ONCE, each with whole changes."""
    start = 0
    while start < len(told):
        end = start + ROWS_AT_ONCE
        while 0 < end < len(told) and told[end][1].n == told[end - 1][1].n:
            end += 1
        yield told[start:end]
        start = end


def _together(parts: Sequence[tuple[str, PastTick]]) -> list[Told]:
    """Return what a tick brought to several warehouses, in the order in which it would have been told live."""
    where: dict[int, list[str]] = {}
    operations: list[Operation] = []
    for warehouse, each in parts:
        for operation in each.operations:
            if id(operation) not in where:
                operations.append(operation)
            where.setdefault(id(operation), []).append(warehouse)
    return [(warehouse, each) for each in in_order(operations) for warehouse in where[id(each)]]


async def _side_by_side(pages: dict[str, AsyncIterator[PastTick]]) -> AsyncIterator[list[Told]]:
    """Yield what a large tick brought to several warehouses, each change with all places in which it is told.

    A page of each is held; what is complete in all of them is yielded.
    """
    held: dict[str, Sequence[Operation]] = {}
    while pages or held:
        for warehouse in [name for name in pages if not held.get(name)]:
            page = await anext(pages[warehouse], None)
            if page is None:
                del pages[warehouse]
            held[warehouse] = () if page is None else page.operations
        held = {warehouse: operations for warehouse, operations in held.items() if operations}
        if any(warehouse not in held for warehouse in pages):
            # An empty page: something may follow.
            continue
        upto = min((operations[-1].n for warehouse, operations in held.items() if warehouse in pages), default=None)
        told = [
            (warehouse, each)
            for warehouse, operations in held.items()
            for each in operations
            if upto is None or each.n <= upto
        ]
        held = {
            warehouse: [each for each in operations if upto is not None and each.n > upto]
            for warehouse, operations in held.items()
        }
        held = {warehouse: operations for warehouse, operations in held.items() if operations}
        if told:
            yield sorted(told, key=lambda each: (each[1].n, each[1].op != "leave"))
