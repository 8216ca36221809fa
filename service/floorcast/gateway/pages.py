"""Pages of the past, each read once for all who missed the same: from the logs in Redis, or else from the trail.

A thousand kiosks that were away together come back with cursors a few ticks apart. So pages begin at round ticks,
whoever asks, and are kept for a while.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal, Protocol

from floorcast.errors import StreamUnavailable
from floorcast.gateway.together import Together
from floorcast.observe import PastRead, observe
from floorcast.past import Past
from floorcast.tick import Anchor

_ROUND = 256
"""Ticks. Reading back to a round one costs little, and most who ask are given the same page."""

_STEPS = 4
"""So many pages are read from a round tick on to reach what is asked for; past that, a page begins right there."""

_AWAY_SECONDS = 1.0

_Name = tuple[str, str, tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class _Kept:
    past: Past
    # Bytes.
    size: int
    # It ends where a page is large enough, not where its reader wanted: nothing would be added by reading again.
    is_full: bool


class Logs(Protocol):
    """The past as Redis has it; `stream.logs.LogReader` is one."""

    async def read(self, incarnation: str, places: tuple[str, ...], after: int, upto: int) -> Past | None:
        """Return what places had after a tick; None where it cannot be proved complete. Raises StreamUnavailable."""
        ...


class Trail(Protocol):
    """The past as Postgres has it; `database.past.TrailReader` is one."""

    async def read(self, places: tuple[str, ...], after: int, upto: int, anchor: Anchor) -> Past | None:
        """Return what places had after a tick; None where that is not kept any more.

        Raises DatabaseUnavailable, and AnotherTick where Postgres does not have the anchor.
        """
        ...


class Pages:
    """Reads pages of the past and keeps the newest used."""

    def __init__(self, logs: Logs, trail: Trail, *, most_bytes: int) -> None:
        """Take where to read, and how much to keep."""
        self._logs = logs
        self._trail = trail
        self._most_bytes = most_bytes
        self._held = 0
        # Incarnation and origin of the history, places and the tick that a page begins behind; the least recently used
        # first.
        self._kept: OrderedDict[_Name, _Kept] = OrderedDict()
        self._reading: Together[_Name, Past | None] = Together()
        # Until then Redis is not asked again: one that hangs would have every page wait for it.
        self._away_until = float("-inf")

    async def aclose(self) -> None:
        """Cut off what is being read."""
        await self._reading.aclose()

    async def page(
        self, incarnation: str, places: tuple[str, ...], after: int, upto: int, anchor: Anchor
    ) -> Past | None:
        """Return what happened in some places after a tick, up to another or less; None when it is not kept any more.

        Raises:
            DatabaseUnavailable: Redis does not have it, and Postgres does not answer.
            AnotherTick: Redis does not have it, and Postgres is of another history than the anchor.
        """
        beginning = after - after % _ROUND
        for _ in range(_STEPS if beginning < after else 0):
            past = await self._shared((incarnation, anchor.origin, places, beginning), upto, anchor)
            # What is before the tick that is asked for may be gone, though that one is not.
            if past is None:
                break
            if past.upto > after:
                return past.between(after, upto)
            # Where much happens, a page ends before that; the next one begins where this one ends, whoever asks.
            beginning = past.upto
        past = await self._shared((incarnation, anchor.origin, places, after), upto, anchor)
        return None if past is None else past.between(after, upto)

    async def _shared(self, name: _Name, upto: int, anchor: Anchor) -> Past | None:
        kept = self._kept.get(name)
        if kept is not None:
            self._kept.move_to_end(name)
            if kept.past.upto >= upto or kept.is_full:
                return kept.past
        return await self._reading.ask(name, lambda: self._read(name, upto, anchor))

    async def _read(self, name: _Name, upto: int, anchor: Anchor) -> Past | None:
        incarnation, _, places, after = name
        began, past = time.perf_counter(), None
        if time.monotonic() >= self._away_until:
            try:
                past = await self._logs.read(incarnation, places, after, upto)
            except StreamUnavailable:
                self._away_until = time.monotonic() + _AWAY_SECONDS
        where: Literal["logs", "trail"] = "logs"
        if past is None:
            where, past = "trail", await self._trail.read(places, after, upto, anchor)
        if past is not None:
            observe(PastRead(where, time.perf_counter() - began))
            self._keep(name, _Kept(past, past.size, is_full=past.upto < upto))
        return past

    def _keep(self, name: _Name, kept: _Kept) -> None:
        before = self._kept.pop(name, None)
        self._held += kept.size - (0 if before is None else before.size)
        self._kept[name] = kept
        while self._held > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._held -= oldest.size
