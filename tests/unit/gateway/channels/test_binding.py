"""Which changes a binding asks for, and what is echoed of it."""

from typing import Any

import pytest
from tests.fixtures.gateway import a_shape

from floorcast.gateway.channels.binding import Bound, Catalogue, bind

SHAPES = {"work_orders": a_shape("work_orders"), "plant.pumps": a_shape("plant.pumps"), "secret": a_shape("secret")}
CATALOGUE = Catalogue(frozenset({"work_orders", "plant.pumps"}), SHAPES)


def bound(*asked: dict[str, Any]) -> Bound:
    """Bind what is asked for."""
    return bind(asked, CATALOGUE)


def test_equal_bindings_share_an_id_and_others_do_not() -> None:
    """Clients find the callbacks of a change by it."""
    found = bound(
        {"event": "*", "schema": "public", "table": "work_orders"},
        {"event": "*", "schema": "public", "table": "work_orders", "filter": "id=eq.1"},
        {"event": "*", "schema": "public", "table": "work_orders"},
    )
    ids = [each["id"] for each in found.echoed]
    assert ids[0] == ids[2] != ids[1]
    assert len(found.bindings) == 2


def test_ids_are_the_same_in_every_process() -> None:
    """A client that comes back to another gateway finds its callbacks again."""
    (one,) = bound({"event": "*", "schema": "public", "table": "work_orders"}).bindings
    assert one.id == 18725646


@pytest.mark.parametrize(
    ("asked", "about"),
    [
        ({"table": "work_orders"}, {"work_orders"}),
        ({"schema": "plant", "table": "pumps"}, {"plant.pumps"}),
        ({"schema": "plant"}, {"plant.pumps"}),
        ({"schema": "public", "table": "*"}, {"work_orders", "secret"}),
        ({"schema": "*"}, {"work_orders", "plant.pumps", "secret"}),
    ],
)
def test_wildcards_and_schemas(asked: dict[str, str], about: set[str]) -> None:
    """No schema is `public`; no table is every one. What may be sent of them is decided elsewhere."""
    (binding,) = bound({"event": "*", **asked}).bindings
    assert {table for table in SHAPES if binding.is_about(table)} == about


@pytest.mark.parametrize("event", ["INSERT", "insert", "Insert"])
def test_events_are_read_in_any_case_and_echoed_as_they_came(event: str) -> None:
    """Clients compare them word for word."""
    found = bound({"event": event, "schema": "public", "table": "work_orders"})
    assert found.echoed[0]["event"] == event
    assert found.bindings[0].wants("INSERT")
    assert not found.bindings[0].wants("UPDATE")


@pytest.mark.parametrize(
    "asked",
    [
        {"event": "*", "schema": "public", "table": "secret"},
        {"event": "*", "schema": "public", "table": "unknown"},
        {"event": "TRUNCATE", "schema": "public", "table": "work_orders"},
        {"event": "*", "schema": "public", "filter": "id=eq.1"},
        {"event": "*", "schema": "*", "table": "work_orders"},
        {"event": "*", "schema": "public", "table": "work_orders", "select": ["nothing"]},
        {"event": "*", "schema": "public", "table": "work_orders", "filter": "nothing=eq.1"},
        {"event": "*", "schema": "public", "table": "work_orders", "filter": 5},
        {"event": "*", "schema": 5, "table": "work_orders"},
    ],
)
def test_what_cannot_be_served_is_echoed_and_said(asked: dict[str, Any]) -> None:
    """A table that is not sent is refused in the words of one that is not there."""
    found = bound(asked, {"event": "*", "schema": "public", "table": "work_orders"})
    assert len(found.echoed) == 2
    assert len(found.bindings) == 1
    assert len(found.errors) == 1


def test_only_so_many_bindings_are_served() -> None:
    """A channel that asks for ten thousand costs no more than a hundred."""
    asked = [{"event": "*", "schema": "public", "table": "work_orders", "filter": f"id=eq.{n}"} for n in range(101)]
    found = bound(*asked)
    assert len(found.bindings) == 100
    assert len(found.errors) == 1
