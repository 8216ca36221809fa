"""The one port: sockets stay here, everything else goes to the HTTP application.

A new connection stands at the front door until the head of its request is complete. Then its transport is given to
`Connection`, or to uvicorn with the bytes replayed; the door is gone.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from floorcast.errors import SettingsError
from floorcast.gateway.connection import Connection
from floorcast.gateway.handshake import LARGEST_HEAD, Refused, answer, head_end, refuse, wants_socket
from floorcast.gateway.house import House
from floorcast.observe import HandshakeRefused, observe

_BACKLOG = 2_048
"""Connections that the kernel holds for us when a thousand screens come back at once."""


class HttpSide:
    """Makes uvicorn's protocol for connections that are not sockets."""

    def __init__(self, application: Any, house: House) -> None:
        """Serve an ASGI application; its lifespan is its owner's."""
        self.house = house
        self.config = uvicorn.Config(
            application,
            lifespan="off",
            # Any class will do: `_HttpConnection` does not let uvicorn make one.
            ws=FrontDoor,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
        )
        self.config.load()
        self.state = ServerState()

    def serve(self, transport: asyncio.Transport, received: bytes) -> None:
        """Hand a connection over, with what it has sent so far."""
        protocol = _HttpConnection(self)
        protocol.connection_made(transport)
        transport.set_protocol(protocol)
        protocol.data_received(received)

    def close(self) -> None:
        """End idle connections, and the others after their current answer."""
        for connection in tuple(self.state.connections):
            connection.shutdown()


class _HttpConnection(HttpToolsProtocol):
    """uvicorn's protocol, whose way back leads to our front door: a proxy may ask for a socket on a used connection."""

    def __init__(self, side: HttpSide) -> None:
        super().__init__(side.config, side.state, {}, side.house.loop)
        self._side = side

    def handle_websocket_upgrade(self) -> None:
        """Stand at the front door again, with the same request."""
        self.connections.discard(self)
        lines = [b"%b %b HTTP/1.1" % (self.scope["method"].encode(), self.url)]
        lines += [b"%b: %b" % (name, value) for name, value in self.scope["headers"]]
        door = FrontDoor(self._side)
        door.connection_made(self.transport)
        self.transport.set_protocol(door)
        door.data_received(b"\r\n".join([*lines, b"", b""]))


class FrontDoor(asyncio.Protocol):
    """A connection that has not yet said what it wants: bounded in bytes and in time."""

    __slots__ = ("_received", "_side", "_slot", "_transport")

    def __init__(self, side: HttpSide) -> None:
        """Nothing has arrived."""
        self._side = side
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._slot = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let somebody in, for a while."""
        # uvloop's transports are asyncio's in all but ancestry.
        self._transport = cast("asyncio.Transport", transport)
        house = self._side.house
        self._slot = house.wheel.schedule(self, house.loop.time() + house.handshake_seconds)

    def data_received(self, data: bytes) -> None:
        """Collect the head, then pass the connection on."""
        if self._transport is None or self._transport.is_closing():
            return
        self._received += data
        end = head_end(self._received)
        if end > LARGEST_HEAD or (end < 0 and len(self._received) > LARGEST_HEAD):
            self._refuse(refuse("handshake_too_large"))
        elif not self._received[:1].isalpha():
            # No method begins so: TLS on a plain port, most often. It would never send the end of a head.
            self._refuse(refuse("bad_request", "This port speaks plain HTTP/1.1."))
        elif end >= 0:
            self._pass_on(self._transport, end)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — asyncio's signature
        """Nobody is at the door any more."""
        self._side.house.wheel.cancel(self, self._slot)

    def due(self, now: float) -> None:  # noqa: ARG002 — House's signature
        """It took too long."""
        if self._transport is None:
            return
        if self._transport.is_closing() or not self._received:
            # Browsers open connections in advance; an answer to one that asked nothing would be a riddle.
            self._transport.abort()
        else:
            self._refuse(refuse("handshake_too_slow"))

    def _pass_on(self, transport: asyncio.Transport, end: int) -> None:
        received, house = bytes(self._received), self._side.house
        if not wants_socket(received[:end]):
            house.wheel.cancel(self, self._slot)
            self._side.serve(transport, received)
            return
        decision = answer(received[:end], house.rules.verify)
        if isinstance(decision, Refused):
            self._refuse(decision)
            return
        house.wheel.cancel(self, self._slot)
        transport.write(decision.response)
        connection = Connection(house, transport, decision.claims, decision.version)
        transport.set_protocol(connection)
        if end < len(received):
            connection.data_received(received[end:])

    def _refuse(self, refused: Refused) -> None:
        if self._transport is not None:
            observe(HandshakeRefused(refused.code))
            self._transport.write(refused.response)
            # Closing flushes; if the other side does not read, the wheel drops it.
            self._transport.close()
            house = self._side.house
            house.wheel.cancel(self, self._slot)
            self._slot = house.wheel.schedule(self, house.loop.time() + house.handshake_seconds)


class Listener:
    """The listening sockets, one per address."""

    def __init__(self, hosts: Sequence[str], port: int, side: HttpSide) -> None:
        """Listen after `open`."""
        self._hosts = hosts
        self._port = port
        self._side = side
        self._servers: list[asyncio.Server] = []

    async def open(self) -> None:
        """Listen on every address; several processes may share the port.

        Raises:
            SettingsError: an address is not ours, or the port is somebody else's. Nothing is left open.
        """
        loop = self._side.house.loop
        for host in self._hosts:
            try:
                server = await loop.create_server(
                    lambda: FrontDoor(self._side), host, self._port, reuse_port=True, backlog=_BACKLOG
                )
            except OSError as error:
                self.close()
                raise SettingsError(
                    f"HOST is {host!r} and PORT is {self._port}: cannot listen there ({error.strerror or error}). "
                    "Nobody was served. Choose an address of this machine and a port that is free."
                ) from error
            self._servers.append(server)

    def close(self) -> None:
        """Accept nobody any more."""
        for server in self._servers:
            with contextlib.suppress(OSError):
                server.close()
        self._servers.clear()
