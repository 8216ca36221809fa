"""Lines that people read: who did what to which row, and what changed in it."""

from dataclasses import replace
from typing import Any, Literal

import pytest

from floorcast.client import Change, Changes, ClientError, Forgotten, Joined, Progress, Snapshot, Waiting
from floorcast.client.reading import Reading, visible
from floorcast.client.warehouses import OpenWarehouse, find_warehouse

ACTOR = "0e8a4f3a-0000-0000-0000-000000000000"


AT = "2026-11-23T10:11:12.345678+00:00"


def a_change(op: str = "update", table: str = "work_orders", actor: str = ACTOR, **new: Any) -> Change:
    """Return a change; without columns it carries no row."""
    wire = {"position": "12-3", "op": op, "by": "update", "table": table, "key": {"id": "k1"}, "actor": actor, "at": AT}
    return Change.read(wire | ({"new": {"id": "k1", **new}} if new else {}))


def joined(origin: Literal["cursor", "snapshot", "now"], after: ClientError | None = None) -> Joined:
    """Return a joining."""
    return Joined(origin, "11-0", "viewer", ("work_orders",), {"work_orders": ("id",)}, None, after)


def test_a_row_that_enters_is_named_with_what_matters() -> None:
    """Time, position, table, number and title, status, actor."""
    line = Reading().line(a_change("enter", number="WO-2026-000001", title="LEAK", status="open"))
    assert line == (
        "10:11:12.345      12-3  work_orders            enter  WO-2026-000001 LEAK status: open  (by 0e8a4f3a)"
    )


def test_an_update_says_what_changed() -> None:
    """Against the row as it was last seen; columns that always change are left out."""
    reading = Reading()
    reading.line(a_change("enter", number="WO-1", status="open", version=1))
    line = reading.line(a_change(number="WO-1", status="assigned", version=2))
    assert "WO-1 status: open → assigned  (by" in line


def test_an_update_of_a_row_that_was_never_seen_shows_the_row() -> None:
    """Tail begins in the middle."""
    assert "WO-1 status: assigned" in Reading().line(a_change(number="WO-1", status="assigned"))


def test_after_a_gap_nothing_is_compared() -> None:
    """What is remembered may be older than it seems."""
    reading = Reading()
    reading.line(a_change("enter", number="WO-1", status="open"))
    reading.note(Snapshot(13, AT, {}))
    assert "→" not in reading.line(a_change(number="WO-1", status="closed"))


def test_what_belongs_to_an_order_carries_its_number() -> None:
    """Once the order itself went by."""
    reading = Reading()
    reading.line(a_change("enter", number="WO-7", title="LEAK"))
    event = a_change("enter", "work_order_timeline", work_order_id="k1", event_type="commented")
    assert "WO-7 commented" in reading.line(event)


def test_a_leave_names_the_row_that_left() -> None:
    """From the delete's old row, from memory, or by its key."""
    reading = Reading()
    reading.line(a_change("enter", "equipment", asset_tag="N-1", name="Press", status="down"))
    assert "N-1 Press" in reading.line(a_change("leave", "equipment"))
    assert "id: k1" in reading.line(a_change("leave", "equipment"))
    gone = replace(a_change("leave", "equipment"), old={"asset_tag": "N-2", "name": "Saw"})
    assert "N-2 Saw" in reading.line(gone)


def test_a_system_is_named_as_it_is() -> None:
    """Not cut like an id."""
    change = a_change("enter", number="WO-1", actor="system:floorcast_service")
    assert Reading().line(change).endswith("(system:floorcast_service)")


def test_a_title_cannot_play_with_the_terminal() -> None:
    """Escapes become visible; other languages stay as they are."""
    assert visible("ä\x1b[2J\r\n→") == "ä\\x1b[2J\\r\\n→"


def test_a_long_value_is_cut() -> None:
    """A line stays a line."""
    assert "x" * 59 + "…" in Reading().line(a_change("enter", number="x" * 500))


def test_every_change_of_a_tick_is_a_line() -> None:
    """In the order of the tick."""
    changes = tuple(a_change("enter", number=f"WO-{n}") for n in range(3))
    assert len(list(Reading().lines(Changes(12, AT, changes)))) == 3


def test_a_picture_is_a_line_and_is_remembered() -> None:
    """What changes afterwards is told against it."""
    reading = Reading()
    assert reading.note(joined("snapshot")) == "joined as viewer, beginning with the picture"
    orders = [{"id": "k1", "number": "WO-1", "status": "open"}, {"id": "k2"}]
    told = Snapshot(11, AT, {"work_orders": orders, "users": [], "equipment": [{"id": "e1"}]})
    reading.note(replace(joined("snapshot"), keys={"work_orders": ("id",), "equipment": ("id",)}))
    assert reading.note(told) == "the picture at tick 11: 2 work_orders, 1 equipment"
    assert "WO-1 status: open → closed" in reading.line(a_change(number="WO-1", status="closed"))
    assert reading.note(Snapshot(12, AT, {})) == "the picture at tick 12: no rows"


def test_how_it_began_and_went_on_is_said() -> None:
    """Whoever reads it later can tell where something may be missing: nowhere."""
    reading, lost = Reading(), ClientError("connection_lost", "it ended")
    assert reading.note(joined("now")) == "joined as viewer, from 11-0 on"
    assert reading.note(joined("cursor")) == "joined as viewer, going on from the cursor, without a gap"
    assert reading.note(joined("cursor", lost)) == "joined as viewer, again, without a gap"
    assert reading.note(Waiting(lost, 0.25)) == "lost (connection_lost: it ended); trying again in 0.2 s"
    assert reading.note(Progress("11-0", AT)) is None


def test_what_must_be_forgotten_is_said_with_its_reason() -> None:
    """The sentence for it, where there is one."""
    reading = Reading()
    reading.line(a_change("enter", number="WO-1", status="open"))
    note = reading.note(Forgotten("future", ClientError("must_refetch", "…"), final=False))
    assert note is not None
    assert "ahead of everything" in note
    assert "→" not in reading.line(a_change(number="WO-1", status="closed"))
    other = reading.note(Forgotten("moon", ClientError("must_refetch", "moon"), final=False))
    assert other == "it cannot go on exactly (must_refetch: moon): the picture will follow"


WAREHOUSES = [OpenWarehouse("a1", "North Plant", "viewer"), OpenWarehouse("b2", "South Plant", "manager")]


@pytest.mark.parametrize("wanted", ["south plant", "B2", " South Plant "])
def test_a_warehouse_is_found_by_name_or_id(wanted: str) -> None:
    """Whatever its capitals."""
    assert find_warehouse(WAREHOUSES, wanted).id == "b2"


def test_a_warehouse_that_the_token_does_not_open_is_refused_with_those_it_does() -> None:
    """Most often it is a misspelling."""
    with pytest.raises(ClientError, match="North Plant, South Plant"):
        find_warehouse(WAREHOUSES, "West")
