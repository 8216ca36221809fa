"""Phoenix frames (pure): text in, messages out; and the ready bytes of what we send.

    vsn 2.0.0   [join_ref, ref, topic, event, payload]
    vsn 1.0.0   {"topic", "event", "payload", "ref"}

A frame is built once, WebSocket header included, and the same bytes object is written to every socket of its audience:
a server does not mask, so nothing in a frame depends on the socket. Bodies of operations arrive as finished JSON and
are spliced, never parsed: parsing would cost time and, worse, digits.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, Literal

import orjson

from floorcast.errors import CODES

Version = Literal[1, 2]
"""vsn 1.0.0 or 2.0.0."""

Ending = Literal["phx_close", "phx_error"]
"""How a joining ends: clients accept `phx_close` as the end; after `phx_error` they join again by themselves."""

VERSIONS: dict[str, Version] = {"1.0.0": 1, "2.0.0": 2}

NULL = b"null"
EMPTY = b"{}"

LARGEST_PART = 131_072
"""Bytes of changes or rows in one frame, about; a larger tick comes in parts. A single row may be larger."""

_LONGEST_REF = 64

_chance = SystemRandom()
_V2_PARTS = 5


@dataclass(frozen=True, slots=True)
class Message:
    """What a client sent. Refs are kept as JSON, since they are echoed as they came: "1", 1 or null."""

    join_ref: bytes
    ref: bytes
    topic: str
    event: str
    payload: Any


def parse(version: Version, text: bytes | bytearray) -> Message | None:
    """Read a client's text frame; None when it is not one that this protocol knows.

    Tolerant where clients in the field are: refs may be integers, null or absent, elements may follow the fifth.
    """
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if version == 1:
        if not isinstance(frame, dict):
            return None
        parts = [frame.get(name) for name in ("join_ref", "ref", "topic", "event", "payload")]
    else:
        if not isinstance(frame, list) or len(frame) < _V2_PARTS:
            return None
        parts = frame[:_V2_PARTS]
    join_ref, ref, topic, event, payload = parts
    if not (_is_ref(join_ref) and _is_ref(ref) and isinstance(topic, str) and isinstance(event, str)):
        return None
    return Message(_keep(join_ref), _keep(ref), topic, event, payload)


def _is_ref(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_REF
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _keep(ref: object) -> bytes:
    """Return a ref as JSON in bytes of its own: what orjson returns holds on to its working buffer, 4 KB a topic."""
    return NULL if ref is None else bytes(memoryview(orjson.dumps(ref)))


def websocket_frame(payload: bytes, *, binary: bool = False) -> bytes:
    """Return an unmasked, final frame: RFC 6455 §5.2 with FIN=1, opcode 1 or 2, MASK=0."""
    length = len(payload)
    first = b"\x82" if binary else b"\x81"
    if length < 126:  # noqa: PLR2004 — RFC 6455: the length fits into its 7 bits
        header = first + length.to_bytes(1)
    elif length < 65_536:  # noqa: PLR2004 — RFC 6455: 126 announces 16 bits
        header = first + b"\x7e" + length.to_bytes(2)
    else:
        header = first + b"\x7f" + length.to_bytes(8)
    return header + payload


def encode(version: Version, refs: tuple[bytes, bytes], topic: str, event: str, payload: bytes) -> bytes:
    """Return a frame, ready for the transport; `payload` and `refs` (join_ref, ref) are JSON.

    vsn 1.0.0 has no join_ref: its `ref` stands for both.
    """
    join_ref, ref = refs
    name = orjson.dumps(topic)
    if version == 1:
        text = b'{"topic":%b,"event":"%b","payload":%b,"ref":%b}' % (name, event.encode(), payload, ref)
    else:
        text = b'[%b,%b,%b,"%b",%b]' % (join_ref, ref, name, event.encode(), payload)
    return websocket_frame(text)


def push(version: Version, topic: str, event: str, payload: bytes) -> bytes:
    """Return a frame for a whole audience: null refs make it every member's own."""
    return encode(version, (NULL, NULL), topic, event, payload)


def reply(version: Version, message: Message, response: bytes = EMPTY, status: str = "ok") -> bytes:
    """Return the answer to a message, under the refs that it came with."""
    payload = b'{"status":"%b","response":%b}' % (status.encode(), response)
    return encode(version, (message.join_ref, message.ref), message.topic, "phx_reply", payload)


def refusal(version: Version, message: Message, code: str, detail: str = "", again_in: float | None = None) -> bytes:
    """Return the answer that says no, and what to do.

    `detail` names what exactly was wrong. `again_in` is in how many seconds to ask again; where the code has a wait and
    nobody knows better, it is a random moment of that.
    """
    wait = CODES[code].wait
    if again_in is None and wait is not None:
        again_in = wait.seconds(_chance.random())
    return reply(version, message, problem(code, detail, again_in), "error")


def problem(code: str, detail: str = "", again_in: float | None = None) -> bytes:
    """Return `{"reason", "code", "hint"}` as JSON, from the one table of codes; and `retry_after_ms`, where known."""
    known = CODES[code]
    # Phoenix clients know this very sentence.
    words = "unmatched topic" if code == "unmatched_topic" else f"{code}: {detail or known.message}"
    facts: dict[str, object] = {"reason": words, "code": code, "hint": known.hint}
    if again_in is not None:
        facts["retry_after_ms"] = round(again_in * 1000)
    return orjson.dumps(facts)


def ended(version: Version, join_ref: bytes, topic: str, event: Ending) -> bytes:
    """Return the frame that ends a joining; it names that joining, or clients take it for another's."""
    return encode(version, (join_ref, join_ref), topic, event, EMPTY)


def changes_payloads(
    tick: int, at: str, bodies: Iterable[bytes], cursor: str | None, *, folded: bool = False
) -> Iterator[bytes]:
    """Yield the payload of `changes` for a whole tick; in several parts where one would be very large."""
    pieces = tuple(parts(bodies))
    for number, part in enumerate(pieces, 1):
        yield changes_payload(
            tick,
            at,
            part,
            cursor=cursor if number == len(pieces) else None,
            part=number if len(pieces) > 1 else 0,
            end=number == len(pieces),
            folded=folded,
        )


def changes_payload(
    tick: int,
    at: str,
    bodies: Iterable[bytes],
    *,
    cursor: str | None = None,
    part: int = 0,
    end: bool = True,
    folded: bool = False,
) -> bytes:
    """Return the payload of `changes`, or of one part of it.

    Args:
        tick: whose changes they are; of folded ones, the last of those whose outcome they are.
        at: when it was closed.
        bodies: operations as finished JSON.
        cursor: of whoever has applied everything up to this tick; None but at the end.
        part: counts from 1 in a tick that is sent in parts, else 0.
        end: whether it is the last part.
        folded: the newest state of each row, instead of every change.
    """
    head = b'{"tick":%d,"at":%b,' % (tick, orjson.dumps(at))
    if part:
        head += b'"part":%d,"end":%b,' % (part, b"true" if end else b"false")
    if folded:
        head += b'"folded":true,'
    tail = b"]}" if cursor is None else b'],"cursor":"%b"}' % cursor.encode()
    return b"".join((head, b'"changes":[', b",".join(bodies), tail))


def parts(bodies: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Cut bodies where they become heavy; yields one list at least."""
    part: list[bytes] = []
    size = 0
    for body in bodies:
        if part and size + len(body) > LARGEST_PART:
            yield part
            part, size = [], 0
        part.append(body)
        size += len(body)
    yield part


def snapshot_payload(tick: int, at: str, part: int, rows: bytes, *, end: bool, cursor: str | None = None) -> bytes:
    """Return the payload of one part of a picture; `rows` is JSON, table → rows."""
    head = b'{"tick":%d,"at":%b,"part":%d,"end":%b,"rows":' % (
        tick,
        orjson.dumps(at),
        part,
        b"true" if end else b"false",
    )
    tail = b"}" if cursor is None else b',"cursor":"%b"}' % cursor.encode()
    return b"".join((head, rows, tail))


def progress_payload(tick: int, at: str, cursor: str | None = None) -> bytes:
    """Return the payload of `progress`: everything committed before `at` is in ticks up to `tick`."""
    tail = b"}" if cursor is None else b',"cursor":"%b"}' % cursor.encode()
    return b'{"position":"%d-0","at":%b%b' % (tick, orjson.dumps(at), tail)


def must_refetch_payload(reason: str) -> bytes:
    """Return the payload of `must_refetch`: the stream ends here for a reason, the client reads the picture again."""
    return orjson.dumps({"reason": reason, "code": "must_refetch", "hint": CODES["must_refetch"].hint})


def token_expiring_payload(expires_at: float, left: float) -> bytes:
    """Return the payload of `token_expiring`; `expires_at` in Unix seconds, `left` in seconds."""
    return orjson.dumps({"expires_at": int(expires_at), "in_seconds": max(0, round(left))})


def draining_payload(seconds: float) -> bytes:
    """Return the payload of `draining`: go elsewhere in so many seconds."""
    return orjson.dumps({"after_ms": round(seconds * 1000)})
