"""The scenario: what happens next is something that somebody may do, and the factory never drowns."""

from collections import Counter
from random import Random
from uuid import UUID

import pytest

from floorcast.factory import plant
from floorcast.factory.floor import Floor, Item, Machine, Order
from floorcast.factory.person import Staff
from floorcast.factory.scenario import MOST_UNFINISHED, choose
from floorcast.factory.step import Step

MAY = {
    "set_machine_status": {"technician", "contractor", "supervisor", "manager", "admin"},
    "start": {"technician", "contractor", "supervisor", "manager", "admin"},
    "complete": {"technician", "contractor", "supervisor", "manager", "admin"},
    "set_order_status": {"technician", "contractor", "supervisor", "manager", "admin"},
    "assign": {"supervisor", "manager", "admin"},
    "adjust": {"inventory_clerk", "supervisor", "manager", "admin"},
    "receive": {"inventory_clerk", "supervisor", "manager", "admin"},
}


def a_floor(*orders: Order, available: int = 20, staff: Staff | None = None) -> Floor:
    """Return the demo factory with these orders and so much of each part."""
    return Floor(
        plant.WAREHOUSES,
        staff or Staff(plant.PEOPLE),
        [Machine(m.id, m.warehouse, m.name, m.type, m.criticality, m.status) for m in plant.MACHINES],
        list(orders),
        [Item(i.id, i.warehouse, i.part_number, i.name, available, i.reorder_point, 10) for i in plant.ITEMS],
    )


def an_order(number: int = 1, status: str = "open", machine: int = 0) -> Order:
    """Return an order on one of the demo's machines."""
    at = plant.MACHINES[machine]
    return Order(UUID(int=number), at.warehouse, at.id, f"WO-{number}", "title", status, "medium", [])


def many_steps(floor: Floor, count: int = 400) -> list[Step]:
    """Return what could happen next, many times over."""
    random = Random(5)
    return [step for step in (choose(floor, random) for _ in range(count)) if step is not None]


def busy_floor() -> Floor:
    """Return a floor with orders in every status, some parts short."""
    statuses = ("open", "assigned", "in_progress", "on_hold", "completed", "verified", "closed")
    return a_floor(*(an_order(n, status, machine=n) for n, status in enumerate(statuses, 1)), available=4)


def test_everybody_does_only_what_their_role_allows() -> None:
    """Else the database would refuse it, and the page would stand still."""
    for step in many_steps(busy_floor()):
        for each in step.commands:
            allowed = MAY.get(each.name)
            if allowed is not None:
                assert allowed & set(step.person.roles.values()), (step.person.name, each.name)


def test_devices_and_viewers_never_act() -> None:
    """They only read."""
    for step in many_steps(busy_floor()):
        assert {"kiosk", "viewer"} != set(step.person.roles.values()) - {"supervisor"}
        assert not step.person.name.startswith(("Kiosk", "Wall"))


def test_everything_that_a_factory_does_happens() -> None:
    """Breakdowns, repairs, stock takes, receipts, transfers, moves, comments."""
    names = Counter(each.name for step in many_steps(busy_floor(), 3000) for each in step.commands)
    assert set(names) == {
        "report",
        "assign",
        "set_order_status",
        "start",
        "complete",
        "set_priority",
        "comment",
        "set_machine_status",
        "move_machine",
        "issue",
        "receive",
        "adjust",
        "transfer",
    }


def test_a_full_warehouse_reports_nothing_new() -> None:
    """However long the simulation runs, the list of open orders stays one that people can read."""
    floor = a_floor(*(an_order(n, machine=n % 8) for n in range(1, MOST_UNFINISHED + 1)))
    for step in many_steps(floor):
        for each in step.commands:
            if each.name == "report":
                assert each.parameters["warehouse"] != plant.NORTH.id


def test_no_more_is_taken_than_is_there() -> None:
    """Stock never goes below zero, so it is not tried."""
    for step in many_steps(a_floor(*(an_order(n, "in_progress") for n in range(1, 5)), available=2)):
        for each in step.commands:
            if each.name == "issue":
                assert each.parameters["quantity"] in (1, 2)


def test_the_same_seed_chooses_the_same() -> None:
    """Ids included."""
    floor = busy_floor()
    assert [choose(floor, Random(3)) for _ in range(5)] == [choose(floor, Random(3)) for _ in range(5)]


def test_an_order_that_moved_is_worked_on_by_the_people_there() -> None:
    """Its old technician may not see it any more."""
    stranger = next(person for person in plant.PEOPLE if person.name == "Technician Three")
    at = plant.MACHINES[0]
    order = Order(UUID(int=1), at.warehouse, at.id, "WO-1", "t", "in_progress", "low", [stranger.id])
    for step in many_steps(a_floor(order)):
        if any(each.parameters.get("order") == order.id for each in step.commands):
            assert at.warehouse in step.person.roles


@pytest.mark.parametrize("people", [(), (plant.PEOPLE[-1],)])
def test_nothing_happens_where_nobody_works(people: tuple[object, ...]) -> None:
    """An empty factory, or one with a wall screen only."""
    assert choose(a_floor(an_order(), staff=Staff(people)), Random(1)) is None  # type: ignore[arg-type]


def test_one_warehouse_alone_transfers_nothing() -> None:
    """There is nowhere to."""
    floor = busy_floor().only(frozenset({plant.NORTH.id}))
    names = {each.name for step in many_steps(floor) for each in step.commands}
    assert not names & {"transfer", "move_machine"}
    assert {each.warehouse for each in floor.orders} == {plant.NORTH.id}
