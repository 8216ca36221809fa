"""Frames that nobody would write, at a real port: whatever comes, in whatever pieces, costs only whoever sends it.

Valid messages, messages with one thing wrong, frames with one bit wrong, and noise, in both versions, before and behind
joins of every shape. The socket is answered or closed with a code that blames the client; nothing of it stays behind;
and a subscriber beside it hears of every tick.
"""

import asyncio
import contextlib
import gc
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.fixtures.gateway import NORTH, SOUTH, Open, Phone, Place, Stream, a_token, an_operation
from tests.fixtures.noise import LAST, Visit, a_hostile_frame, corpus, visits
from tests.fixtures.observed import Observed
from tests.fixtures.rawsocket import CLOSE, PONG, TEXT, a_frame, raw_connection, raw_socket
from tests.fixtures.time import UNIT

from floorcast.codes import CODES
from floorcast.gateway.audience import Audience, Member
from floorcast.gateway.connection import Connection
from floorcast.gateway.joining import Joining
from floorcast.gateway.listener import FrontDoor
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.session import Session
from floorcast.observe import TaskFailed
from floorcast.protocol.messages import SERVER

LONG = os.environ.get("FLOORCAST_SOAK") == "1"
EXAMPLES = 20_000 if LONG else 250
FRAMES = 1_000_000 if LONG else 20_000
FREE = 1e9
"""So many a second: what limits the crowd is tried elsewhere."""

KEPT = (Connection, FrontDoor, Session, Outbox, Member, Audience, Joining)


@dataclass
class Yard:
    """A gateway, a subscriber who minds his own business, and what the loop complained of."""

    place: Place
    neighbour: Phone
    observed: Observed
    complaints: list[dict[str, Any]]
    # What the neighbour was given by the last join.
    cursor: str
    ticks: int = 0
    # Ticks that the neighbour was told of, and that there is one more.
    heard: list[int] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        """Have the neighbour read, as neighbours do."""
        while True:
            # It may be quiet for a while: what is drawn takes its time too.
            with contextlib.suppress(TimeoutError):
                self.heard.append((await self.neighbour.until("changes"))["tick"])
                self.news.set()

    def check(self) -> None:
        """Nothing of ours has failed."""
        assert self.observed.of(TaskFailed) == []
        assert self.complaints == []

    def close_tick(self) -> None:
        """Have something happen."""
        self.ticks += 1
        self.place.stream.close_tick(an_operation(self.ticks))

    async def end(self) -> None:
        """The neighbour has heard of everything, and nothing is left of anybody else."""
        async with asyncio.timeout(10 * UNIT):
            while len(self.heard) < self.ticks:
                self.news.clear()
                await self.news.wait()
        assert self.heard == list(range(1, self.ticks + 1))
        self.check()
        async with asyncio.timeout(10 * UNIT):
            while (left := kept()) != Counter({Connection: 1, Session: 1, Outbox: 1, Member: 1, Audience: 1}):
                assert left
                # What is kept of the past, also for audiences that are gone, goes with a tick that finds nobody behind.
                self.close_tick()
                await asyncio.sleep(0.05)
        hub = self.place.gateway._hub
        assert list(hub._warehouses) == [NORTH]
        assert [task for task in asyncio.all_tasks() if task.get_name() == "errand"] == []


def kept() -> Counter[type]:
    """How many there are of what a socket is made of."""
    gc.collect()
    return Counter(type(thing) for thing in gc.get_objects() if type(thing) in KEPT)


@pytest.fixture
async def yard(open_gateway: Open, observed: Observed) -> AsyncIterator[Yard]:
    """With room for any number of sockets and joins."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    place = await open_gateway(
        Stream().granting(anna={NORTH: "technician", SOUTH: "manager"}),
        frame_bytes=16_384,
        topics_per_socket=3,
        connects_per_second=FREE,
        user_connects_per_second=FREE,
        joins_per_second=FREE,
        user_joins_per_second=FREE,
    )
    async with place.phone() as neighbour:
        joined = await neighbour.join()
        yard = Yard(place, neighbour, observed, complaints, joined["response"]["cursor"])
        listening = asyncio.create_task(yard.listen())
        yield yard
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


async def _visit(place: Place, visit: Visit) -> None:
    """Play it, ask for a last heartbeat, go, and judge everything that was said meanwhile."""
    async with raw_socket(place, vsn=visit.vsn) as raw:
        last = b""
        try:
            await raw.send(*visit.pieces, a_frame(TEXT, LAST[visit.vsn]))
            if not visit.abrupt:
                raw.writer.write_eof()
            while last == b"":
                opcode, data = await raw.receive()
                last = _judge(visit.vsn, opcode, data)
            if visit.abrupt:
                return
            async with asyncio.timeout(10 * UNIT):
                await raw.reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            # Half a frame was left, which swallowed the heartbeat; or it was closed while more was on its way.
            pass


def _judge(vsn: str, opcode: int, data: bytes) -> bytes:
    """See that a frame of the server is one; return what ends the visit."""
    if opcode == PONG:
        return b""
    if opcode == CLOSE:
        # Its own code may come back, whichever it was; one that says that something failed here may not.
        assert not data or int.from_bytes(data[:2]) != CODES["internal"].close
        return b"closed"
    assert opcode == TEXT
    frame = json.loads(data)
    if vsn == "2.0.0":
        _, ref, topic, event, payload = frame
    else:
        assert set(frame) == {"topic", "event", "payload", "ref"}
        ref, topic, event, payload = frame["ref"], frame["topic"], frame["event"], frame["payload"]
    assert event in SERVER
    if event == "phx_reply" and payload["status"] == "error":
        said = payload["response"]
        # On topics of Supabase's kind there is a reason and no code, as its clients know it.
        code = said["reason"] if topic.startswith("realtime:") and "code" not in said else said["code"]
        assert code == "unmatched topic" or code in CODES
        assert code != "internal"
    return b"answered" if ref == "the last" else b""


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
# The clients' library draws masks and pings in the loop's thread, while Hypothesis draws in its own.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
async def test_whatever_a_client_sends_is_answered_or_blamed_on_it(yard: Yard) -> None:
    """Shrunk to the frame that does it, where one does."""
    loop = asyncio.get_running_loop()

    async def play(visit: Visit) -> None:
        # Each is judged by itself, or none could be found to be the one.
        yard.observed.forget()
        yard.complaints.clear()
        yard.close_tick()
        await _visit(yard.place, visit)
        yard.check()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(visits(yard.cursor))
    def visited(visit: Visit) -> None:
        asyncio.run_coroutine_threadsafe(play(visit), loop).result(60 * UNIT)

    await asyncio.to_thread(visited)
    await yard.end()


def _resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_twenty_thousand_hostile_frames_leave_nothing_behind(yard: Yard) -> None:
    """No object of any of their sockets, and no memory beyond what the first few thousand had needed."""
    chance, texts = random.Random(7), {vsn: corpus(vsn, yard.cursor) for vsn in LAST}

    async def flood(frames: int) -> None:
        sent = 0
        while sent < frames:
            vsn = chance.choice(list(LAST))
            abrupt = chance.random() < 0.5
            some = [a_hostile_frame(chance, texts[vsn], noise=not abrupt) for _ in range(100)]
            sent += len(some)
            yard.close_tick()
            await _visit(yard.place, Visit(vsn, some, [chance.randrange(1, 5_000)] * 3, abrupt))

    await flood(FRAMES // 5)
    gc.collect()
    before = _resident()
    await flood(FRAMES)
    gc.collect()
    grown = _resident() - before
    assert grown < 2 * 2**20
    await yard.end()


async def test_heads_that_are_noise_are_refused_or_dropped(yard: Yard) -> None:
    """Before a socket is one, too: any bytes, in any pieces."""
    chance = random.Random(11)
    proper = (
        b"GET /realtime/v1/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nx-api-key: " + a_token().encode()
    )
    for _ in range(4_000 if LONG else 300):
        head = bytearray(proper)
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(head))
            head[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        async with raw_connection(yard.place) as raw:
            await raw.send(bytes(head[:40]), bytes(head[40:]) + b"\r\n\r\n")
            raw.writer.write_eof()
            try:
                status = int((await raw.answer()).split(b" ")[1])
            except (asyncio.IncompleteReadError, ConnectionError):
                continue
            assert status == 101 or 200 <= status < 500
        yard.check()
    yard.close_tick()
    await yard.end()
