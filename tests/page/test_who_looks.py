"""What the page shows to whom: by token, warehouse, role and person."""

import asyncio

import pytest
from tests.fixtures.page import PRESS, Floorcast, NewScreen
from tests.fixtures.time import UNIT

from floorcast.factory import plant


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
