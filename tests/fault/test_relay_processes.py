"""Relays as real processes: stopped, woken up too late, killed, asked to end, and fed with a huge transaction."""

import asyncio
import os
import random
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import orjson
import pytest
from tests.builders import SECRET
from tests.fixtures.cells import scribble
from tests.fixtures.relay import Stream
from tests.fixtures.time import UNIT

SOAK = "FLOORCAST_SOAK" in os.environ

START = "from floorcast.cli import app; app()"

BROKEN = """
from floorcast.relay.relay import Relay
async def run(self):
    raise ValueError("a bug")
Relay.run = run
"""


class RelayProcess:
    """`floorcast relay` in a process of its own, and what it says."""

    def __init__(self, process: Process) -> None:
        """Use the fixture."""
        self.process = process
        self.events: list[str] = []
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def says(self, event: str, *, times: int = 1, within: float = 15 * UNIT) -> None:
        """Wait until its log has named an event so often."""
        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(lambda: self.events.count(event) >= times)
        except TimeoutError:
            raise AssertionError(f"no {event} ({times}) within {within:g} s; it said {self.events}") from None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    @property
    def peak(self) -> int:
        """The most memory that it ever had resident, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    async def end(self) -> None:
        """Kill it if it still runs."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            said = orjson.loads(line).get("event", "") if line.startswith(b"{") else line.decode()
            async with self._news:
                self.events.append(said)
                self._news.notify_all()


StartRelay = Callable[..., Awaitable[RelayProcess]]


@pytest.fixture
async def start_relay(stream: Stream) -> AsyncIterator[StartRelay]:
    """Start relays; what still runs in the end is killed."""
    started: list[RelayProcess] = []

    async def start(before: str = "") -> RelayProcess:
        environment = {
            **os.environ,
            "DATABASE_URL": stream.cells.database.service_url,
            "REDIS_URL": stream.redis_url,
            "FLOORCAST_JWT_SECRET": SECRET,
            "FLOORCAST_LOG_FORMAT": "json",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", before + START, "relay", env=environment, stderr=PIPE
        )
        started.append(RelayProcess(process))
        return started[-1]

    yield start
    for relay in started:
        await relay.end()


async def test_a_stopped_leader_is_replaced_and_changes_nothing_when_it_wakes(
    stream: Stream, start_relay: StartRelay
) -> None:
    """SIGSTOP keeps its session and its lock. A standby ends them after five seconds of silence; under load."""
    receiver = await stream.receiver()
    leader = await start_relay()
    await leader.says("leadership taken")
    standby = await start_relay()
    await standby.says("standby")
    writers = [
        asyncio.create_task(scribble(await stream.cells.session(), random.Random(seed), 100_000)) for seed in range(2)
    ]
    await receiver.until(5)
    leader.signal(signal.SIGSTOP)
    begun = time.monotonic()
    await standby.says("leader silent")
    await standby.says("leadership taken")
    assert time.monotonic() - begun < 8 * UNIT
    await receiver.until(await stream.newest() + 5)
    leader.signal(signal.SIGCONT)
    await leader.says("leadership lost")
    await leader.says("standby")
    await receiver.until(await stream.newest() + 5)
    for task in writers:
        task.cancel()
    await asyncio.wait(writers)
    await stream.drained(receiver)
    await stream.check_receiver(receiver)
    await stream.check_feed()
    assert receiver.incarnations == [receiver.incarnation]


async def test_a_killed_leader_is_replaced_at_once(stream: Stream, start_relay: StartRelay) -> None:
    """Its session ends with it; nobody waits for silence. Again and again, under load."""
    receiver = await stream.receiver()
    leader = await start_relay()
    await leader.says("leadership taken")
    writers = [
        asyncio.create_task(scribble(await stream.cells.session(), random.Random(seed), 100_000)) for seed in range(2)
    ]
    for _ in range(10 if SOAK else 2):
        standby = await start_relay()
        await standby.says("standby")
        leader.signal(signal.SIGKILL)
        await standby.says("leadership taken")
        assert "leader silent" not in standby.events
        await receiver.until(await stream.newest() + 3)
        leader = standby
    for task in writers:
        task.cancel()
    await asyncio.wait(writers)
    await stream.drained(receiver)
    await stream.check_receiver(receiver)
    await stream.check_feed()


async def test_a_relay_that_is_asked_to_end_ends_at_once(stream: Stream, start_relay: StartRelay) -> None:
    """Leader or standby, busy or idle, with 0; deployments wait for it."""
    leader = await start_relay()
    await leader.says("leadership taken")
    standby = await start_relay()
    await standby.says("standby")
    writing = asyncio.create_task(scribble(await stream.cells.session(), random.Random(1), 100_000))
    for relay in (standby, leader):
        relay.signal(signal.SIGTERM)
        async with asyncio.timeout(5 * UNIT):
            assert await relay.process.wait() == 0
    writing.cancel()
    await asyncio.wait({writing})


async def test_a_relay_that_fails_in_a_way_that_nobody_foresaw_ends(start_relay: StartRelay) -> None:
    """Its supervisor starts it again; a process that lives and leads nothing would be silence."""
    relay = await start_relay(BROKEN)
    async with asyncio.timeout(10 * UNIT):
        assert await relay.process.wait() == 1


async def test_a_huge_transaction_passes_in_bounded_memory(stream: Stream, start_relay: StartRelay) -> None:
    """A marker in the feed, and in the relay no more than for a small one."""
    rows = 1_000_000 if SOAK else 300_000
    receiver = await stream.receiver()
    relay = await start_relay()
    await relay.says("leadership taken")
    await stream.cells.put(1)
    await receiver.until(1)
    before = relay.peak
    await stream.cells.owner.execute(
        "insert into cells select i, 'north', 0 from generate_series(1000, %s) as i", [999 + rows]
    )
    await stream.published(2)
    await stream.cells.put(2)
    await stream.published(3)
    assert relay.peak - before < 24 * 2**20
    held = await stream.entries()
    assert [(entry.count, entry.large) for entry in held[-3:]] == [(1, False), (rows, True), (1, False)]
    assert "leadership lost" not in relay.events
