"""What every connection of this process shares."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from floorcast.gateway.address import Network
from floorcast.gateway.admission import Admission
from floorcast.gateway.session import Rules
from floorcast.gateway.turns import Turns
from floorcast.gateway.wheel import Wheel

_HANDSHAKES_AT_ONCE = 16
"""So many are answered in one turn of the loop: each takes some tenths of a millisecond, for its token most of all."""


class Timed(Protocol):
    """A connection, whatever it has become."""

    def due(self, now: float) -> None:
        """Be looked at: its slot on the wheel has come."""
        ...


class OpenSocket(Timed, Protocol):
    """A connection that has become a socket."""

    @property
    def flushed(self) -> bool:
        """Whether nothing waits for it that it could still be sent."""
        ...

    def hint_leaving(self, seconds: float) -> None:
        """Tell it to go elsewhere in so many seconds."""
        ...

    def close(self, code: str) -> None:
        """End it with a code of `errors.CODES`."""
        ...

    def abort(self) -> None:
        """Drop it."""
        ...


@dataclass(frozen=True, slots=True)
class Shared:
    """One per process; connections keep a reference instead of copies."""

    loop: asyncio.AbstractEventLoop
    wheel: Wheel[Timed]
    rules: Rules
    frame_bytes: int
    # Of an HTTP request.
    body_bytes: int
    outbox_bytes: int
    idle_seconds: float
    handshake_seconds: float
    # How long a token is good beyond its end.
    token_grace_seconds: float
    admission: Admission
    # Whose X-Forwarded-For is believed.
    proxies: Sequence[Network]
    # Every open socket.
    open_sockets: set[OpenSocket] = field(default_factory=set)
    # Of those who want to be one.
    handshakes: Turns = field(default_factory=lambda: Turns(_HANDSHAKES_AT_ONCE))
