"""The page in a real browser, on the whole path: a row is written, the screen moves."""

import asyncio
import json

import pytest
from tests.fixtures.page import PROGRESS_SECONDS, Floorcast, NewScreen
from tests.fixtures.proxy import OpenLink
from tests.fixtures.time import UNIT

from floorcast.factory import plant

# As in tables.js.
BOARDS = {
    *("equipment", "work_orders", "work_order_assignments", "work_order_timeline", "inventory_items", "users"),
    *("inventory_transactions", "notifications"),
    *("maintenance_schedules", "maintenance_templates", "maintenance_history"),
}
PRESS = plant.demo_id("machine", "N-101")
ORDER = next(order for order in plant.ORDERS if order.title == "grease all points")
HOSES = plant.demo_id("item", "North Plant/HOS-12")


async def test_a_link_with_a_token_opens_the_board_and_leaves_no_token_in_the_address(
    floorcast_up: Floorcast, screens: NewScreen
) -> None:
    """A link is copied sooner or later; the token must not travel along."""
    screen = await screens()
    await screen.open(floorcast_up.link())
    assert screen.page.url == floorcast_up.page_url
    assert await screen.texts("#warehouse option") == sorted(site.name for site in plant.WAREHOUSES)
    await screen.page.reload()
    await screen.mark("live")


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


NOTIFY = """insert into public.notifications (warehouse_id, user_id, type, title, equipment_id)
            values (%s, %s, 'announcement', %s, %s)"""


async def test_a_notification_arrives_for_its_person_only_and_is_counted_until_it_is_read(
    floorcast_up: Floorcast, screens: NewScreen
) -> None:
    """Two people, two pages; read anywhere is read here."""
    up, mine, hers = floorcast_up, await screens(), await screens()
    me, she = (plant.demo_id("person", name) for name in ("Supervisor One", "Admin One"))
    await up.write("delete from public.notifications")
    await up.write(NOTIFY, up.warehouse, me, "BEFORE", None)
    await asyncio.gather(mine.open(up.link("Supervisor One")), hers.open(up.link("Admin One")))
    await hers.page.select_option("#warehouse", str(up.warehouse))
    await hers.mark("live")
    assert await mine.texts("#unread-count") == ["1"]
    await up.write(NOTIFY, up.warehouse, she, "FOR HER", None)
    await up.write(NOTIFY, up.warehouse, me, "FOR ME", PRESS)
    await mine.shows("#announcer", "Notification: FOR ME.")
    await hers.shows("#announcer", "Notification: FOR HER.")
    await mine.page.click("#bell")
    await hers.page.click("#bell")
    assert await mine.texts("#notification-list h3") == ["FOR ME", "BEFORE"]
    assert await hers.texts("#notification-list h3") == ["FOR HER"]
    await mine.shows("#notification-list li:first-child", "Press Line 1")
    assert await mine.page.get_attribute("#bell", "aria-label") == "Notifications: 2 unread"
    assert "FOR" not in " ".join(await mine.texts("#events") + await hers.texts("#events"))

    await up.write("update public.notifications set read_at = now() where title = 'FOR ME'")
    await mine.shows("#notification-list li:first-child[data-unread=true]", "BEFORE")
    assert await mine.texts("#unread-count") == ["1"]
    await up.write("delete from public.notifications where title = 'BEFORE'")
    await mine.page.wait_for_selector("#bell[data-some=false]")
    assert await mine.texts("#notification-list h3") == ["FOR ME"]
    assert await hers.texts("#notification-list h3") == ["FOR HER"]
    await mine.page.keyboard.press("Escape")
    assert not await mine.page.is_visible("#notifications")
    assert await mine.page.evaluate("document.activeElement.id") == "bell"


async def test_a_token_of_a_server_shows_nobodys_notifications(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """It may read all of them, and is none of the people whom they are for."""
    up, screen = floorcast_up, await screens()
    await screen.open(f"{up.page_url}#token={up.token(role='service_role')}")
    await screen.page.select_option("#warehouse", str(up.warehouse))
    await screen.shows("#machines", "Press Line 1")
    await up.write(NOTIFY, up.warehouse, plant.demo_id("person", "Admin One"), "FOR HER", None)
    await up.write("update public.equipment set status = 'down' where id = %s", PRESS)
    await screen.shows("#machines li:first-child[data-status=down]", "Press Line 1")
    assert not await screen.page.is_visible("#bell")
    assert "FOR HER" not in await screen.page.content()


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


async def test_another_role_reads_the_picture_again(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """What was shown under the old role may be more than the new one may see, or less."""
    screen = await screens()
    await screen.open(floorcast_up.link("Supervisor One"))
    await floorcast_up.write(
        "insert into public.inventory_locations (warehouse_id, name) values (%s, 'Rack 4')", floorcast_up.warehouse
    )
    told = screen.page.locator("#events [data-table=inventory_locations]", has_text="Inventory locations Rack 4 added")
    await told.wait_for(timeout=5000 * UNIT)
    await floorcast_up.write(
        "update public.user_warehouse_access set role = 'viewer' where user_id = %s",
        plant.demo_id("person", "Supervisor One"),
    )
    # The feed begins anew with each picture.
    await told.wait_for(state="detached", timeout=5000 * UNIT)
    await screen.mark("live")
    await screen.shows("#machines", "Press Line 1")
    assert (screen.pictures, len(screen.sockets)) == (2, 1)


async def test_what_people_type_stays_text(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """A title is not markup, whatever it looks like."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    title = '<img src=x onerror=alert(1)> OIL & "WATER" </li><script>alert(2)</script> \u202e'
    await floorcast_up.write("update public.work_orders set title = %s where id = %s", title, ORDER.id)
    await screen.shows(f"#orders [data-id='{ORDER.id}'] h3", "onerror=alert(1)")
    assert await screen.page.locator("#board img, #board script").count() == 0
    assert title.strip() in await screen.texts("#orders h3")


async def test_another_warehouse_changes_nothing_here(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """A viewer of the north sees nothing of the south, and is not offered it."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    assert await screen.texts("#warehouse option") == ["North Plant"]
    south = plant.demo_id("machine", "S-201")
    await floorcast_up.write("update public.equipment set status = 'down' where id = %s", south)
    await floorcast_up.write("update public.equipment set status = 'down' where id = %s", PRESS)
    await screen.shows("#machines li:first-child", "Press Line 1")
    assert "Extruder" not in await screen.page.inner_text("body")


async def test_the_mark_turns_stale_when_the_relay_stops_and_live_when_it_is_back(
    floorcast_up: Floorcast, screens: NewScreen
) -> None:
    """A board that stands still must say so, and say since when."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    await floorcast_up.stop("relay")
    await screen.mark("stale")
    text = (await screen.texts("#mark"))[0]
    assert text.startswith("Stale since ")
    await floorcast_up.write("update public.equipment set status = 'down' where id = %s", PRESS)
    await floorcast_up.start_relay()
    await screen.mark("live")
    await screen.shows("#machines li:first-child[data-status=down]", "Press Line 1")


async def test_a_screen_stays_live_in_quiet_times(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """Quiet is not stale: progress comes without changes."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    states = await screen.page.evaluate(
        """async (milliseconds) => {
            const states = new Set();
            const mark = document.getElementById("mark");
            const end = Date.now() + milliseconds;
            while (Date.now() < end) {
                states.add(mark.dataset.state);
                await new Promise((resolve) => setTimeout(resolve, 50));
            }
            return [...states];
        }""",
        4 * PROGRESS_SECONDS * 1000,
    )
    assert states == ["live"]


async def test_a_screen_that_lost_its_gateway_comes_back_by_itself_and_equals_the_database(
    floorcast_up: Floorcast, screens: NewScreen
) -> None:
    """Nobody presses reload on a wall."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    await floorcast_up.stop("gateway")
    await screen.mark("reconnecting")
    await floorcast_up.write("update public.equipment set status = 'down' where id = %s", PRESS)
    await floorcast_up.write("delete from public.work_order_assignments")
    await floorcast_up.write("update public.work_orders set title = 'WHILE AWAY' where id = %s", ORDER.id)
    await floorcast_up.start_gateway()
    await screen.mark("live", within=20 * UNIT)
    await screen.shows("#machines li:first-child[data-status=down]", "Press Line 1")
    await screen.shows("#orders", "WHILE AWAY")
    assert await screen.page.locator("#orders .people").count() == 0
    # The new gateway remembers nothing, but what was missed is kept elsewhere.
    assert screen.pictures == 1


async def test_a_screen_whose_line_was_cut_goes_on_from_its_cursor_without_another_picture(
    floorcast_up: Floorcast, screens: NewScreen, proxy: OpenLink
) -> None:
    """Wi-Fi that went and came: what was shown stays, and what happened meanwhile comes once; nothing is read again."""
    up, screen = floorcast_up, await screens()
    link = await proxy(up.page_url)
    await screen.open(f"{link.url}#token={up.token('Wall Screen North')}")
    await link.cut()
    await screen.mark("reconnecting")
    await up.write("update public.equipment set status = 'down' where id = %s", PRESS)
    await up.write("delete from public.work_order_assignments")
    await up.write(
        "insert into public.inventory_locations (warehouse_id, name) values (%s, 'WHILE AWAY')", up.warehouse
    )
    assert "Press Line 1" in await screen.page.inner_text("#machines")
    await link.heal()
    await screen.mark("live", within=20 * UNIT)
    await screen.shows("#machines li:first-child[data-status=down]", "Press Line 1")
    assert await screen.page.locator("#orders .people").count() == 0
    assert await screen.page.locator("#events li", has_text="WHILE AWAY").count() == 1
    assert (screen.pictures, len(screen.sockets) > 1) == (1, True)


async def test_withdrawn_access_empties_the_screen_and_says_so(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """From that moment nothing of the warehouse may stay visible."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    viewer = plant.demo_id("person", "Wall Screen North")
    await floorcast_up.write("delete from public.user_warehouse_access where user_id = %s", viewer)
    await screen.shows("#notice-title", "Access to North Plant was withdrawn")
    assert "Press" not in await screen.page.content()
    await screen.page.click("#notice-again")
    await screen.shows("#notice-title", "No warehouse to show")
    await floorcast_up.write(
        "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, 'viewer')",
        viewer,
        floorcast_up.warehouse,
    )
    await screen.page.click("#notice-again")
    await screen.mark("live")


@pytest.mark.parametrize(("claims", "words"), [({"exp": 1}, "expired"), ({"aud": "others"}, "not one")])
async def test_a_token_that_is_not_accepted_leads_to_the_sign_in_box_with_a_reason(
    floorcast_up: Floorcast, screens: NewScreen, claims: dict[str, object], words: str
) -> None:
    """And a good one typed there opens the board."""
    screen = await screens()
    await screen.page.goto(f"{floorcast_up.page_url}#token={floorcast_up.token(**claims)}")
    await screen.shows("#sign-in-problem", words)
    await screen.page.fill("#token", floorcast_up.token())
    await screen.page.keyboard.press("Enter")
    await screen.mark("live")
    await screen.page.click("#sign-out")
    await screen.page.wait_for_selector("#sign-in:not([hidden])")
    assert await screen.page.evaluate("sessionStorage.length") == 0


async def test_the_warehouse_is_picked_with_the_keyboard_and_remembered(
    floorcast_up: Floorcast, screens: NewScreen
) -> None:
    """A kiosk may have no mouse."""
    screen = await screens()
    await screen.open(floorcast_up.link())
    await screen.page.keyboard.press("Tab")
    assert await screen.page.evaluate("document.activeElement.id") == "warehouse"
    assert await screen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    await screen.page.keyboard.type("South")
    await screen.shows("#machines", "Extruder 1")
    assert "Press Line" not in await screen.page.inner_text("#machines")
    await screen.page.reload()
    await screen.mark("live")
    assert await screen.page.locator("#warehouse").input_value() == str(floorcast_up.other_warehouse)


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
