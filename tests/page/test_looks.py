"""What a hall needs of the page: it fits, it can be read from afar, in light and dark."""

import pytest
from tests.fixtures.page import Floorcast, NewScreen

from floorcast.factory import plant

SIZES = [(1024, 768), (1920, 1080)]
SCHEMES = ["light", "dark"]

# For every element with text of its own: its colour on the first opaque background behind it, as WCAG computes it.
CONTRASTS = """() => {
    const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const light = ([r, g, b]) => {
        const part = (c) => ((c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    };
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const [r, g, b, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
            if (alpha === 1) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
        const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        if (!says || !element.checkVisibility() || element.closest(".for-ears, noscript")) continue;
        const [a, b] = [light(channels(getComputedStyle(element).color)), light(behind(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const what = `${element.tagName}.${element.className}: ${element.textContent}`;
        if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${what}`);
    }
    return found;
}"""

# What can be pressed and is smaller than a gloved finger can hit.
SMALL_TARGETS = """() => [...document.querySelectorAll("button, select, input, a")]
    .filter((element) => element.checkVisibility())
    .filter((element) => Math.min(element.offsetWidth, element.offsetHeight) < 24)
    .map((element) => element.outerHTML)"""


async def set_scene(up: Floorcast) -> None:
    """Have every status, priority and hint on the board, and some names that are too long."""
    statuses = ("down", "degraded", "in_maintenance", "operational", "standby")
    north = [machine for machine in plant.MACHINES if machine.warehouse == plant.NORTH.id]
    for machine, status in zip(north, statuses, strict=False):
        await up.write("update public.equipment set status = %s where id = %s", status, machine.id)
    long = "ANUNBREAKABLEWORDTHATATECHNICIANTYPED" * 3
    await up.write("update public.equipment set name = %s where id = %s", long, north[0].id)
    orders = [order for order in plant.ORDERS if order.machine.warehouse == plant.NORTH.id]
    for order, priority in zip(orders, ("emergency", "critical", "high", "medium", "low"), strict=False):
        await up.write("update public.work_orders set priority = %s where id = %s", priority, order.id)
    await up.write(
        "update public.work_orders set title = %s, due_at = now() - interval '1 day' where id = %s", long, orders[0].id
    )
    await up.write(
        """insert into public.inventory_transactions (item_id, transaction_type, quantity)
           select id, 'issue', quantity - 1 from public.inventory_items where warehouse_id = %s""",
        plant.NORTH.id,
    )
    await up.write(
        "insert into public.maintenance_templates (warehouse_id, name) values (%s, 'Oiling'), (%s, %s)",
        plant.NORTH.id,
        plant.NORTH.id,
        long,
    )
    # From weeks ago to weeks ahead: overdue with an order and without one, due, soon, planned.
    await up.write(
        """insert into public.maintenance_schedules (
               warehouse_id, equipment_id, template_id, schedule_type, frequency, next_due, grace
           )
           select
               e.warehouse_id, e.id, t.id, 'days', 90,
               now() + make_interval(days => 4 * row_number() over (order by e.id, t.id)::int - 24, hours => -1),
               '6 days'
           from public.equipment as e cross join public.maintenance_templates as t
           where e.warehouse_id = %s and t.warehouse_id = e.warehouse_id and t.name = any (%s)""",
        plant.NORTH.id,
        ["Oiling", long],
    )
    await up.write("select floorcast.create_due_work_orders(now() - interval '9 days')")
    for title, read_at in (("Fire drill at two", None), (long, "2026-11-23")):
        await up.write(
            """insert into public.notifications (warehouse_id, user_id, type, title, body, equipment_id, read_at)
               values (%s, %s, 'announcement', %s, %s, %s, %s)""",
            plant.NORTH.id,
            plant.demo_id("person", "Wall Screen North"),
            title,
            long,
            north[1].id,
            read_at,
        )


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_it_fits_and_can_be_read_at_every_size(floorcast_up: Floorcast, screens: NewScreen, scheme: str) -> None:
    """No sideways scrolling, statuses and targets of 24 px and more, contrast of 4.5 to 1 everywhere, stale or not."""
    await set_scene(floorcast_up)
    opened = [await screens(width, height, color_scheme=scheme, reduced_motion="reduce") for width, height in SIZES]
    for screen in opened:
        await screen.open(floorcast_up.link("Wall Screen North"))
        page = screen.page
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        sideways = "[...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth).length"
        assert await page.evaluate(sideways) == 0
        assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        sizes = await page.eval_on_selector_all(
            "#mark span, .tile-status strong", "found => found.map((e) => parseFloat(getComputedStyle(e).fontSize))"
        )
        assert min(sizes) >= 24
        assert await page.evaluate(CONTRASTS) == []
        await page.click("#bell")
        assert await page.locator("#notification-list li").count() == 2
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        assert await page.evaluate(sideways) == 0
        assert await page.evaluate(CONTRASTS) == []
        assert await page.evaluate(SMALL_TARGETS) == []
    await floorcast_up.stop("relay")
    for screen in opened:
        await screen.mark("stale")
        assert await screen.page.evaluate(CONTRASTS) == []
        assert await screen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await floorcast_up.stop("gateway")
    for screen in opened:
        await screen.mark("reconnecting")
        assert await screen.page.evaluate(CONTRASTS) == []
        assert await screen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_status_is_more_than_a_colour(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """One man in twelve does not tell red from green: every status has a word and a shape of its own."""
    await set_scene(floorcast_up)
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    shapes = await screen.page.eval_on_selector_all(
        "#machines li",
        """tiles => tiles.map((tile) => [
            tile.dataset.status, tile.querySelector("strong").textContent, tile.querySelector("path").getAttribute("d")
        ])""",
    )
    by_status = {status: (word, shape) for status, word, shape in shapes}
    assert len(by_status) == 5
    assert len({word for word, _ in by_status.values()}) == 5
    assert len({shape for _, shape in by_status.values()}) == 5


async def test_urgency_of_maintenance_is_more_than_a_colour(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """Each state has its word."""
    await set_scene(floorcast_up)
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    words = await screen.page.eval_on_selector_all(
        "#maintenance li", "rows => rows.map((row) => [row.dataset.state, row.querySelector('.chip').textContent])"
    )
    assert {tuple(word) for word in words} == {
        ("overdue", "Overdue"),
        ("due", "Due"),
        ("soon", "Soon"),
        ("planned", "Planned"),
    }
    assert "null" not in await screen.page.inner_text("#board")


async def test_a_screen_reader_finds_its_way(floorcast_up: Floorcast, screens: NewScreen) -> None:
    """Landmarks, headings in order, names for what can be reached; only status and breakdowns are read out."""
    screen = await screens()
    await screen.open(floorcast_up.link("Wall Screen North"))
    page = screen.page
    assert await page.locator("main").count() == 1
    assert await screen.texts("h1") == ["Floorcast"]
    assert await screen.texts("#board h2") == [
        "Equipment",
        "Open work orders",
        "Preventive maintenance",
        "What happens",
        "Stock",
    ]
    live = await page.eval_on_selector_all(
        "[aria-live], [role=status], [role=alert]", "found => found.map((e) => e.id)"
    )
    assert sorted(live) == ["announcer", "mark", "sign-in-problem"]
    unnamed = await page.evaluate(
        """() => [...document.querySelectorAll("select, input, button, [tabindex='0']")].filter(
            (e) => !["aria-labelledby", "aria-label"].some((name) => e.getAttribute(name))
                && !(e.labels?.length || e.textContent.trim())
        ).length"""
    )
    assert unnamed == 0
    assert await page.evaluate("document.documentElement.lang") == "en"
