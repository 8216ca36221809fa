"""What each role sees of which tables, as of a tick."""

from typing import Any

from tests.fixtures.gateway import a_rule, an_operation

from floorcast.access.policy import EVERYTHING, Policy, View
from floorcast.change import COLUMN_RULE, OWNER_RULE, TABLE_RULE
from floorcast.operation import Operation

ROWS: list[tuple[str, dict[str, Any]]] = [
    (TABLE_RULE, {"table_name": "orders", "action": "select", "roles": ["technician", "requester", "manager"]}),
    (TABLE_RULE, {"table_name": "orders", "action": "insert", "roles": ["kiosk"]}),
    (TABLE_RULE, {"table_name": "people", "action": "select", "roles": ["technician", "requester", "manager"]}),
    (TABLE_RULE, {"table_name": "access", "action": "select", "roles": ["manager"]}),
    (COLUMN_RULE, {"table_name": "orders", "column_name": "cost", "roles": ["manager"]}),
    (COLUMN_RULE, {"table_name": "orders", "column_name": "estimate", "roles": ["manager"]}),
    (COLUMN_RULE, {"table_name": "people", "column_name": "email", "roles": ["manager"]}),
    (OWNER_RULE, {"table_name": "people", "column_name": "id", "actions": ["select"]}),
    (OWNER_RULE, {"table_name": "letters", "column_name": "user_id", "actions": ["select", "update"]}),
    (OWNER_RULE, {"table_name": "orders", "column_name": "requested_by", "actions": ["update"]}),
]


def _rule(table: str, row: dict[str, Any], *, gone: bool = False) -> Operation:
    return a_rule(table, row, gone=gone)


def test_a_role_sees_what_the_rules_give_it() -> None:
    """Reading alone counts: who may write is decided in Postgres."""
    assert Policy(ROWS).view("technician") == View(
        reads=frozenset({"orders", "people"}),
        owned={"people": "id", "letters": "user_id"},
        hidden={"orders": frozenset({"cost", "estimate"}), "people": frozenset({"email"})},
    )


def test_who_sees_a_row_whole_needs_not_to_own_it() -> None:
    """Else every manager would be told of himself in a frame of his own, with the bytes that all have."""
    view = Policy(ROWS).view("manager")
    assert (dict(view.owned), dict(view.hidden)) == ({"letters": "user_id"}, {})


def test_a_role_without_a_rule_sees_what_is_its_own_and_nothing_else() -> None:
    """The roles of the rule are all there are."""
    view = Policy(ROWS).view("kiosk")
    assert (view.reads, dict(view.owned)) == (frozenset(), {"people": "id", "letters": "user_id"})
    assert view.shows("people")
    assert not view.shows("orders")


def test_roles_that_see_the_same_have_equal_views() -> None:
    """They share their frames."""
    policy = Policy(ROWS)
    assert policy.view("technician") == policy.view("requester")
    assert hash(policy.view("technician")) == hash(policy.view("requester"))
    assert policy.view("technician") != policy.view("manager")


def test_a_view_within_tables_forgets_the_others() -> None:
    """Who asked for tables in which they see the same shares frames, a trusted server too."""
    policy = Policy(ROWS)
    asked = frozenset({"access", "letters"})
    assert policy.view("manager").within(asked) == View(frozenset({"access"}), {"letters": "user_id"}, {})
    assert EVERYTHING.within(frozenset({"people"})) == policy.view("manager").within(frozenset({"people"}))
    assert EVERYTHING.shows("whatever comes")
    assert policy.view("manager").within(None) == policy.view("manager")


def test_a_tick_moves_the_rules_on() -> None:
    """Written, changed, taken away; others' views stay equal."""
    policy = Policy(ROWS)
    before = {role: policy.view(role) for role in ("technician", "manager", "kiosk")}
    wider = {"table_name": "orders", "column_name": "cost", "roles": ["manager", "technician"]}
    assert policy.apply([_rule(COLUMN_RULE, wider)])
    assert policy.view("technician").hidden["orders"] == {"estimate"}
    assert policy.view("manager") == before["manager"]
    assert policy.apply([_rule(TABLE_RULE, ROWS[0][1], gone=True), _rule(OWNER_RULE, ROWS[8][1], gone=True)])
    assert policy.view("technician") == View(frozenset({"people"}), {"people": "id"}, {"people": frozenset({"email"})})
    assert policy.apply([_rule(*ROWS[0]), _rule(*ROWS[4]), _rule(*ROWS[8])])
    assert {role: policy.view(role) for role in before} == before


def test_a_tick_without_rules_changes_nothing() -> None:
    """Nobody has to be looked at again."""
    assert not Policy(ROWS).apply([an_operation(table="orders")])


def test_an_owner_who_may_no_longer_read_is_none() -> None:
    """The rule's actions say what the owner may do."""
    policy = Policy(ROWS)
    policy.apply([_rule(OWNER_RULE, ROWS[8][1] | {"actions": ["update"]})])
    assert not policy.view("technician").shows("letters")
