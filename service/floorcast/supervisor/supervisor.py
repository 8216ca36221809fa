"""Keeps programs running until told to stop."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random

from floorcast.observe import ChildEnded, ChildStarted, observe
from floorcast.supervisor.process import Process, Say
from floorcast.supervisor.procfile import Program
from floorcast.supervisor.restart import Restarts

STOP_PATIENCE = 12.0
"""Seconds between SIGTERM and SIGKILL; more than a process takes to drain (see floorcast.lifecycle)."""

Environment = Callable[[Program], Mapping[str, str]]
"""The whole environment of a program: one that another process needs is none of its business."""


class Supervisor:
    """Runs programs side by side; what dies is started again, ever later while it keeps dying."""

    def __init__(self, environment: Environment, say: Say, *, stop_patience: float = STOP_PATIENCE) -> None:
        """``say`` gets the output of all programs, line by line; a program has ``stop_patience`` seconds to end."""
        self._environment = environment
        self._say = say
        self._stop_patience = stop_patience

    async def run(self, programs: Sequence[Program], stop: asyncio.Event) -> None:
        """Run all until ``stop`` is set; returns when none is left. Cancellation ends them just so."""
        async with asyncio.TaskGroup() as group:
            for program in programs:
                group.create_task(self._keep(program, stop), name=program.name)

    async def run_once(self, program: Program, stop: asyncio.Event) -> int | None:
        """Run a program to its end: its exit code, negative for a signal; None if ``stop`` ended it."""
        process = Process(program, self._environment(program), self._say)
        observe(ChildStarted(name=program.name, pid=process.pid))
        ended = asyncio.create_task(process.ended())
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            return None if stop.is_set() else ended.result()
        finally:
            asked.cancel()
            ended.cancel()
            # Shielded: what was started is ended, even when we are told to hurry.
            await asyncio.shield(process.stop(self._stop_patience))

    async def _keep(self, program: Program, stop: asyncio.Event) -> None:
        restarts = Restarts(Random())  # noqa: S311 — spreads restarts, guards nothing
        while not stop.is_set():
            started = time.monotonic()
            code = await self.run_once(program, stop)
            if code is None:
                return
            delay = restarts.delay_after(time.monotonic() - started)
            observe(ChildEnded(name=program.name, code=code, again_in_seconds=delay))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), delay)
