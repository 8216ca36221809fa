"""One run of one program: its output, its end."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from signal import SIGKILL, SIGTERM, Signals

from floorcast.child import spawn
from floorcast.supervisor.lines import Lines
from floorcast.supervisor.procfile import Program

Say = Callable[[str, str], None]
"""Shows a line: name of the process, text."""

_PIECE = 65_536  # bytes
_LAST_WORDS = 1.0  # seconds that output may take to arrive after the end


class Process:
    """A started program. It is killed when we die: an `up` that was killed has nobody left to drain for."""

    def __init__(self, program: Program, environment: Mapping[str, str], say: Say) -> None:
        """Start it, in a session of its own; needs a running loop."""
        self._name = program.name
        self._say = say
        self._child = spawn(
            program.command,
            death_signal=SIGKILL,
            family=program.is_shell,
            environment=environment,
            output=subprocess.PIPE,
        )
        # Not asyncio's own subprocesses: on some loops their end is known only when their pipe is closed, and
        # whatever a shell of the Procfile left behind may hold that open for ever.
        self._end = asyncio.get_running_loop().run_in_executor(ThreadPoolExecutor(1), _exit_code, self._child.pid)
        # Passes the output on until nobody can write any more.
        self._output = asyncio.create_task(self._pass_on(), name=f"{program.name} output")

    @property
    def pid(self) -> int:
        """Its process id, and that of its session."""
        return self._child.pid

    async def ended(self) -> int:
        """Wait for its end; its exit code, negative for a signal."""
        return await asyncio.shield(self._end)

    async def stop(self, patience: float) -> None:
        """SIGTERM to it and what it started, SIGKILL after ``patience`` seconds; returns when it is gone."""
        self._send(SIGTERM)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended(), patience)
        finally:
            self._send(SIGKILL)  # Also to what a shell of the Procfile may have left behind.
        await self.ended()
        self._child.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._output, _LAST_WORDS)

    async def _pass_on(self) -> None:
        assert self._child.stdout is not None  # noqa: S101 — asked for in __init__
        output = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), self._child.stdout
        )
        lines = Lines()
        try:
            while piece := await output.read(_PIECE):
                for line in lines.feed(piece):
                    self._say(self._name, line)
            for line in lines.end():
                self._say(self._name, line)
        finally:
            transport.close()

    def _send(self, number: Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, number)


def _exit_code(process: int) -> int:
    """Wait for its end without taking it away: until it is reaped, its number, and its group's, is nobody else's."""
    end = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert end is not None  # noqa: S101 — only None with WNOHANG
    return end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
