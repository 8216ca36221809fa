"""Pages of the past, each read once for all who missed the same: from the logs in Redis, or else from the trail.

A thousand kiosks that were away together come back with cursors a few ticks apart. So pages begin at round ticks,
whoever asks, and are kept for a while.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from floorcast.errors import StreamUnavailable
from floorcast.past import Past

_ROUND = 256
"""Ticks. Reading back to a round one costs little, and most who ask are given the same page."""

_Name = tuple[str, tuple[str, ...], int]


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

    async def read(self, places: tuple[str, ...], after: int, upto: int) -> Past | None:
        """Return what places had after a tick; None where that is not kept any more. Raises DatabaseUnavailable."""
        ...


class Pages:
    """Reads pages of the past and keeps the newest used."""

    def __init__(self, logs: Logs, trail: Trail, *, most_bytes: int) -> None:
        """Take where to read, and how much to keep."""
        self._logs = logs
        self._trail = trail
        self._most_bytes = most_bytes
        self._held = 0
        # History, places and the tick that a page begins behind; the least recently used first.
        self._kept: OrderedDict[_Name, _Kept] = OrderedDict()
        self._reading: dict[_Name, asyncio.Task[Past | None]] = {}

    async def page(self, incarnation: str, places: tuple[str, ...], after: int, upto: int) -> Past | None:
        """Return what happened in some places after a tick, up to another or less; None when it is not kept any more.

        Raises:
            DatabaseUnavailable: Redis does not have it, and Postgres does not answer.
        """
        beginning = after - after % _ROUND
        if beginning < after:
            past = await self._shared((incarnation, places, beginning), upto)
            # A page may end before what is asked for, and what is before the round tick may be gone.
            if past is not None and past.upto > after:
                return past.between(after, upto)
        past = await self._shared((incarnation, places, after), upto)
        return None if past is None else past.between(after, upto)

    async def _shared(self, name: _Name, upto: int) -> Past | None:
        kept = self._kept.get(name)
        if kept is not None:
            self._kept.move_to_end(name)
            if kept.past.upto >= upto or kept.is_full:
                return kept.past
        reading = self._reading.get(name)
        if reading is None:
            reading = self._reading[name] = asyncio.create_task(self._read(name, upto), name="page of the past")
            reading.add_done_callback(lambda _: self._reading.pop(name, None))
        # One of many who wait may be cut off; the others still want it.
        return await asyncio.shield(reading)

    async def _read(self, name: _Name, upto: int) -> Past | None:
        incarnation, places, after = name
        try:
            past = await self._logs.read(incarnation, places, after, upto)
        except StreamUnavailable:
            past = None
        if past is None:
            past = await self._trail.read(places, after, upto)
        if past is not None:
            self._keep(name, _Kept(past, past.size, is_full=past.upto < upto))
        return past

    def _keep(self, name: _Name, kept: _Kept) -> None:
        before = self._kept.pop(name, None)
        self._held += kept.size - (0 if before is None else before.size)
        self._kept[name] = kept
        while self._held > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._held -= oldest.size
