"""The page in a real browser, on the whole path: a row is written, the screen moves."""

import asyncio
import json

from tests.fixtures.page import ORDER, PRESS, Floorcast, NewScreen
from tests.fixtures.time import UNIT

from floorcast.factory import plant

# As in tables.js.
BOARDS = {
    *("equipment", "work_orders", "work_order_assignments", "work_order_timeline", "inventory_items", "users"),
    *("inventory_transactions", "notifications"),
    *("maintenance_schedules", "maintenance_templates", "maintenance_history"),
}
HOSES = plant.demo_id("item", "North Plant/HOS-12")


async def test_the_first_picture_shows_machines_orders_and_stock(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """What is wrong comes first; only what is open is shown."""
    await floorcast_up.write("update public.equipment set status = 'down' where id = %s", PRESS)
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    statuses = await screen.texts("#machines .tile-status strong")
    assert statuses[:3] == ["Down", "Degraded", "Maintenance"]
    assert "Press Line 1" in (await screen.texts("#machines h3"))[0]
    orders = await screen.texts("#orders h3")
    assert ORDER.title in orders
    assert len(orders) == sum(order.machine.warehouse == plant.NORTH.id for order in plant.ORDERS)
    assert await screen.texts("#order-count") == [str(len(orders))]
    # In parts, and nothing of tables that have no board but a row.
    assert screen.pictures == 1
    parts = [json.loads(frame)[4] for frame in screen.frames if '"snapshot"' in frame]
    assert [part["end"] for part in parts] == [False] * (len(parts) - 1) + [True]
    assert len(parts) > 1
    rows = {table: len(rows) for part in parts for table, rows in part["rows"].items()}
    assert rows["work_orders"] > 1
    assert {tuple(person) for part in parts for person in part["rows"].get("users", ())} == {("id", "display_name")}
    assert max(rows[table] for table in rows.keys() - BOARDS) == 1


async def test_an_update_moves_the_page_within_a_second(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """The whole point."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    await floorcast_up.write(
        "update public.work_orders set priority = 'emergency', title = 'PUMP SEIZED' where id = %s", ORDER.id
    )
    await screen.shows("#orders li:first-child[data-priority=emergency]", "PUMP SEIZED", within=UNIT)
    await screen.shows("#events li:first-child", "priority low → emergency")
    await floorcast_up.write("update public.equipment set status = 'down' where id = %s", PRESS)
    await screen.shows("#machines li:first-child[data-status=down]", "Press Line 1")
    await screen.shows("#announcer", "Down: Press Line 1, critical.")
    assert await screen.page.title() == "1 down · Floorcast"


async def test_an_order_that_is_completed_leaves_the_list_and_one_that_is_reopened_comes_back(
    floorcast_up: Floorcast, screens: NewScreen
) -> None:
    """The list is what is still to be done; the timeline keeps the order's name."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    row = screen.page.locator(f"#orders [data-id='{ORDER.id}']")
    await row.wait_for()
    for status in ("in_progress", "completed"):
        await floorcast_up.write("update public.work_orders set status = %s where id = %s", status, ORDER.id)
    await row.wait_for(state="detached", timeout=2000 * UNIT)
    await screen.shows("#events li:first-child", ORDER.title)
    await floorcast_up.write("update public.work_orders set status = 'open' where id = %s", ORDER.id)
    await row.wait_for(timeout=2000 * UNIT)


async def test_stock_movements_appear_and_what_falls_below_its_reorder_point_is_said(
    floorcast_up: Floorcast, screens: NewScreen
) -> None:
    """Thirty-five metres, order at fifteen: taking twenty-five makes it low."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    assert await screen.texts("#low li") == []
    await floorcast_up.write(
        "insert into public.inventory_transactions (item_id, transaction_type, quantity) values (%s, 'issue', 25)",
        HOSES,
    )
    await screen.shows("#movements li:first-child", "\u221225 metre Hydraulic hose 1/2 in")
    await screen.shows("#low", "10 left, order at 15")
    await screen.shows("#low-count", "1 below reorder point")


async def test_a_table_that_the_page_has_never_heard_of_tells_its_changes(
    floorcast_up: Floorcast, screens: NewScreen
) -> None:
    """A new tracked table is on the page without a line of page code, also one that is tracked while the page looks."""
    screen = await screens()
    # First of all: whoever looks reads his picture again when the rules change.
    await floorcast_up.write("insert into floorcast.table_rule values ('cycle_counts', 'select', '{viewer,kiosk}')")
    await screen.open(floorcast_up.link("Wall Screen North"))
    await floorcast_up.write("create table public.cycle_counts (id int primary key, warehouse_id uuid, label text)")
    count = "insert into public.cycle_counts values (%s, %s, 'Aisle 7')"
    await floorcast_up.write("select floorcast.track('public.cycle_counts')")
    await floorcast_up.write("select floorcast.protect('public.cycle_counts')")
    await floorcast_up.write(count, 0, floorcast_up.warehouse)
    # With its first change, whoever follows every table reads again, now with that one.
    await screen.hears('"snapshot"', '"cycle_counts"')
    await screen.mark("live")
    await floorcast_up.write("delete from public.cycle_counts")
    await floorcast_up.write(count, 1, floorcast_up.warehouse)
    await screen.shows("#events li:first-child[data-table=cycle_counts]", "Cycle counts Aisle 7 added")
    await floorcast_up.write("update public.cycle_counts set label = null")
    await screen.shows("#events li:first-child", "Cycle counts 1 changed")
    await floorcast_up.write("delete from public.cycle_counts")
    await screen.shows("#events li:first-child", "Cycle counts 1 removed")
    assert "null" not in await screen.page.inner_text("#board")


async def test_a_due_schedule_turns_into_an_order_and_moves_on_when_it_is_done(
    floorcast_up: Floorcast, screens: NewScreen
) -> None:
    """What is due when, whether somebody has an order for it, and how much is done in time."""
    up, screen, row = floorcast_up, await screens(), "#maintenance li:first-child"
    await up.write("delete from public.maintenance_schedules")
    await screen.open(up.link("Wall Screen North"))
    assert await screen.page.get_attribute("#maintenance", "data-empty") == "No maintenance is planned yet."
    await up.write(
        "insert into public.maintenance_templates (warehouse_id, name) values (%s, 'Lubrication')", up.warehouse
    )
    await up.write(
        """insert into public.maintenance_schedules (
               warehouse_id, equipment_id, template_id, schedule_type, frequency, next_due
           )
           select warehouse_id, %s, id, 'days', 30, now() - interval '2 days'
           from public.maintenance_templates where name = 'Lubrication'""",
        PRESS,
    )
    await screen.shows(f"{row}[data-state=overdue]", "Press Line 1")
    await screen.shows(f"{row} .state", "no order yet")
    await screen.shows("#overdue-count", "1 overdue")
    await up.write("select floorcast.create_due_work_orders()")
    await screen.shows(f"{row}[data-state=overdue] .state", "open")
    await screen.shows(row, "WO-")
    await screen.shows("#compliance", "0 of 1 in time")
    for status in ("in_progress", "completed"):
        await up.write("update public.work_orders set status = %s where schedule_id is not null", status)
    await screen.shows(f"{row}[data-state=planned]", "every 30 days")
    assert await screen.texts("#overdue-count") == [""]
    await screen.shows("#compliance", "0 of 1 in time")


async def test_retired_rows_leave_the_boards_and_restored_ones_come_back(
    floorcast_up: Floorcast, screens: NewScreen
) -> None:
    """A board shows what is in use."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    tile = screen.page.locator(f"#machines [data-id='{PRESS}']")
    await tile.wait_for()
    await floorcast_up.write("update public.equipment set deleted_at = now() where id = %s", PRESS)
    await tile.wait_for(state="detached", timeout=5000 * UNIT)
    await floorcast_up.write("update public.equipment set deleted_at = null where id = %s", PRESS)
    await tile.wait_for(timeout=5000 * UNIT)


async def test_what_people_type_stays_text(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """A title is not markup, whatever it looks like."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    title = '<img src=x onerror=alert(1)> OIL & "WATER" </li><script>alert(2)</script> \u202e'
    await floorcast_up.write("update public.work_orders set title = %s where id = %s", title, ORDER.id)
    await screen.shows(f"#orders [data-id='{ORDER.id}'] h3", "onerror=alert(1)")
    assert await screen.page.locator("#board img, #board script").count() == 0
    assert title.strip() in await screen.texts("#orders h3")


async def test_a_large_transaction_is_shown_as_a_whole(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """Half of it on the screen would be a state that the database never had."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    await screen.page.evaluate(
        """() => {
            window.seen = new Set();
            const look = () => window.seen.add(document.querySelectorAll("#machines [data-status=standby]").length);
            new MutationObserver(look).observe(document.getElementById("machines"), { childList: true });
        }"""
    )
    await floorcast_up.write(
        "update public.equipment set status = 'standby' where warehouse_id = %s", floorcast_up.warehouse
    )
    count = sum(machine.warehouse == floorcast_up.warehouse for machine in plant.MACHINES)
    await screen.page.wait_for_function(
        "count => document.querySelectorAll('#machines [data-status=standby]').length === count", arg=count
    )
    assert await screen.page.evaluate("[...window.seen]") == [count]


async def test_lists_stay_bounded(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """A page that hangs for a year must not grow."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    await floorcast_up.write(
        """insert into public.work_order_timeline (work_order_id, event_type, details)
           select %s, 'commented', jsonb_build_object('text', 'note ' || n) from generate_series(1, 300) as n""",
        ORDER.id,
    )
    await screen.shows("#events li:first-child", "note 300")
    assert await screen.page.locator("#events li").count() == 50


async def test_two_screens_show_the_same(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """Different people, one warehouse, one truth."""
    first, second = await screens(), await screens(width=1920, height=1080)
    await asyncio.gather(
        first.open(floorcast_up.link("Kiosk North")), second.open(floorcast_up.link("Wall Screen North"))
    )
    for status in ("down", "degraded", "operational", "down"):
        await floorcast_up.write("update public.equipment set status = %s where id = %s", status, PRESS)
    for screen in (first, second):
        await screen.shows("#machines li:first-child[data-status=down]", "Press Line 1")
    assert await first.texts("#machines li h3") == await second.texts("#machines li h3")
    assert await first.texts("#events li strong") == await second.texts("#events li strong")
