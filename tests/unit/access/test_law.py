"""What a tick means for whom: entitlement, and where a change belongs."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.fixtures.gateway import (
    NORTH,
    QUARRY,
    SOUTH,
    a_base,
    a_fact,
    a_grant,
    a_rule,
    a_shape,
    an_operation,
    readable,
)

from floorcast.access.law import UNCHANGED, Law, Settlement
from floorcast.access.policy import EVERYTHING
from floorcast.change import TRACKED
from floorcast.operation import EVERYWHERE, Act, Operation, PersonTable

EAST = "east"
PERSONS = {"users": PersonTable("id", is_key=True), "letters": PersonTable("user_id", is_key=False)}


@pytest.fixture
def law() -> Law:
    """Anna may be in north and east; two organizations; tables about persons."""
    return Law(
        a_base(
            grants={"anna": {NORTH: "technician", EAST: "technician"}, "bert": {NORTH: "manager"}},
            warehouses={NORTH: QUARRY, SOUTH: QUARRY, EAST: "harbour"},
            tables=frozenset({"work_orders", "organizations", *PERSONS}),
            persons=PERSONS,
            policy=(readable("work_orders"), readable("users")),
        )
    )


def _about(user: str, n: int = 1, table: str = "users", op: Act = "update", key: str | None = None) -> Operation:
    return an_operation(n, f"user:{user}", table, op, key=orjson.dumps({"id": key or user}))


def _told(law: Law, *operations: Operation, joined: tuple[str, ...] = (NORTH, SOUTH, EAST)) -> list[tuple[str, Any]]:
    """Warehouse, and table with place in the tick and op, of everything that is told."""
    found = law.told(operations, dict.fromkeys(joined), law.settle(operations))
    return [(warehouse, (each.table, each.n, each.op)) for warehouse, each in found]


def test_what_an_organization_has_is_told_in_all_its_warehouses(law: Law) -> None:
    """That somebody has joined; another organization's hear nothing."""
    place = f"organization:{QUARRY}"
    operation = an_operation(1, place, "organizations")
    assert _told(law, operation) == [(NORTH, ("organizations", 1, "update")), (SOUTH, ("organizations", 1, "update"))]
    assert _told(law, operation, joined=(EAST, SOUTH)) == [(SOUTH, ("organizations", 1, "update"))]


def test_what_is_about_a_person_is_told_where_the_person_may_be(law: Law) -> None:
    """And nowhere else."""
    assert {warehouse for warehouse, _ in _told(law, _about("anna"))} == {NORTH, EAST}
    assert _told(law, _about("anna"), joined=(SOUTH,)) == []
    assert _told(law, _about("nobody")) == []
    assert _told(law, an_operation(1, "site:anna"), an_operation(2, "anna"), an_operation(3, "user")) == []


def test_a_person_who_may_be_there_no_more_leaves(law: Law) -> None:
    """Colleagues may not see the record any more, though it did not change; what changed in it is not told them."""
    told = _told(law, _about("anna", 1), a_grant("anna", NORTH, None, 2))
    assert told == [(EAST, ("users", 1, "update")), (NORTH, ("users", 2, "leave"))]


def test_who_is_let_in_again_in_the_same_tick_never_left(law: Law) -> None:
    """Net, as with everything that is about access."""
    assert _told(law, a_grant("anna", NORTH, None, 1), a_grant("anna", NORTH, "viewer", 2)) == []


def test_of_a_person_who_has_just_been_let_in_only_the_newest_state_is_told(law: Law) -> None:
    """What the record was before is not for a warehouse that the person had no part in."""
    told = _told(
        law, _about("carl", 1, op="enter"), _about("carl", 2), a_grant("carl", SOUTH, "viewer", 3), _about("anna", 4)
    )
    assert told == [
        (SOUTH, ("users", 2, "update")),
        (NORTH, ("users", 4, "update")),
        (EAST, ("users", 4, "update")),
    ]
    letters = [_about("carl", n, "letters", key=key) for n, key in enumerate(("a", "b", "a"))]
    assert [n for _, (_, n, _) in _told(law, *letters, a_grant("carl", NORTH, "viewer", 9)) if n] == [1, 1, 2, 2]


def test_tables_are_those_that_are_tracked_and_seen(law: Law) -> None:
    """A trusted server sees all of them; nobody learns of others."""
    assert law.tables_for(law.view("technician")) == {"work_orders", "users"}
    assert law.tables_for(law.view("kiosk")) == frozenset()
    assert law.view("service_role") is EVERYTHING
    assert law.tables_for(EVERYTHING) == {"work_orders", "organizations", "users", "letters"}


def test_a_table_is_about_persons_from_the_tick_that_tracks_it_so(law: Law) -> None:
    """And no longer when it is tracked otherwise."""

    def tracked(*, on: bool, person: PersonTable | None) -> Operation:
        return a_fact(TRACKED, EVERYWHERE, {"table": "badges", "tracked": on, "person": person and tuple(person)})

    law.settle([tracked(on=True, person=PersonTable("holder", is_key=True))])
    law.see({table: a_shape(table) for table in (*law.tables, "badges")})
    told = _told(law, a_grant("anna", NORTH, None, 5))
    assert told == [(NORTH, ("users", 5, "leave")), (NORTH, ("badges", 5, "leave"))]
    law.settle([tracked(on=True, person=None)])
    law.see({table: a_shape(table) for table in (*law.tables, "badges")})
    assert _told(law, a_grant("anna", EAST, None, 5)) == [(EAST, ("users", 5, "leave"))]
    law.settle([tracked(on=False, person=None)])
    assert "badges" not in law.tables


def test_a_table_is_sent_that_is_tracked_and_protected(law: Law) -> None:
    """Once both were seen, and of this very table; a rule for it alone opens nothing."""

    def tracked(**fact: object) -> Operation:
        return a_fact(TRACKED, EVERYWHERE, {"table": "badges", "tracked": True, "person": None, **fact})

    badges = a_shape("badges")
    seen = {table: a_shape(table) for table in law.tables}
    law.settle([a_rule(*readable("badges"))])
    law.see(seen | {"badges": replace(badges, is_protected=False)})
    law.settle([tracked(anew=True)])
    law.see(seen | {"badges": replace(badges, is_protected=False)})
    assert "badges" not in law.tables
    assert not law.view("technician").shows("badges")
    assert _told(law, an_operation(1, table="badges")) == []
    law.see(seen | {"badges": badges})
    assert law.view("technician").shows("badges")
    assert _told(law, an_operation(1, table="badges")) == [(NORTH, ("badges", 1, "update"))]
    law.settle([tracked(anew=False)])
    assert "badges" in law.tables
    law.settle([tracked(anew=True)])
    assert "badges" not in law.tables
    assert law.awaited("technician") == law.awaited("service_role") == {"badges"}
    assert law.awaited("kiosk") == frozenset()
    law.see(seen)
    assert law.awaited("technician") == frozenset()


def test_a_tick_that_does_not_concern_access_changes_nothing(law: Law) -> None:
    """The usual one."""
    assert law.settle([an_operation()]) is UNCHANGED
    assert law.settle([a_rule(*readable("work_orders", "viewer"))]) == Settlement(views_changed=True)
    assert not law.view("technician").shows("work_orders")


def test_the_law_of_the_past_goes_on_sending_when_a_tick_tracks_a_table(law: Law) -> None:
    """A large tick may do both: what it brought to other tables is told all the same."""
    past = law.past(NORTH, {})
    tracked = a_fact(TRACKED, EVERYWHERE, {"table": "badges", "tracked": True, "person": None, "anew": True})
    settlement = past.settle([tracked])
    told = past.told([tracked, an_operation(2)], (NORTH,), settlement)
    assert [(warehouse, each.table) for warehouse, each in told] == [(NORTH, "work_orders")]
