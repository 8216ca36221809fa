"""uvicorn's protocol for one request and its answer; the front door has the connection before and after.

uvicorn parses the head and nothing else. Where a body ends, the door has found out already, so its bytes go past the
parser: there is nothing on which the two could disagree.
"""

import asyncio
from typing import Protocol

import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState


class Door(Protocol):
    """Whose connection it is."""

    def answered(self) -> None:
        """Hear that the application has said everything."""
        ...

    def refuse(self, code: str, detail: str = "") -> None:
        """Answer with a code of `errors.CODES`, and close."""
        ...

    def steer(self) -> None:
        """Hear that it may be time to read, or to read no more."""
        ...


class _Flow(FlowControl):
    """What uvicorn wishes about reading; the door, which has reasons of its own, decides."""

    def __init__(self, transport: asyncio.Transport, door: Door) -> None:
        super().__init__(transport)
        self._door = door

    def pause_reading(self) -> None:
        """Have enough: the application does not take it."""
        self.read_paused = True
        self._door.steer()

    def resume_reading(self) -> None:
        """Want more."""
        self.read_paused = False
        self._door.steer()


class Exchange(HttpToolsProtocol):
    """One request and its answer."""

    def __init__(self, config: uvicorn.Config, state: ServerState, loop: asyncio.AbstractEventLoop, door: Door) -> None:
        """Wait for `begin`."""
        super().__init__(config, state, {}, loop)
        self._door = door
        # Whether the head was understood and the application asked; `cycle` is what it is answering.
        self._asked = False
        # Whether the connection may go on behind the answer.
        self._keep_alive = False

    @property
    def over(self) -> bool:
        """Whether the answer is complete and the kernel has all of it."""
        return self.cycle.response_complete and not self.flow.write_paused

    def begin(self, transport: asyncio.Transport, head: bytes, *, whole: bool) -> None:
        """Ask the application; `whole`: there is no body, else `on_body` brings it and `complete` ends it."""
        self.connection_made(transport)
        self.flow = _Flow(transport, self._door)
        self.data_received(head)
        if not self._asked:
            return  # Not HTTP; the door has heard of it.
        self._keep_alive = self.cycle.keep_alive
        # Behind an answer that came before the body was read, nobody knows where the next head begins.
        self.cycle.keep_alive = False
        if whole:
            self.complete()

    def complete(self) -> None:
        """Hear that the body is complete."""
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._keep_alive
        super().on_message_complete()

    def give_up(self) -> bool:
        """Tell the application that nobody waits any more; whether its answer has not begun, so that there is room."""
        if not self._asked:
            return True
        cycle = self.cycle
        cycle.disconnected = True
        cycle.message_event.set()
        self.flow.resume_writing()
        return not cycle.response_started

    def end(self) -> None:
        """Be forgotten."""
        self.connections.discard(self)
        # Parser and protocol hold each other; uvicorn lets go of it in the same way.
        self.parser = None  # type: ignore[assignment]

    def shutdown(self) -> None:
        """End the connection behind this answer."""
        self._keep_alive = False
        super().shutdown()

    def on_headers_complete(self) -> None:
        """Ask the application."""
        super().on_headers_complete()
        self._asked = True

    def on_message_complete(self) -> None:
        """Pass over what the parser believes: `complete` says it."""

    def on_response_complete(self) -> None:
        """Give the connection back, where uvicorn would wait for a next request itself."""
        self._door.answered()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 — uvicorn's signature
        """Refuse in our own form what is not HTTP."""
        self._door.refuse("bad_request", "The request is not well-formed HTTP.")
