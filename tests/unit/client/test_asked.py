"""What a view asks for, as it is on the wire, and what a cursor is bound to."""

from dataclasses import replace

import pytest

from floorcast.client.asked import Asked

NORTH = Asked("ws://plant/", "north")


def test_only_what_was_asked_for_is_in_the_join() -> None:
    """An older server knows no other options."""
    assert NORTH.join("snapshot", None) == {"from": "snapshot"}
    assert NORTH.topic == "warehouse:north"


def test_every_option_is_in_the_join() -> None:
    """In the form that docs/protocol.md describes."""
    asked = Asked(
        "ws://plant/",
        "north",
        tables=("work_orders",),
        where={"work_orders": "status=eq.open"},
        columns={"work_orders": ("id", "status")},
        recent={"work_order_timeline": ("timestamp", 50)},
        history="newest",
        slow="close",
        presence=True,
    )
    assert asked.join("f1.abc", {"name": "Anna"}) == {
        "from": "f1.abc",
        "tables": ["work_orders"],
        "where": {"work_orders": "status=eq.open"},
        "columns": {"work_orders": ["id", "status"]},
        "recent": {"work_order_timeline": {"by": "timestamp", "rows": 50}},
        "history": "newest",
        "slow": "close",
        "presence": {"meta": {"name": "Anna"}},
    }
    assert asked.join("now", None)["presence"] is True


def test_a_cursor_is_bound_to_what_it_was_given_for() -> None:
    """A changed filter begins anew, instead of being refused for ever."""
    others = [
        replace(NORTH, address="ws://other/"),
        replace(NORTH, warehouse="south"),
        replace(NORTH, tables=("equipment",)),
        replace(NORTH, where={"equipment": "status=eq.down"}),
        replace(NORTH, columns={"equipment": ("id",)}),
    ]
    assert len({asked.binding for asked in (NORTH, *others)}) == 6


def test_what_changes_nothing_of_the_view_keeps_the_cursor() -> None:
    """Another order of names, how slow readers are treated, who is here."""
    asked = replace(NORTH, tables=("a", "b"), columns={"a": ("x", "y")})
    same = replace(asked, tables=("b", "a"), columns={"a": ("y", "x")}, slow="close", presence=True, history="newest")
    assert asked.binding == same.binding


def test_a_text_is_no_list_of_names() -> None:
    """It would be taken for a list of letters."""
    with pytest.raises(ValueError, match="'equipment' is a text"):
        replace(NORTH, tables="equipment")
    with pytest.raises(ValueError, match="'id' is a text"):
        replace(NORTH, columns={"equipment": "id"})
