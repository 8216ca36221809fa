"""One run of one program: its output, its end."""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from signal import SIGKILL, SIGTERM, Signals

from floorcast.child import launch_command
from floorcast.supervisor.lines import Lines
from floorcast.supervisor.procfile import Program

Say = Callable[[str, str], None]
"""Shows a line: name of the process, text."""

_PIECE = 65_536  # bytes
_LAST_WORDS = 1.0  # seconds that output may take to arrive after the end


class Process:
    """A started program. It is killed when we die: an `up` that was killed has nobody left to drain for."""

    def __init__(self, program: Program, child: asyncio.subprocess.Process, say: Say) -> None:
        """Use ``start``."""
        self._name = program.name
        self._child = child
        self._say = say
        # Passes the output on until nobody can write any more.
        self._output = asyncio.create_task(self._pass_on(), name=f"{program.name} output")

    @classmethod
    async def start(cls, program: Program, environment: Mapping[str, str], say: Say) -> "Process":
        """Run it in a session of its own. Must be called on the main thread's loop (see floorcast.child)."""
        child = await asyncio.create_subprocess_exec(
            *launch_command(program.command, death_signal=SIGKILL),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
        return cls(program, child, say)

    @property
    def pid(self) -> int:
        """Its process id, and that of its session."""
        return self._child.pid

    async def ended(self) -> int:
        """Wait for its end; its exit code, negative for a signal."""
        return await self._child.wait()

    async def stop(self, patience: float) -> None:
        """SIGTERM to it and what it started, SIGKILL after ``patience`` seconds; returns when it is gone."""
        self._send(SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._child.wait(), patience)
        self._send(SIGKILL)  # Also to what a shell of the Procfile may have left behind.
        await self._child.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._output, _LAST_WORDS)

    async def _pass_on(self) -> None:
        output = self._child.stdout
        assert output is not None  # noqa: S101 — asked for in start()
        lines = Lines()
        while piece := await output.read(_PIECE):
            for line in lines.feed(piece):
                self._say(self._name, line)
        for line in lines.end():
            self._say(self._name, line)

    def _send(self, number: Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, number)
