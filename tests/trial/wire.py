"""A WebSocket as cheap as can be: two hundred of them leave the machine to those who are tried."""

import asyncio
import base64
import json
import os
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.trial.line import Refused

_TEXT, _CLOSE, _PING = 1, 8, 9
_WORD, _LONG = 126, 127  # how a length of two bytes or eight is announced


class Wire(asyncio.Protocol):
    """One socket of a client. What comes is handed on within the read that brought it."""

    def __init__(self, path: str, hear: Callable[[bytes], None]) -> None:
        """`path` is asked for; `hear` gets each text message."""
        self._path = path
        self._hear = hear
        self._waiting = b""
        self._open = False
        self._fragments = b""
        self._transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        # Done when frames may be sent; fails with Refused.
        self.opened: asyncio.Future[None] = loop.create_future()
        # How it ended: a close code, or None without a word.
        self.ended: asyncio.Future[int | None] = loop.create_future()

    @classmethod
    async def dial(cls, url: str, token: str, hear: Callable[[bytes], None], within: float) -> "Wire":
        """Open a socket to `http://host:port`.

        Raises:
            Refused: the server said why.
            OSError: nobody is there, or nobody answers within so many seconds.
        """
        where = urlsplit(url)
        path = f"/realtime/v1/websocket?vsn=2.0.0&apikey={token}"
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(within):
            _, wire = await loop.create_connection(lambda: cls(path, hear), where.hostname, where.port)
            try:
                await wire.opened
            except BaseException:
                wire.abort()
                raise
        return wire

    def send(self, text: str) -> None:
        """Send a message."""
        self._send(_TEXT, text.encode())

    def abort(self) -> None:
        """Hang up without a word."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {self._path} HTTP/1.1\r\nHost: floor\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        transport.write(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """Take whatever is whole."""
        self._waiting += data
        if not self._open and not self._take_head():
            return
        at = 0
        while (end := self._take_frame(at)) is not None:
            at = end
        self._waiting = self._waiting[at:]

    def connection_lost(self, _: Exception | None) -> None:
        """Say so to whoever waits."""
        if not self.opened.done():
            self.opened.set_exception(ConnectionResetError("the handshake was not answered"))
        if not self.ended.done():
            self.ended.set_result(None)

    def _take_head(self) -> bool:
        head, found, rest = self._waiting.partition(b"\r\n\r\n")
        if not found:
            return False
        status = head.split(b" ", 2)[1].decode()
        if status != "101":
            try:
                answer = json.loads(rest)
            except ValueError:
                answer = {}
            if not self.opened.done():
                self.opened.set_exception(Refused(answer.get("code", status), answer))
            return False
        self._open = True
        self._waiting = rest
        if not self.opened.done():
            self.opened.set_result(None)
        return True

    def _take_frame(self, at: int) -> int | None:
        """Take the frame that begins here; return where it ends, None when it is not whole yet."""
        data = self._waiting
        if len(data) < at + 2:
            return None
        length, begin = data[at + 1], at + 2
        if length in (_WORD, _LONG):
            size = 2 if length == _WORD else 8
            length, begin = int.from_bytes(data[begin : begin + size], "big"), begin + size
        if len(data) < begin + length:
            return None
        body = data[begin : begin + length]
        kind, final = data[at] & 15, data[at] & 128
        if kind == _PING:
            self._send(10, body)
        elif kind == _CLOSE:
            if not self.ended.done():
                self.ended.set_result(int.from_bytes(body[:2], "big") or None)
        else:
            self._fragments += body
            if final:
                message, self._fragments = self._fragments, b""
                self._hear(message)
        return begin + length

    def _send(self, kind: int, body: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        size = len(body)
        length = bytes([128 | size]) if size < _WORD else bytes([128 | _WORD]) + size.to_bytes(2, "big")
        # A mask of zeros is a mask.
        self._transport.write(bytes([128 | kind]) + length + bytes(4) + body)
