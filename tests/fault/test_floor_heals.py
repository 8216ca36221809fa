"""Under load, each process and server is killed, stopped, emptied or restarted: nothing is lost, nothing told twice.

After each: the feed equals the trail tick by tick; those whose gateway lived have every change once; screens that were
cut joined again, read the picture again and equal the database.
"""

from collections.abc import Awaitable, Callable

import pytest
from tests.fixtures.floor import OpenHall
from tests.trial import faults
from tests.trial.hall import Fault, Hall, Wound

from floorcast.factory import plant

NORTH, SOUTH, CENTRAL = (str(site.id) for site in plant.WAREHOUSES)

Endure = Callable[[Fault], Awaitable[tuple[Hall, Wound]]]


@pytest.fixture
def endure(open_hall: OpenHall) -> Endure:
    """Set everything up, suffer the fault that is given, settle, audit; return who was there and what it cost."""

    async def run(fault: Fault) -> tuple[Hall, Wound]:
        hall = await open_hall(relays=2, gateways=2)
        manager, screen = hall.floor.demo_reader("Manager One"), hall.floor.demo_reader("Wall Screen South")
        for gateway in range(2):
            await hall.seat(manager, NORTH, SOUTH, CENTRAL, gateway=gateway)
            await hall.seat(screen, SOUTH, gateway=gateway)
            await hall.show(manager, NORTH, [gateway, 1 - gateway])
            await hall.show(screen, SOUTH, [gateway, 1 - gateway])
        hall.keep_busy(40)
        wound = await hall.suffer(fault)
        await hall.rest()
        await hall.settle()
        _, found = await hall.audit()
        assert found == []
        return hall, wound

    return run


def nobody_was_cut(hall: Hall) -> bool:
    """Whether every connection and every topic lived through it."""
    return not any(witness.cut for witness in hall.witnesses) and not any(screen.losses for screen in hall.screens)


async def test_a_killed_gateway_takes_nobody_along_but_its_own_clients(endure: Endure) -> None:
    """Who was cut joins elsewhere and goes on from his cursor, without another picture."""
    hall, _ = await endure(faults.kill_gateway)
    assert [witness.cut is not None for witness in hall.witnesses] == [True, True, False, False]
    assert [len(screen.losses) for screen in hall.screens] == [1, 1, 0, 0]
    assert [screen.pictures for screen in hall.screens] == [1, 1, 1, 1]


async def test_gateways_that_share_a_port_take_over_from_each_other(open_hall: OpenHall) -> None:
    """Who was cut comes back to the same address and finds whoever lives; nobody else is cut."""
    hall = await open_hall(relays=1, gateways=2, one_port=True)
    viewer = hall.floor.demo_reader("Wall Screen South")
    for _ in range(12):
        await hall.seat(viewer, SOUTH)
        await hall.show(viewer, SOUTH, [0])
    hall.keep_busy(40)
    await hall.suffer(faults.kill_gateway)
    await hall.rest()
    await hall.settle()
    _, found = await hall.audit()
    assert found == []
    cut = sum(witness.cut is not None for witness in hall.witnesses)
    lost = [len(screen.losses) for screen in hall.screens]
    # The kernel spreads connections by their ports; that all 24 go to one has a chance of one in eight million.
    assert 0 < cut + sum(lost) < 24
    assert max(lost) <= 1


async def test_a_redis_that_comes_back_empty_costs_a_pause(endure: Endure) -> None:
    """What it forgot is in Postgres, and gateways read it there."""
    hall, wound = await endure(faults.kill_redis)
    assert nobody_was_cut(hall)
    assert wound.longest_wait < 5
