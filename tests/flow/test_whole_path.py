"""The whole path on its real parts: history is replayed while people of every role listen on two gateways."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from tests.fixtures.floor import OpenFloor
from tests.trial.feed import audit_feed
from tests.trial.floor import Floor, Reader
from tests.trial.line import Refused, wait_on
from tests.trial.trail import read_trail
from tests.trial.witness import Hearing, Witness

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


@dataclass
class Hall:
    """A floor, and everybody who listens on it."""

    floor: Floor
    witnesses: list[Witness] = field(default_factory=list)

    async def seat(self, reader: Reader, *warehouses: str) -> Witness:
        """Let somebody listen; gateways take turns. A grant that was just given may take a moment to arrive."""
        witness = Witness(reader, self.floor.gateway_url(len(self.witnesses) % len(self.floor.gateways)))
        self.witnesses.append(witness)
        await witness.connect()
        for warehouse in warehouses:
            await join_when_granted(witness, warehouse)
        return witness

    async def settle(self) -> int:
        """Wait until everybody has heard that everything was said; return the last tick."""
        last = await asyncio.to_thread(self.floor.settle)
        await wait_on(
            lambda: all(witness.complete >= last or witness.cut for witness in self.witnesses),
            lambda: f"complete up to {last}: {[(w.reader.name, w.complete, w.cut) for w in self.witnesses]}",
        )
        return last

    async def audit(self) -> list[str]:
        """Return every fault of everybody and of the feed."""
        trail = await asyncio.to_thread(read_trail, self.floor.owner_url)
        assert trail.waiting == 0
        faults = [fault for witness in self.witnesses for fault in witness.audit(trail)]
        with contextlib.closing(self.floor.redis_client()) as client:
            feed = audit_feed(client, trail)
        return [*faults, *feed.faults, *trail.broken_chains()]


async def join_when_granted(witness: Witness, warehouse: str) -> Hearing:
    """Join as soon as the gateway has heard of the grant."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await witness.join(warehouse)
            except Refused as refused:
                assert refused.code == "forbidden"  # noqa: PT017 — anything else is no matter of waiting
                await asyncio.sleep(0.02)


@pytest.fixture
async def hall(open_floor: OpenFloor) -> AsyncIterator[Hall]:
    """Two gateways, one relay, nobody there yet."""
    hall = Hall(await asyncio.to_thread(open_floor))
    yield hall
    for witness in hall.witnesses:
        await witness.close()


async def test_everybody_hears_exactly_what_he_may_see(hall: Hall) -> None:
    """Once, in order, equal to the trail row for row: each role in each warehouse, two at once, none, for a while."""
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
    assert await hall.audit() == []
    assert granted.ended is not None
    assert granted.ended[0] == "revoked"
    assert granted.closed == "phx_close"
    assert stranger.heard() == 0
    assert min(witness.heard() for witness in hall.witnesses if witness not in (stranger, guest)) > 50


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
