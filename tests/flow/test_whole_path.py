"""The whole path on its real parts: history is replayed while people of every role listen on two gateways."""

import asyncio
import contextlib
from pathlib import Path

import psycopg
import pytest
from tests.fixtures.floor import OpenHall
from tests.trial.floor import Floor, Reader
from tests.trial.hall import join_when_granted
from tests.trial.line import Refused, wait_on

from floorcast.factory import plant

ORDERS = Path(__file__).parent / "data" / "orders.csv"
ROLES = (
    "requester",
    "technician",
    "contractor",
    "inventory_clerk",
    "supervisor",
    "manager",
    "admin",
    "kiosk",
    "viewer",
)
NORTH, SOUTH, CENTRAL = (str(site.id) for site in plant.WAREHOUSES)
SITES = {"north": NORTH, "south": SOUTH, "central": CENTRAL}


async def test_everybody_hears_exactly_what_he_may_see(open_hall: OpenHall) -> None:
    """Once, in order, equal to the trail row for row: each role in each warehouse, two at once, none, for a while."""
    hall = await open_hall()
    floor = hall.floor
    for site, warehouse in SITES.items():
        for role in ROLES:
            reader = await asyncio.to_thread(floor.add_reader, f"{role} in {site}", **{site: role})
            await hall.seat(reader, warehouse)
    await hall.seat(floor.demo_reader("Technician Six"), NORTH, CENTRAL)
    stranger = await hall.seat(await asyncio.to_thread(floor.add_reader, "nobody's"))
    for warehouse in SITES.values():
        with pytest.raises(Refused, match="forbidden"):
            await stranger.join(warehouse)
    guest = await hall.seat(await asyncio.to_thread(floor.add_reader, "guest"))
    manager = hall.witnesses[ROLES.index("manager")]

    replay = floor.run("replay", "replay", str(ORDERS), "--workers", "3")
    await wait_on(lambda: manager.heard() >= 40, "the replay is under way")
    with pytest.raises(Refused, match="forbidden"):
        await guest.join(NORTH)
    await asyncio.to_thread(floor.grant, guest.reader.id, NORTH, "viewer")
    granted = await join_when_granted(guest, NORTH)
    await asyncio.to_thread(move_and_delete, floor)
    await wait_on(lambda: len(granted.operations) >= 40, "the guest hears the replay")
    # In one transaction with data, so that the tick that withdraws has something to keep from him.
    await asyncio.to_thread(withdraw, floor, guest.reader)
    await wait_on(lambda: granted.closed is not None, "the guest is told")
    with pytest.raises(Refused, match="forbidden"):
        await guest.join(NORTH)
    # 1: some lines of the file are refused, as they should be.
    assert await asyncio.to_thread(replay.wait, 60) == 1, replay.said()

    await hall.settle()
    _, faults = await hall.audit()
    assert faults == []
    assert [witness.cut for witness in hall.witnesses if witness.cut] == []
    assert granted.ended is not None
    assert granted.ended[0] == "revoked"
    assert granted.closed == "phx_close"
    assert stranger.heard() == 0
    assert min(witness.heard() for witness in hall.witnesses if witness not in (stranger, guest)) > 50


async def test_a_transaction_too_large_to_hold_arrives_in_parts(open_hall: OpenHall) -> None:
    """With an end; the others see it at its place among their own changes, and the logs in Redis have a mark of it."""
    hall = await open_hall()
    floor = hall.floor
    for gateway in range(2):
        await hall.seat(floor.demo_reader("Manager One"), NORTH, SOUTH, gateway=gateway)
    hall.keep_busy(30)
    await hall.mark()
    await asyncio.to_thread(
        floor.query,
        "insert into public.inventory_items (warehouse_id, part_number, name)"
        " select case when n %% 5 = 0 then %s else %s end::uuid, 'bulk ' || n, 'Bulk'"
        " from generate_series(1, 5000) as n",
        SOUTH,
        NORTH,
    )
    await hall.mark()
    await hall.rest()
    await hall.settle()
    trail, faults = await hall.audit()
    assert faults == []
    assert max(tick.count for tick in trail.ticks) >= 5_000


def move_and_delete(floor: Floor) -> None:
    """A machine is moved with its orders, some writers change their mind, and one deletes what he made."""
    with psycopg.connect(floor.owner_url) as connection:
        for turn, warehouse in enumerate((SOUTH, CENTRAL, NORTH)):
            machine = plant.MACHINES[turn * 8].id
            connection.execute("update public.equipment set warehouse_id = %s where id = %s", [warehouse, machine])
            connection.commit()
            connection.execute("update public.equipment set location = 'nowhere' where id = %s", [machine])
            connection.rollback()
            with connection.transaction():
                connection.execute("update public.equipment set location = 'Hall C' where id = %s", [machine])
                with contextlib.suppress(ZeroDivisionError), connection.transaction():
                    connection.execute("update public.equipment set location = 'undone' where id = %s", [machine])
                    raise ZeroDivisionError
                connection.execute("update public.equipment set location = 'Hall D' where id = %s", [machine])
            connection.execute(
                "insert into public.equipment (warehouse_id, name, type) values (%s, 'Rented lift', 'lift')",
                [warehouse],
            )
            connection.commit()
            connection.execute("delete from public.equipment where name = 'Rented lift'")
            connection.commit()


def withdraw(floor: Floor, reader: Reader) -> None:
    """Withdraw access to North Plant between two writes to it."""
    with psycopg.connect(floor.owner_url) as connection:
        machine = plant.MACHINES[1].id
        connection.execute("update public.equipment set location = 'secret 1' where id = %s", [machine])
        connection.execute("delete from public.user_warehouse_access where user_id = %s", [reader.id])
        connection.execute("update public.equipment set location = 'secret 2' where id = %s", [machine])
