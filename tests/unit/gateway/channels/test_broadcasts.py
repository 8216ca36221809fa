"""Broadcasts on the wire: what a client says, and the frames in which others hear it."""

import json

import pytest

from floorcast.broadcast import Broadcast, Room
from floorcast.gateway import wire
from floorcast.gateway.channels.broadcasts import frame_of, read_binary, read_text
from floorcast.gateway.wire import Version

ROOM = Room("a", private=False)


def said_in(frame: bytes) -> bytes:
    """What a WebSocket frame carries."""
    skipped = {126: 4, 127: 10}.get(frame[1], 2)
    return frame[skipped:]


def test_a_broadcast_is_the_worked_example_of_type_4() -> None:
    """Topic `realtime:a`, event `e`, meta `{"id":"x"}`, payload `{}`, in a binary frame."""
    frame = frame_of(Broadcast(ROOM, "e", b"{}", meta=b'{"id":"x"}'), "realtime:a", 2)
    assert frame[0] == 0x82
    assert said_in(frame) == bytes.fromhex("040a010a01") + b'realtime:ae{"id":"x"}{}'


def test_bytes_are_told_as_bytes_and_to_vsn_1_not_at_all() -> None:
    """JSON cannot carry them."""
    broadcast = Broadcast(ROOM, "e", b"\x00\xff", binary=True)
    assert said_in(frame_of(broadcast, "realtime:a", 2)) == bytes.fromhex("040a010000") + b"realtime:ae\x00\xff"
    assert frame_of(broadcast, "realtime:a", 1) == b""


def test_vsn_1_hears_an_ordinary_object_digit_for_digit() -> None:
    """With `ref` null, which Python's client insists on."""
    frame = frame_of(Broadcast(ROOM, "e", b'{"n":1.50}', meta=b'{"id":"x"}'), "realtime:a", 1)
    assert frame[0] == 0x81
    assert said_in(frame) == (
        b'{"topic":"realtime:a","event":"broadcast",'
        b'"payload":{"type":"broadcast","event":"e","payload":{"n":1.50},"meta":{"id":"x"}},"ref":null}'
    )


@pytest.mark.parametrize(
    "vary",
    [
        {"text": True},
        {"event": "e" * 256},
        {"meta": json.dumps({"id": "x" * 250}).encode()},
    ],
)
def test_what_came_as_text_or_is_too_long_for_a_binary_frame_is_a_text_array(vary: dict[str, object]) -> None:
    """A length is one byte; nothing is lost for its sake."""
    broadcast = Broadcast(**{"room": ROOM, "event": "e", "payload": b"{}", **vary})  # type: ignore[arg-type]
    told = json.loads(said_in(frame_of(broadcast, "realtime:a", 2)))
    assert told[:4] == [None, None, "realtime:a", "broadcast"]
    assert (told[4]["event"], told[4]["payload"]) == (broadcast.event, {})


def test_bytes_whose_event_cannot_be_framed_are_told_nobody() -> None:
    """There is no other way to say them."""
    assert frame_of(Broadcast(ROOM, "e" * 256, b"\xff", binary=True), "realtime:a", 2) == b""


@pytest.mark.parametrize(
    ("version", "frame"),
    [
        (2, '["1", "2","realtime:a" ,"broadcast", {"payload":0,"event":"e","payload" :\n{"ü\\"]}":[1.50,1e400] } } ]'),
        (1, '{"payload":{"event":"e","payload":{"ü\\"]}":[1.50,1e400] }},"topic":"realtime:a","event":"broadcast"}'),
    ],
)
def test_a_payload_is_cut_out_of_the_text_digit_for_digit(version: Version, frame: str) -> None:
    """JSON has numbers that a float has not."""
    text = frame.replace("1e400", "12345678901234567890123").encode()
    message = wire.parse(version, text)
    assert message is not None
    said = read_text(version, message, text)
    assert said is not None
    assert said.payload.decode() == '{"ü\\"]}":[1.50,12345678901234567890123] }'
    assert (said.event, said.text) == ("e", True)


def test_what_names_no_event_is_no_broadcast_and_what_has_no_payload_says_nothing() -> None:
    """An empty object, so that every client can read it."""
    frames = ['["1","2","realtime:a","broadcast",{"event":7}]', '["1","2","realtime:a","broadcast",{"event":"e"}]']
    messages = [wire.parse(2, frame.encode()) for frame in frames]
    nothing, empty = [read_text(2, each, frame.encode()) for each, frame in zip(messages, frames, strict=True) if each]
    assert nothing is None
    assert empty is not None
    assert empty.payload == b"{}"


@pytest.mark.parametrize(("depth", "is_read"), [(400, True), (1000, False)])
def test_a_payload_too_deep_to_follow_is_not_read(depth: int, is_read: bool) -> None:  # noqa: FBT001 — a parameter
    """It would be a stone in the way of whoever hears it, too."""
    deep = "[" * depth + "]" * depth
    frame = f'["1","2","realtime:a","broadcast",{{"event":"e","payload":{deep}}}]'.encode()
    message = wire.parse(2, frame)
    assert message is not None
    said = read_text(2, message, frame)
    assert (said is not None and said.payload == deep.encode()) is is_read


def a_push(payload: bytes = b'{"n":1.50}', encoding: int = 1, meta: bytes = b"", ref: bytes = b"7") -> bytes:
    """A frame of type 3, as realtime-js writes it."""
    parts = (b"1", ref, b"realtime:a", b"e", meta)
    return bytes((3, *map(len, parts), encoding)) + b"".join(parts) + payload


def test_a_frame_of_type_3_is_read_with_its_refs() -> None:
    """JSON as it is written, or any bytes."""
    said = read_binary(a_push(meta=b"{}"))
    assert said is not None
    assert (said.message.join_ref, said.message.ref, said.message.topic) == (b'"1"', b'"7"', "realtime:a")
    assert (said.event, said.payload, said.binary, said.text) == ("e", b'{"n":1.50}', False, False)
    raw = read_binary(a_push(b"\xff\x00", encoding=0, ref=b""))
    assert raw is not None
    assert (raw.payload, raw.binary, raw.message.ref) == (b"\xff\x00", True, b"null")


@pytest.mark.parametrize(
    "frame",
    [b"", b"\x03\x00", a_push()[:12], b"\x02" + a_push()[1:], a_push(b"{"), a_push(encoding=2), a_push(ref=b"\xff")],
)
def test_other_frames_are_not_read(frame: bytes) -> None:
    """Too short, of another type or encoding, not JSON though it says so, not UTF-8."""
    assert read_binary(frame) is None
