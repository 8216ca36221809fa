"""A change as Supabase's clients know it."""

import json
from typing import Any

import pytest
from tests.fixtures.gateway import AT, NORTH, a_shape, an_operation

from floorcast.access.policy import NOTHING, View
from floorcast.gateway.channels.binding import Catalogue, bind
from floorcast.gateway.channels.channel import Outlook
from floorcast.gateway.channels.config import Config, Replay, read_config
from floorcast.gateway.channels.frames import change_frames
from floorcast.gateway.channels.message import LARGEST_DATA, Messages, in_milliseconds
from floorcast.gateway.channels.resume import read_resume
from floorcast.gateway.channels.sight import Sight
from floorcast.operation import Operation
from floorcast.position import Position

TABLE = "work_orders"
SHAPES = {TABLE: a_shape(TABLE, cost="numeric")}
MASKED = View(frozenset({TABLE}), NOTHING, {TABLE: frozenset({"cost"})})


def told(operation: Operation, *bindings: dict[str, Any], view: View = MASKED, leaves: bool = False) -> list[Any]:
    """Return the payloads of the frames, in vsn 2."""
    found = bind(bindings, Catalogue(SHAPES.keys(), SHAPES))
    assert found.errors == ()
    outlook = Outlook("realtime:x", 2, found.bindings, leaves, Sight.of({NORTH: view}), "")
    frames = change_frames(outlook, ((NORTH, operation),), Messages(7, AT, SHAPES))
    payloads = []
    while frames:
        length, start = frames[1], 2
        if length > 125:
            wide = 2 if length == 126 else 8
            length, start = int.from_bytes(frames[2 : 2 + wide]), 2 + wide
        payloads.append(json.loads(frames[start : start + length])[4])
        frames = frames[start + length :]
    return payloads


def a_binding(**more: object) -> dict[str, Any]:
    """Everything of the table."""
    return {"event": "*", "schema": "public", "table": TABLE, **more}


def test_a_filter_on_a_hidden_column_lets_nothing_through() -> None:
    """Whether a row comes would tell what its value is."""
    operation = an_operation(1, new=b'{"id": 1, "cost": 5}', old=b'{"id": 1, "cost": 6}')
    assert told(operation, a_binding(filter="cost=eq.5")) == []
    (payload,) = told(operation, a_binding())
    assert payload["data"]["record"] == {"id": 1, "cost": None}
    assert payload["data"]["old_record"] == {"id": 1, "cost": None}


def test_digits_stay_as_postgres_wrote_them() -> None:
    """`183.0500` is not `183.05`."""
    operation = an_operation(1, op="enter", new=b'{"id": 1, "cost": 183.0500}')
    frames = change_frames(
        Outlook(
            "realtime:x",
            1,
            bind([a_binding()], Catalogue(SHAPES.keys(), SHAPES)).bindings,
            False,
            Sight.of({NORTH: View(None, NOTHING, NOTHING)}),
            "",
        ),
        ((NORTH, operation),),
        Messages(7, AT, SHAPES),
    )
    assert b'"record":{"id": 1, "cost": 183.0500}' in frames
    assert b'"ref":null' in frames


def test_of_a_very_large_row_short_values_are_told_and_that_it_is_too_large() -> None:
    """Clients in Python close the socket at a frame of a megabyte."""
    large = json.dumps({"id": 1, "text": "x" * LARGEST_DATA, "cost": 1}).encode()
    (payload,) = told(an_operation(1, op="enter", new=large), a_binding())
    assert payload["data"]["record"] == {"id": 1, "cost": None}
    assert payload["data"]["errors"] == ["Error 413: Payload Too Large"]


def test_a_row_that_leaves_is_deleted_for_who_asked_and_only_its_key_is_told() -> None:
    """It goes on elsewhere; what it is there is nobody's business."""
    leaving = an_operation(1, op="leave", by="update", text="secret")
    assert told(leaving, a_binding()) == []
    (payload,) = told(leaving, a_binding(), leaves=True)
    assert (payload["data"]["type"], payload["data"]["old_record"]) == ("DELETE", {"id": 1})
    assert told(leaving, a_binding(event="UPDATE"), leaves=True) == []


@pytest.mark.parametrize(
    ("at", "written"),
    [
        ("2026-11-23T10:11:12.345678+00:00", "2026-11-23T10:11:12.345Z"),
        ("2026-11-23T10:11:12+00:00", "2026-11-23T10:11:12.000Z"),
        ("", ""),
    ],
)
def test_times_are_in_milliseconds(at: str, written: str) -> None:
    """As Supabase writes them."""
    assert in_milliseconds(at) == written


@pytest.mark.parametrize(
    ("payload", "config"),
    [
        (None, Config()),
        ({"config": 5}, Config()),
        (
            {"config": {"private": "True", "broadcast": {"self": "true", "ack": True}}},
            Config((), True, True, private=True),
        ),
        ({"config": {"presence": {"key": 7}}}, Config(presence_key="7", presence=True)),
        ({"config": {"presence": {"enabled": "false"}}}, Config()),
        ({"config": {"postgres_changes": [None, {"event": "*"}]}}, Config(({"event": "*"},))),
        ({"config": {"broadcast": {"replay": {"since": 5, "limit": 99}}}}, Config(replay=Replay(5, 25))),
        ({"config": {"broadcast": {"replay": {"since": "5"}}}}, Config()),
        ({"access_token": "a", "user_token": "b"}, Config(token="b")),
        (
            {"config": {"resume": "h/1-2", "postgres_changes_options": {"leaves": "delete"}}},
            Config(resume="h/1-2", leaves=True),
        ),
    ],
)
def test_a_join_is_read_as_tolerantly_as_supabase_reads_it(payload: object, config: Config) -> None:
    """Clients of several years are in the field."""
    assert read_config(payload) == config


def test_where_to_go_on() -> None:
    """Anything else is none, and is told as a gap."""
    assert read_resume("first/12-3") == ("first", Position(12, 3))
    for text in ("", "first", "first/", "12-3", "first/12", "first/012-3"):
        assert read_resume(text) is None
