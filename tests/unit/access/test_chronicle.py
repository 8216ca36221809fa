"""Who was where, and whether somebody's access is still what it was."""

import json

from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.gateway import NORTH, SOUTH, a_fact, a_grant, a_rule, an_operation, readable

from floorcast.access.chronicle import Chronicle
from floorcast.access.grants import Grants
from floorcast.change import TRACKED
from floorcast.operation import EVERYWHERE, Operation

PEOPLE, PLACES = ["anna", "bert"], [NORTH, SOUTH]
steps = st.lists(
    st.lists(
        st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PLACES), st.sampled_from([None, "technician", "manager"])),
        max_size=3,
    ),
    max_size=12,
)


@given(steps, st.integers(0, 12), st.integers(0, 12))
def test_it_tells_who_was_where_at_each_tick(
    ticks: list[list[tuple[str, str, str | None]]], since: int, after: int
) -> None:
    """Against the roles as they were; what was before it began is learnt later, from what is kept elsewhere."""
    roles: dict[tuple[str, str], str | None] = {}
    states, facts = [dict(roles)], []
    for drawn in ticks:
        operations = []
        for n, (user, place, role) in enumerate(drawn, 1):
            operations.append(a_grant(user, place, role, n, roles.get((user, place))))
            roles[user, place] = role
        facts.append(operations)
        states.append(dict(roles))
    since, after = min(since, len(ticks)), min(after, len(ticks))
    chronicle = Chronicle(since)
    for tick, operations in enumerate(facts[since:], since + 1):
        chronicle.note(tick, operations)
    chronicle.precede(0, list(enumerate(facts, 1)))
    assert chronicle.since == 0
    grants = Grants({}, dict.fromkeys(PLACES, "quarry"))
    for operations in facts:
        grants.apply(operations)
    for place in PLACES:
        past = grants.past(place, chronicle.people(place, after))
        was = {user for user in PEOPLE if states[after].get((user, place))}
        assert past.people_of(place) == was
        for user in PEOPLE:
            assert past.role("authenticated", user, place) == states[after].get((user, place))
            role = states[after].get((user, place))
            stayed = all(state.get((user, place)) == role for state in states[after:])
            assert chronicle.access_changed("authenticated", user, place, after) == (not stayed)
            assert (chronicle.changed_at("authenticated", user, place) > after) == (not stayed)


def test_what_is_about_all_changes_everybodys_access() -> None:
    """A rule; a warehouse of another organization; a trusted server has no grants to lose."""
    chronicle = Chronicle(7)
    chronicle.note(8, [a_grant("anna", NORTH, None, 1, "technician")])
    assert not chronicle.access_changed("service_role", "robot", NORTH, 7)
    chronicle.note(9, [_moved("quarry", "quarry")])
    assert not chronicle.access_changed("service_role", "robot", NORTH, 7)
    chronicle.note(10, [_moved("quarry", "harbour")])
    assert chronicle.access_changed("service_role", "robot", NORTH, 9)
    assert not chronicle.access_changed("service_role", "robot", NORTH, 10)
    assert not chronicle.access_changed("authenticated", "bert", SOUTH, 9)
    chronicle.note(11, [a_rule(*readable("equipment"))])
    assert chronicle.access_changed("authenticated", "bert", SOUTH, 10)
    chronicle.note(12, [a_fact(TRACKED, EVERYWHERE, {"table": "lathes", "tracked": True, "person": None})])
    assert (chronicle.tracked_changed, chronicle.rules_changed) == (12, 11)


def _moved(before: str, after: str) -> Operation:
    old, new = (json.dumps({"organization_id": name}).encode() for name in (before, after))
    return an_operation(1, NORTH, "warehouses", new=new, old=old)
