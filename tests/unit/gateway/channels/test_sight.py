"""What somebody sees in all his warehouses together, and of one change."""

import json
from typing import Any

from tests.fixtures.gateway import NORTH, SOUTH, an_operation

from floorcast.access.policy import EVERYTHING, NOTHING, View
from floorcast.gateway.channels.message import Messages
from floorcast.gateway.channels.seen import Seen, Told, changes_in, see
from floorcast.gateway.channels.sight import Sight

TABLE = "work_orders"
WHOLE = View(frozenset({TABLE}), NOTHING, NOTHING)
WITHOUT_COST = View(frozenset({TABLE}), NOTHING, {TABLE: frozenset({"cost"})})
OWN = View(frozenset(), {TABLE: "owner"}, NOTHING)
BLIND = View(frozenset({"equipment"}), NOTHING, NOTHING)


def look(sight: Sight, *told: Told, user: str = "anna") -> Seen | None:
    """See one change."""
    (change,) = changes_in(told)
    return see(change, sight, user, Messages(1, "", {}).reading)


def row(**values: Any) -> bytes:
    """A row."""
    return json.dumps(values).encode()


def test_what_is_hidden_in_one_warehouse_is_seen_if_another_shows_it() -> None:
    """As a query shows a row that several memberships reach."""
    sight = Sight.of({NORTH: WITHOUT_COST, SOUTH: WHOLE})
    operation = an_operation(1)
    both, one = look(sight, (NORTH, operation), (SOUTH, operation)), look(sight, (NORTH, operation))
    assert both is not None
    assert both.new is not None
    assert both.new.hidden == frozenset()
    assert one is not None
    assert one.new is not None
    assert one.new.hidden == {"cost"}


def test_a_move_is_one_update_to_whoever_sees_both_sides_and_half_of_it_to_others() -> None:
    """The leave and the enter share their place in the tick."""
    leave = an_operation(1, NORTH, op="leave", by="update", old=row(id=1, text="a"))
    enter = an_operation(1, SOUTH, op="enter", by="update", new=row(id=1, text="b"))
    told = (NORTH, leave), (SOUTH, enter)
    both = look(Sight.of({NORTH: WHOLE, SOUTH: WHOLE}), *told)
    left = look(Sight.of({NORTH: WHOLE}), *told)
    came = look(Sight.of({SOUTH: WHOLE}), *told)
    assert both is not None
    assert both.old is not None
    assert both.new is not None
    assert left is not None
    assert left.new is None
    assert came is not None
    assert came.old is None


def test_an_owner_sees_his_rows_and_nobody_elses() -> None:
    """Before and after are asked apart: a row that becomes another's leaves him."""
    sight = Sight.of({NORTH: OWN})
    operation = an_operation(1, old=row(id=1, owner="anna"), new=row(id=1, owner="bert"))
    hers, his = look(sight, (NORTH, operation)), look(sight, (NORTH, operation), user="bert")
    assert hers is not None
    assert (hers.old is not None, hers.new is not None) == (True, False)
    assert his is not None
    assert (his.old is not None, his.new is not None) == (False, True)
    assert look(sight, (NORTH, operation), user="carl") is None


def test_where_nothing_is_seen_nothing_is_told() -> None:
    """Neither of another warehouse nor of a table that the role does not read."""
    operation = an_operation(1)
    assert look(Sight.of({SOUTH: WHOLE}), (NORTH, operation)) is None
    assert look(Sight.of({NORTH: BLIND}), (NORTH, operation)) is None


def test_what_two_sights_share_is_what_both_show() -> None:
    """Of the tick that changes access, nothing is told that was not seen before, or is not after."""
    before = Sight.of({NORTH: WHOLE, SOUTH: WHOLE})
    after = Sight.of({NORTH: WITHOUT_COST, "west": WHOLE})
    assert before.meet(after) == Sight.of({NORTH: WITHOUT_COST})
    assert before.exceeds(after)
    assert not Sight.of({NORTH: WITHOUT_COST}).exceeds(after)
    assert Sight.of({NORTH: EVERYTHING}).meet(Sight.of({NORTH: OWN})) == Sight.of({NORTH: OWN})


def test_a_sight_within_some_tables_is_equal_for_all_who_see_the_same_of_them() -> None:
    """So that the bytes are shared by people whose roles differ elsewhere."""
    one = Sight.of({NORTH: View(frozenset({TABLE, "equipment"}), {"notes": "owner"}, NOTHING), SOUTH: BLIND})
    other = Sight.of({NORTH: WHOLE})
    assert one.within([TABLE]) == other.within([TABLE])
    assert not one.within([TABLE]).is_personal
    assert one.within(["notes"]).is_personal
