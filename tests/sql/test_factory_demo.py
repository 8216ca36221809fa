"""The demo factory in a real database: loaded once, and never over somebody else's data."""

import asyncio
from uuid import uuid4

import psycopg
import pytest
from tests.fixtures.postgres import Database

from floorcast.errors import FactoryError
from floorcast.factory import demo, maintenance, plant


async def _count(database: Database, table: str) -> int:
    async with database.owner() as connection:
        row = await (await connection.execute(f"select count(*) from public.{table}")).fetchone()
    assert row is not None
    return int(row[0])


async def test_the_demo_has_what_its_description_says(database: Database) -> None:
    """Three warehouses, people in each role, machines, stock and open orders."""
    loaded = demo.load(database.owner_url)
    assert loaded.is_new
    assert await _count(database, "warehouses") == 3
    assert await _count(database, "equipment") == len(plant.MACHINES) == 24
    assert await _count(database, "inventory_items") == 21
    assert await _count(database, "work_orders") == 12
    async with database.owner() as connection:
        rows = await (await connection.execute("select distinct role from public.user_warehouse_access")).fetchall()
    assert {"technician", "inventory_clerk", "supervisor", "manager", "admin", "kiosk", "viewer"} <= {
        row[0] for row in rows
    }


async def test_the_demo_is_maintained(database: Database) -> None:
    """What is due at once makes its orders at the first look; the rest is to come."""
    demo.load(database.owner_url)
    assert await _count(database, "maintenance_templates") == len(maintenance.TEMPLATES) == 9
    assert await _count(database, "maintenance_schedules") == len(maintenance.SCHEDULES) == 12
    async with database.service("floorcast_maintain") as connection:
        rows = await (await connection.execute("select floorcast.create_due_work_orders()")).fetchall()
    assert len(rows) == sum(schedule.due_minutes < 0 for schedule in maintenance.SCHEDULES) == 3


async def test_loading_again_changes_nothing(database: Database) -> None:
    """The next start finds the factory as its people left it."""
    demo.load(database.owner_url)
    async with database.owner() as connection:
        await connection.execute("update public.equipment set status = 'down' where asset_tag = 'N-101'")
    before = await _count(database, "work_order_timeline")
    again = demo.load(database.owner_url)
    assert not again.is_new
    assert await _count(database, "work_order_timeline") == before
    async with database.owner() as connection:
        row = await (
            await connection.execute("select status from public.equipment where asset_tag = 'N-101'")
        ).fetchone()
    assert row == ("down",)


async def test_two_loaders_at_once_load_one_factory(database: Database) -> None:
    """The second waits and finds it there."""
    both = await asyncio.gather(*(asyncio.to_thread(demo.load, database.owner_url) for _ in range(2)))
    assert sorted(loaded.is_new for loaded in both) == [False, True]
    assert await _count(database, "organizations") == 1


async def test_a_database_with_an_organization_of_its_own_is_left_alone(database: Database) -> None:
    """Invented machines among real ones would be a disaster."""
    async with database.owner() as connection:
        await connection.execute("insert into public.organizations (id, name) values (%s, 'Real Works')", [uuid4()])
    with pytest.raises(FactoryError, match="Real Works"):
        demo.load(database.owner_url)
    assert await _count(database, "warehouses") == 0


async def test_a_database_without_tables_is_told_to_migrate(empty_database: Database) -> None:
    """Instead of a traceback."""
    with pytest.raises(FactoryError, match="migrate"):
        demo.load(empty_database.owner_url)


async def test_the_page_user_sees_all_three_warehouses(database: Database) -> None:
    """Through row level security, with the claims of the token."""
    loaded = demo.load(database.owner_url)
    async with database.person(loaded.demo_user().id) as connection:
        rows = await (await connection.execute("select name from public.warehouses order by name")).fetchall()
    assert [row[0] for row in rows] == ["Central Stores", "North Plant", "South Plant"]


async def test_a_kiosk_sees_its_warehouse_and_writes_nothing(database: Database) -> None:
    """Devices read."""
    demo.load(database.owner_url)
    kiosk = plant.demo_id("person", "Kiosk North")
    async with database.person(kiosk) as connection:
        rows = await (await connection.execute("select name from public.warehouses")).fetchall()
        assert [row[0] for row in rows] == ["North Plant"]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(
                "insert into public.work_orders (warehouse_id, title) values (%s, 'from a kiosk')",
                [plant.NORTH.id],
            )


async def test_the_history_of_the_demo_names_a_person(database: Database) -> None:
    """Nobody reads `system:postgres` on the page."""
    demo.load(database.owner_url)
    async with database.owner() as connection:
        rows = await (await connection.execute("select distinct actor from public.work_order_timeline")).fetchall()
    assert rows == [(str(demo.demo_user().id),)]
