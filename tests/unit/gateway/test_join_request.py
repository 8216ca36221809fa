"""What a join may ask for, and how it is told what was wrong with it."""

from dataclasses import replace
from typing import Any

import pytest
from tests.fixtures.gateway import a_shape

from floorcast.access.policy import View
from floorcast.cursor import Cursor, Terms, encode_cursor, encode_place
from floorcast.gateway.audience import Manner
from floorcast.gateway.join_request import Ground, Origin, Refusal, Request, read_request
from floorcast.gateway.lens import ALL
from floorcast.tick import Anchor

TABLES = frozenset({"work_orders", "equipment"})
GROUND = Ground(
    View(TABLES, {}, {"work_orders": frozenset({"cost"})}),
    TABLES,
    {table: a_shape(table, cost="numeric", at="timestamptz") for table in TABLES},
)


def _read(**payload: Any) -> Request:
    return read_request(payload, GROUND)


def test_nothing_asks_for_everything_from_now_on() -> None:
    """What old clients send."""
    assert _read() == Request(ALL, Origin(), Manner(), {}, None)


def test_a_table_that_was_tracked_a_moment_ago_is_to_be_asked_for_again() -> None:
    """Who was told to read again because of it comes before it is known what it looks like."""
    with pytest.raises(Refusal) as refused:
        read_request({"tables": ["badges"]}, replace(GROUND, awaited=frozenset({"badges"})))
    assert refused.value.code == "not_ready"


def test_everything_that_may_be_asked_for_is_understood() -> None:
    """The key always comes along; a filter that says nothing is none."""
    terms = Terms.of("first", b"12345", b"12345", b"12345")
    cursor = encode_cursor(terms.encode(), encode_place(46, Anchor(50, "")), 46)
    request = _read(
        tables=["work_orders"],
        columns={"work_orders": ["text"]},
        where={"work_orders": "text=eq.a"},
        recent={"work_orders": {"by": "at", "rows": 50}},
        history="newest",
        slow="close",
        **{"from": cursor},
    )
    assert request.asked.tables == {"work_orders"}
    assert dict(request.asked.columns) == {"work_orders": {"id", "text"}}
    assert [(table, str(condition)) for table, condition in request.asked.where] == [("work_orders", "text.eq.a")]
    assert request.recent == {"work_orders": ("at", 50)}
    assert request.manner == Manner("newest", "close")
    assert isinstance(request.origin.cursor, Cursor)
    assert request.origin.cursor.tick == 46
    assert _read(**{"from": "snapshot"}).origin == Origin(picture=True)
    assert _read(where={"work_orders": ""}).asked == ALL


@pytest.mark.parametrize(
    ("payload", "code", "word"),
    [
        ({"tables": "work_orders"}, "bad_join", "list"),
        ({"tables": []}, "bad_join", "list"),
        ({"tables": ["work_orders", 5]}, "bad_join", "list"),
        ({"tables": ["salaries"]}, "unknown_table", "salaries"),
        ({"where": "status=eq.open"}, "bad_join", "object"),
        ({"where": {"salaries": "id=eq.1"}}, "unknown_table", "salaries"),
        ({"tables": ["equipment"], "where": {"work_orders": "id=eq.1"}}, "unknown_table", "work_orders"),
        ({"where": {"work_orders": 5}}, "bad_filter", "text"),
        ({"where": {"work_orders": "id=maybe.1"}}, "bad_filter", "work_orders"),
        ({"where": {"work_orders": "cost=gt.5"}}, "bad_filter", "cost"),
        ({"columns": {"work_orders": []}}, "bad_join", "list"),
        ({"columns": {"work_orders": ["shoe_size"]}}, "bad_join", "shoe_size"),
        ({"recent": {"work_orders": 50}}, "bad_join", "rows"),
        ({"recent": {"work_orders": {"by": "at", "rows": 0}}}, "bad_join", "rows"),
        ({"recent": {"work_orders": {"by": "at", "rows": True}}}, "bad_join", "rows"),
        ({"recent": {"work_orders": {"by": "at", "rows": 10_001}}}, "bad_join", "rows"),
        ({"recent": {"work_orders": {"by": "shoe_size", "rows": 5}}}, "bad_join", "shoe_size"),
        ({"recent": {"work_orders": {"by": "cost", "rows": 5}}}, "bad_join", "cost"),
        ({"from": 46}, "bad_join", "from"),
        ({"from": "yesterday"}, "bad_cursor", "cursor"),
        ({"history": "some"}, "bad_join", "history"),
        ({"slow": "wait"}, "bad_join", "slow"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_place(payload: dict[str, Any], code: str, word: str) -> None:
    """A table that is not the caller's is refused like one that is not there; so is a column that is hidden."""
    with pytest.raises(Refusal) as refused:
        _read(**payload)
    assert refused.value.code == code
    assert word in refused.value.detail


def test_a_table_that_has_just_been_tracked_can_not_be_filtered_yet() -> None:
    """Nobody knows its columns for a moment; the client asks again."""
    ground = Ground(GROUND.view, TABLES, {"equipment": a_shape("equipment")})
    with pytest.raises(Refusal) as refused:
        read_request({"where": {"work_orders": "id=eq.1"}}, ground)
    assert refused.value.code == "not_ready"
    assert read_request({}, ground).asked == ALL
