"""The client's protocol: what frames say, and which of them are not for us."""

import json
from decimal import Decimal

import pytest

from floorcast.client.channel import (
    ChannelProtocol,
    Ended,
    Pushed,
    Reply,
    http_address,
    socket_address,
)

TOPIC = "warehouse:north"


def joined() -> tuple[ChannelProtocol, str]:
    """Return a protocol that has joined TOPIC, and the ref of that joining."""
    protocol = ChannelProtocol()
    ref, _ = protocol.join(TOPIC, {})
    protocol.receive(frame(ref, ref, TOPIC, "phx_reply", {"status": "ok", "response": {}}))
    return protocol, ref


def frame(*parts: object) -> str:
    """Return a frame as the server would send it."""
    return json.dumps(parts)


def test_a_join_names_itself_as_its_join_ref() -> None:
    """The ref of a join is what the joining is called from then on."""
    ref, text = ChannelProtocol().join(TOPIC, {"tables": ["equipment"]})
    assert json.loads(text) == [ref, ref, TOPIC, "phx_join", {"tables": ["equipment"]}]


def test_a_push_carries_the_join_ref_of_its_topic() -> None:
    """The server can tell which joining a leave is about."""
    protocol, join_ref = joined()
    ref, text = protocol.push(TOPIC, "phx_leave", {})
    assert json.loads(text) == [join_ref, ref, TOPIC, "phx_leave", {}]
    assert ref != join_ref


def test_a_heartbeat_belongs_to_no_joining() -> None:
    """Its join_ref is null and its topic is phoenix."""
    ref, text = ChannelProtocol().heartbeat()
    assert json.loads(text) == [None, ref, "phoenix", "heartbeat", {}]


def test_a_reply_is_matched_by_its_ref() -> None:
    """Status and response come out as facts."""
    protocol, ref = joined()
    text = frame(ref, ref, TOPIC, "phx_reply", {"status": "ok", "response": {"position": "7-0"}})
    assert protocol.receive(text) == Reply(ref, TOPIC, True, {"position": "7-0"})


def test_a_reply_without_an_object_has_an_empty_response() -> None:
    """Other servers of this protocol answer with null or text."""
    protocol, ref = joined()
    text = frame(ref, ref, TOPIC, "phx_reply", {"status": "error", "response": None})
    assert protocol.receive(text) == Reply(ref, TOPIC, False, {})


def test_fan_out_with_null_refs_is_accepted() -> None:
    """One frame serves every socket of an audience, so it can name no joining."""
    protocol, _ = joined()
    assert protocol.receive(frame(None, None, TOPIC, "progress", {"position": "1-0"})) == Pushed(
        TOPIC, "progress", {"position": "1-0"}
    )


def test_what_belongs_to_an_earlier_joining_is_dropped() -> None:
    """A late phx_close of the joining that was replaced must not end the new one."""
    protocol, first = joined()
    second, _ = protocol.join(TOPIC, {})
    assert protocol.receive(frame(first, first, TOPIC, "phx_close", {})) is None
    assert protocol.receive(frame(second, second, TOPIC, "phx_close", {})) == Ended(TOPIC, "closed")


def test_fan_out_before_the_answer_belongs_to_the_joining_before() -> None:
    """It carries no refs; taken for the new joining's it would be applied twice, or out of order."""
    protocol, _ = joined()
    ref, _ = protocol.join(TOPIC, {"from": "snapshot"})
    late = frame(None, None, TOPIC, "changes", {"tick": 5})
    assert protocol.receive(late) is None
    protocol.receive(frame(ref, ref, TOPIC, "phx_reply", {"status": "ok", "response": {}}))
    assert protocol.receive(late) == Pushed(TOPIC, "changes", {"tick": 5})


def test_what_concerns_the_whole_socket_needs_no_joining() -> None:
    """A token that expires, a gateway that is being stopped."""
    text = frame(None, None, "phoenix", "draining", {"after_ms": 5})
    assert ChannelProtocol().receive(text) == Pushed("phoenix", "draining", {"after_ms": 5})


def test_a_push_on_a_topic_that_is_not_joined_is_dropped() -> None:
    """It was on its way when we left."""
    protocol, ref = joined()
    protocol.receive(frame(ref, ref, TOPIC, "phx_close", {}))
    assert protocol.receive(frame(None, None, TOPIC, "changes", {})) is None
    assert protocol.receive(frame(None, None, "warehouse:other", "changes", {})) is None


def test_an_error_ends_the_topic_as_failed() -> None:
    """A new join may help; a close was agreed upon."""
    protocol, ref = joined()
    assert protocol.receive(frame(ref, ref, TOPIC, "phx_error", {})) == Ended(TOPIC, "failed")


@pytest.mark.parametrize("text", ["{}", "[1,2,3]", "nonsense", '["1","1","t","e",null]', "5"])
def test_what_is_not_a_frame_is_a_value_error(text: str) -> None:
    """The edge turns it into the end of the connection."""
    with pytest.raises(ValueError, match=r".+"):
        ChannelProtocol().receive(text)


def test_every_digit_of_a_number_can_be_kept() -> None:
    """Tests compare with the trail row for row: 183.0500 is not 183.05."""
    protocol = ChannelProtocol(parse_float=Decimal)
    ref, _ = protocol.join(TOPIC, {})
    protocol.receive(frame(ref, ref, TOPIC, "phx_reply", {"status": "ok", "response": {}}))
    received = protocol.receive(f'[null,null,"{TOPIC}","changes",{{"cost":183.0500}}]')
    assert isinstance(received, Pushed)
    assert str(received.payload["cost"]) == "183.0500"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("ws://127.0.0.1:4000", "ws://127.0.0.1:4000/realtime/v1/websocket?vsn=2.0.0"),
        ("http://plant:80/", "ws://plant:80/realtime/v1/websocket?vsn=2.0.0"),
        ("https://plant", "wss://plant/realtime/v1/websocket?vsn=2.0.0"),
        ("ws://plant/socket/websocket", "ws://plant/socket/websocket?vsn=2.0.0"),
    ],
)
def test_the_address_of_a_server_is_enough(given: str, address: str) -> None:
    """The path has a default, and the version is always ours."""
    assert socket_address(given) == address


def test_the_http_side_is_on_the_same_port() -> None:
    """Pictures and lists of warehouses are read there."""
    assert http_address("wss://plant:8443", "/v1/warehouses") == "https://plant:8443/v1/warehouses"


@pytest.mark.parametrize("given", ["127.0.0.1:4000", "ftp://plant", "", "ws://"])
def test_what_is_no_address_is_said(given: str) -> None:
    """Instead of a strange failure to connect later."""
    with pytest.raises(ValueError, match="not an address"):
        socket_address(given)
