"""The front door on a transport that only remembers: when it reads, and when it does not."""

import asyncio
from itertools import pairwise
from random import Random
from types import SimpleNamespace
from typing import Any

from tests.fixtures.time import UNIT

from floorcast.access.claims import Claims
from floorcast.errors import TokenError
from floorcast.gateway.admission import Admission, Limits, Pace
from floorcast.gateway.listener import FrontDoor, HttpSide
from floorcast.gateway.turns import Turns
from floorcast.gateway.wheel import Wheel


class _Transport:
    """Takes everything, and knows whether it is read from."""

    def __init__(self) -> None:
        self.reading = True
        self.resumed = asyncio.Event()
        self.closed = False
        self.written = b""

    def pause_reading(self) -> None:
        assert self.reading, "paused twice"
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading, "resumed twice"
        self.reading = True
        self.resumed.set()

    def write(self, data: bytes) -> None:
        assert not self.closed, "written to behind its end"
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, high: int) -> None:
        """Never full."""

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, _name: str) -> None:
        return None


class _Application:
    """Reads nothing before it is let, and then everything."""

    def __init__(self) -> None:
        self.may_read = asyncio.Event()
        self.read = 0
        self.heard: list[str] = []
        self.done = asyncio.Event()

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        await self.may_read.wait()
        more = True
        while more:
            message = await receive()
            self.heard.append(message["type"])
            self.read += len(message.get("body", b""))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        self.done.set()


def _stranger(_token: str) -> Claims:
    raise TokenError("token_invalid", "none of ours")


def _shared() -> Any:
    loop, pace = asyncio.get_running_loop(), Pace(100, 100)
    return SimpleNamespace(
        loop=loop,
        wheel=Wheel(0.25, loop.time()),
        admission=Admission(Limits(pace, pace, None, pace, pace, 10), Random(1)),
        handshake_seconds=10,
        idle_seconds=60,
        body_bytes=1_000_000,
        open_sockets=set(),
        rules=SimpleNamespace(verify=_stranger),
        handshakes=Turns(3),
    )


def _door(application: _Application, shared: Any = None) -> tuple[FrontDoor, _Transport]:
    door, transport = FrontDoor(HttpSide(application, shared or _shared())), _Transport()
    door.connection_made(transport)  # type: ignore[arg-type]
    return door, transport


async def test_nothing_is_read_that_the_application_does_not_take() -> None:
    """What it leaves lies with the kernel, and the other side is told to wait."""
    application = _Application()
    door, transport = _door(application)
    door.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n")
    assert transport.reading
    door.data_received(b"x" * 65_536)
    assert transport.reading
    door.data_received(b"x")
    assert not transport.reading
    application.may_read.set()
    async with asyncio.timeout(5 * UNIT):
        await transport.resumed.wait()
    door.data_received(b"x" * (200_000 - 65_537) + b"GET ")
    assert not transport.reading
    async with asyncio.timeout(5 * UNIT):
        await application.done.wait()
    assert application.read == 200_000
    # The body is answered; the head behind it has begun.
    assert transport.reading
    assert transport.written.startswith(b"HTTP/1.1 200 ")
    assert not transport.closed


async def test_the_application_hears_that_a_body_will_not_come() -> None:
    """And what it says then is said to nobody: the connection has had its one answer."""
    application = _Application()
    door, transport = _door(application)
    application.may_read.set()
    door.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    await asyncio.sleep(0)
    door.data_received(b"oops\r\n")
    async with asyncio.timeout(5 * UNIT):
        await application.done.wait()
    assert application.heard[-1] == "http.disconnect"
    assert transport.written.startswith(b"HTTP/1.1 400 ")
    assert transport.written.count(b"HTTP/1.1") == 1
    assert transport.closed


async def test_a_body_needs_a_pace() -> None:
    """Each time that a head may take brings a piece of it, or the end."""
    application = _Application()
    application.may_read.set()
    door, transport = _door(application)
    door.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n")
    await asyncio.sleep(0)
    for _ in range(3):
        door.data_received(b"x" * 16_384)
        door.due(0.0)
        assert not transport.closed
    door.data_received(b"x" * 16_383)
    door.due(0.0)
    assert transport.written.startswith(b"HTTP/1.1 408 ")


_KNOCK = b"GET /realtime/v1/websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


async def test_of_a_crowd_that_knocks_at_once_some_are_answered_in_each_turn_of_the_loop() -> None:
    """In between, whoever is live is sent his changes; who waits is not read from, and is not blamed for it."""
    shared, application = _shared(), _Application()
    doors = [_door(application, shared) for _ in range(10)]
    for door, _ in doors:
        door.data_received(_KNOCK)
    answered = [sum(bool(transport.written) for _, transport in doors)]
    waiting = doors[3:]
    assert not any(transport.reading for _, transport in waiting)
    waiting[0][0].data_received(b"x" * 100)
    waiting[1][0].due(shared.loop.time())
    assert not waiting[1][1].closed
    waiting[2][1].close()
    while answered[-1] < 9:
        await asyncio.sleep(0)
        answered.append(sum(bool(transport.written) for _, transport in doors))
    assert max(after - before for before, after in pairwise([0, *answered])) == 3
    assert not waiting[2][1].written
    assert all(transport.reading for _, transport in doors if transport.written)
    # Each once: these had no token.
    assert {transport.written.count(b"HTTP/1.1") for _, transport in doors if transport.written} == {1}
