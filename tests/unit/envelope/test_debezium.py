"""Changes as Debezium's sinks read them."""

from typing import Any

import orjson
import pytest
from tests.fixtures.gateway import AT, an_operation

from floorcast.envelope.debezium import Debezium
from floorcast.envelope.envelope import Envelope, TickHead
from floorcast.operation import Act

HEAD = TickHead("0f3a", 12, "2026-11-23T10:11:13.000001+00:00")
ROW, BEFORE = b'{"id":3,"cost":1.10}', b'{"id":3,"cost":1.0}'


def an_event(op: Act, **rows: bytes | None) -> dict[str, Any]:
    """What a reader is given of the third change of a tick."""
    envelope: Envelope = Debezium()
    operation = an_operation(3, op=op)
    event = orjson.loads(envelope.encode(HEAD, operation, op=op, new=rows.get("new"), old=rows.get("old")))
    assert isinstance(event, dict)
    return event


def test_an_event_has_debeziums_members() -> None:
    """All of them, in its order, and what is ours within `source`."""
    event = an_event("update", new=ROW, old=BEFORE)
    assert list(event) == ["before", "after", "source", "op", "ts_ms", "ts_us", "ts_ns", "transaction"]
    assert (event["before"], event["after"], event["op"]) == (orjson.loads(BEFORE), orjson.loads(ROW), "u")
    assert (event["ts_ms"], event["ts_us"], event["ts_ns"]) == (
        1795428673000,
        1795428673000001,
        1795428673000001000,
    )
    assert event["transaction"] == {"id": "703:12", "total_order": 3, "data_collection_order": 3}
    source = event["source"]
    assert source.pop("version")
    assert source == {
        "connector": "floorcast",
        "name": "floorcast",
        "ts_ms": 1795428672345,
        "ts_us": 1795428672345678,
        "ts_ns": 1795428672345678000,
        "snapshot": "false",
        "db": "floorcast",
        "sequence": '["12","3"]',
        "schema": "public",
        "table": "work_orders",
        "txId": 703,
        "lsn": None,
        "xmin": None,
        "incarnation": "0f3a",
        "position": "12-3",
        "place": "north",
        "by": "update",
        "actor": "root",
    }


@pytest.mark.parametrize(("op", "letter"), [("enter", "c"), ("update", "u"), ("leave", "d")])
def test_a_sink_that_obeys_op_holds_what_its_reader_may_see(op: Act, letter: str) -> None:
    """A row that came into sight is created there, and one that went out of sight deleted, whatever was done to it."""
    assert an_event(op, new=None if op == "leave" else ROW)["op"] == letter


def test_a_leave_has_at_least_the_key_before() -> None:
    """By it the sink deletes; the row itself where it was deleted, and the reader saw it."""
    assert an_event("leave")["before"] == {"id": 3}
    assert an_event("leave")["after"] is None
    assert an_event("leave", old=BEFORE)["before"] == orjson.loads(BEFORE)


def test_a_row_that_enters_was_nothing_before() -> None:
    """And an update whose row before is not told has none."""
    assert an_event("enter", new=ROW)["before"] is None
    assert an_event("update", new=ROW)["before"] is None


def test_a_row_of_a_first_picture_is_read() -> None:
    """`r`, as of the tick at whose end the picture holds; no transaction made it."""
    event = orjson.loads(Debezium("plant").encode_picture(HEAD, "shop.lathes", ROW))
    assert (event["op"], event["before"], event["after"]) == ("r", None, orjson.loads(ROW))
    assert (event["source"]["schema"], event["source"]["table"], event["source"]["db"]) == ("shop", "lathes", "plant")
    assert (event["source"]["snapshot"], event["source"]["txId"], event["transaction"]) == ("true", None, None)


def test_updates_are_asked_for_with_the_row_before() -> None:
    """Sinks compare the two."""
    assert Debezium().wants_old
    assert AT.startswith("2026-11-23T10:11:12.345678")
