"""One socket: bytes in, bytes out. What they mean is decided in `session.py`, what a frame is in `websockets`.

There is no task and no timer per socket: the loop calls in when bytes arrive, and the wheel looks in now and then.
"""

import asyncio
import time

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SEND_EOF, SERVER, State
from websockets.protocol import Protocol as WebSocketProtocol

from floorcast.errors import CODES
from floorcast.gateway import expiry, wire
from floorcast.gateway.handshake import QUIET, Accepted
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.session import Close, Session
from floorcast.gateway.shared import Shared
from floorcast.observe import SocketClosed, SocketOpened, SubscriberSlow, TaskFailed, observe
from floorcast.topic import HEARTBEAT

_COMPONENT = "gateway"

_CLOSING_SECONDS = 5.0
"""How long the other side may take to answer a close, and the kernel to take it; then the connection is dropped."""

_ABNORMAL = 1006
_LONGEST_REASON = 123
"""RFC 6455 §5.5: a control frame carries at most 125 bytes, two of which are the code."""


class _Nobody:
    """Owner of an outbox whose socket is gone."""

    def overflowed(self, waiting_bytes: int) -> None:
        """Nothing is left to close."""


_NOBODY = _Nobody()


class Connection(asyncio.Protocol):
    """A socket after its handshake."""

    __slots__ = (
        "_ending",
        "_fragments",
        "_heard_at",
        "_notice",
        "_outbox",
        "_over",
        "_pinged",
        "_protocol",
        "_session",
        "_shared",
        "_slot",
        "_transport",
    )

    def __init__(self, shared: Shared, transport: asyncio.Transport, accepted: Accepted) -> None:
        """Take over a transport on which the handshake was accepted."""
        now = shared.loop.time()
        self._shared = shared
        self._transport = transport
        # Nothing of the handshake is kept: this protocol begins open. No extensions: compressing a frame per socket
        # would cost more than everything else together.
        self._protocol = WebSocketProtocol(SERVER, state=State.OPEN, max_size=shared.frame_bytes, logger=QUIET)
        self._outbox = Outbox(transport, shared.outbox_bytes, self)
        claims = accepted.claims
        self._session = Session(shared.rules, claims, accepted.version, self._outbox, now, remember=accepted.remember)
        self._heard_at = now
        self._pinged = False
        # The code with which we ended it; "closed" when the other side did. None while it is open.
        self._ending: str | None = None
        # The close frame is written: it is the last of all frames, and nothing may be handed to this socket any more.
        self._over = False
        # Opcode and data so far of a message that comes in fragments.
        self._fragments: tuple[Opcode, bytearray] | None = None
        # Outbox.put relies on it: the transport says at once when the kernel does not take everything.
        transport.set_write_buffer_limits(high=0)
        shared.open_sockets.add(self)
        self._slot = 0
        # How many seconds before its end the token is announced; 0 when it was.
        self._notice = 0.0
        self._take_notice(now)
        observe(SocketOpened(claims.user))

    # What the loop calls

    def data_received(self, data: bytes) -> None:
        """Hear from the other side; any byte proves it alive."""
        now = self._shared.loop.time()
        self._heard_at, self._pinged = now, False
        expires_at, next_end, pause = self._session.expires_at, self._session.next_end, self._session.pause
        self._protocol.receive_data(data)
        for frame in self._protocol.events_received():
            if self._ending is None and isinstance(frame, Frame):
                try:
                    self._hear(frame, now)
                except Exception as error:  # noqa: BLE001 — a fault of ours: it is told so, and goes alone
                    observe(TaskFailed(_COMPONENT, f"{type(error).__name__}: {error}"))
                    self.close("internal")
        if self._ending is None:
            self._outbox.release()
            if self._session.expires_at != expires_at:
                self._take_notice(now)
            elif (self._session.next_end, self._session.pause) != (next_end, pause):
                self._schedule(now)
        self._send_protocol_frames()

    def eof_received(self) -> bool:
        """Hear that the other side sends no more; the transport then closes."""
        self._protocol.receive_eof()
        self._send_protocol_frames()
        return False

    def pause_writing(self) -> None:
        """Hear that the kernel takes no more."""
        self._outbox.pause()

    def resume_writing(self) -> None:
        """Hear that the kernel has taken everything."""
        self._outbox.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """End everything that this socket had."""
        self._session.end()
        self._outbox.owner = _NOBODY
        self._shared.open_sockets.discard(self)
        self._shared.wheel.cancel(self, self._slot)
        closes = (self._protocol.close_sent, self._protocol.close_rcvd)
        code = next((close.code for close in closes if close is not None), _ABNORMAL)
        observe(SocketClosed(code, self._ending or (str(exc) if exc else "connection lost")))

    def due(self, now: float) -> None:
        """Be looked at by the wheel."""
        if self._ending is not None:
            self._transport.abort()
            return
        silent = now - self._heard_at
        self._session.expire(time.time() - self._shared.token_grace_seconds)
        left = self._session.expires_at - time.time()
        due = expiry.due(left, self._notice, self._shared.token_grace_seconds)
        if due == "announce":
            self._notice = 0.0
            self._tell("token_expiring", wire.token_expiring_payload(self._session.expires_at, left))
        if due == "close":
            self.close("token_expired")
        elif silent >= self._shared.idle_seconds:
            self.close("heartbeat_missing")
        else:
            if silent >= self._shared.idle_seconds / 2 and not self._pinged:
                self._pinged = True
                self._protocol.send_ping(b"")
                self._send_protocol_frames()
            proof = self._session.prove()
            if proof is not None:
                self._protocol.send_ping(proof)
                self._send_protocol_frames()
            self._schedule(now)

    # Ending

    @property
    def flushed(self) -> bool:
        """Whether nothing waits for it that it could still be sent."""
        return self._ending is not None or self._outbox.empty

    def hint_leaving(self, seconds: float) -> None:
        """Tell it to go elsewhere in so many seconds."""
        if self._ending is None:
            self._tell("draining", wire.draining_payload(seconds))

    def overflowed(self, waiting_bytes: int) -> None:
        """Hear from the outbox that this reader is too slow; others are being served, so see to it afterwards."""
        observe(SubscriberSlow(waiting_bytes))
        self._shared.loop.call_soon(self._lag)

    def close(self, code: str) -> None:
        """End the socket with a code of `errors.CODES`, which says whether to come back."""
        if self._ending is not None or self._protocol.state is not State.OPEN:
            return
        known = CODES[code]
        self._ending = code
        self._protocol.send_close(known.close, f"{code}: {known.hint}"[:_LONGEST_REASON])
        self._send_protocol_frames()

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    # Inside

    def _hear(self, frame: Frame, now: float) -> None:
        opcode, data = frame.opcode, frame.data
        answer: bytes | Close = b""
        if opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            if self._fragments is not None or not frame.fin:
                # `websockets` has checked that fragments follow each other and stay within the limit together.
                opcode, joined = self._fragments or (opcode, bytearray())
                joined += data
                self._fragments, data = (opcode, joined), joined
            if not frame.fin:
                answer = b"" if self._session.allow(now) else Close("too_many_frames")
            else:
                self._fragments = None
                if opcode is Opcode.TEXT and not _is_text(data):
                    # RFC 6455 §8.1. What `websockets` leaves to whoever decodes the text.
                    self._ending = "closed"
                    self._protocol.fail(CloseCode.INVALID_DATA, "the text is not UTF-8")
                    return
                receive = self._session.receive if opcode is Opcode.TEXT else self._session.receive_binary
                answer = receive(bytes(data), now)
        elif not self._session.allow(now):
            answer = Close("too_many_frames")
        elif opcode is Opcode.PONG:
            self._session.proved(bytes(data))
        if isinstance(answer, Close):
            self.close(answer.code)
        elif answer:
            self._outbox.put(answer)

    def _lag(self) -> None:
        if self._ending is None:
            ending = self._session.lag()
            if ending is not None:
                self.close(ending.code)

    def _send_protocol_frames(self) -> None:
        """Send what `websockets` wants sent: pongs, pings and closes."""
        writes = self._protocol.data_to_send()
        if self._protocol.state is State.OPEN:
            for frame in writes:
                self._outbox.put(frame)
            self._outbox.release()
            return
        if not self._over:
            self._over = True
            self._ending = self._ending or "closed"
            self._session.end()
            self._look_in(self._shared.loop.time() + _CLOSING_SECONDS)
        if writes and not self._transport.is_closing():
            self._outbox.finish(b"".join(writes))
            if SEND_EOF in writes:
                # Half-closed, and what still arrives is discarded: to close now could reset the connection before the
                # other side has read why.
                self._transport.write_eof()

    def _tell(self, event: str, payload: bytes) -> None:
        """Send what is about the socket, on the topic that every client has."""
        self._outbox.put(wire.push(self._session.version, HEARTBEAT, event, payload))
        self._outbox.release()

    def _take_notice(self, now: float) -> None:
        """Begin with a token that was accepted."""
        self._notice = expiry.notice_for(self._session.expires_at - time.time())
        self._schedule(now)

    def _schedule(self, now: float) -> None:
        """Be looked at when the silence is too long or something about the token is due, whichever is first."""
        patience = self._shared.idle_seconds if self._pinged else self._shared.idle_seconds / 2
        grace, wall = self._shared.token_grace_seconds, time.time()
        due_in = expiry.next_look(self._session.expires_at - wall, self._notice, grace)
        # A channel's token may end before that.
        due_in = min(due_in, self._session.next_end - wall + grace)
        pause = self._session.pause
        if pause is not None:
            due_in = min(due_in, pause)
        self._look_in(min(self._heard_at + patience, now + due_in))

    def _look_in(self, at: float) -> None:
        self._shared.wheel.cancel(self, self._slot)
        self._slot = self._shared.wheel.schedule(self, at)


def _is_text(data: bytes | bytearray | memoryview) -> bool:
    """Whether bytes are UTF-8."""
    try:
        str(data, "utf-8")
    except UnicodeDecodeError:
        return False
    return True
