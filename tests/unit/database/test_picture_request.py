"""Two requests have one key exactly where the policy makes their pictures equal."""

from dataclasses import replace
from typing import Any

import pytest
from tests.fixtures.spools import a_request

from floorcast.database.picture_request import PictureRequest, TableRead, sharing_key
from floorcast.filter.reading import read_filter
from floorcast.shape import TableShape

PEOPLE = TableShape("users", {"id": "uuid", "name": "text", "email": "text", "gone": "int4"}, ("id",), "person", "id")
EMAIL, NAME = (read_filter(f"{column}.eq.x", PEOPLE) for column in ("email", "name"))
ORDERS = TableShape("work_orders", {"id": "uuid", "warehouse_id": "uuid"}, ("id",), "warehouse", "warehouse_id")


def asked(user: str = "anna", tables: tuple[TableRead, ...] = (), **vary: Any) -> PictureRequest:
    """What somebody asks for who sees names only of others."""
    people = TableRead("users", PEOPLE, hidden=frozenset({"email"}), owner="id")
    return a_request(
        *(tables or (replace(people, **vary), TableRead("work_orders", ORDERS))),
        user=user,
        role="authenticated",
        warehouse="w",
        organization="o",
    )


def same(first: PictureRequest, second: PictureRequest) -> bool:
    """Whether one picture is enough."""
    assert sharing_key(first) == sharing_key(first)
    return sharing_key(first) == sharing_key(second)


@pytest.mark.parametrize(
    ("vary", "shared"),
    [
        # Everybody sees his own address.
        ({}, False),
        ({"columns": ("email",)}, False),
        ({"columns": ("name",), "where": EMAIL}, False),
        ({"columns": ("name",), "recent": ("email", 5)}, False),
        # Where nobody looks, nothing is hidden from anybody.
        ({"columns": ("name",), "where": NAME}, True),
        ({"columns": ("name",)}, True),
        ({"columns": (), "recent": ("gone", 5)}, True),
        ({"hidden": frozenset()}, True),
        ({"owner": None}, True),
        # One's own is all there is.
        ({"columns": ("name",), "reads": False}, False),
        ({"hidden": frozenset(), "reads": False}, False),
    ],
)
def test_what_depends_on_the_person_is_the_persons(vary: dict[str, Any], shared: bool) -> None:  # noqa: FBT001
    """Kiosks that ask for names share a picture; those that ask for all do not, since each has its own record."""
    assert same(asked("anna", **vary), asked("bert", **vary)) == shared
    assert same(asked("anna", **vary), asked("anna", **vary))


@pytest.mark.parametrize(
    "vary",
    [
        {"columns": ("id",)},
        {"where": NAME},
        {"recent": ("gone", 5)},
        {"hidden": frozenset({"name"})},
        {"hidden": frozenset({"name", "email"})},
        {"shape": replace(PEOPLE, columns={**PEOPLE.columns, "new": "text"})},
    ],
)
def test_whoever_asks_for_something_else_reads_it_himself(vary: dict[str, Any]) -> None:
    """Also when it is the same person."""
    assert not same(asked(), asked(**vary))


def test_the_order_of_a_question_does_not_matter() -> None:
    """Of tables, nor of columns; nor who one is, to whom all is shown."""
    people, orders = TableRead("users", PEOPLE, columns=("name", "gone")), TableRead("work_orders", ORDERS)
    other = replace(people, columns=("gone", "id", "name"))
    assert same(asked("anna", (people, orders)), asked("bert", (orders, other)))
    assert people.shown == other.shown == ("id", "name", "gone")
    servers = [a_request(people, user=user, warehouse="w", organization="o") for user in ("erp", "bi")]
    assert same(*servers)
    assert not same(servers[0], asked(tables=(people,)))
    assert not same(servers[0], replace(servers[0], warehouse="v"))
    assert not same(servers[0], replace(servers[0], organization="p"))
