"""Casting: who plays what, step by step."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid5

import pytest

from floorcast.errors import FactoryError
from floorcast.factory import plant
from floorcast.factory.casting import RESTOCK, Script, crew_of, spread
from floorcast.factory.history import HistoricalOrder
from floorcast.factory.person import Staff

RUN = UUID(int=1)
STAFF = Staff(plant.PEOPLE)


def an_order(line: int = 2, kind: str = "PM01") -> HistoricalOrder:
    """Return an order that can be played."""
    return HistoricalOrder(line, datetime(2004, 7, 1, tzinfo=UTC), "A", "BUCKET LEAKS", kind, Decimal("12.50"))


def a_script() -> Script:
    """Return a script for an asset in the north."""
    return Script(RUN, crew_of(plant.NORTH, STAFF), machine=UUID(int=2), spares=UUID(int=3))


def test_assets_are_spread_in_turns_and_always_alike() -> None:
    """Five assets over three warehouses; the order in which the file names them does not matter."""
    places = spread("EADCBA", plant.WAREHOUSES)
    assert {asset: site.name for asset, site in places.items()} == {
        "A": "North Plant",
        "B": "South Plant",
        "C": "Central Stores",
        "D": "North Plant",
        "E": "South Plant",
    }


def test_an_order_is_reported_assigned_started_and_completed() -> None:
    """By the supervisor, the supervisor, the technician, the technician."""
    steps = a_script().steps_of(an_order())
    assert [[each.name for each in step.commands] for step in steps] == [
        ["report"],
        ["assign", "set_order_status"],
        ["set_machine_status", "start"],
        ["set_machine_status", "complete"],
    ]
    assert [step.person.roles[plant.NORTH.id] for step in steps] == [
        "supervisor",
        "supervisor",
        "technician",
        "technician",
    ]


def test_text_and_cost_are_those_of_the_file() -> None:
    """Title when it is reported, notes and cost when it is completed."""
    steps = a_script().steps_of(an_order())
    assert steps[0].commands[0].parameters["title"] == "BUCKET LEAKS"
    complete = steps[-1].commands[-1].parameters
    assert complete["notes"] == "BUCKET LEAKS"
    assert complete["cost"] == Decimal("12.50")


def test_a_replacement_takes_one_part_that_was_received_before() -> None:
    """Stock never goes below zero, so spares arrive before the first is taken and after each ten."""
    script = a_script()
    names = [
        each.name
        for line in range(2, 3 + RESTOCK)
        for step in script.steps_of(an_order(line, "PM02"))
        for each in step.commands
        if each.name in ("receive", "issue")
    ]
    assert names == ["receive", *["issue"] * RESTOCK, "receive", "issue"]


def test_technicians_take_turns() -> None:
    """History does not say who it was."""
    script = a_script()
    people = [script.steps_of(an_order(line))[-1].person.name for line in range(2, 6)]
    assert people[:3] == ["Technician One", "Technician Two", "Technician Six"]
    assert people[3] == people[0]


def test_a_played_order_can_be_found_by_its_line() -> None:
    """Its id is made of the run and the line."""
    (report, *_) = a_script().steps_of(an_order(7))
    assert report.commands[0].parameters["order"] == uuid5(RUN, "order/7")


def test_a_warehouse_without_technicians_cannot_play() -> None:
    """It is said who is missing and where."""
    staff = Staff((plant.MANAGER,))
    with pytest.raises(FactoryError, match="technician in North Plant"):
        crew_of(plant.NORTH, staff)


def test_a_manager_stands_in_for_a_missing_supervisor_and_clerk() -> None:
    """Small sites have few people."""
    technician = next(person for person in plant.PEOPLE if person.name == "Technician One")
    crew = crew_of(plant.NORTH, Staff((plant.MANAGER, technician)))
    assert crew.supervisor == crew.clerk == plant.MANAGER
