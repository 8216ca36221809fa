"""A crash between every two steps of the relay: before a call, or after it and before its answer is known.

Every call of a leader to Postgres or Redis is counted. At the k-th, everything that it holds is torn away; then another
leader comes and must put things right, for k = 0, 1, 2 … until a run gets through without a crash. One receiver follows
all the while, as a gateway does.
"""

import asyncio
import contextlib
import os
import random
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import psycopg
import pytest
from tests.fixtures.cells import scribble
from tests.fixtures.observed import Observed
from tests.fixtures.relay import Receiver, Stream, running
from tests.fixtures.time import UNIT

from floorcast.errors import FloorcastError
from floorcast.observe import FeedRestarted, IncarnationBegan, LeadershipLost, TickPublished
from floorcast.relay.relay import Relay
from floorcast.stream import keys
from floorcast.stream.feed import FeedPublisher

When = Literal["before", "after"]
Call = Callable[..., Awaitable[Any]]

pytestmark = pytest.mark.usefixtures("quick_election")


@dataclass(slots=True)
class Fault:
    """Strikes once, at a call of the leader."""

    # Calls that still go well; None when it is not armed.
    left: int | None = None
    when: When = "before"
    # What the leader holds, to be torn away.
    sessions: list[psycopg.AsyncConnection[Any]] = field(default_factory=list)
    # What it did before.
    calls: list[str] = field(default_factory=list)

    @property
    def struck(self) -> bool:
        """Whether it has happened."""
        return self.left is not None and self.left < 0

    def arm(self, steps: int, when: When) -> None:
        """Strike at the call after so many."""
        self.left, self.when = steps, when
        self.calls.clear()
        self.sessions.clear()

    def disarm(self) -> None:
        """Strike no more."""
        self.left = None

    async def around(self, name: str, call: Call, *arguments: Any, **named: Any) -> Any:
        """Make a call, unless it is the one."""
        if self.left is None:
            return await call(*arguments, **named)
        self.calls.append(name)
        self.left -= 1
        if self.left >= 0:
            return await call(*arguments, **named)
        if self.when == "after":
            await call(*arguments, **named)
        for session in self.sessions:
            _tear(session)
        raise psycopg.OperationalError(f"a crash {self.when} {name}")


def _tear(session: psycopg.AsyncConnection[Any]) -> None:
    """End a link under a session that does not know; its file stays open, or its number would soon be another's."""
    if not session.closed:
        with socket.socket(fileno=os.dup(session.fileno())) as link, contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Fault:
    """Put into every call of a relay: its queries, on whatever cursor, and its calls of the feed."""
    made = Fault()
    execute = psycopg.AsyncCursor.execute

    async def execute_or_crash(self: psycopg.AsyncCursor[Any], query: Any, *rest: Any, **named: Any) -> Any:
        session = self.connection
        if not session.info.parameter_status("application_name").startswith("floorcast relay"):  # type: ignore[union-attr]
            return await execute(self, query, *rest, **named)
        if session not in made.sessions:
            made.sessions.append(session)
        name = str(query)[:60]
        return await made.around(name, execute, self, query, *rest, **named)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", execute_or_crash)
    for name in ("newest", "publish", "progress", "sweep"):
        original = getattr(FeedPublisher, name)

        async def call(*arguments: Any, _name: str = name, _original: Call = original, **named: Any) -> Any:
            return await made.around(_name, _original, *arguments, **named)

        monkeypatch.setattr(FeedPublisher, name, call)
    # Trim and sweep on the way, too.
    monkeypatch.setattr("floorcast.relay.publication._SWEEP_TICKS", 3)
    return made


async def lead(relay: Relay, stream: Stream, fault: Fault, observed: Observed) -> None:
    """Let a relay lead until it has published two changes, one after the other, and progress; or until it ends."""
    leading = asyncio.create_task(relay._lead_once())
    for _ in range(2):
        await stream.cells.put(random.randrange(20), random.randrange(10**6))
        published = asyncio.create_task(observed.wait_for(TickPublished, within=10 * UNIT))
        await asyncio.wait({leading, published}, return_when=asyncio.FIRST_COMPLETED)
        published.cancel()
        await asyncio.wait({published})
    fault.calls[:] = [name for name in fault.calls if name != "progress"]
    while "progress" not in fault.calls and not leading.done():
        await asyncio.wait({leading}, timeout=0.01)
    # One that crashed is let end by itself: a cancellation would meet it while it closes what it has.
    if not fault.struck:
        leading.cancel()
    await asyncio.wait({leading})
    if not leading.cancelled():
        # A crash ends it with an error of ours or of the driver's; anything else would end the process.
        assert isinstance(leading.exception(), psycopg.Error | FloorcastError | OSError)


async def heal(stream: Stream, receiver: Receiver, observed: Observed, after: int = 0) -> None:
    """Let a leader without faults come, until everything is published; then compare what came after a tick."""
    observed.forget()
    async with running(stream.relay()):
        await stream.drained(receiver)
        await stream.cells.put(99, random.randrange(10**6))
        await stream.drained(receiver)
    await stream.check_feed(after)
    # It had no rival any more, so nothing may have stopped it.
    assert observed.of(LeadershipLost) == []


async def every_step(
    stream: Stream, fault: Fault, observed: Observed, prepare: Callable[[], Awaitable[None]], when: When
) -> int:
    """Crash at every step of a leader that finds what `prepare` leaves; returns how many there were."""
    receiver = await stream.receiver()
    for step in range(200):
        compared = receiver.tick
        await prepare()
        observed.forget()
        fault.arm(step, when)
        await lead(stream.relay(), stream, fault, observed)
        struck, calls = fault.struck, list(fault.calls)
        fault.disarm()
        try:
            await heal(stream, receiver, observed, compared)
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(f"after a crash {when} step {step}, {calls[-1:]}: {error}") from error
        if not struck:
            await stream.check_receiver(receiver)
            await stream.check_feed()
            assert {"newest", "publish", "progress"} <= set(calls)
            return step
    raise AssertionError("a run that never ends")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_step_loses_and_repeats_nothing(
    stream: Stream, fault: Fault, observed: Observed, when: When
) -> None:
    """Redis is where the last leader left it, some ticks behind."""

    async def some_ticks_behind() -> None:
        # Ticks that were closed and never published: their leader died.
        for key in range(3):
            await stream.cells.put(key, random.randrange(10**6))
            await stream.connection.execute("select floorcast.close_tick(2000, 1048576)")

    steps = await every_step(stream, fault, observed, some_ticks_behind, when)
    assert steps > 15


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_while_an_empty_redis_is_filled(
    stream: Stream, fault: Fault, observed: Observed, when: When
) -> None:
    """The feed begins anew at the newest tick; what receivers lack they read from Postgres."""

    async def empty_redis() -> None:
        client = FeedPublisher(stream.redis_url)._redis
        await client.flushdb()
        await client.aclose()

    assert await every_step(stream, fault, observed, empty_redis, when) > 15


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_while_another_history_is_replaced(
    stream: Stream, fault: Fault, observed: Observed, when: When
) -> None:
    """Redis holds a tick that this database never sealed so: a new incarnation begins, perhaps more than one."""

    async def another_history() -> None:
        client = FeedPublisher(stream.redis_url)._redis
        await client.hset(keys.NEWEST, mapping={"incarnation": "elsewhere", "tick": 3, "seal": "00"})
        await client.aclose()

    assert await every_step(stream, fault, observed, another_history, when) > 15


async def test_a_crash_under_load_loses_and_repeats_nothing(stream: Stream, fault: Fault, observed: Observed) -> None:
    """Writers go on meanwhile, so steps of a busy relay are struck as well: renewing, draining, going back."""
    receiver = await stream.receiver()
    sessions = [await stream.cells.session() for _ in range(3)]
    chance = random.Random(11)

    async def write_for_ever(session: Any, seed: int) -> None:
        await scribble(session, random.Random(seed), 100_000)

    writing = [asyncio.create_task(write_for_ever(session, seed)) for seed, session in enumerate(sessions)]
    for _ in range(25):
        fault.arm(chance.randrange(10, 120), chance.choice(("before", "after")))
        leading = asyncio.create_task(stream.relay()._lead_once())
        await asyncio.wait({leading}, timeout=10 * UNIT)
        assert fault.struck
        assert leading.done()
        assert isinstance(leading.exception(), psycopg.Error | FloorcastError)
        fault.disarm()
    for task in writing:
        task.cancel()
    await asyncio.wait(writing)
    await heal(stream, receiver, observed)
    await stream.check_receiver(receiver)
    assert receiver.incarnations == [receiver.incarnation]
    assert not observed.of(IncarnationBegan)
    assert not observed.of(FeedRestarted)
