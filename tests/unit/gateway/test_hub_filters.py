"""Fan-out to people who filter: whom a change concerns, and what it is for him."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.fixtures.gateway import AT, NORTH, a_base, a_grant, a_shape, an_operation, readable
from tests.fixtures.outboxes import Listening

from floorcast.filter.reading import read_filter
from floorcast.gateway.audience import Selection
from floorcast.gateway.hub import Hub
from floorcast.gateway.lens import Asked, look
from floorcast.operation import Act, Operation, PersonTable
from floorcast.shape import TableShape

SHAPES = {
    "work_orders": a_shape("work_orders", status="text", priority="int4"),
    "equipment": a_shape("equipment", status="text"),
}


@pytest.fixture
def hub() -> Hub:
    """A hub at tick 0, of a warehouse where Anna is."""
    hub = Hub(progress_seconds=5.0)
    hub.begin(a_base(grants={"anna": {NORTH: "technician"}}, shapes=SHAPES))
    return hub


def _join(
    hub: Hub, role: str = "authenticated", columns: tuple[str, ...] = (), tables: Any = None, **where: str
) -> Listening:
    listening = Listening(role=role)
    conditions = tuple((table, read_filter(text, SHAPES[table])) for table, text in sorted(where.items()))
    narrowed = (("work_orders", frozenset(columns)),) if columns else ()
    asked = Asked(tables, conditions, narrowed)  # type: ignore[arg-type]
    lens = look(hub.view(hub.role(listening, NORTH) or ""), asked)
    hub.join(listening, Selection(f"warehouse:{NORTH}", NORTH, 2, lens), b'"1"')
    return listening


def _change(n: int, old: dict[str, Any] | None, new: dict[str, Any] | None, table: str = "work_orders") -> Operation:
    op: Act = "enter" if old is None else "leave" if new is None else "update"
    rows = [None if row is None else json.dumps({"id": n, **row}).encode() for row in (old, new)]
    return an_operation(n, table=table, op=op, old=rows[0], new=rows[1])


def _deliver(hub: Hub, *operations: Operation) -> None:
    hub.deliver(hub.position + 1, AT, operations, "")
    hub.hand_out()


def _told(listening: Listening) -> list[tuple[Any, str]]:
    return [
        (change["key"]["id"], change["op"])
        for frame in listening.frames
        if frame[3] == "changes"
        for change in frame[4]["changes"]
    ]


def test_a_row_enters_and_leaves_a_filter_as_it_would_a_warehouse(hub: Hub) -> None:
    """Whoever asked for open ones holds exactly those; of what was none before and is none after he hears nothing."""
    anna = _join(hub, work_orders="status=eq.open")
    open_, closed, unknown = {"status": "open"}, {"status": "closed"}, {"status": None}
    _deliver(
        hub,
        _change(1, closed, open_),
        _change(2, open_, closed),
        _change(3, open_, open_),
        _change(4, closed, closed),
        _change(5, None, open_),
        _change(6, None, closed),
        _change(7, open_, None),
        _change(8, closed, None),
        _change(9, open_, unknown),
        _change(10, unknown, unknown),
    )
    assert _told(anna) == [(1, "enter"), (2, "leave"), (3, "update"), (5, "enter"), (7, "leave"), (9, "leave")]
    entered, left = anna.frames[0][4]["changes"][:2]
    assert entered["new"] == {"id": 1, "status": "open"}, "what enters is told whole"
    assert "new" not in left
    assert "old" not in left, "what it became is nobody's business who did not ask for it"


def test_who_filters_one_table_is_told_all_of_the_others(hub: Hub) -> None:
    """A trusted server too, who looks at every table there is."""
    anna, server = (_join(hub, role, work_orders="status=eq.open") for role in ("authenticated", "service_role"))
    row = {"status": "closed"}
    _deliver(hub, _change(1, row, row), _change(2, row, row, "equipment"))
    assert _told(anna) == _told(server) == [(2, "update")]


def test_a_filter_on_two_tables_is_one_on_each(hub: Hub) -> None:
    """In the tick's order."""
    anna = _join(hub, work_orders="priority=gt.3", equipment="status=eq.down")
    rows = {"priority": 5, "status": "down"}
    _deliver(
        hub,
        _change(1, None, rows, "equipment"),
        _change(2, None, {"priority": 5}),
        _change(3, None, {"priority": 3}),
        _change(4, None, {"priority": None}),
    )
    assert _told(anna) == [(1, "enter"), (2, "enter")]


def test_columns_that_nobody_asked_for_are_neither_sent_nor_a_reason_to_send(hub: Hub) -> None:
    """The filter may ask what is not sent."""
    anna = _join(hub, columns=("id", "text"), work_orders="status=neq.closed")
    row = {"text": "a", "status": "open", "priority": 1}
    _deliver(hub, _change(1, row, row | {"priority": 2}), _change(2, row, row | {"text": "b"}))
    assert _told(anna) == [(2, "update")]
    assert anna.frames[0][4]["changes"][0]["new"] == {"id": 2, "text": "b"}


def test_a_row_of_another_shape_than_a_filter_was_read_for_is_read_again(hub: Hub) -> None:
    """By those whom it concerns; the others are told of it, and nobody of less than the whole tick."""
    anna, other, plain = _join(hub, work_orders="priority=gt.3"), _join(hub, equipment="status=eq.down"), _join(hub)
    altered = _change(1, None, {"priority": "high"})
    _deliver(hub, altered, replace(_change(2, None, {"status": "down"}, "equipment")))
    assert anna.events() == ["must_refetch", "phx_error"]
    assert anna.frames[0][4]["reason"] == "schema"
    assert _told(plain) == [(1, "enter"), (2, "enter")]
    assert other.events() in (["changes"], ["must_refetch", "phx_error"])


def test_a_row_that_does_not_fit_one_filter_is_still_told_to_those_who_filter_another_table(hub: Hub) -> None:
    """Only who asked about its table reads again; to the others it is a row like any."""
    anna = _join(hub, work_orders="priority=eq.1")
    bert = _join(hub, equipment="status=eq.broken")
    _deliver(hub, _change(1, None, {"status": "open", "priority": "much"}))
    assert [frame[3] for frame in anna.frames] == ["must_refetch", "phx_error"]
    assert _told(bert) == [(1, "enter")]
    _deliver(hub, _change(2, None, {"status": "open", "priority": 1}))
    assert _told(bert) == [(1, "enter"), (2, "enter")]


def test_a_person_who_may_be_here_no_more_leaves_whatever_is_asked_of_people() -> None:
    """The leave is the key alone: nobody can say whose filter the row met, and who does not hold it is not harmed."""
    people = TableShape("users", {"id": "text", "status": "text"}, ("id",), "person", "id")
    hub = Hub(progress_seconds=5.0)
    hub.begin(
        a_base(
            grants={"anna": {NORTH: "technician"}, "bert": {NORTH: "technician"}},
            tables=frozenset({"users"}),
            policy=(readable("users"),),
            persons={"users": PersonTable("id", is_key=True)},
            shapes={"users": people},
        )
    )
    anna = Listening("anna")
    lens = look(hub.view("technician"), Asked(None, (("users", read_filter("status=eq.here", people)),)))  # type: ignore[arg-type]
    hub.join(anna, Selection(f"warehouse:{NORTH}", NORTH, 2, lens), b'"1"')
    _deliver(hub, a_grant("bert", NORTH, None, was="technician"))
    assert _told(anna) == [("bert", "leave")]
