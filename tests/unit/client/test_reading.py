"""Lines that people read: who did what to which row, and what changed in it."""

from typing import Any

import pytest

from floorcast.client.reading import Reading, visible
from floorcast.client.warehouses import OpenWarehouse, find_warehouse
from floorcast.errors import ClientError

ACTOR = "0e8a4f3a-0000-0000-0000-000000000000"


def an_operation(op: str = "update", table: str = "work_orders", **new: Any) -> dict[str, Any]:
    """Return an operation as it is on the wire; without columns it carries no row."""
    operation: dict[str, Any] = {
        "position": "12-3",
        "op": op,
        "table": table,
        "key": {"id": "k1"},
        "actor": ACTOR,
        "at": "2026-11-23T10:11:12.345678+00:00",
    }
    if new:
        operation["new"] = {"id": "k1", **new}
    return operation


def test_a_row_that_enters_is_named_with_what_matters() -> None:
    """Time, position, table, number and title, status, actor."""
    line = Reading().line(an_operation("enter", number="WO-2026-000001", title="LEAK", status="open"))
    assert line == (
        "10:11:12.345      12-3  work_orders            enter  WO-2026-000001 LEAK status: open  (by 0e8a4f3a)"
    )


def test_an_update_says_what_changed() -> None:
    """Against the row as it was last seen; columns that always change are left out."""
    reading = Reading()
    reading.line(an_operation("enter", number="WO-1", status="open", version=1))
    line = reading.line(an_operation(number="WO-1", status="assigned", version=2))
    assert "WO-1 status: open → assigned  (by" in line


def test_an_update_of_a_row_that_was_never_seen_shows_the_row() -> None:
    """Tail begins in the middle."""
    assert "WO-1 status: assigned" in Reading().line(an_operation(number="WO-1", status="assigned"))


def test_after_a_gap_nothing_is_compared() -> None:
    """What is remembered may be older than it seems."""
    reading = Reading()
    reading.line(an_operation("enter", number="WO-1", status="open"))
    reading.forget()
    assert "→" not in reading.line(an_operation(number="WO-1", status="closed"))


def test_what_belongs_to_an_order_carries_its_number() -> None:
    """Once the order itself went by."""
    reading = Reading()
    reading.line(an_operation("enter", number="WO-7", title="LEAK"))
    event = an_operation("enter", "work_order_timeline", work_order_id="k1", event_type="commented")
    assert "WO-7 commented" in reading.line(event)


def test_a_leave_names_the_row_that_left() -> None:
    """From the delete's old row, from memory, or by its key."""
    reading = Reading()
    reading.line(an_operation("enter", "equipment", asset_tag="N-1", name="Press", status="down"))
    assert "N-1 Press" in reading.line(an_operation("leave", "equipment"))
    assert "id: k1" in reading.line(an_operation("leave", "equipment"))
    gone = an_operation("leave", "equipment") | {"old": {"asset_tag": "N-2", "name": "Saw"}}
    assert "N-2 Saw" in reading.line(gone)


def test_a_system_is_named_as_it_is() -> None:
    """Not cut like an id."""
    operation = an_operation("enter", number="WO-1") | {"actor": "system:floorcast_service"}
    assert Reading().line(operation).endswith("(system:floorcast_service)")


def test_a_title_cannot_play_with_the_terminal() -> None:
    """Escapes become visible; other languages stay as they are."""
    assert visible("ä\x1b[2J\r\n→") == "ä\\x1b[2J\\r\\n→"


def test_a_long_value_is_cut() -> None:
    """A line stays a line."""
    assert "x" * 59 + "…" in Reading().line(an_operation("enter", number="x" * 500))


def test_every_change_of_a_tick_is_a_line() -> None:
    """In the order of the tick."""
    changes = [an_operation("enter", number=f"WO-{n}") for n in range(3)]
    assert len(list(Reading().lines({"tick": 12, "changes": changes}))) == 3


WAREHOUSES = [OpenWarehouse("a1", "North Plant", "viewer"), OpenWarehouse("b2", "South Plant", "manager")]


@pytest.mark.parametrize("wanted", ["south plant", "B2", " South Plant "])
def test_a_warehouse_is_found_by_name_or_id(wanted: str) -> None:
    """Whatever its capitals."""
    assert find_warehouse(WAREHOUSES, wanted).id == "b2"


def test_a_warehouse_that_the_token_does_not_open_is_refused_with_those_it_does() -> None:
    """Most often it is a misspelling."""
    with pytest.raises(ClientError, match="North Plant, South Plant"):
        find_warehouse(WAREHOUSES, "West")
