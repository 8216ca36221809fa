"""A TCP link that can be cut, frozen, silenced, slowed and led elsewhere: what a network does between two machines."""

import asyncio
import socket
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

_CHUNK = 65536  # bytes

Way = Literal["there", "back"]
"""Towards the server, or back from it."""


class Link:
    """A port of one's own that leads to another server; use as an async context manager."""

    def __init__(self, url: str) -> None:
        """`url` is where the link leads; it must name host and port."""
        self._target = urlsplit(url)
        # Where it listens; chosen once and kept, so that `url` stays true after `cut` and `heal`.
        self._port = 0
        # The listening socket; None while cut.
        self._server: asyncio.Server | None = None
        # Set while bytes may pass.
        self._flowing = asyncio.Event()
        # How long every chunk takes, each way, seconds.
        self._delay = 0.0
        # One task per live connection; each ends its pair of sockets when it is cancelled. With it what must be set for
        # its bytes to pass, there and back.
        self._connections: dict[asyncio.Task[None], dict[Way, asyncio.Event]] = {}
        # The local ports of the connections behind it: how the server knows those who come through.
        self.far_ports: set[int] = set()

    @property
    def url(self) -> str:
        """The target's URL, but through this link: user, password, path and query are kept."""
        user = self._target.netloc.rpartition("@")
        return urlunsplit(self._target._replace(netloc=f"{user[0]}{user[1]}127.0.0.1:{self._port}"))

    @property
    def connections(self) -> int:
        """How many connections pass through now."""
        return len(self._connections)

    async def heal(self) -> None:
        """Let connections in and bytes through at full speed; what was frozen goes on where it stopped."""
        self._delay = 0.0
        self._flowing.set()
        for ways in self._connections.values():
            for passes in ways.values():
                passes.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    def freeze(self) -> None:
        """Stop forwarding and close nothing, as a cable that was pulled: both sides still believe in it."""
        self._flowing.clear()

    def slow(self, delay: float) -> None:
        """Let every chunk take so many seconds, each way."""
        self._delay = delay

    def silence(self, *ways: Way) -> None:
        """Freeze the connections that are open now, in one way or both; new ones pass, as behind a new router."""
        for open_ways in self._connections.values():
            for way in ways or open_ways:
                open_ways[way].clear()

    def lead_to(self, url: str) -> None:
        """Let connections that come from now on go to another server, as a name that was moved."""
        self._target = urlsplit(url)

    async def drop(self) -> None:
        """End every connection with a reset; new ones are welcome."""
        ended = tuple(self._connections)
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    async def cut(self) -> None:
        """End every connection and refuse new ones, as a server that is gone."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.drop()

    async def __aenter__(self) -> Self:
        """Open it."""
        await self.heal()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.cut()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ways: dict[Way, asyncio.Event] = {"there": asyncio.Event(), "back": asyncio.Event()}
        for passes in ways.values():
            passes.set()
        task = asyncio.get_running_loop().create_task(self._carry(reader, writer, ways))
        self._connections[task] = ways
        task.add_done_callback(self._connections.pop)
        # A task that is cancelled before its first step never runs, and would leave the near side open for ever.
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ways: dict[Way, asyncio.Event]
    ) -> None:
        writers = [writer]
        port = 0
        try:
            # A handshake does not pass through a frozen network either.
            await self._flowing.wait()
            far_reader, far_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
            writers.append(far_writer)
            for each in writers:
                each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            port = far_writer.get_extra_info("sockname")[1]
            self.far_ports.add(port)
            # The first side to close closes both: neither protocol uses half-open connections.
            pumps = [
                asyncio.ensure_future(self._pump(reader, far_writer, ways["there"])),
                asyncio.ensure_future(self._pump(far_reader, writer, ways["back"])),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                for each in writers:
                    each.close()
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass  # The target is not there; the near side sees its connection end.
        finally:
            self.far_ports.discard(port)
            for each in writers:
                each.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, passes: asyncio.Event) -> None:
        with suppress(ConnectionError):
            while chunk := await source.read(_CHUNK):
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._flowing.wait()
                await passes.wait()
                target.write(chunk)
                await target.drain()
