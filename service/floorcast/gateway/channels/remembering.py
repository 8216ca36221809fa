"""Remembers for clients that do it not themselves where their channels have got to, for as long as they asked.

What a client has is known by a ping behind it that comes back. What was only written may be lost with the line, so it
is told again: repeats are possible, losses are not. Nothing is granted: what is told again is decided anew.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from floorcast.errors import StreamUnavailable
from floorcast.gateway.channels.channel import Channel
from floorcast.gateway.channels.remembered import memory_of
from floorcast.observe import TaskFailed, observe
from floorcast.stream.memory import Mark, Recalled

_COMPONENT = "memory"
_PAUSE_SECONDS = 0.1
_AT_ONCE = 256


class Memory(Protocol):
    """Where it is kept. All raise StreamUnavailable; `stream.memory.ShortMemory` is one."""

    async def enter(self, mark: Mark) -> Recalled:
        """Note a joining that begins; return what is known of others of its name."""
        ...

    async def keep(self, marks: Sequence[Mark]) -> None:
        """Note that joinings are further."""
        ...

    async def forget(self, name: str, joining: str) -> None:
        """Forget a joining."""
        ...


class Remembering:
    """Every channel of a gateway that is remembered."""

    def __init__(self, memory: Memory | None) -> None:
        """Do nothing before `run`; without a memory nothing is remembered."""
        self._memory = memory
        # Channel → what it has for certain by now, None when its client has left; not yet noted.
        self._due: dict[Channel, tuple[str, int] | None] = {}
        self._stirred = asyncio.Event()

    async def enter(self, channel: Channel, incarnation: str, tick: int) -> tuple[str | None, str | None]:
        """Note that a channel begins; return where it has to go on, as `config.resume`, and a reason for a gap.

        `tick` is the present. The reason is `memory` where it is not known what was missed.
        """
        if self._memory is None:
            return None, None
        try:
            found = await self._memory.enter(_mark(channel, incarnation, tick))
        except StreamUnavailable:
            return None, "memory"
        resume = None if found.place is None else f"{found.place[0]}/{found.place[1]}-0"
        return resume, "memory" if found.forgotten or found.full else None

    def confirm(self, incarnation: str, ticks: Mapping[Channel, int]) -> None:
        """Note that clients have everything up to ticks of a history."""
        for channel, tick in ticks.items():
            if not channel.over:
                self._due[channel] = incarnation, tick
        self._stirred.set()

    def forget(self, channel: Channel) -> None:
        """Forget a channel whose client has left it."""
        if channel.remember and self._memory is not None:
            self._due[channel] = None
            self._stirred.set()

    async def run(self) -> None:
        """Note what is due, until cancelled."""
        if self._memory is None:
            return
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            due, self._due = self._due, {}
            try:
                await self._note(self._memory, due)
            except StreamUnavailable:
                # What was noted before still is: more is told again than need be.
                pass
            except Exception as error:  # noqa: BLE001 — a fault of ours must not end all remembering
                observe(TaskFailed(_COMPONENT, f"{type(error).__name__}: {error}"))
            # A thousand sockets are confirmed within seconds: together.
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _note(self, memory: Memory, due: Mapping[Channel, tuple[str, int] | None]) -> None:
        marks = [_mark(channel, *place) for channel, place in due.items() if place is not None]
        for start in range(0, len(marks), _AT_ONCE):
            await memory.keep(marks[start : start + _AT_ONCE])
        for channel, place in due.items():
            if place is None:
                await memory.forget(memory_of(channel), channel.joining)


def _mark(channel: Channel, incarnation: str, tick: int) -> Mark:
    return Mark(memory_of(channel), channel.joining, incarnation, tick, channel.remember)
