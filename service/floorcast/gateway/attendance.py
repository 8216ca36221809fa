"""Keeps the roster at one with Redis, and shows everybody what changed: the waiting part of presence, kept dull.

One task speaks, one listens, one shows. While Redis is away the others' people stay as they were, ours come and go for
each other, and when it is back everything is compared.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from random import SystemRandom
from secrets import token_hex
from typing import Protocol

from floorcast.backoff import Backoff
from floorcast.errors import StreamUnavailable
from floorcast.gateway.guestbook import Guestbook
from floorcast.gateway.presence import Presence
from floorcast.gateway.roster import Roster
from floorcast.gateway.spectators import Spectators
from floorcast.observe import GatewaySilent, PresenceRetold, StreamBack, StreamLost, TaskFailed, observe
from floorcast.stream.statement import Entry, Heard, Muster, Statement

_COMPONENT = "presence"

_GATHER_SECONDS = 0.05
"""What changes within so long is shown together."""

_BREATH_SECONDS = 0.02
"""What changes within so long is one statement: a storm must not keep Redis from the feed."""

_LOOK_SECONDS = 0.5
"""How often those who linger, or read slowly, are looked at."""

_WAIT_SECONDS = 1.0
_FAREWELL_SECONDS = 1.0


class Board(Protocol):
    """Who is present at all gateways. All raise StreamUnavailable; `stream.presence.PresenceBoard` is one."""

    async def speak(self, gateway: str, statement: Statement) -> Muster | None:
        """Make a statement; None when it is refused."""
        ...

    async def bury(self, gateway: str, mark: str = "") -> None:
        """Clear a gateway's people away, unless it has another mark by now; "" stands for any."""
        ...

    async def listen(self, after: str, *, wait_seconds: float) -> Sequence[tuple[str, Heard]]:
        """Return what was said behind an id, each with its own id; empty when nothing came in time."""
        ...

    async def read(self, gateway: str) -> tuple[int, dict[str, Entry]] | None:
        """Return everybody at a gateway, with the number of the statement that this is of; None: it is not known."""
        ...


class Attendance:
    """Presence of one gateway among others."""

    def __init__(self, board: Board | None, *, lease_seconds: float, clock: Callable[[], float]) -> None:
        """Do nothing before `run`.

        Args:
            board: where gateways hear of each other; None: there is no other.
            lease_seconds: a gateway that is silent for so long is dead.
            clock: seconds, never going back.
        """
        self._board = board
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._guestbook = Guestbook()
        # A name for this life of the process: what an earlier one said is not ours.
        self._roster = Roster(token_hex(8), self._guestbook, lease_seconds)
        self.presence = Presence(self._roster, Spectators(self._guestbook), clock, self._stir)
        self._unsaid = asyncio.Event()
        self._unshown = asyncio.Event()
        # Behind which statement to listen on; nothing before the first muster.
        self._after = ""
        # The same, if the newest statement was older than that when it was last looked at.
        self._ahead = ""
        self._mustered = asyncio.Event()

    async def run(self) -> None:
        """Speak, listen and show, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._insist(self._show))
            if self._board is not None:
                tasks.create_task(self._insist(lambda board=self._board: self._speak(board)))  # type: ignore[misc]
                tasks.create_task(self._insist(lambda board=self._board: self._listen(board)))  # type: ignore[misc]

    async def retire(self) -> None:
        """Tell the others that nobody is here any more."""
        if self._board is not None:
            with contextlib.suppress(StreamUnavailable, TimeoutError):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await self._board.bury(self._roster.gateway)

    async def _speak(self, board: Board) -> None:
        reach = _Reach()
        while True:
            statement = self._roster.statement()
            try:
                muster = await board.speak(self._roster.gateway, statement)
                if muster is None:
                    await asyncio.sleep(_BREATH_SECONDS)
                    continue
                self._roster.said()
                if statement.after is None and statement.number > 1:
                    observe(PresenceRetold(len(statement.changes)))
                self._heed(muster)
                for gateway, mark in self._roster.muster(muster, self._clock()):
                    observe(GatewaySilent(gateway))
                    await board.bury(gateway, mark)
            except StreamUnavailable as error:
                await reach.lost(str(error))
                continue
            reach.back()
            self._show_soon()
            if not self._roster.pressing:
                self._unsaid.clear()
                await _wait(self._unsaid, self._lease_seconds / 4)
            await asyncio.sleep(_BREATH_SECONDS)

    async def _listen(self, board: Board) -> None:
        await self._mustered.wait()
        backoff = Backoff(SystemRandom(), largest_seconds=1.0)
        while True:
            try:
                while (gateway := self._roster.next_wanted()) is not None:
                    self._roster.learn(gateway, await board.read(gateway), self._clock())
                self._show_soon()
                heard = await board.listen(self._after, wait_seconds=_WAIT_SECONDS)
            except StreamUnavailable:
                await asyncio.sleep(backoff.next_seconds())
                continue
            backoff.reset()
            for identity, each in heard:
                self._roster.hear(each)
                self._after = identity
            self._show_soon()

    async def _show(self) -> None:
        while True:
            await _wait(self._unshown, _LOOK_SECONDS if self.presence.waiting else None)
            await asyncio.sleep(_GATHER_SECONDS)
            self._unshown.clear()
            self.presence.turn()

    def _heed(self, muster: Muster) -> None:
        """Go on from the newest statement if ours is ahead of it: Redis was lost, and its clock went back.

        What was said in between is found when numbers are compared.
        """
        if not self._after:
            self._after = muster.newest
            self._mustered.set()
        elif _order(muster.newest) >= _order(self._after):
            self._ahead = ""
        elif self._ahead != self._after:
            # Perhaps it was only heard sooner than this muster. At the next one it would be there.
            self._ahead = self._after
        else:
            self._after = muster.newest

    def _stir(self) -> None:
        self._unsaid.set()
        self._unshown.set()

    def _show_soon(self) -> None:
        if self._guestbook.stirred:
            self._unshown.set()

    async def _insist(self, part: Callable[[], Coroutine[None, None, None]]) -> None:
        """Begin a part again whatever happens to it; who is present is then said and shown anew."""
        while True:
            try:
                await part()
            except Exception as error:  # noqa: BLE001 — a fault of ours must not end presence
                observe(TaskFailed(_COMPONENT, f"{type(error).__name__}: {error}"))
                self.presence.show_all_again()
                await asyncio.sleep(_WAIT_SECONDS)


class _Reach:
    """Whether Redis answers."""

    def __init__(self) -> None:
        self._backoff = Backoff(SystemRandom(), largest_seconds=1.0)
        self._lost = False

    async def lost(self, reason: str) -> None:
        """Wait before the next try."""
        if not self._lost:
            self._lost = True
            observe(StreamLost(_COMPONENT, reason))
        await asyncio.sleep(self._backoff.next_seconds())

    def back(self) -> None:
        """It answered."""
        self._backoff.reset()
        if self._lost:
            self._lost = False
            observe(StreamBack(_COMPONENT))


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _order(identity: str) -> tuple[int, ...]:
    return tuple(int(part) for part in identity.split("-"))
