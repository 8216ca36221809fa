"""The client's side of Phoenix Channels 2.0.0: text in, facts out; no socket, no waiting.

A frame is the JSON array `[join_ref, ref, topic, event, payload]`. Refs are decimal strings that we count; a
join's ref names that joining of the topic from then on (its join_ref), so that what belongs to an earlier one
can be told apart.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

from floorcast.topic import HEARTBEAT

Payload = dict[str, Any]
"""A JSON object; numbers as the caller's `parse_float` makes them."""

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's answer to the push with this ref."""

    ref: str
    topic: str
    ok: bool
    response: Payload


@dataclass(frozen=True, slots=True)
class Pushed:
    """Something that the server sends of itself: on a topic that is joined, or on `phoenix` for the whole socket."""

    topic: str
    event: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Ended:
    """The topic is not joined any more: `closed` as agreed, or `failed`, and a new join may help."""

    topic: str
    how: Literal["closed", "failed"]


Received = Reply | Pushed | Ended
"""What a frame can mean to us."""


@dataclass(slots=True)
class ChannelProtocol:
    """What one socket has joined, and the refs it has used."""

    # Makes the value of each JSON number with a point or exponent; Decimal keeps every digit of a cost.
    parse_float: Callable[[str], Any] | None = None
    # The last ref given out; the first is "1".
    _last_ref: int = 0
    # Topic → join_ref of its newest joining, set when the join is sent and gone when the topic ends.
    _joined: dict[str, str] = field(default_factory=dict)
    # Topics whose join was not answered yet: what comes without refs belongs to the joining before.
    _asked: set[str] = field(default_factory=set)

    def join(self, topic: str, payload: Payload) -> tuple[str, str]:
        """Return ref and frame of a join; joining a topic again replaces the earlier joining."""
        ref = self._next_ref()
        self._joined[topic] = ref
        self._asked.add(topic)
        return ref, _frame(ref, ref, topic, "phx_join", payload)

    def push(self, topic: str, event: str, payload: Payload) -> tuple[str, str]:
        """Return ref and frame of anything sent on a joined topic."""
        ref = self._next_ref()
        return ref, _frame(self._joined.get(topic), ref, topic, event, payload)

    def heartbeat(self) -> tuple[str, str]:
        """Return ref and frame of a heartbeat, which is how the server knows that we are there."""
        ref = self._next_ref()
        return ref, _frame(None, ref, HEARTBEAT, "heartbeat", {})

    def forget(self, topic: str) -> None:
        """Drop a topic that was refused, so that nothing late is taken for it."""
        self._joined.pop(topic, None)
        self._asked.discard(topic)

    def receive(self, text: str | bytes) -> Received | None:
        """Say what a frame means; None for what concerns no current joining.

        Raises:
            ValueError: it is not a frame of this protocol.
        """
        frame = json.loads(text, parse_float=self.parse_float)
        if not isinstance(frame, list) or len(frame) < 5 or not isinstance(frame[4], dict):  # noqa: PLR2004 — the frame's five parts
            raise ValueError(f"not a frame of Phoenix Channels 2.0.0: {text[:80]!r}")
        join_ref, ref, topic, event, payload = frame[:5]
        if event == "phx_reply":
            response = payload.get("response")
            ok = payload.get("status") == "ok"
            if str(ref) == self._joined.get(topic):
                self._asked.discard(topic)
            return Reply(str(ref), topic, ok, response if isinstance(response, dict) else {})
        if topic == HEARTBEAT:
            return Pushed(topic, event, payload)
        current = self._joined.get(topic)
        # Fan-out frames carry null refs; phx_close and phx_error name the joining that they end as ref.
        named = join_ref if join_ref is not None else ref
        if current is None or (topic in self._asked if named is None else str(named) != current):
            return None
        if event in ("phx_close", "phx_error"):
            self.forget(topic)
            return Ended(topic, "closed" if event == "phx_close" else "failed")
        return Pushed(topic, event, payload)

    def _next_ref(self) -> str:
        self._last_ref += 1
        return str(self._last_ref)


def socket_address(url: str) -> str:
    """Return the socket's address on a server given as `ws://host:port`; http and a path work too.

    Raises:
        ValueError: the scheme is not one that a socket can have.
    """
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise ValueError(f"{url!r} is not an address of a server (expected for example ws://127.0.0.1:4000)")
    path = parts.path if parts.path.strip("/") else "/realtime/v1/websocket"
    return urlunsplit((scheme, parts.netloc, path, urlencode({"vsn": "2.0.0"}), ""))


def http_address(url: str, path: str) -> str:
    """Return the address of `path` on the HTTP side of the same server."""
    parts = urlsplit(socket_address(url))
    return urlunsplit(("https" if parts.scheme == "wss" else "http", parts.netloc, path, "", ""))


def _frame(join_ref: str | None, ref: str | None, topic: str, event: str, payload: Payload) -> str:
    return json.dumps([join_ref, ref, topic, event, payload], separators=(",", ":"))
