"""The first picture on a real database: entitled, consistent, bounded, and at a position."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import psycopg
import pytest
from tests.builders import some_claims
from tests.fixtures.postgres import Database

from floorcast.database.caller import Caller
from floorcast.database.connect import connect
from floorcast.database.picture import Picture, PictureReader
from floorcast.database.queries import load_queries
from floorcast.database.ticks import close_tick
from floorcast.errors import DatabaseUnavailable
from floorcast.factory import demo, plant

NORTH, SOUTH = str(plant.NORTH.id), str(plant.SOUTH.id)
PRESS = plant.demo_id("machine", "N-101")


@pytest.fixture
async def reader(database: Database) -> AsyncIterator[PictureReader]:
    """A reader on a database with the demo factory in it."""
    await asyncio.to_thread(demo.load, database.owner_url)
    async with opened(PictureReader(database.service_url)) as reader:
        yield reader


@asynccontextmanager
async def opened(reader: PictureReader) -> AsyncIterator[PictureReader]:
    """The reader, closed afterwards."""
    await reader.open()
    try:
        yield reader
    finally:
        await reader.close()


def named(name: str) -> Caller:
    """One of the demo's people."""
    claims = some_claims(sub=str(plant.demo_id("person", name)))
    return Caller("authenticated", orjson.dumps(claims).decode())


def service(sub: str = "erp") -> Caller:
    """A trusted server, which need not be a user."""
    return Caller("service_role", orjson.dumps(some_claims(sub=sub, role="service_role")).decode())


def tables(picture: Picture | None) -> dict[str, list[dict[str, Any]]]:
    """The rows of a picture that must be there."""
    assert picture is not None
    rows: dict[str, list[dict[str, Any]]] = orjson.loads(picture.tables)
    return rows


async def test_people_are_offered_the_warehouses_that_they_have_access_to(reader: PictureReader) -> None:
    """With their role in each, by name."""
    offered = orjson.loads(await reader.warehouses(named("Supervisor One")))
    assert [(one["name"], one["role"]) for one in offered] == [("North Plant", "supervisor"), ("South Plant", "viewer")]
    assert len(orjson.loads(await reader.warehouses(named("Admin One")))) == 3
    assert orjson.loads(await reader.warehouses(named("Nobody At All"))) == []
    assert [one["role"] for one in orjson.loads(await reader.warehouses(service()))] == ["service_role"] * 3


async def test_a_picture_is_for_those_entitled_and_of_one_warehouse(reader: PictureReader) -> None:
    """Row level security decides, not this service."""
    assert await reader.picture(named("Wall Screen South"), NORTH) is None
    assert await reader.picture(named("Nobody At All"), NORTH) is None
    assert await reader.picture(named("Wall Screen North"), str(plant.ORGANIZATION)) is None
    for caller in (named("Wall Screen North"), named("Admin One"), service()):
        rows = tables(await reader.picture(caller, NORTH))
        seen = {row["warehouse_id"] for table, found in rows.items() if table != "users" for row in found}
        assert seen == {NORTH}


async def test_nobody_gets_contact_data(reader: PictureReader) -> None:
    """Names for assignees and actors are all that a board needs."""
    for caller in (named("Manager One"), service()):
        people = tables(await reader.picture(caller, NORTH))["users"]
        assert {tuple(sorted(person)) for person in people} == {("display_name", "id")}
        assert "Technician One" in {person["display_name"] for person in people}


async def test_what_matters_most_comes_first_and_closed_orders_only_to_give_events_a_name(
    reader: PictureReader, database: Database
) -> None:
    """A limit then cuts off what matters least."""
    order = next(order for order in plant.ORDERS if order.machine.warehouse == plant.NORTH.id)
    async with database.owner() as owner:
        await owner.execute("update public.equipment set status = 'down' where id = %s", [PRESS])
        for status in ("in_progress", "completed"):
            await owner.execute("update public.work_orders set status = %s where id = %s", [status, order.id])
        retired = plant.demo_id("machine", "N-141")
        await owner.execute("update public.equipment set status = 'retired' where id = %s", [retired])
        await owner.execute(
            """insert into public.work_order_timeline (work_order_id, event_type, details)
               select %s, 'commented', '{"text": "still there"}' from generate_series(1, 80)""",
            [order.id],
        )
    rows = tables(await reader.picture(named("Wall Screen North"), NORTH))
    assert rows["equipment"][0]["id"] == str(PRESS)
    assert str(retired) not in {row["id"] for row in rows["equipment"]}
    assert len(rows["work_order_timeline"]) == 50
    assert [row["status"] for row in rows["work_orders"] if row["id"] == str(order.id)] == ["completed"]


async def test_columns_that_a_role_may_not_see_are_null(reader: PictureReader, database: Database) -> None:
    """In the picture as in frames: a cost is a number for managers, and nothing for everybody else."""
    async with database.owner() as owner:
        await owner.execute("update public.work_orders set estimated_cost = 12.50")
    for name, cost in (("Manager One", 12.5), ("Technician One", None), ("Wall Screen North", None)):
        rows = tables(await reader.picture(named(name), NORTH))
        assert {row["estimated_cost"] for row in rows["work_orders"]} == {cost}
        assert {row["unit_cost"] is None for row in rows["inventory_items"]} == {cost is None}


async def test_notifications_are_ones_own_the_unread_and_the_newest_first(
    reader: PictureReader, database: Database
) -> None:
    """Of this warehouse; a trusted server is no person and has none."""
    people = {name: str(plant.demo_id("person", name)) for name in ("Supervisor One", "Admin One")}
    async with database.owner() as owner:
        await owner.execute("delete from public.notifications")
        for warehouse, name, number, read in (
            *((NORTH, "Supervisor One", number, number % 2 == 0) for number in range(1, 71)),
            (NORTH, "Admin One", 71, False),
            (SOUTH, "Supervisor One", 72, False),
        ):
            await owner.execute(
                """insert into public.notifications (warehouse_id, user_id, type, title, created_at, read_at)
                   values (%s, %s, 'announcement', %s, now() + make_interval(secs => %s), %s)""",
                [warehouse, people[name], str(number), number, "2026-11-23" if read else None],
            )
    own = tables(await reader.picture(named("Supervisor One"), NORTH))["notifications"]
    unread = [str(number) for number in range(69, 0, -2)]
    assert [row["title"] for row in own] == unread + [str(number) for number in range(70, 40, -2)]
    hers = tables(await reader.picture(named("Admin One"), NORTH))["notifications"]
    assert [row["title"] for row in hers] == ["71"]
    for caller in (named("Manager One"), service(), service(people["Admin One"])):
        assert tables(await reader.picture(caller, NORTH))["notifications"] == []


async def test_schedules_come_as_they_are_due_with_the_names_of_their_templates(
    reader: PictureReader, database: Database
) -> None:
    """Those by meter too, and paused or retired ones only while an order of theirs is to be done."""
    async with database.owner() as owner:
        await owner.execute("delete from public.maintenance_schedules")
        await owner.execute("delete from public.maintenance_templates")
        for name in ("late", "later", "paused", "paused with an order", "retired", "meter"):
            await owner.execute(
                """with template as (
                       insert into public.maintenance_templates (warehouse_id, name) values (%(site)s, %(name)s)
                       returning id
                   )
                   insert into public.maintenance_schedules (
                       warehouse_id, equipment_id, template_id, schedule_type, frequency, next_due, next_due_meter
                   )
                   select
                       %(site)s, %(machine)s, id,
                       case when %(name)s = 'meter' then 'meter_hours' else 'days' end, 30,
                       case when %(name)s <> 'meter' then now() + %(due)s::interval end,
                       case when %(name)s = 'meter' then 100 end
                   from template""",
                {
                    "site": NORTH,
                    "machine": PRESS,
                    "name": name,
                    "due": "-2 days" if name in ("late", "paused with an order") else "9 days",
                },
            )
        await owner.execute("select floorcast.create_due_work_orders()")
        await owner.execute(
            """update public.maintenance_schedules set active = false
               where template_id in (select id from public.maintenance_templates where name like 'paused%')"""
        )
        await owner.execute(
            """update public.maintenance_schedules set deleted_at = now()
               where template_id in (select id from public.maintenance_templates where name = 'retired')"""
        )
    rows = tables(await reader.picture(named("Wall Screen North"), NORTH))
    names = {row["id"]: row["name"] for row in rows["maintenance_templates"]}
    assert sorted(rows["maintenance_templates"][0]) == ["id", "name", "warehouse_id"]
    shown = [names[row["template_id"]] for row in rows["maintenance_schedules"]]
    assert shown == ["later", "late", "meter", "paused with an order"]


async def test_a_due_that_was_cancelled_is_there_to_be_counted(reader: PictureReader, database: Database) -> None:
    """And what was done, as far back as the page counts."""
    async with database.owner() as owner:
        await owner.execute("delete from public.maintenance_schedules")
        await owner.execute(
            "insert into public.maintenance_templates (warehouse_id, name) values (%s, 'Lubrication')", [NORTH]
        )
        await owner.execute(
            """insert into public.maintenance_schedules (
                   warehouse_id, equipment_id, template_id, schedule_type, frequency, next_due
               )
               select %s, e.id, t.id, 'days', 30, now() - make_interval(days => 5)
               from public.equipment as e cross join public.maintenance_templates as t
               where e.asset_tag in ('N-101', 'N-102') and t.name = 'Lubrication'""",
            [NORTH],
        )
        await owner.execute("select floorcast.create_due_work_orders()")
        for status in ("in_progress", "completed"):
            await owner.execute(
                """update public.work_orders
                   set status = case when equipment_id = %s then 'cancelled' else %s end
                   where schedule_id is not null""",
                [PRESS, status],
            )
        # Whatever happened to the order lies further back than the newest events.
        await owner.execute("delete from public.work_order_timeline")
    rows = tables(await reader.picture(named("Wall Screen North"), NORTH))
    assert [row["status"] for row in rows["work_orders"] if row["schedule_id"]] == ["cancelled"]
    assert [row["in_time"] for row in rows["maintenance_history"]] == [False]


async def test_a_picture_reads_as_little_of_years_as_of_a_day(database: Database) -> None:
    """Not the history of a warehouse to show the newest of it, and nothing anew for each row."""
    await asyncio.to_thread(demo.load, database.owner_url)
    caller = named("Technician One")
    async with database.owner() as connection, connection.transaction():
        for years in (
            """insert into public.work_orders (warehouse_id, equipment_id, title, status)
               select %(site)s, %(machine)s, 'years ago ' || n, 'closed' from generate_series(1, 3000) as n""",
            """insert into public.work_order_timeline (work_order_id, event_type)
               select id, 'commented' from public.work_orders where warehouse_id = %(site)s""",
            """insert into public.inventory_transactions (item_id, transaction_type, quantity)
               select id, 'receipt', 1 from public.inventory_items cross join generate_series(1, 500)
               where warehouse_id = %(site)s""",
            """insert into public.notifications (warehouse_id, user_id, type, title, read_at)
               select %(site)s, %(person)s, 'announcement', 'x', now() from generate_series(1, 3000)""",
            "analyze",
        ):
            values = {"site": NORTH, "machine": PRESS, "person": str(plant.demo_id("person", "Technician One"))}
            await connection.execute(years.encode(), values)
        await connection.execute(
            "select set_config('request.jwt.claims', %s, true), set_config('role', 'authenticated', true)",
            [caller.claims],
        )
        cursor = await connection.execute(
            b"explain (analyze, format json) " + load_queries("picture.sql")["tables"],
            {"warehouse": NORTH, "most": 2000, "recent": 50},
        )
        ((plans,),) = await cursor.fetchall()
    nodes = list(every_node(plans[0]["Plan"]))
    histories = {"work_orders", "work_order_timeline", "inventory_transactions", "notifications"}
    reads = [(node["Relation Name"], node["Actual Rows"]) for node in nodes if node.get("Relation Name") in histories]
    assert {table for table, _ in reads} == histories
    assert [(table, rows) for table, rows in reads if rows > 100] == []
    # What depends on a row is asked once and looked up.
    assert [node["Filter"] for node in nodes if "(SubPlan" in node.get("Filter", "")] == []


def every_node(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan, from the top."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from every_node(child)


async def test_whatever_its_tick_delivered_is_in_the_picture(reader: PictureReader, database: Database) -> None:
    """And what committed after the tick may be in it too: it comes again, as a whole row, and changes nothing."""
    caller = named("Wall Screen North")
    before = await reader.picture(caller, NORTH)
    assert before is not None
    async with database.owner() as owner:
        await owner.execute("update public.equipment set status = 'down' where id = %s", [PRESS])
    unticked = await reader.picture(caller, NORTH)
    assert unticked is not None
    assert unticked.tick == before.tick
    relay = await connect(database.service_url, role="floorcast_relay", application="floorcast test")
    async with relay:
        closed = await close_tick(relay)
    assert closed is not None
    after = await reader.picture(caller, NORTH)
    assert after is not None
    assert after.tick == closed.header.tick > before.tick
    assert after.incarnation == before.incarnation
    for picture in (unticked, after):
        assert {row["status"] for row in tables(picture)["equipment"] if row["id"] == str(PRESS)} == {"down"}


async def test_a_connection_keeps_nothing_of_the_caller_before(database: Database) -> None:
    """Role and claims end with the transaction; the next caller starts as nobody."""
    await asyncio.to_thread(demo.load, database.owner_url)
    async with opened(PictureReader(database.service_url, connections=1)) as reader:
        assert len(orjson.loads(await reader.warehouses(service()))) == 3
        assert len(orjson.loads(await reader.warehouses(named("Wall Screen North")))) == 1
        assert orjson.loads(await reader.warehouses(named("Nobody At All"))) == []
        assert await reader.picture(named("Wall Screen North"), SOUTH) is None


async def test_nobody_waits_longer_than_promised(database: Database) -> None:
    """A lock on a table must not collect every screen behind it."""
    await asyncio.to_thread(demo.load, database.owner_url)
    async with (
        opened(PictureReader(database.service_url, connections=1, waiting=1, patience_seconds=0.3)) as reader,
        database.owner() as owner,
        owner.transaction(),
    ):
        await owner.execute("lock table public.equipment in access exclusive mode")
        reads = [reader.picture(named("Wall Screen North"), NORTH) for _ in range(4)]
        results = await asyncio.wait_for(asyncio.gather(*reads, return_exceptions=True), 5)
        assert [type(result) for result in results] == [DatabaseUnavailable] * 4
    # The lock is gone, and so is the trouble.


async def test_a_postgres_that_is_away_is_said_and_one_that_is_back_is_used(
    database: Database,
) -> None:
    """A connection that was cut is found out and replaced."""
    await asyncio.to_thread(demo.load, database.owner_url)
    async with opened(PictureReader(database.service_url)) as reader:
        assert await reader.picture(named("Wall Screen North"), NORTH) is not None
        async with database.owner() as owner:
            await owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'floorcast picture'"
            )
        assert await reader.picture(named("Wall Screen North"), NORTH) is not None
    away = database.service_url.replace(psycopg.conninfo.conninfo_to_dict(database.service_url)["port"], "1")
    async with opened(PictureReader(away, patience_seconds=0.5)) as reader:
        with pytest.raises(DatabaseUnavailable):
            await reader.ping()
