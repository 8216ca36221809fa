"""The one port: sockets stay here, everything else goes to the HTTP application.

A connection stands at the front door until the head of a request is complete. If it asks for a socket, `Connection`
takes over and the door is gone; else uvicorn is given this one head and the body behind it, and the door has the
connection back once the answer is sent. uvicorn itself bounds neither the size nor the time of what arrives, so it
never sees a byte that the door has not counted.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from floorcast.errors import SettingsError
from floorcast.gateway.address import origin
from floorcast.gateway.body import Body, BodyRefused, expected_body
from floorcast.gateway.connection import Connection
from floorcast.gateway.exchange import Exchange
from floorcast.gateway.handshake import (
    LARGEST_HEAD,
    Accepted,
    Refused,
    answer,
    forwarded_for,
    head_end,
    refuse,
    wants_socket,
)
from floorcast.gateway.shared import Shared
from floorcast.observe import HandshakeRefused, observe

_BACKLOG = 2_048
"""Connections that the kernel holds for us when a thousand screens come back at once."""


_PACE = 16_384
"""Bytes of a body that each `handshake_seconds` have to bring, or its end."""


class HttpSide:
    """The application for connections that are not sockets, and what uvicorn needs to ask it."""

    def __init__(self, application: Any, shared: Shared) -> None:
        """Serve an ASGI application; its lifespan is its owner's."""
        self.shared = shared
        self.config = uvicorn.Config(
            application,
            lifespan="off",
            ws="none",
            log_config=None,
            # Its warnings are about what strangers send, who must not be able to fill a log.
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
        )
        self.config.load()
        self.state = ServerState()
        # Every connection that is not a socket.
        self.doors: set[FrontDoor] = set()

    def close(self) -> None:
        """End idle connections, and the others after their current answer."""
        for door in tuple(self.doors):
            door.close()


class FrontDoor(asyncio.Protocol):
    """A connection until it is a socket, if it ever becomes one.

    Either a head is awaited, bounded in bytes and in time, or one is being answered. Then nothing is read but its body,
    and of that no more than the application takes, so that nothing can pile up; the next head is not looked at before
    the kernel has the whole answer.
    """

    __slots__ = (
        "_arrived",
        "_body",
        "_exchange",
        "_knocking",
        "_reading",
        "_received",
        "_side",
        "_slot",
        "_transport",
        "_unsent",
    )

    def __init__(self, side: HttpSide) -> None:
        """Nothing has arrived."""
        self._side = side
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        # None while a head is awaited.
        self._exchange: Exchange | None = None
        # What of the request is still to come; None once it is complete.
        self._body: Body | None = None
        self._reading = True
        # It asked for a socket, and others are answered before it.
        self._knocking = False
        # Bytes that the kernel had not taken when `_look_in` was last called, and those of the body that had arrived.
        self._unsent = 0
        self._arrived = 0
        self._slot = 0

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let somebody in, for a while."""
        # uvloop's transports are asyncio's in all but ancestry.
        self._transport = cast("asyncio.Transport", transport)
        # `Exchange.over` relies on it: the transport says at once when the kernel does not take everything.
        self._transport.set_write_buffer_limits(high=0)
        self._side.doors.add(self)
        self._look_in(self._side.shared.handshake_seconds)

    def data_received(self, data: bytes) -> None:
        """Collect a head, or pass on a body."""
        if self._body is not None:
            self._read_body(self._body, data)
            return
        self._received += data
        if self._exchange is None and not self._knocking:
            self._read_head()

    def pause_writing(self) -> None:
        """Hear that the kernel takes no more."""
        if self._exchange is not None:
            self._exchange.pause_writing()

    def resume_writing(self) -> None:
        """Hear that the kernel has taken everything."""
        if self._exchange is not None:
            self._exchange.resume_writing()
            self._look_in(self._side.shared.idle_seconds)
            self._listen_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is at the door any more."""
        self._leave()
        if self._exchange is not None:
            self._exchange.connection_lost(exc)

    def due(self, now: float) -> None:  # noqa: ARG002 — Shared's signature
        """It took too long: a request to arrive, an answer to be made, or the other side to read it."""
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() < self._unsent:
            # A slow line, on which something moves.
            self._look_in(self._side.shared.idle_seconds)
        elif self._transport.is_closing():
            self._transport.abort()
        elif self._knocking:
            # It is we who take long.
            self._look_in(self._side.shared.handshake_seconds)
        elif self._body is not None and self._reading:
            if self._body.arrived - self._arrived >= _PACE:
                self._look_in(self._side.shared.handshake_seconds)
            else:
                self.refuse("handshake_too_slow")
        elif self._exchange is None and self._received:
            self.refuse("handshake_too_slow")
        else:
            # Browsers open connections in advance; an answer to one that asked nothing would be a riddle.
            self._transport.abort()

    # What the exchange and the side call

    def answered(self) -> None:
        """Hear that the application has said everything; the other side has its time to read it."""
        self._look_in(self._side.shared.idle_seconds)
        self._listen_again()

    def refuse(self, code: str, detail: str = "") -> None:
        """Answer with a code of `errors.CODES`, and close; without a word where an answer has begun."""
        if self._exchange is None or self._exchange.give_up():
            self._end(refuse(code, detail))
        elif self._transport is not None:
            self._transport.abort()

    def steer(self) -> None:
        """Read as long as a head is awaited, or a body that the application takes."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        reads = self._exchange is None or (self._body is not None and not self._exchange.flow.read_paused)
        if reads == self._reading:
            return
        self._reading = reads
        if self._body is not None:
            shared = self._side.shared
            self._look_in(shared.handshake_seconds if reads else shared.idle_seconds)
        if reads:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def close(self) -> None:
        """End the connection, after the answer that is being made."""
        if self._exchange is not None:
            self._exchange.shutdown()
        elif self._transport is not None:
            self._transport.close()

    # Inside

    def _read_head(self) -> None:
        transport, received = self._transport, self._received
        if transport is None or transport.is_closing() or not received:
            return
        end = head_end(received)
        if end > LARGEST_HEAD or (end < 0 and len(received) > LARGEST_HEAD):
            self.refuse("handshake_too_large")
        elif not received[:1].isalpha():
            # No method begins so: TLS on a plain port, most often. It would never send the end of a head.
            self.refuse("bad_request", "This port speaks plain HTTP/1.1.")
        elif end >= 0:
            head = bytes(received[:end])
            del received[:end]
            self._pass_on(transport, head)

    def _pass_on(self, transport: asyncio.Transport, head: bytes) -> None:
        try:
            body = expected_body(head, self._side.shared.body_bytes)
        except BodyRefused as refused:
            self.refuse(refused.code, refused.detail)
            return
        if not wants_socket(head):
            self._ask(transport, head, body)
        elif body is not None:
            self.refuse("bad_request", "A request for a socket has no body.")
        else:
            self._knock(transport, head)

    def _knock(self, transport: asyncio.Transport, head: bytes) -> None:
        """Answer somebody who wants a socket, in turn: of a crowd that comes at once, some in each turn of the loop."""
        self._knocking = True
        self._side.shared.handshakes.soon(lambda: self._answer(transport, head))
        if self._knocking:
            # What he sends meanwhile would pile up.
            self._reading = False
            transport.pause_reading()

    def _answer(self, transport: asyncio.Transport, head: bytes) -> None:
        self._knocking = False
        if transport.is_closing():
            return
        if not self._reading:
            self._reading = True
            transport.resume_reading()
        decision = self._decide(transport, head)
        if isinstance(decision, Refused):
            self._end(decision)
        else:
            self._become_socket(transport, decision)

    def _ask(self, transport: asyncio.Transport, head: bytes, body: Body | None) -> None:
        """Have the application answer; what has arrived already of the body is passed on."""
        side = self._side
        self._body = body
        self._exchange = Exchange(side.config, side.state, side.shared.loop, self)
        self._look_in(side.shared.idle_seconds if body is None else side.shared.handshake_seconds)
        self._exchange.begin(transport, head, whole=body is None)
        self.steer()
        if body is not None and self._received:
            arrived, self._received = self._received, bytearray()
            self._read_body(body, arrived)

    def _read_body(self, body: Body, data: bytes | bytearray) -> None:
        transport, exchange = self._transport, self._exchange
        if transport is None or exchange is None or transport.is_closing():
            return
        try:
            own, behind = body.take(data)
        except BodyRefused as refused:
            self.refuse(refused.code, refused.detail)
            return
        if own:
            exchange.on_body(own)
        if body.complete:
            self._body = None
            self._received += behind
            self._look_in(self._side.shared.idle_seconds)
            exchange.complete()
        self.steer()

    def _decide(self, transport: asyncio.Transport, head: bytes) -> Accepted | Refused:
        """Decide about somebody who wants a socket: first whether there is room, since that costs the least."""
        shared = self._side.shared
        now, address = shared.loop.time(), ""
        if shared.admission.counts_addresses:
            peer = transport.get_extra_info("peername")
            address = origin(str(peer[0]) if peer else "", forwarded_for(head), shared.proxies)
        later = shared.admission.knock(address, len(shared.open_sockets), now)
        if later is None:
            decision = answer(head, shared.rules.verify)
            if isinstance(decision, Refused):
                return decision
            later = shared.admission.enter(decision.claims.user, now)
            if later is None:
                return decision
        return refuse(later.code, again_in=later.seconds)

    def _become_socket(self, transport: asyncio.Transport, accepted: Accepted) -> None:
        self._leave()
        connection = Connection(self._side.shared, transport, accepted)
        # Before anything is written: answers that nobody has read may fill the kernel, and the outbox must hear of it.
        transport.set_protocol(connection)
        transport.write(accepted.response)
        if self._received:
            connection.data_received(bytes(self._received))

    def _listen_again(self) -> None:
        """Await the next head, if the exchange is over."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._exchange is None or not self._exchange.over:
            return
        self._exchange.end()
        self._exchange = None
        self._look_in(self._side.shared.handshake_seconds)
        self.steer()
        self._read_head()

    def _end(self, refused: Refused) -> None:
        if self._transport is not None:
            observe(HandshakeRefused(refused.code))
            self._transport.write(refused.response)
            # Closing flushes; if the other side does not read, the wheel drops it.
            self._transport.close()
            self._look_in(self._side.shared.handshake_seconds)

    def _look_in(self, seconds: float) -> None:
        shared = self._side.shared
        shared.wheel.cancel(self, self._slot)
        self._slot = shared.wheel.schedule(self, shared.loop.time() + seconds)
        self._unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        self._arrived = 0 if self._body is None else self._body.arrived

    def _leave(self) -> None:
        self._side.doors.discard(self)
        self._side.shared.wheel.cancel(self, self._slot)


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
        loop = self._side.shared.loop
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
