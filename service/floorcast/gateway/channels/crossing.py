"""Takes what people of this gateway say to the other gateways, and brings here what theirs say.

Here it was heard at once; what comes back of it is passed over. While Redis is away people of one gateway go on hearing
each other, and the others hear it when it is back, as far as it was kept.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Sequence
from itertools import islice
from random import SystemRandom
from secrets import token_hex
from typing import Protocol

from floorcast.backoff import Backoff
from floorcast.broadcast import Broadcast
from floorcast.errors import StreamUnavailable
from floorcast.gateway.channels.rooms import Rooms
from floorcast.observe import BroadcastsLost, StreamBack, StreamLost, TaskFailed, observe
from floorcast.stream.broadcasts import Envelope

MOST_WAITING, LARGEST_WAITING = 1_000, 16_777_216
"""So many broadcasts, or bytes of them, wait for Redis; then the oldest are given up."""

_COMPONENT = "broadcasts"
_AT_ONCE = 64
_WAIT_SECONDS = 1.0
_MOST_ORIGINS = 1_024


class Line(Protocol):
    """What all gateways hear. All raise StreamUnavailable; `stream.broadcasts.BroadcastLine` is one."""

    async def say(self, envelopes: Sequence[Envelope]) -> None:
        """Have others hear these, in their order; after an error some may have been said."""
        ...

    async def newest(self) -> str:
        """Return the newest entry's id, or one before all."""
        ...

    async def hear(self, after: str, *, wait_seconds: float) -> Sequence[tuple[str, Envelope]]:
        """Return what was said behind an id, each with its own id; empty when nothing came in time."""
        ...


class Crossing:
    """The rooms of one gateway among others."""

    def __init__(self, rooms: Rooms, line: Line | None) -> None:
        """Do nothing before `run`; without a line there is no other gateway."""
        self._rooms = rooms
        self._line = line
        # A name for this life of the process.
        self._origin = token_hex(8)
        self._number = 0
        self._waiting: deque[Envelope] = deque()
        self._waiting_bytes = 0
        self._stirred = asyncio.Event()
        # Behind which entry to listen on; nothing before the first look.
        self._after = ""
        # Origin → the number that was heard last of it.
        self._heard: OrderedDict[str, int] = OrderedDict()
        if line is not None:
            rooms.carry = self._carry

    async def run(self) -> None:
        """Speak and listen, until cancelled."""
        if self._line is None:
            return
        line = self._line
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_insist(lambda: self._speak(line)))
            tasks.create_task(_insist(lambda: self._listen(line)))

    def _carry(self, broadcast: Broadcast) -> None:
        self._number += 1
        self._waiting.append(Envelope(self._origin, self._number, broadcast))
        self._waiting_bytes += len(broadcast.payload)
        lost = 0
        while len(self._waiting) > MOST_WAITING or self._waiting_bytes > LARGEST_WAITING:
            self._shift()
            lost += 1
        if lost:
            observe(BroadcastsLost(lost))
        self._stirred.set()

    def _shift(self) -> None:
        self._waiting_bytes -= len(self._waiting.popleft().broadcast.payload)

    async def _speak(self, line: Line) -> None:
        backoff = Backoff(SystemRandom(), largest_seconds=1.0)
        lost = False
        while True:
            await self._stirred.wait()
            some = list(islice(self._waiting, _AT_ONCE))
            if not some:
                self._stirred.clear()
                continue
            try:
                await line.say(some)
            except StreamUnavailable as error:
                if not lost:
                    lost = True
                    observe(StreamLost(_COMPONENT, str(error)))
                await asyncio.sleep(backoff.next_seconds())
                continue
            backoff.reset()
            if lost:
                lost = False
                observe(StreamBack(_COMPONENT))
            # Some may have been given up meanwhile.
            while self._waiting and self._waiting[0].number <= some[-1].number:
                self._shift()

    async def _listen(self, line: Line) -> None:
        backoff = Backoff(SystemRandom(), largest_seconds=1.0)
        in_doubt = True
        while True:
            try:
                if in_doubt:
                    self._go_on_from(await line.newest())
                    in_doubt = False
                entries = await line.hear(self._after, wait_seconds=_WAIT_SECONDS)
                # Ids are Redis' time. A quiet stream goes away whole, and where that clock was set back, the next one
                # begins behind us: it would be listened to again when the clock has caught up.
                in_doubt = not entries
            except StreamUnavailable:
                in_doubt = True
                await asyncio.sleep(backoff.next_seconds())
                continue
            backoff.reset()
            for identity, envelope in entries:
                self._after = identity
                self._hear(envelope)
            # A stream of much talk must not keep sockets waiting.
            await asyncio.sleep(0)

    def _go_on_from(self, newest: str) -> None:
        """Begin with the newest; later, go on behind what was heard, unless Redis lost that and counts anew."""
        if not self._after:
            self._after = newest
        elif _order(newest) < _order(self._after):
            self._after = "0-0"

    def _hear(self, envelope: Envelope) -> None:
        if envelope.origin == self._origin or envelope.number <= self._heard.get(envelope.origin, 0):
            return
        self._heard[envelope.origin] = envelope.number
        self._heard.move_to_end(envelope.origin)
        if len(self._heard) > _MOST_ORIGINS:
            self._heard.popitem(last=False)
        self._rooms.say(envelope.broadcast)


async def _insist(part: Callable[[], Coroutine[None, None, None]]) -> None:
    """Begin a part again whatever happens to it."""
    while True:
        try:
            await part()
        except Exception as error:  # noqa: BLE001 — a fault of ours must not end the rooms
            observe(TaskFailed(_COMPONENT, f"{type(error).__name__}: {error}"))
            await asyncio.sleep(_WAIT_SECONDS)


def _order(identity: str) -> tuple[int, ...]:
    return tuple(int(part) for part in identity.split("-"))
