"""One client of a measurement: connects, joins when told to, and hands over each frame as it comes."""

import asyncio
import json
import re
import socket
from collections.abc import Callable, Mapping
from typing import cast

from sockets import REQUEST, masked, take

VALUE = re.compile(rb'"value":"(\d+)')
CURSOR = re.compile(rb'"cursor":"([^"]+)"')


class Listener(asyncio.Protocol):
    """A socket that has shaken hands; `hear` is called with the text of every frame."""

    def __init__(self, hear: Callable[[bytes], None] = lambda _: None) -> None:
        """Hand frames to `hear`, which may be another later."""
        self.hear = hear
        self.transport: asyncio.Transport | None = None
        self.received_bytes = 0
        self._received = bytearray()
        self._open: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self, port: int, token: str, *, receive_buffer: int = 0) -> None:
        """Return when hands are shaken; with a receive buffer of so many bytes where given."""
        loop = asyncio.get_running_loop()
        plug = socket.socket()
        plug.setblocking(False)
        if receive_buffer:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await loop.sock_connect(plug, ("127.0.0.1", port))
        await loop.create_connection(lambda: self, sock=plug)
        self.write(REQUEST.format(token=token).encode())
        await self._open

    def join(self, warehouse: str, **payload: object) -> None:
        """Ask to join a warehouse."""
        self.send(["1", "1", f"warehouse:{warehouse}", "phx_join"], payload)

    def send(self, head: list[str], payload: Mapping[str, object]) -> None:
        """Send a frame."""
        self.write(masked(json.dumps([*head, payload]).encode()))

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self.transport is None:
            raise SystemExit("the server closed a connection")
        self.transport.write(data)

    def close(self) -> None:
        """Hang up."""
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports are asyncio's in all but ancestry.
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — asyncio's signature
        """Remember that it is over."""
        self.transport = None

    def data_received(self, data: bytes) -> None:
        """Take frames apart."""
        received = self._received
        received += data
        self.received_bytes += len(data)
        if not self._open.done():
            end = received.find(b"\r\n\r\n")
            if end < 0:
                return
            if not received.startswith(b"HTTP/1.1 101"):
                raise SystemExit(f"a handshake was refused: {bytes(received)!r}")
            del received[: end + 4]
            self._open.set_result(None)
        while (frame := take(received)) is not None:
            if frame:
                self.hear(frame)


async def joined(listener: Listener, warehouse: str, **payload: object) -> bool:
    """Join, wait for the answer, and return whether it is ok; everything else that is heard is handed on."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bytes] = loop.create_future()
    before = listener.hear
    listener.hear = lambda frame: _settle(answered, before, frame)
    listener.join(warehouse, **payload)
    async with asyncio.timeout(10):
        answer = await answered
    listener.hear = before
    return b'"status":"ok"' in answer


def _settle(answered: asyncio.Future[bytes], hear: Callable[[bytes], None], frame: bytes) -> None:
    """Take the answer; hand on everything else."""
    if b'"phx_reply"' in frame and not answered.done():
        answered.set_result(frame)
    else:
        hear(frame)


def percentiles(milliseconds: list[float]) -> str:
    """Return p50, p99 and the largest, as every table of figures has them."""
    ordered = sorted(milliseconds)
    p50, p99 = (ordered[min(len(ordered) - 1, round(len(ordered) * share))] for share in (0.5, 0.99))
    return f"p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   max {ordered[-1]:6.2f} ms"
