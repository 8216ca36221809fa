"""Looks after the embedded servers: one that died is started again."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from random import Random
from typing import Protocol

from floorcast.errors import EmbeddedServerError
from floorcast.observe import ChildEnded, TaskFailed, observe
from floorcast.supervisor.restart import Restarts

_LOOK_AGAIN = 0.2  # seconds


class Server(Protocol):
    """What the caretaker needs of a server."""

    @property
    def exit_code(self) -> int | None:
        """Its exit code if it ended by itself, negative for a signal; None while it runs."""
        ...

    def start(self) -> None:
        """Start it again where it was; blocks until it answers."""
        ...


async def look_after(servers: Mapping[str, Server], stop: asyncio.Event) -> None:
    """Watch all until ``stop`` is set. Its processes notice a restarted server by themselves."""
    async with asyncio.TaskGroup() as group:
        for name, server in servers.items():
            group.create_task(_look_after_one(name, server, stop), name=name)
        await stop.wait()


async def _look_after_one(name: str, server: Server, stop: asyncio.Event) -> None:
    restarts = Restarts(Random())  # noqa: S311 — spreads restarts, guards nothing
    started = time.monotonic()
    while not await _stopped_within(stop, _LOOK_AGAIN):
        code = server.exit_code
        if code is None:
            continue
        delay = restarts.delay_after(time.monotonic() - started)
        observe(ChildEnded(name=name, code=code, again_in_seconds=delay))
        if await _stopped_within(stop, delay):
            return
        try:
            await asyncio.to_thread(server.start)
        except (EmbeddedServerError, OSError) as error:
            observe(TaskFailed(component=name, error=str(error)))
        started = time.monotonic()


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
