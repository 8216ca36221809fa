"""A screen whose gateway, relay or line is gone says so, and comes back by itself."""

from tests.fixtures.page import ORDER, PRESS, PROGRESS_SECONDS, Floorcast, NewScreen
from tests.fixtures.proxy import OpenLink
from tests.fixtures.time import UNIT


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
