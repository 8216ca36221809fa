"""Tells what the database said in ticks that are too large to be held: read from the trail, page by page.

What is said in those rooms meanwhile waits behind it, as far as it is kept.
"""

import asyncio
from collections.abc import Callable, Sequence
from random import SystemRandom

from floorcast.backoff import Backoff
from floorcast.errors import AnotherTick, DatabaseUnavailable, TickNotKept
from floorcast.gateway.channels.rooms import Rooms
from floorcast.gateway.upstream import PastTrail
from floorcast.observe import TaskFailed, observe
from floorcast.tick import Anchor

_COMPONENT = "gateway"


class Messenger:
    """One after the other, for all rooms of a gateway."""

    def __init__(self, rooms: Rooms, trail: PastTrail, anchor: Callable[[], Anchor]) -> None:
        """Do nothing before `run`; `anchor` says of which history ticks are that are heard of now."""
        self._rooms = rooms
        self._trail = trail
        self._due: asyncio.Queue[tuple[int, Sequence[str], Anchor]] = asyncio.Queue()
        rooms.fetch = lambda tick, places: self._due.put_nowait((tick, places, anchor()))

    async def run(self) -> None:
        """Read whenever there is something, until cancelled."""
        while True:
            tick, places, anchor = await self._due.get()
            try:
                await self._tell(tick, places, anchor)
            except Exception as error:  # noqa: BLE001 — a fault of ours must not silence the rooms
                observe(TaskFailed(_COMPONENT, f"{type(error).__name__}: {error}"))
            self._rooms.fetched(places)

    async def _tell(self, tick: int, places: Sequence[str], anchor: Anchor) -> None:
        told = 0
        backoff = Backoff(SystemRandom(), largest_seconds=5.0)
        while True:
            number = 0
            try:
                async for page in self._trail.pages(tick, places, anchor):
                    number += 1
                    if number > told:
                        self._rooms.hear(page, fetched=True)
                        told = number
                        await asyncio.sleep(0)
            except (TickNotKept, AnotherTick):
                return
            except DatabaseUnavailable:
                await asyncio.sleep(backoff.next_seconds())
            else:
                return
