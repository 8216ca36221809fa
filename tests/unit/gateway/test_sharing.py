"""A picture is for others only if its reader was shown, by the law of its snapshot, what the request says."""

from dataclasses import replace
from typing import Any

import pytest
from tests.fixtures.spools import a_request

from floorcast.change import COLUMN_RULE, OWNER_RULE, TABLE_RULE
from floorcast.database.picture_request import LawAtSnapshot, PictureRequest, TableRead
from floorcast.gateway.sharing import may_be_shared
from floorcast.shape import TableShape

ORDERS = TableShape("orders", {"id": "uuid", "place": "uuid", "cost": "numeric"}, ("id",), "warehouse", "place")
LETTERS = TableShape("letters", {"id": "uuid", "place": "uuid", "who": "uuid"}, ("id",), "warehouse", "place")


def rule(table: str, **row: Any) -> tuple[str, dict[str, Any]]:
    """A row of a policy table."""
    return table, row


READS = rule(TABLE_RULE, table_name="orders", action="select", roles=["viewer", "manager"])
HIDES = rule(COLUMN_RULE, table_name="orders", column_name="cost", roles=["manager"])
OWNS = rule(OWNER_RULE, table_name="letters", column_name="who", actions=["select"])
LAW = LawAtSnapshot("viewer", "o", (READS, HIDES, OWNS))


def asked(role: str = "authenticated", **vary: Any) -> PictureRequest:
    """What a viewer asks for."""
    orders = replace(TableRead("orders", ORDERS, hidden=frozenset({"cost"})), **vary)
    letters = TableRead("letters", LETTERS, reads=False, owner="who")
    reads = (orders, letters) if role == "authenticated" else (TableRead("orders", ORDERS),)
    return a_request(*reads, user="anna", role=role, warehouse="w", organization="o")


def test_a_picture_by_the_law_that_was_thought_of_may_be_shared() -> None:
    """And of a trusted server's no rule is asked."""
    assert may_be_shared(asked(), LAW)
    assert may_be_shared(asked("service_role"), LawAtSnapshot("service_role", "o", LAW.rules))
    assert not may_be_shared(asked("service_role"), LawAtSnapshot(None, None, LAW.rules))


@pytest.mark.parametrize(
    "law",
    [
        # Withdrawn: he was shown nothing.
        replace(LAW, role=None),
        # Another role: he was shown more, or less.
        replace(LAW, role="manager"),
        replace(LAW, role="technician"),
        replace(LAW, organization="p"),
        replace(LAW, rules=(HIDES, OWNS)),
        replace(LAW, rules=(READS, OWNS)),
        replace(LAW, rules=(READS, HIDES)),
        replace(LAW, rules=(READS, HIDES, rule(OWNER_RULE, **OWNS[1] | {"column_name": "id"}))),
    ],
)
def test_a_picture_by_another_law_is_for_its_reader_alone(law: LawAtSnapshot) -> None:
    """The snapshot saw a change of access that his gateway has not heard of; others must not be shown its effect."""
    assert not may_be_shared(asked(), law)


def test_rules_about_what_was_not_asked_for_do_not_matter() -> None:
    """Kiosks that never look at costs share whatever becomes of costs."""
    request = asked(columns=("place",))
    assert may_be_shared(request, replace(LAW, rules=(READS, OWNS)))
    assert may_be_shared(asked(columns=("place",), hidden=frozenset()), LAW)
    assert not may_be_shared(asked(columns=("cost",)), replace(LAW, rules=(READS, OWNS)))
