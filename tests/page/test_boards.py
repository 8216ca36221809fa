"""What stands on the boards, and in which order: the modules of the page that decide it, alone, in the browser."""

import pytest
from tests.fixtures.page import Screen

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_machines_that_are_down_and_critical_come_first(screen: Screen) -> None:
    """Then what else is wrong, then by name with numbers as numbers; retired ones do not stand there."""
    names = await screen.call(
        "machines.js",
        """
        const machine = (name, status, criticality = "low") =>
            ({ id: name, name, status, criticality, deleted_at: null });
        return module.sortedMachines([
            machine("Mill 10", "operational"), machine("Mill 9", "operational"), machine("Old", "retired"),
            machine("Saw", "down"), machine("Press", "down", "critical"), machine("Fan", "degraded", "critical"),
            machine("New", "unheard_of"), machine("Belt", "in_maintenance"), machine("Spare", "standby"),
        ]).map(({ name }) => name);
        """,
    )
    assert names == ["Press", "Saw", "Fan", "Belt", "Mill 9", "Mill 10", "Spare", "New"]


async def test_orders_are_sorted_by_priority_then_due_then_age(screen: Screen) -> None:
    """What is done, or withdrawn, is not on the list."""
    ids = await screen.call(
        "orders.js",
        """
        const order = (id, priority, due_at, day, status = "open", deleted_at = null) =>
            ({ id, priority, due_at, created_at: `2026-01-0${day}T00:00:00Z`, status, deleted_at });
        return module.sortedOrders([
            order("later", "high", "2026-03-02T00:00:00Z", 1), order("never", "high", null, 2),
            order("never, older", "high", null, 1), order("sooner", "high", "2026-03-01T00:00:00Z", 3),
            order("first", "emergency", null, 9), order("done", "emergency", null, 1, "completed"),
            order("gone", "emergency", null, 1, "open", "2026-01-02T00:00:00Z"),
        ]).map(({ id }) => id);
        """,
    )
    assert ids == ["first", "sooner", "later", "never, older", "never"]


async def test_what_is_overdue_comes_first_and_what_nobody_will_do_is_not_on_the_board(screen: Screen) -> None:
    """An order that is not done is what its schedule waits for, past grace and blackout it is overdue."""
    found = await screen.call(
        "maintenance.js",
        """
        const day = 86_400_000;
        const now = Date.parse("2026-11-23T12:00:00Z");
        const at = (days) => new Date(now + days * day).toISOString();
        const schedule = (id, days, more) => ({
            id, equipment_id: "press", template_id: "oiling", next_due: days === null ? null : at(days),
            next_due_meter: null, grace: "P1D", blackout: "{}", active: true, deleted_at: null, ...more,
        });
        const order = (schedule_id, days, status = "open", number = schedule_id) =>
            ({ schedule_id, schedule_due: at(days), status, number, deleted_at: null });
        const machines = { press: { status: "operational", meter_hours: 990 }, scrap: { status: "retired" } };
        const list = module.dueList(
            [
                schedule("planned", 20), schedule("soon", 3), schedule("in grace", -0.5), schedule("overdue", -2),
                schedule("ordered", 30), schedule("twice", 30), schedule("ahead", 30),
                schedule("paused", -9, { active: false }), schedule("paused, ordered", 9, { active: false }),
                schedule("gone", -9, { deleted_at: at(-1) }), schedule("no machine", -9, { equipment_id: "elsewhere" }),
                schedule("scrap", -9, { equipment_id: "scrap" }),
                schedule("no template", -9, { template_id: "retired" }),
                schedule("shut down", -3, { blackout: '{["2026-11-19 00:00:00+00","2026-11-29 02:00:00+02")}' }),
                schedule("meter", null, { next_due_meter: 1000 }),
                schedule("meter over", null, { next_due_meter: 980 }),
                schedule("meter far", null, { next_due_meter: 2000 }),
            ],
            [
                order("ordered", -5), order("ahead", 4), order("paused, ordered", -0.2),
                order("twice", -1.5, "in_progress", "WO-2"), order("twice", -31.5, "open", "WO-1"),
                order("soon", -3, "completed"), order("soon", -4, "cancelled"),
            ],
            (id) => machines[id],
            (id) => (id === "oiling" ? { name: "Oiling" } : undefined),
            now,
        );
        return list.map(({ schedule, state, order, more }) => [schedule.id, state, order?.number ?? null, more]);
        """,
    )
    assert found == [
        ["twice", "overdue", "WO-1", 1],
        ["ordered", "overdue", "ordered", 0],
        ["overdue", "overdue", None, 0],
        ["meter over", "overdue", None, 0],
        ["in grace", "due", None, 0],
        ["paused, ordered", "due", "paused, ordered", 0],
        ["ahead", "due", "ahead", 0],
        ["soon", "soon", None, 0],
        ["shut down", "soon", None, 0],
        ["meter", "soon", None, 0],
        ["planned", "planned", None, 0],
        ["meter far", "planned", None, 0],
    ]


async def test_what_is_overdue_or_cancelled_counts_as_not_done_in_time(screen: Screen) -> None:
    """Else a plant that never does its maintenance would look perfect."""
    figures = await screen.call(
        "maintenance.js",
        """
        const now = Date.parse("2026-11-23T12:00:00Z");
        const schedules = [{ id: "s", grace: "P2D", blackout: "{}", next_due: null }];
        const due = (day) => `2026-11-${day}T06:00:00+00:00`;
        const line = (day, in_time) => ({ schedule_id: "s", due_at: due(day), in_time });
        const order = (day, status) => ({ schedule_id: "s", schedule_due: due(day), status, deleted_at: null });
        const history = [line("01", true), line("02", false), line("03", true)];
        history.push({ ...line("01", true), due_at: "2026-07-01T06:00:00+00:00" });
        const orders = [
            order("04", "open"), order("05", "cancelled"), order("22", "open"), order("03", "closed"),
            { schedule_id: null, schedule_due: null, status: "open" },
            { ...order("06", "open"), deleted_at: due("07") },
        ];
        const none = () => undefined;
        return [
            module.compliance(history, schedules, orders, none, none, now),
            module.compliance([], [], [], none, none, now),
        ];
        """,
    )
    assert figures == [{"inTime": 2, "due": 5}, {"inTime": 0, "due": 0}]


async def test_a_schedule_that_waits_for_its_order_beyond_its_grace_counts_as_not_in_time(screen: Screen) -> None:
    """Else the figure would be best while the job that makes orders is dead."""
    counted = await screen.call(
        "maintenance.js",
        """
        const now = Date.parse("2026-11-23T12:00:00Z");
        const schedule = (id, next_due, more) => ({
            id, equipment_id: "press", template_id: "oiling", next_due: `2026-${next_due}T06:00:00+00:00`,
            grace: "P2D", blackout: "{}", basis: "due", active: true, deleted_at: null, ...more,
        });
        const order = (schedule_id, day, status) =>
            ({ schedule_id, schedule_due: `2026-${day}T06:00:00+00:00`, status, deleted_at: null });
        const machines = { press: { status: "operational" }, scrap: { status: "retired" } };
        const each = [
            schedule("overdue", "11-20"), schedule("for months", "03-01"),
            schedule("in grace", "11-22"), schedule("ahead", "12-01"), schedule("by meter", "", { next_due: null }),
            schedule("paused", "11-20", { active: false }), schedule("gone", "11-20", { deleted_at: "2026-11-21" }),
            schedule("scrap", "11-20", { equipment_id: "scrap" }),
            schedule("elsewhere", "11-20", { equipment_id: "x" }),
            schedule("no template", "11-20", { template_id: "retired" }),
            schedule("shut down", "11-20", { blackout: '{["2026-11-19 00:00:00+00","2026-11-29 00:00:00+00")}' }),
            schedule("no end", "11-20", { blackout: '{["2026-11-19 00:00:00+00",)}' }),
            schedule("infinite", "11-20", { blackout: '{["2026-11-19 00:00:00+00",infinity)}' }),
            schedule("waits", "11-20", { basis: "completion" }),
            schedule("ordered", "11-20"), schedule("done", "11-20"),
        ];
        const orders = [order("waits", "11-22", "open"), order("ordered", "11-20", "open")];
        const history = [{ schedule_id: "done", due_at: "2026-11-20T06:00:00+00:00", in_time: true }];
        const one = (each) => module.compliance(
            history.filter((line) => line.schedule_id === each.id), [each],
            orders.filter((order) => order.schedule_id === each.id),
            (id) => machines[id], (id) => (id === "oiling" ? {} : undefined), now,
        );
        return each.map((schedule) => [schedule.id, one(schedule)]).filter(([, { due }]) => due > 0);
        """,
    )
    late, done = {"inTime": 0, "due": 1}, {"inTime": 1, "due": 1}
    assert counted == [["overdue", late], ["for months", late], ["ordered", late], ["done", done]]


async def test_intervals_and_frequencies_are_read_as_postgres_writes_them(screen: Screen) -> None:
    """They decide what is overdue."""
    day = 86_400_000
    intervals = ["PT0S", "P1D", "P1M2DT3H4M5.5S", "P-1DT2H", "PT-30M", None]
    script = "return values[0].map((interval) => module.milliseconds(interval))"
    assert await screen.call("moments.js", script, intervals) == [
        0,
        day,
        32 * day + 11_045_500,
        -day + 7_200_000,
        -1_800_000,
        0,
    ]
    words = await screen.call(
        "maintenance.js",
        """
        const every = (frequency, schedule_type) => module.everyWords({ frequency, schedule_type });
        return [every(1, "months"), every(30, "days"), every(500, "meter_hours")];
        """,
    )
    assert words == ["every month", "every 30 days", "every 500 meter hours"]


async def test_unread_notifications_come_first_and_stay_longest(screen: Screen) -> None:
    """Whoever never reads them all still sees the newest, and that there are more."""
    kept = await screen.call(
        "store.js",
        """
        const { bellWords, sortedNotifications } = await import("/page/notifications.js");
        const store = new module.Store();
        let sorted;
        for (let n = 0; n < 60; n += 1) {
            const read_at = n % 10 === 0 ? "2026-11-23T11:00:00+00:00" : null;
            const row = { id: String(n), created_at: `2026-11-23T10:${String(n).padStart(2, "0")}:00+00:00`, read_at };
            store.apply({ op: "enter", table: "notifications", key: { id: row.id }, new: row });
            if (n === 21) sorted = sortedNotifications(store.rows("notifications")).map((one) => one.id);
        }
        const unread = store.rows("notifications").filter((row) => row.read_at === null).map((row) => Number(row.id));
        const words = [bellWords(50, true), bellWords(0, false)];
        return [sorted.slice(0, 2), sorted.slice(-3), unread.length, Math.min(...unread), ...words];
        """,
    )
    assert kept == [
        ["21", "19"],
        ["20", "10", "0"],
        50,
        5,
        {"count": "50+", "words": "Notifications: 50 or more unread"},
        {"count": "", "words": "Notifications: nothing unread"},
    ]
