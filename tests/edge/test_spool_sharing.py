"""gateway/pictures.py over a real spooler: one read for many, and nobody is shown the effect of another's access."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.fixtures.observed import Observed
from tests.fixtures.postgres import Database
from tests.fixtures.spools import a_request, open_spooler, reads_of, rows_in

from floorcast.access.law import Law
from floorcast.database.grants import Base, read_base
from floorcast.database.picture_request import PictureRequest
from floorcast.database.spool import Spool
from floorcast.database.ticks import close_tick
from floorcast.factory import demo, plant
from floorcast.gateway.pictures import Pictures
from floorcast.observe import PictureRead

NORTH = str(plant.NORTH.id)
TABLES = ("equipment", "work_orders", "inventory_items")


@pytest.fixture
async def base(database: Database) -> Base:
    """The demo factory, as of a tick."""
    await asyncio.to_thread(demo.load, database.owner_url)
    async with database.service("floorcast_relay") as relay, database.service("floorcast_gateway") as gateway:
        await close_tick(relay)
        return await read_base(gateway)


def asking(base: Base, name: str) -> PictureRequest:
    """What one of the demo's people asks for, as of that tick."""
    user, law = str(plant.demo_id("person", name)), Law(base)
    view = law.view(law.role("authenticated", user, NORTH) or "")
    reads = reads_of(view, {table: base.shapes[table] for table in TABLES})
    return a_request(*reads, user=user, role="authenticated", warehouse=NORTH, organization=base.warehouses[NORTH])


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Pictures]:
    """Pictures of a database."""
    async with open_spooler(database) as spooler:
        pictures = Pictures(spooler, keep_seconds=60)
        yield pictures
        await pictures.close()


async def test_many_who_come_at_once_cost_one_read(database: Database, base: Base, observed: Observed) -> None:
    """Whoever they are, while they have the same view."""
    people = [asking(base, name) for name in ("Technician One", "Technician Two", "Technician Six")]
    async with opened(database) as pictures:
        spools = await asyncio.gather(*[pictures.read(people[n % 3], not_before=base.tick) for n in range(500)])
        manager = await pictures.read(asking(base, "Manager One"), not_before=base.tick)
        assert len(observed.of(PictureRead)) == 2
        expected = rows_in(spools[0])
        assert {row["unit_cost"] for row in expected["inventory_items"]} == {None}
        assert None not in {row["unit_cost"] for row in rows_in(manager)["inventory_items"]}
        for spool in (*spools, manager):
            spool.close()
        with await pictures.read(people[0], not_before=base.tick) as kept:
            assert rows_in(kept) == expected
        assert len(observed.of(PictureRead)) == 2


async def shown_to_both(pictures: Pictures, base: Base, first: str, second: str) -> list[Spool]:
    """What two people are given who ask at the same time, the one before the other."""
    requests = [asking(base, name) for name in (first, second)]
    return await asyncio.gather(*[pictures.read(request, not_before=base.tick) for request in requests])


@pytest.mark.parametrize(
    "statement",
    [
        "delete from user_warehouse_access where user_id = %s",
        "update users set deleted_at = now() where id = %s",
        "update user_warehouse_access set role = 'manager' where user_id = %s",
    ],
)
async def test_what_became_of_one_is_not_shown_to_the_other(database: Database, base: Base, statement: str) -> None:
    """His access changed behind the tick that his gateway knows, and his picture shows it; hers must not."""
    async with opened(database) as pictures, database.owner() as owner:
        before = await pictures.read(asking(base, "Technician Two"), not_before=base.tick)
        expected = rows_in(before)
        before.close()
    async with opened(database) as pictures, database.owner() as owner:
        await owner.execute(statement.encode(), [plant.demo_id("person", "Technician One")])
        his, hers = await shown_to_both(pictures, base, "Technician One", "Technician Two")
        assert not his.clean
        assert his.tick == hers.tick
        assert rows_in(hers) == expected
        assert his.law.role in (None, "manager")
        his.close()
        hers.close()
