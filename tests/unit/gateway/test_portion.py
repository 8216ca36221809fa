"""What each lens is given of a tick."""

from dataclasses import replace
from typing import Any

import orjson
from tests.fixtures.gateway import NORTH, an_operation

from floorcast.access.policy import EVERYTHING, View
from floorcast.filter.reading import read_filter
from floorcast.gateway.lens import Asked, Lens
from floorcast.gateway.portion import Portion, Portions
from floorcast.operation import Operation
from floorcast.shape import TableShape

MASKED = Lens(View(frozenset({"orders", "machines"}), {"orders": "owner"}, {"orders": frozenset({"cost"})}))
OWNED = Lens(View(frozenset({"machines"}), {"orders": "owner"}, {}))
ALL = Lens(EVERYTHING)


def _order(n: int, owner: str, cost: int = 5) -> Operation:
    row = orjson.dumps({"id": n, "owner": owner, "cost": cost})
    return an_operation(n, NORTH, "orders", new=row, old=row)


def _cut(lens: Lens, *operations: Operation) -> Portion:
    return Portions(9).cut(lens, operations)


def _read(bodies: tuple[bytes, ...]) -> list[dict[str, Any]]:
    return [orjson.loads(body) for body in bodies]


def test_who_sees_everything_is_given_rows_as_they_came() -> None:
    """Byte for byte, at their positions; the row before is told of a deleted one alone."""
    gone = an_operation(2, table="machines", op="leave", by="delete")
    moved = an_operation(3, table="machines", op="leave", by="update")
    update, deleted, left = _cut(ALL, _order(1, "anna"), gone, moved).bodies()
    assert (_order(1, "anna").new or b"") in update
    assert [orjson.loads(body)["position"] for body in (update, deleted, left)] == ["9-1", "9-2", "9-3"]
    assert [("old" in orjson.loads(body)) for body in (update, deleted, left)] == [False, True, False]


def test_a_table_that_a_view_does_not_show_is_left_out() -> None:
    """Whether by role or because the join did not ask for it."""
    operations = [_order(1, "anna"), an_operation(2, table="machines"), an_operation(3, table="secrets")]
    (body,) = _read(_cut(Lens(View(frozenset({"machines"}), {}, {})), *operations).bodies())
    assert body["table"] == "machines"


def test_an_owner_is_given_the_row_whole_and_in_its_place() -> None:
    """Others are given it masked."""
    portion = _cut(MASKED, an_operation(1, table="machines"), _order(2, "anna"), _order(3, "bert"))
    assert [body["new"].get("cost", "none") for body in _read(portion.bodies())] == ["none", None, None]
    assert [body["new"].get("cost", "none") for body in _read(portion.bodies_for("anna"))] == ["none", 5, None]
    assert portion.own.keys() == {"anna", "bert"}
    assert portion.bodies_for("carl") == portion.bodies()


def test_what_only_its_owner_may_see_is_in_nobody_elses_portion() -> None:
    """Not even as a hole."""
    portion = _cut(OWNED, _order(1, "anna"), an_operation(2, table="machines"), _order(3, "anna"), _order(4, ""))
    assert [body["position"] for body in _read(portion.bodies())] == ["9-2"]
    assert [body["position"] for body in _read(portion.bodies_for("anna"))] == ["9-1", "9-2", "9-3"]
    assert portion.own.keys() == {"anna"}


def test_a_row_that_changes_hands_is_masked_on_the_side_that_has_not_got_it() -> None:
    """Who gave it away reads on what everybody reads; who got it reads it whole."""
    given = replace(_order(1, "bert"), old=_order(1, "anna").new)
    portion = _cut(MASKED, given)
    assert portion.own.keys() == {"bert"}
    assert _read(portion.bodies_for("bert"))[0]["new"]["cost"] == 5
    assert _read(portion.bodies_for("anna"))[0]["new"]["cost"] is None


ORDERS = TableShape("orders", {"id": "int4", "owner": "text", "cost": "int4"}, ("id",), "warehouse", "warehouse_id")


def test_a_row_enters_and_leaves_a_filter() -> None:
    """Though it was there before and is there after; who sees it neither before nor after hears nothing."""
    condition = read_filter("cost=eq.5", ORDERS)
    assert condition is not None
    lens = Lens(EVERYTHING, Asked(where=(("orders", condition),)))
    cheaper = replace(_order(1, "", 5), old=_order(1, "", 9).new)
    dearer = replace(_order(2, "", 9), old=_order(2, "", 5).new)
    still = _order(3, "", 9)
    found = _read(_cut(lens, cheaper, dearer, still, an_operation(4, table="machines")).bodies())
    assert [(body["position"], body["op"], "new" in body) for body in found] == [
        ("9-1", "enter", True),
        ("9-2", "leave", False),
        ("9-4", "update", True),
    ]
    assert "old" not in found[1]


def test_columns_that_nobody_asked_for_are_left_out_and_their_changes_too() -> None:
    """A row that changed elsewhere has not changed for whoever looks at these."""
    lens = Lens(EVERYTHING, Asked(columns=(("orders", frozenset({"id", "cost"})),)))
    renamed = replace(_order(1, "bert"), old=_order(1, "anna").new)
    dearer = replace(_order(2, "bert", 9), old=_order(2, "bert", 5).new)
    (body,) = _read(_cut(lens, renamed, dearer).bodies())
    assert (body["position"], body["new"]) == ("9-2", {"id": 2, "cost": 9})


def test_a_body_is_made_once_for_all_who_see_the_same() -> None:
    """However many lenses and warehouses a tick is cut for."""
    portions, operation = Portions(9), _order(1, "anna")
    other = Lens(View(frozenset({"orders"}), {}, MASKED.view.hidden))
    assert portions.cut(MASKED, [operation]).bodies()[0] is portions.cut(other, [operation]).bodies()[0]
    assert portions.cut(ALL, [operation]).bodies()[0] is portions.cut(ALL, [operation]).bodies()[0]
