"""Phoenix frames."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.outboxes import read_frames

from floorcast.errors import CODES
from floorcast.gateway import wire
from floorcast.gateway.wire import Version

refs = st.none() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
versions = st.sampled_from([1, 2])


def _text(version: Version, sent: tuple[Any, Any, str, str, Any]) -> bytes:
    join_ref, ref, topic, event, payload = sent
    if version == 1:
        frame: Any = {"topic": topic, "event": event, "payload": payload, "ref": ref, "join_ref": join_ref}
    else:
        frame = [join_ref, ref, topic, event, payload]
    return json.dumps(frame).encode()


@given(versions, st.tuples(refs, refs, st.text(max_size=30), st.text(max_size=30), values))
def test_what_a_client_sends_is_read_as_it_was_meant(version: Version, sent: tuple[Any, Any, str, str, Any]) -> None:
    """Refs of every kind that clients in the field send."""
    join_ref, ref, topic, event, payload = sent
    message = wire.parse(version, _text(version, sent))
    assert message is not None
    assert (message.topic, message.event, message.payload) == (topic, event, payload)
    assert (json.loads(message.join_ref), json.loads(message.ref)) == (join_ref, ref)


@given(versions, st.tuples(refs, refs, st.text(max_size=30), st.just("e"), st.just({})), values)
def test_a_reply_echoes_refs_and_topic(version: Version, sent: tuple[Any, Any, str, str, Any], response: Any) -> None:
    """In the JSON type in which they came."""
    join_ref, ref, topic, *_ = sent
    message = wire.parse(version, _text(version, sent))
    assert message is not None
    (frame,) = read_frames(wire.reply(version, message, json.dumps(response).encode()))
    payload = {"status": "ok", "response": response}
    if version == 1:
        assert frame == {"topic": topic, "event": "phx_reply", "payload": payload, "ref": ref}
    else:
        assert frame == [join_ref, ref, topic, "phx_reply", payload]


@given(versions, st.binary(max_size=60))
def test_no_bytes_make_it_fail(version: Version, text: bytes) -> None:
    """A stranger's bytes are read or refused, never raised over."""
    wire.parse(version, text)


@pytest.mark.parametrize("ref", [1.5, True, {}, [], "x" * 65])
def test_a_ref_that_is_no_ref_spoils_the_frame(ref: object) -> None:
    """What is echoed has to be small and simple."""
    assert wire.parse(2, json.dumps([None, ref, "t", "e", {}]).encode()) is None


def test_absent_refs_are_null_and_further_elements_are_ignored() -> None:
    """k6 omits join_ref; a later version may say more."""
    message = wire.parse(1, b'{"topic":"t","event":"e","payload":{}}')
    assert message is not None
    assert (message.join_ref, message.ref) == (b"null", b"null")
    assert wire.parse(2, b'[null,0,"t","e",{},"more"]') is not None


@pytest.mark.parametrize("length", [0, 125, 126, 127, 65_535, 65_536, 70_000])
def test_the_length_of_a_websocket_frame_has_the_shortest_form(length: int) -> None:
    """RFC 6455 demands it."""
    frame = wire.websocket_frame(b"x" * length)
    assert len(frame) == length + (2 if length < 126 else 4 if length < 65_536 else 10)
    if length < 126:
        assert frame[1] == length


def test_bodies_are_spliced_as_they_are() -> None:
    """`183.0500` stays `183.0500`."""
    payload = wire.changes_payload(12, "2026-11-23T10:11:12+00:00", [b'{"cost":183.0500}', b"{}"])
    assert payload == b'{"tick":12,"at":"2026-11-23T10:11:12+00:00","changes":[{"cost":183.0500},{}]}'


def test_parts_say_their_number_and_whether_they_are_the_last() -> None:
    """Only a tick in parts has either."""
    assert b'"part":3,"end":false,' in wire.changes_payload(1, "t", [], part=3, end=False)
    assert b'"part":4,"end":true,' in wire.changes_payload(1, "t", [], part=4)


def test_a_tick_in_parts_ends_once_and_only_its_end_has_a_cursor() -> None:
    """Whoever goes on from a cursor in the middle would never hear of the rest."""
    body = b'"%b"' % (b"x" * (wire.LARGEST_PART // 2))
    parts = [json.loads(payload) for payload in wire.changes_payloads(7, "t", [body] * 3, "f1.after")]
    assert len(parts) > 1
    assert [change for part in parts for change in part["changes"]] == [json.loads(body)] * 3
    assert [part["part"] for part in parts] == list(range(1, len(parts) + 1))
    assert [part["end"] for part in parts] == [False] * (len(parts) - 1) + [True]
    assert [part.get("cursor") for part in parts] == [None] * (len(parts) - 1) + ["f1.after"]
    (whole,) = (json.loads(payload) for payload in wire.changes_payloads(7, "t", [b"1", b"2"], "f1.after"))
    assert whole == {"tick": 7, "at": "t", "changes": [1, 2], "cursor": "f1.after"}


def test_a_push_carries_null_refs() -> None:
    """So that one frame serves a whole audience."""
    assert read_frames(wire.push(2, "warehouse:a", "changes", b"{}")) == [[None, None, "warehouse:a", "changes", {}]]


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_problem_says_what_and_what_to_do(code: str) -> None:
    """From the one table."""
    problem = json.loads(wire.problem(code))
    assert problem["code"] == code
    assert problem["hint"]
    assert problem["reason"] == "unmatched topic" or problem["reason"].startswith(f"{code}: ")
