"""One socket to a gateway, and what comes over it: read without our own client, so that a fault there hides nothing."""

import asyncio
import json
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Self

from tests.trial.floor import STRETCH
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


class Number(NamedTuple):
    """A JSON number as it was written: 183.0500 and 183.05 are different here, as they are in a row."""

    text: str


def read_json(text: str) -> Any:
    """Read JSON with every digit kept."""
    return json.loads(text, parse_float=Number, parse_int=Number)


class Frame(NamedTuple):
    """One message of the server, vsn 2.0.0."""

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: Any


class Heard(NamedTuple):
    """A frame and when it came, Unix seconds."""

    frame: Frame
    at: float


@lru_cache(maxsize=4096)
def _frame(text: str) -> Frame:
    # Everybody in a warehouse gets the same bytes: read once, kept once.
    return Frame(*read_json(text)[:5])


class Refused(Exception):  # noqa: N818 — an answer, not a fault
    """A handshake or a join was refused."""

    def __init__(self, code: str, answer: Any) -> None:
        """Keep the code."""
        super().__init__(f"{code}: {answer}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Cut:
    """How a connection ended."""

    code: int | None
    reason: str


class Line:
    """An open socket."""

    def __init__(self, socket: ClientConnection) -> None:
        """Speak over it."""
        self._socket = socket
        self._ref = 0

    @classmethod
    async def open(cls, url: str, token: str) -> Self:
        """Connect to `http://host:port`.

        Raises:
            Refused: the server said why.
            OSError: nobody is there.
        """
        address = f"{url.replace('http', 'ws', 1)}/realtime/v1/websocket?vsn=2.0.0&apikey={token}"
        try:
            # No timeout on pongs: whoever measures must not be the one who hangs up.
            socket = await connect(address, compression=None, max_size=None, ping_interval=15, ping_timeout=None)
        except InvalidStatus as error:
            answer = json.loads(error.response.body or b"{}")
            raise Refused(answer.get("code", str(error.response.status_code)), answer) from None
        return cls(socket)

    async def send(self, topic: str, event: str, payload: object) -> str:
        """Send a message; returns its ref, which for a join is the join_ref too."""
        self._ref += 1
        ref = str(self._ref)
        await self._socket.send(json.dumps([ref, ref, topic, event, payload]))
        return ref

    async def hear(self) -> Heard | Cut:
        """Return the next frame, or how it ended."""
        try:
            text = await self._socket.recv()
        except ConnectionClosed as closed:
            received = closed.rcvd
            return Cut(None, "no close frame") if received is None else Cut(received.code, received.reason)
        at = time.time()
        return Heard(_frame(text if isinstance(text, str) else text.decode()), at)

    async def close(self) -> None:
        """Hang up."""
        await self._socket.close()


async def wait_on(condition: Any, what: str, seconds: float = 20.0) -> None:
    """Look until it holds, without blocking the loop; fails with `what` after so many (stretched) seconds."""
    deadline = time.monotonic() + seconds * STRETCH
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came in {seconds * STRETCH:g} s: {what() if callable(what) else what}")
        await asyncio.sleep(0.02)
