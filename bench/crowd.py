"""A crowd of clients in one process, each as small as can be: joins, keeps its cursor, comes back when cut off."""

import asyncio
import json
import random
import re
from collections.abc import Callable
from typing import cast

from sockets import masked, take

_CURSOR = re.compile(rb'"cursor":"([^"]+)"')
_VALUE = re.compile(rb'"value":"(\d+)"')
_POSITION = re.compile(rb'"position":"(\d+)-0"')


class Client(asyncio.Protocol):
    """One client of one warehouse."""

    def __init__(self, crowd: "Crowd", number: int) -> None:
        """Belong to a crowd."""
        self.crowd = crowd
        self.number = number
        self.transport: asyncio.Transport | None = None
        self.cursor = "snapshot"
        # Numbers that were told as changes since the picture, in order; and how far progress says it is current.
        self.values: list[int] = []
        self.position = -1
        self._received = bytearray()
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        # uvloop's transports are asyncio's in all but ancestry.
        self.transport = cast("asyncio.Transport", transport)
        self._open = False
        self._received.clear()
        self.transport.write(self.crowd.request)

    def data_received(self, data: bytes) -> None:
        """Read frames; only what a figure needs is looked at."""
        received = self._received
        received += data
        if not self._open:
            end = received.find(b"\r\n\r\n")
            if end < 0:
                return
            if not received.startswith(b"HTTP/1.1 101") and self.transport is not None:
                self.crowd.refused += 1
                self.transport.close()
                return
            del received[: end + 4]
            self._open = True
            self._join()
        while (frame := take(received)) is not None:
            if frame:
                self._hear(frame)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — asyncio's signature
        """Come back after a while, unless the crowd is over."""
        self.transport = None
        self.crowd.lost(self)

    def _join(self) -> None:
        payload = {"from": self.cursor, "tables": ["bench.reading"]}
        text = json.dumps(["1", "1", f"warehouse:{self.crowd.warehouse}", "phx_join", payload])
        if self.transport is not None:
            self.transport.write(masked(text.encode()))

    def _hear(self, frame: bytes) -> None:
        event = frame[: frame.find(b"{")]
        if b'"phx_reply"' in event and b'"status":"error"' in frame:
            self.crowd.refused += 1
            if b'"must_refetch"' in frame:
                self.crowd.refetched += 1
                self.cursor, self.values = "snapshot", []
            asyncio.get_running_loop().call_later(random.uniform(0.1, 2.0), self._join)
            return
        if b'"changes"' in event:
            self.values += map(int, _VALUE.findall(frame))
        elif b'"progress"' in event:
            self.position = int((_POSITION.search(frame) or [b"", b"-1"])[1])
            self.crowd.progressed(self)
        found = _CURSOR.findall(frame[-120:])
        if found:
            self.cursor = found[-1].decode()


class Crowd:
    """Clients that come back by themselves."""

    def __init__(self, port: int, token: str, warehouse: str, size: int, *, spread: float = 5.0) -> None:
        """Have `size` clients, which come back within `spread` seconds."""
        self.port, self.warehouse, self.spread = port, warehouse, spread
        self.request = (
            f"GET /realtime/v1/websocket?vsn=2.0.0&apikey={token} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        self.clients = [Client(self, number) for number in range(size)]
        self.refused = self.refetched = 0
        self.over = False
        self.on_progress: Callable[[Client], None] = lambda _: None

    def progressed(self, client: Client) -> None:
        """Hear that a client is current."""
        self.on_progress(client)

    def lost(self, client: Client) -> None:
        """Have a client come back."""
        if not self.over:
            asyncio.get_running_loop().call_later(random.uniform(0.0, self.spread), self._connect_soon, client)

    async def connect(self, at_once: int = 200) -> None:
        """Connect everybody, some at a time."""
        for start in range(0, len(self.clients), at_once):
            await asyncio.gather(*map(self._connect, self.clients[start : start + at_once]))

    async def until(self, share: float, tick: int, within: float) -> float:
        """Return the seconds until so many of the clients are current up to a tick."""
        loop = asyncio.get_running_loop()
        began, wanted = loop.time(), share * len(self.clients)
        while sum(client.position >= tick for client in self.clients) < wanted:
            if loop.time() - began > within:
                there = sum(client.position >= tick for client in self.clients)
                raise SystemExit(f"only {there:,} of {len(self.clients):,} clients were current after {within:g} s")
            await asyncio.sleep(0.05)
        return loop.time() - began

    def end(self) -> None:
        """Let everybody go."""
        self.over = True
        for client in self.clients:
            if client.transport is not None:
                client.transport.abort()

    def _connect_soon(self, client: Client) -> None:
        if not self.over:
            task = asyncio.get_running_loop().create_task(self._connect(client))
            task.add_done_callback(lambda done: done.exception())

    async def _connect(self, client: Client) -> None:
        source = f"127.0.0.{2 + client.number % 50}"
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: client, "127.0.0.1", self.port, local_addr=(source, 0)
            )
        except OSError:
            self.lost(client)
