"""Broadcasts on the wire (pure): what a client says, and the frames in which others hear it.

    said     03, lengths of join_ref, ref, topic, event and meta, encoding; these five; payload
    heard    04, lengths of topic, event and meta, encoding; these three; payload

Each length is one byte. The encoding is 1 for JSON and 0 for any bytes. A payload is handed on digit for digit: it is
cut out of the text in which it came, never read and written again.
"""

from dataclasses import dataclass
from json import JSONDecoder

import orjson

from floorcast.broadcast import Broadcast
from floorcast.gateway import wire
from floorcast.gateway.wire import Message, Version

EVENT = "broadcast"

_SAID, _HEARD = 3, 4
_JSON = 1
_SAID_HEAD = 7
_LONGEST = 255
"""What one byte can say of a length."""

_FIFTH = 4
_SPACE = " \t\n\r"

# Only to find where a value ends: numbers are not made of their digits.
_walk = JSONDecoder(parse_float=str, parse_int=str).raw_decode


@dataclass(frozen=True, slots=True)
class Said:
    """What a client says in a channel, under the refs that it wants to be answered under."""

    message: Message
    event: str
    # JSON; any bytes where it is `binary`.
    payload: bytes
    binary: bool = False
    # It came as a text frame.
    text: bool = False


def read_text(version: Version, message: Message, frame: bytes | bytearray) -> Said | None:
    """Read what a text frame says, which `message` was read from.

    None when it names no event, or is nested more deeply than can be followed.
    """
    told = message.payload
    if not isinstance(told, dict) or not isinstance(told.get("event"), str):
        return None
    payload = _cut(version, frame) if "payload" in told else wire.EMPTY
    return None if payload is None else Said(message, told["event"], payload, text=True)


def read_binary(frame: bytes) -> Said | None:
    """Read a binary frame; None when it is none that a client says a broadcast with."""
    if len(frame) < _SAID_HEAD or frame[0] != _SAID or frame[6] > _JSON:
        return None
    parts: list[bytes] = []
    place = _SAID_HEAD
    for length in frame[1:6]:
        parts.append(frame[place : place + length])
        place += length
    if place > len(frame):
        return None
    payload = frame[place:]
    try:
        join_ref, ref, topic, event, _ = [part.decode() for part in parts]
        if frame[6] == _JSON:
            # Whoever is told it would stumble over it.
            orjson.loads(payload)
    except (UnicodeDecodeError, orjson.JSONDecodeError):
        return None
    message = Message(_ref(join_ref), _ref(ref), topic, EVENT, None)
    return Said(message, event, payload, binary=frame[6] != _JSON)


def frame_of(broadcast: Broadcast, topic: str, version: Version) -> bytes:
    """Return the frame in which sockets of a version hear it; empty where bytes cannot be told."""
    if version != 1 and not broadcast.text:
        frame = _binary_frame(broadcast, topic.encode())
        if frame:
            return frame
    if broadcast.binary:
        return b""
    meta = b"" if broadcast.meta is None else b',"meta":' + broadcast.meta
    event = orjson.dumps(broadcast.event)
    told = b'{"type":"broadcast","event":%b,"payload":%b%b}' % (event, broadcast.payload, meta)
    return wire.push(version, topic, EVENT, told)


def _binary_frame(broadcast: Broadcast, topic: bytes) -> bytes:
    """Return the frame of type 4; empty when something is too long for it."""
    event, meta = broadcast.event.encode(), broadcast.meta or b""
    if max(len(topic), len(event), len(meta)) > _LONGEST:
        return b""
    encoding = 0 if broadcast.binary else _JSON
    head = bytes((_HEARD, len(topic), len(event), len(meta), encoding))
    return wire.websocket_frame(b"".join((head, topic, event, meta, broadcast.payload)), binary=True)


def _ref(text: str) -> bytes:
    return bytes(memoryview(orjson.dumps(text))) if text else wire.NULL


def _cut(version: Version, frame: bytes | bytearray) -> bytes | None:
    """Return the payload's own payload as it is written in a text frame; None where it cannot be found."""
    text = frame.decode()
    try:
        outer = _element(text, _FIFTH) if version != 1 else _member(text, _after_space(text, 0), "payload")
        if outer is None:
            return None
        inner = _member(text, outer[0], "payload")
    except RecursionError:
        return None
    return None if inner is None else text[inner[0] : inner[1]].encode()


def _element(text: str, wanted: int) -> tuple[int, int] | None:
    """Return where an element of an array lies; the text is known to be JSON."""
    place = _after_space(text, _after_space(text, 0) + 1)
    for number in range(wanted + 1):
        _, end = _walk(text, place)
        if number == wanted:
            return place, end
        place = _after_space(text, _after_space(text, end) + 1)
    return None


def _member(text: str, place: int, wanted: str) -> tuple[int, int] | None:
    """Return where the value of an object's last member of a name lies; the text is known to be JSON."""
    found = None
    place = _after_space(text, place + 1)
    while text[place] != "}":
        name, end = _walk(text, place)
        start = _after_space(text, _after_space(text, end) + 1)
        _, end = _walk(text, start)
        if name == wanted:
            found = start, end
        place = _after_space(text, end)
        if text[place] == ",":
            place = _after_space(text, place + 1)
    return found


def _after_space(text: str, place: int) -> int:
    while text[place] in _SPACE:
        place += 1
    return place
