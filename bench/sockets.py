"""Many plain sockets that have joined a topic: as little client as possible, so that the server is what is measured."""

import json
import os
import selectors
import socket
import struct
import time

REQUEST = (
    "GET /realtime/v1/websocket?vsn=2.0.0&apikey={token} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def masked(text: bytes) -> bytes:
    """Frame a client's text message; a mask of zeros is a valid mask."""
    length = struct.pack("!B", 0x80 | len(text)) if len(text) < 126 else struct.pack("!BH", 0x80 | 126, len(text))
    return b"\x81" + length + b"\0\0\0\0" + text


def take(received: bytearray) -> bytes | None:
    """Take the next frame: its text, empty for a ping or a close; None when it is not complete."""
    if len(received) < 2:
        return None
    length, start = received[1], 2
    if length >= 126:
        start = 4 if length == 126 else 10
        if len(received) < start:
            return None
        length = int.from_bytes(received[2:start])
    if len(received) < start + length:
        return None
    frame = bytes(received[start : start + length]) if received[0] & 15 == 1 else b""
    del received[: start + length]
    return frame


def join(port: int, token: str, warehouse: str, source: str = "127.0.0.1") -> socket.socket:
    """Connect, shake hands, join `warehouse:<id>`; returns when the reply has come."""
    client = _connect(port, token, source)
    client.sendall(masked(json.dumps(["1", "1", f"warehouse:{warehouse}", "phx_join", {}]).encode()))
    if b'"status":"ok"' not in _read_until(client, b"}]"):
        raise SystemExit("a join was refused")
    return client


def join_channel(port: int, token: str, table: str) -> socket.socket:
    """Connect, shake hands, join a `realtime:` topic with a table's changes; returns when it has said all it says."""
    client = _connect(port, token, "127.0.0.1")
    schema, _, name = table.partition(".")
    config = {"postgres_changes": [{"event": "*", "schema": schema, "table": name}]}
    client.sendall(masked(json.dumps(["1", "1", "realtime:bench", "phx_join", {"config": config}]).encode()))
    if b"Subscribed to PostgreSQL" not in _read_until(client, b'"channel":"bench"}]'):
        raise SystemExit("a join was refused")
    return client


def _connect(port: int, token: str, source: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), source_address=(source, 0))
    client.sendall(REQUEST.format(token=token).encode())
    _read_until(client, b"\r\n\r\n")
    return client


def _read_until(client: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received:
        part = client.recv(65_536)
        if not part:
            raise SystemExit(f"the server closed: {received!r}")
        received += part
    return received


def next_frame(client: socket.socket, containing: bytes) -> int:
    """Return the size on the wire of the next frame that contains some bytes."""
    received = b""
    while True:
        received += client.recv(65_536)
        while len(received) >= 4:
            length, header = received[1], 2
            if length == 126:
                length, header = int.from_bytes(received[2:4]), 4
            if len(received) < header + length:
                break
            frame, received = received[: header + length], received[header + length :]
            if containing in frame:
                return len(frame)


class Drain:
    """Reads everything that arrives on many sockets and counts bytes."""

    def __init__(self, clients: list[socket.socket]) -> None:
        """Watch the sockets."""
        self._epoll = selectors.EpollSelector()
        for client in clients:
            client.setblocking(False)
            self._epoll.register(client, selectors.EVENT_READ)
        self.received = 0

    def until(self, total: int, deadline_seconds: float) -> None:
        """Read until `total` bytes have come since the beginning."""
        end = time.monotonic() + deadline_seconds
        while self.received < total:
            if time.monotonic() > end:
                raise SystemExit(f"only {self.received:,} of {total:,} bytes came in {deadline_seconds} s")
            for key, _ in self._epoll.select(0.2):
                self.received += len(os.read(key.fd, 1_048_576))
