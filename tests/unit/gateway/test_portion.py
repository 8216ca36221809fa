"""What each view is given of a tick."""

import orjson
from tests.fixtures.gateway import NORTH, an_operation

from floorcast.access.policy import EVERYTHING, View
from floorcast.gateway.portion import Portions
from floorcast.operation import Operation


def _order(n: int, owner: str, cost: int = 5) -> Operation:
    body = {"op": "update", "key": {"id": n}, "new": {"owner": owner, "cost": cost}}
    return Operation(n, "orders", NORTH, orjson.dumps(body))


def _owner(operation: Operation, column: str) -> str | None:
    found = orjson.loads(operation.body).get("new", {}).get(column)
    return None if found is None else str(found)


MASKED = View(frozenset({"orders", "machines"}), {"orders": "owner"}, {"orders": frozenset({"cost"})})
OWNED = View(frozenset({"machines"}), {"orders": "owner"}, {})


def test_who_sees_everything_is_given_the_bodies_as_they_came() -> None:
    """The very same objects."""
    operations = [_order(1, "anna"), an_operation(2, table="machines")]
    portion = Portions(_owner).cut(EVERYTHING, operations)
    assert portion.bodies() == tuple(operation.body for operation in operations)
    assert all(given is had.body for given, had in zip(portion.bodies(), operations, strict=True))
    assert not portion.own


def test_a_table_that_a_view_does_not_show_is_left_out() -> None:
    """Whether by role or because the join did not ask for it."""
    operations = [_order(1, "anna"), an_operation(2, table="machines"), an_operation(3, table="secrets")]
    assert Portions(_owner).cut(View(frozenset({"machines"}), {}, {}), operations).bodies() == (operations[1].body,)


def test_an_owner_is_given_the_row_whole_and_in_its_place() -> None:
    """Others are given it masked."""
    operations = [an_operation(1, table="machines"), _order(2, "anna"), _order(3, "bert")]
    portion = Portions(_owner).cut(MASKED, operations)
    assert [orjson.loads(body)["new"].get("cost", "none") for body in portion.bodies()] == ["none", None, None]
    assert [orjson.loads(body)["new"].get("cost", "none") for body in portion.bodies_for("anna")] == ["none", 5, None]
    assert portion.own.keys() == {"anna", "bert"}


def test_what_only_its_owner_may_see_is_in_nobody_elses_portion() -> None:
    """Not even as a hole."""
    operations = [_order(1, "anna"), an_operation(2, table="machines"), _order(3, "anna")]
    portion = Portions(_owner).cut(OWNED, operations)
    assert portion.bodies() == (operations[1].body,)
    assert portion.bodies_for("anna") == tuple(operation.body for operation in operations)
    assert not portion.uncertain


def test_an_operation_that_names_no_owner_is_given_to_nobody_and_said() -> None:
    """The stream cannot go on exactly for those who may own the row; who reads it anyway is not concerned."""
    leave = Operation(1, "orders", NORTH, b'{"op":"leave","key":{"id":1}}')
    portion = Portions(_owner).cut(OWNED, [leave])
    assert (portion.bodies(), portion.own, portion.uncertain) == ((), {}, True)
    assert not Portions(_owner).cut(MASKED, [leave]).uncertain
    assert not Portions(_owner).cut(OWNED, [_order(1, "")]).uncertain, "a row that is nobody's"


def test_a_body_is_masked_once_for_all_who_hide_the_same() -> None:
    """However many views and warehouses a tick is cut for."""
    portions, operation = Portions(_owner), _order(1, "anna")
    other = View(frozenset({"orders"}), {}, MASKED.hidden)
    assert portions.cut(MASKED, [operation]).bodies()[0] is portions.cut(other, [operation]).bodies()[0]
