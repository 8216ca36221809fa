"""The supervisor, with real processes."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.fixtures.observed import Observed
from tests.fixtures.processes import lives, wait_until
from tests.fixtures.time import UNIT

from floorcast.observe import ChildEnded, ChildStarted
from floorcast.supervisor import STOP_PATIENCE, Program, Supervisor


class Sayings:
    """Collects what processes write; wakes whoever waits for a line."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self.lines: list[tuple[str, str]] = []
        self._news = asyncio.Event()

    def say(self, name: str, text: str) -> None:
        """Take a line."""
        self.lines.append((name, text))
        self._news.set()

    async def heard(self, name: str, text: str, times: int = 1) -> None:
        """Wait until the line was said so often."""
        await self._until(lambda: self.lines.count((name, text)) >= times)

    async def heard_anything(self) -> None:
        """Wait until anything was said."""
        await self._until(lambda: bool(self.lines))

    async def _until(self, satisfied: Callable[[], bool]) -> None:
        async with asyncio.timeout(10 * UNIT):
            while not satisfied():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def supervised(
    *programs: Program, sayings: Sayings, stop_patience: float = STOP_PATIENCE
) -> AsyncIterator[asyncio.Event]:
    """Run programs; yields the stop event, which is set at the end."""
    stop = asyncio.Event()
    supervisor = Supervisor(lambda _: os.environ, sayings.say, stop_patience=stop_patience)
    running = asyncio.create_task(supervisor.run(programs, stop))
    try:
        yield stop
    finally:
        stop.set()
        await running


def shell(name: str, script: str) -> Program:
    """A program written in shell."""
    return Program(name, ("/bin/sh", "-c", script))


async def test_a_process_that_died_is_started_again(observed: Observed) -> None:
    """The others are not disturbed."""
    sayings = Sayings()
    steady = shell("steady", "echo here; exec sleep 60")
    async with supervised(shell("frail", "echo once; exit 3"), steady, sayings=sayings):
        ended = await observed.wait_for(ChildEnded, lambda event: event.name == "frail")
        assert ended.code == 3
        await sayings.heard("frail", "once", times=2)
    assert [event.name for event in observed.of(ChildStarted)].count("steady") == 1


async def test_a_process_killed_from_outside_is_started_again(observed: Observed) -> None:
    """Its end is told as the signal that it was."""
    async with supervised(Program("victim", ("sleep", "60")), sayings=Sayings()):
        first = await observed.wait_for(ChildStarted)
        os.kill(first.pid, 9)
        assert (await observed.wait_for(ChildEnded)).code == -9
        assert (await observed.wait_for(ChildStarted)).pid != first.pid


async def test_a_process_may_take_its_time_to_stop() -> None:
    """SIGTERM first: what it does then is still heard."""
    sayings = Sayings()
    script = "trap 'echo draining; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    async with supervised(shell("polite", script), sayings=sayings):
        await sayings.heard("polite", "ready")
    assert ("polite", "draining") in sayings.lines


async def test_a_process_that_does_not_stop_is_killed(observed: Observed) -> None:
    """After the deadline; one stubborn process cannot keep `up` from ending."""
    sayings = Sayings()
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    async with supervised(shell("stubborn", script), sayings=sayings, stop_patience=0.2):
        await sayings.heard("stubborn", "ready")
    assert not lives(observed.of(ChildStarted)[0].pid)


async def test_what_a_shell_left_behind_ends_with_it(observed: Observed) -> None:
    """A Procfile line with a shell in it may have children of its own; their pipe keeps nobody waiting."""
    sayings = Sayings()
    async with supervised(shell("parent", "sleep 60 & echo $!; exit 0"), sayings=sayings):
        await observed.wait_for(ChildEnded)
        await sayings.heard_anything()
    left = [int(text) for _, text in sayings.lines]
    wait_until(lambda: not any(lives(process) for process in left), "what the shell started is still there")


async def test_a_command_that_does_not_exist_says_so(observed: Observed) -> None:
    """As a shell would: 127, and a line."""
    sayings = Sayings()
    async with supervised(Program("lost", ("floorcast-nonexistent",)), sayings=sayings):
        assert (await observed.wait_for(ChildEnded)).code == 127
        await sayings.heard("lost", "floorcast-nonexistent: No such file or directory")


async def test_a_program_that_runs_once_gives_its_exit_code() -> None:
    """As the release process does."""
    supervisor = Supervisor(lambda _: os.environ, Sayings().say)
    assert await supervisor.run_once(shell("release", "exit 4"), asyncio.Event()) == 4


async def test_a_program_that_is_stopped_gives_none() -> None:
    """Being told to stop is no failure of the release."""
    supervisor = Supervisor(lambda _: os.environ, Sayings().say)
    stop = asyncio.Event()
    running = asyncio.create_task(supervisor.run_once(Program("release", ("sleep", "60")), stop))
    stop.set()
    assert await asyncio.wait_for(running, 10) is None
