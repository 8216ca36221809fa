"""Who may join what, as of a tick."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.gateway import a_grant, an_operation

from floorcast.access.grants import AccessDifference, Grants
from floorcast.operation import Act, Operation

USERS, PLACES, ROLES = ["anna", "bert"], ["north", "south"], ["technician", "manager"]
WAREHOUSES = dict.fromkeys(PLACES, "quarry")
Table = dict[tuple[str, str], str]


def _grant(user: str, warehouse: str, role: str | None) -> Operation:
    return a_grant(user, warehouse, role)


def _warehouse(warehouse: str, op: Act, organization: str = "quarry") -> Operation:
    row = None if op == "leave" else json.dumps({"organization_id": organization}).encode()
    return an_operation(1, warehouse, "warehouses", op, new=row)


def _nested(table: Table) -> dict[str, dict[str, str]]:
    return {user: {place: role for (who, place), role in table.items() if who == user} for user, _ in table}


@pytest.mark.parametrize(
    ("claims_role", "user", "warehouse", "role"),
    [
        ("authenticated", "anna", "north", "technician"),
        ("authenticated", "anna", "south", None),
        ("authenticated", "nobody", "north", None),
        ("anon", "anna", "north", None),
        ("service_role", "robot", "south", "service_role"),
        ("service_role", "robot", "nowhere", None),
    ],
)
def test_who_may_join_what(claims_role: str, user: str, warehouse: str, role: str | None) -> None:
    """People where they are granted, trusted servers wherever there is something, strangers nowhere."""
    grants = Grants({"anna": {"north": "technician"}}, WAREHOUSES)
    assert grants.role(claims_role, user, warehouse) == role


def test_withdrawn_and_granted_again_in_one_tick_is_no_difference() -> None:
    """Entitlement is asked before and after a tick, never between."""
    grants = Grants({"anna": {"north": "technician"}}, WAREHOUSES)
    assert grants.apply([_grant("anna", "north", None), _grant("anna", "north", "technician")]) == AccessDifference()


def test_a_warehouse_that_is_no_more_is_closed_to_trusted_servers_too() -> None:
    """And one that is new is open to them."""
    grants = Grants({}, {"north": "quarry"})
    difference = grants.apply([_warehouse("north", "leave"), _warehouse("east", "enter"), _warehouse("east", "update")])
    assert difference == AccessDifference(closed=frozenset({"north"}))
    assert grants.role("service_role", "robot", "north") is None
    assert grants.role("service_role", "robot", "east") == "service_role"


def test_a_warehouse_that_another_organization_takes_over_is_named() -> None:
    """What belongs to an organization is seen in its warehouses: it is another picture now."""
    grants = Grants({"anna": {"north": "technician"}}, WAREHOUSES)
    back_and_forth = [_warehouse("south", "update", "harbour"), _warehouse("south", "update")]
    difference = grants.apply([_warehouse("north", "update", "harbour"), *back_and_forth])
    assert difference == AccessDifference(handed_over=frozenset({"north"}))
    assert (grants.organization_of("north"), grants.organization_of("south")) == ("harbour", "quarry")
    assert list(grants.warehouses_of("anna")) == ["north"]
    assert list(grants.warehouses_of("nobody")) == []


def test_the_grants_that_it_was_given_are_not_changed() -> None:
    """They belong to whoever read them."""
    given_grants = {"anna": {"north": "technician"}}
    Grants(given_grants, WAREHOUSES).apply([_grant("anna", "north", None)])
    assert given_grants == {"anna": {"north": "technician"}}


tables = st.dictionaries(st.tuples(st.sampled_from(USERS), st.sampled_from(PLACES)), st.sampled_from(ROLES))
steps = st.lists(
    st.tuples(st.sampled_from(USERS), st.sampled_from(PLACES), st.none() | st.sampled_from(ROLES)), max_size=12
)


@given(tables, st.lists(steps, max_size=4))
def test_the_difference_of_a_tick_is_that_of_the_tables_before_and_after(
    table: Table, ticks: list[list[tuple[str, str, str | None]]]
) -> None:
    """Against the naive model: two dictionaries, compared."""
    grants = Grants(_nested(table), WAREHOUSES)
    for tick in ticks:
        after = dict(table)
        for user, place, role in tick:
            if role is None:
                after.pop((user, place), None)
            else:
                after[user, place] = role
        difference = grants.apply([_grant(*step) for step in tick])
        assert difference.lost == table.keys() - after.keys()
        assert difference.gained == after.keys() - table.keys()
        assert difference.changed == {pair for pair in table.keys() & after.keys() if table[pair] != after[pair]}
        table = after
        for user in USERS:
            for place in PLACES:
                assert grants.role("authenticated", user, place) == table.get((user, place))
