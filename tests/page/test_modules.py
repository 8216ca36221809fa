"""The page's decisions, each module alone, in the browser that runs them."""

from collections.abc import AsyncIterator

import pytest
from tests.fixtures.page import NewScreen, Screen, serve_page


@pytest.fixture
async def screen(screens: NewScreen) -> AsyncIterator[Screen]:
    """A window that may import the page's modules; nothing else is behind it."""
    async with serve_page() as url:
        screen = await screens()
        await screen.page.goto(url)
        yield screen


async def test_parts_become_one_step_with_the_cursor_of_the_whole(screen: Screen) -> None:
    """Half a picture is no state of the warehouse, and half a tick is no transaction."""
    steps = await screen.call(
        "parts.js",
        """
        const parts = new module.Parts();
        return [
            ["snapshot", { part: 1, end: false, rows: { equipment: [1], users: [2] } }],
            ["snapshot", { part: 2, end: true, rows: { equipment: [3] }, cursor: "a" }],
            ["changes", { tick: 7, changes: [4], cursor: "b" }],
            ["changes", { tick: 8, part: 1, end: false, changes: [5] }],
            ["changes", { tick: 8, part: 2, end: false, changes: [] }],
            ["changes", { tick: 8, part: 3, end: true, changes: [6], cursor: "c" }],
            ["snapshot", { part: 1, end: true, rows: {}, cursor: "d" }],
        ].map(([event, payload]) => parts.take(event, payload));
        """,
    )
    assert steps == [
        None,
        {"rows": {"equipment": [1, 3], "users": [2]}, "cursor": "a"},
        {"changes": [4], "cursor": "b"},
        None,
        None,
        {"changes": [5, 6], "cursor": "c"},
        {"rows": {}, "cursor": "d"},
    ]


async def test_a_tick_that_is_larger_than_a_picture_is_not_held(screen: Screen) -> None:
    """Whoever is sent a million changes asks for a picture, which is bounded."""
    script = """
        const parts = new module.Parts();
        const before = parts.overflowing;
        const step = parts.take("changes", { part: 1, end: false, changes: new Array(20001).fill(0) });
        return [before, step, parts.overflowing];
    """
    assert await screen.call("parts.js", script) == [False, None, True]


async def test_a_join_asks_for_no_more_than_is_held(screen: Screen) -> None:
    """Of what the role reads; one row of a table that has no board; the same all day, so that frames are shared."""
    keys = {"work_orders": ["id"], "users": ["id"], "cycle_counts": ["code", "day"], "just_tracked": []}
    script = """
        const at = (time) => module.askFor(values[0], Date.parse(time));
        return [at("2026-11-23T00:00:01Z"), at("2026-11-23T23:59:59Z"), at("2026-11-24T00:00:01Z")];
    """
    early, late, tomorrow = await screen.call("tables.js", script, keys)  # type: ignore[misc]
    assert early == late != tomorrow
    assert (early["history"], early["slow"]) == ("newest", "newest")
    assert early["recent"] == {
        "work_orders": {"by": "updated_at", "rows": 4000},
        "users": {"by": "created_at", "rows": 4000},
        "cycle_counts": {"by": "code", "rows": 1},
    }
    assert early["columns"]["users"] == ["id", "display_name"]
    assert sorted(early["columns"]) == ["users", "work_orders"]
    assert early["where"] == {
        "work_orders": "or(status.not.in.(completed,verified,closed,cancelled),updated_at.gte.2026-11-16,"
        "and(status.eq.cancelled,schedule_due.gte.2026-08-24))"
    }


async def test_operations_enter_update_and_leave(screen: Screen) -> None:
    """Whole rows replace rows; a leave of what is not held changes nothing; what is held already is no news."""
    result = await screen.call(
        "store.js",
        """
        const store = new module.Store();
        const row = { id: "a", status: "open" };
        const told = [
            store.apply({ op: "enter", table: "work_orders", key: { id: "a" }, new: row }),
            store.apply({ op: "update", table: "work_orders", key: { id: "a" }, new: { ...row } }),
            store.apply({ op: "update", table: "work_orders", key: { id: "a" }, new: { ...row, status: "closed" } }),
            store.apply({ op: "leave", table: "work_orders", key: { id: "b" } }),
            store.apply({ op: "leave", table: "work_orders", key: { id: "a" } }),
            store.apply({ op: "enter", table: "warehouses", key: { id: "w" }, new: { id: "w" } }),
        ];
        const statuses = (news) => news && [news.before?.status ?? null, news.row?.status ?? null];
        return [told.map(statuses), store.rows("work_orders")];
        """,
    )
    assert result == [[[None, "open"], None, ["open", "closed"], None, ["closed", None], None], []]


async def test_the_newest_rows_are_kept_to_the_microsecond(screen: Screen) -> None:
    """One transaction writes many events in a millisecond, and servers write their own offsets."""
    kept = await screen.call(
        "store.js",
        """
        const store = new module.Store();
        for (let n = 0; n < 60; n += 1) {
            const timestamp = `2026-11-23T10:11:12.345${String(n).padStart(3, "0")}+00:00`;
            const row = { id: String(n), timestamp: n === 59 ? "2026-11-23T13:11:12+02:00" : timestamp };
            store.apply({ op: "enter", table: "work_order_timeline", key: { id: row.id }, new: row });
        }
        return store.rows("work_order_timeline").map((row) => Number(row.id)).sort((a, b) => a - b);
        """,
    )
    assert kept == list(range(10, 60))


async def test_the_mark_is_live_only_while_proofs_come(screen: Screen) -> None:
    """Two and a half intervals of silence are the end of live; the time shown is that of the last proof."""
    marks = await screen.call(
        "freshness.js",
        """
        const freshness = new module.Freshness(2);
        const marks = [freshness.mark(0)];
        freshness.connected(1000);
        freshness.proven(1000);
        marks.push(freshness.mark(6000), freshness.mark(6001));
        freshness.proven(7000);
        marks.push(freshness.mark(7001));
        freshness.disconnected();
        marks.push(freshness.mark(7002));
        freshness.connected(8000);
        marks.push(freshness.mark(8001), freshness.mark(13_001));
        freshness.proven(14_000);
        marks.push(freshness.mark(14_001));
        return marks.map(({ state, since }) => [state, since]);
        """,
    )
    assert marks == [
        ["reconnecting", None],
        ["live", 1000],
        ["stale", 1000],
        ["live", 7000],
        ["reconnecting", 7000],
        # What was missed is on its way; and when nothing comes for too long, it is not.
        ["reconnecting", 7000],
        ["stale", 7000],
        ["live", 14000],
    ]


async def test_frames_that_waited_while_the_device_slept_prove_nothing(screen: Screen) -> None:
    """Progress from before the night, read in the morning, is not progress of this morning."""
    marks = await screen.call(
        "freshness.js",
        """
        const freshness = new module.Freshness();
        freshness.connected(0);
        freshness.proven(0);
        const slept = [freshness.slept(0), freshness.slept(1000), freshness.slept(3_600_000)];
        freshness.doubt();
        freshness.proven(3_600_001);
        const doubted = freshness.mark(3_600_002);
        freshness.trust();
        freshness.proven(3_600_100);
        return [slept, doubted, freshness.mark(3_600_101), freshness.slept(3_000_000)];
        """,
    )
    assert marks == [
        [False, False, True],
        {"state": "stale", "since": 0},
        {"state": "live", "since": 3_600_100},
        True,
    ]


async def test_waiting_grows_to_half_a_minute_and_is_never_in_step(screen: Screen) -> None:
    """A thousand screens that lost one gateway must not come back in one instant."""
    waits = await screen.call(
        "backoff.js",
        """
        const backoff = new module.Backoff();
        const waits = Array.from({ length: 9 }, () => backoff.next(1));
        backoff.reset();
        const again = [backoff.next(0), backoff.next(1)];
        backoff.reset();
        return [...waits, ...again, backoff.spread(3000, 1), backoff.spread(3000, 0.5), backoff.spread(3000, 0)];
        """,
    )
    assert waits == [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 250, 1000, 3000, 3000, 0]


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


async def test_a_row_of_any_table_gets_a_line_in_words(screen: Screen) -> None:
    """What it calls itself, else what it mentions, else its key; a column that may not be seen is no word."""
    told = await screen.call(
        "feed.js",
        """
        const machine = "11111111-1111-4111-8111-111111111111";
        const person = "22222222-2222-4222-8222-222222222222";
        const key = { id: "33333333-3333-4333-8333-333333333333" };
        const nameOf = (id) => ({ [machine]: "Press", [person]: "Clerk One" })[id];
        const feed = new module.Feed();
        const rows = [
            { ...key, title: null, name: "Rack 4", location_id: machine },
            { ...key, name: "  ", number: 17 },
            { ...key, name: null, equipment_id: machine, created_by: person, warehouse_id: key.id.replace("3", "4") },
            { ...key, name: null, note: null },
        ];
        rows.forEach((row, n) => feed.add([
            { position: `7-${n}`, table: "cycle_counts", op: "update", by: "update", key, new: row, actor: person },
        ]));
        // What the timeline and the stock say already is not said twice.
        const change = { op: "update", by: "update", key };
        const done = { ...change, table: "equipment_maintenance_history", new: { work_order_id: key.id } };
        const moved = { ...change, table: "inventory_items", new: { location_id: key.id } };
        const filled = { ...change, table: "inventory_locations", new: { name: "Rack 4" } };
        feed.add([done, moved, filled], (table) => table !== "inventory_items");
        feed.add([{ position: "8-1", table: "other", op: "leave", by: "update", key }]);
        feed.add([{ position: "8-2", table: "cycle_counts", op: "leave", by: "delete", key, old: { label: "x" } }]);
        feed.add([{ position: "8-3", table: "cycle_counts", op: "leave", by: "update", key }]);
        return feed.entries.map((entry) => Object.values(module.entryWords(entry, nameOf)));
        """,
    )
    assert told == [
        ["Rack 4", "Press"],
        ["17", ""],
        ["Press", ""],
        ["33333333…", ""],
        ["33333333…", ""],
        ["x", ""],
        ["x", ""],
    ]


async def test_rows_that_leave_without_a_name_are_one_line_of_each_kind(screen: Screen) -> None:
    """A machine that moves away takes its history along: keys that nobody knows would fill the wall."""
    told = await screen.call(
        "feed.js",
        """
        const feed = new module.Feed();
        const leave = (table, id) => ({ position: `8-${id}`, table, op: "leave", by: "update", key: { id } });
        feed.add([{ ...leave("history", 1), op: "enter", new: { name: "Oiled" } }]);
        feed.add([
            leave("history", 1), leave("history", 2), leave("history", 3), leave("schedules", 4), leave("schedules", 5),
            leave("links", 6), { ...leave("links", 7), by: "delete", old: { label: "Belt" } },
        ]);
        return feed.entries.map((entry) => [entry.table, module.entryWords(entry, () => undefined).title]);
        """,
    )
    assert told == [
        ["history", "Oiled"],
        ["history", "Oiled"],
        ["history", "2 rows"],
        ["schedules", "2 rows"],
        ["links", "6"],
        ["links", "Belt"],
    ]


async def test_many_changes_of_one_kind_are_one_line_and_lines_are_bounded(screen: Screen) -> None:
    """An import of a thousand rows must not push everything else off the wall."""
    told = await screen.call(
        "feed.js",
        """
        const feed = new module.Feed();
        const change = (n, table = "parts_lists") =>
            ({ position: `7-${n}`, table, op: "enter", by: "insert", key: { id: n }, new: { name: `Row ${n}` } });
        feed.add([change(0, "other"), ...Array.from({ length: 300 }, (_, n) => change(n))]);
        const words = feed.entries.map((entry) => module.entryWords(entry, () => undefined).title);
        for (let n = 0; n < 80; n += 1) feed.add([change(n)]);
        return [words, feed.entries.length, feed.entries.at(-1).title];
        """,
    )
    assert told == [["Row 0", "300 rows"], 50, "Row 79"]


async def test_tables_and_operations_have_words(screen: Screen) -> None:
    """For every table that there may ever be."""
    words = await screen.call(
        "words.js",
        """
        return [
            module.tableWords("inventory_locations"), module.tableWords("stores.cycle_counts"),
            ...["enter insert", "enter update", "update update", "leave update", "leave delete"]
                .map((words) => words.split(" "))
                .map(([op, by]) => module.operationWords({ op, by })),
        ];
        """,
    )
    assert words == [
        "Inventory locations",
        "Cycle counts",
        "added",
        "now here",
        "changed",
        "no longer here",
        "removed",
    ]


async def test_movements_and_events_are_put_into_words(screen: Screen) -> None:
    """A sign for what is on hand; names for people; words for what happened."""
    words = await screen.call(
        "words.js",
        """
        const nameOf = (id) => ({ u1: "Technician One" })[id];
        return [
            module.movementWords({ transaction_type: "issue", quantity: 2.5 }),
            module.movementWords({ transaction_type: "adjustment", quantity: -3 }),
            module.movementWords({ transaction_type: "reserve", quantity: 4 }),
            module.eventWords({ event_type: "status_changed", details: { from: "open", to: "in_progress" } }, nameOf),
            module.eventWords({ event_type: "assigned", details: { user_id: "u1" } }, nameOf),
            module.eventWords({ event_type: "time_logged", details: {} }, nameOf),
            module.actorName("system:floorcast_service", nameOf),
            module.actorName("u2", nameOf),
        ];
        """,
    )
    assert words == [
        {"word": "Taken", "amount": "\u22122.5"},
        {"word": "Counted", "amount": "\u22123"},
        {"word": "Reserved", "amount": "4"},
        "in progress",
        "assigned to Technician One",
        "time logged",
        "the system",
        "somebody",
    ]


# A server behind WebSocket, told by the test what to say; and a follower that writes down what it hears.
FOLLOWER = """
    const sockets = [];
    globalThis.WebSocket = class {
        static OPEN = 1;
        readyState = 1;
        sent = [];
        constructor() { sockets.push(this); setTimeout(() => this.onopen()); }
        send(text) { const [joinRef, ref, topic, event, payload] = JSON.parse(text);
            if (event === "phx_join") this.sent.push({ ref, topic, payload }); }
        close() {}
        say(event, payload, joinRef = null, ref = null, topic = "warehouse:w") {
            this.onmessage({ data: JSON.stringify([joinRef, ref, topic, event, payload]) }); }
        answer(status, response) { const { ref } = this.sent.at(-1);
            this.say("phx_reply", { status, response }, ref, ref); }
    };
    const until = async (condition) => { while (!condition()) await new Promise((next) => setTimeout(next, 1)); };
    const asked = async (socket, joins) => {
        await until(() => sockets[socket]?.sent.length >= joins);
        return sockets[socket].sent[joins - 1].payload.from ?? "now"; };
    const ok = { role: "viewer", keys: { users: ["id"] } };
    Math.random = () => 0.001;
    const heard = [];
    const follower = new module.Follower({ token: "t", warehouse: "w", progressSeconds: 5, on: {
        picture: ({ rows, role }) => heard.push([role, rows]), changes: ({ changes }) => heard.push(changes),
        moved: () => {}, ended: (why, hint) => heard.push([why, hint]),
    } });
    const mark = () => follower.freshness.mark(Date.now()).state;
    const showPicture = async () => {
        await asked(sockets.length - 1, sockets.at(-1).sent.length);
        sockets.at(-1).say("snapshot", { part: 1, end: true, rows: { users: [] }, cursor: "c1" });
    };
    const begin = async () => {
        follower.start();
        await asked(0, 1);
        sockets[0].answer("ok", ok);
        await asked(0, 2);
        sockets[0].answer("ok", ok);
        await until(() => true);
        await showPicture();
    };
"""


async def test_after_a_loss_the_follower_goes_on_from_the_cursor_of_what_was_handed_on_whole(screen: Screen) -> None:
    """Half a tick is forgotten with its socket, and so is what a joining says after its end."""
    found = await screen.call(
        "follower.js",
        FOLLOWER
        + """
        await begin();
        sockets[0].say("changes", { tick: 2, changes: ["two"], cursor: "c2" });
        sockets[0].say("changes", { tick: 3, part: 1, end: false, changes: ["half"] });
        sockets[0].onclose({ code: 1006, reason: "" });
        const marks = [mark()];
        const from = await asked(1, 1);
        sockets[1].say("changes", { tick: 1, changes: ["early"], cursor: "wrong" });
        sockets[1].answer("ok", ok);
        await until(() => true);
        marks.push(mark());
        sockets[1].say("progress", { cursor: "c9" });
        marks.push(mark());
        sockets[1].say("draining", { after_ms: 1 }, null, null, "phoenix");
        return { heard, from, later: await asked(2, 1), marks };
        """,
    )
    assert found == {
        "heard": [["viewer", {"users": []}], ["two"]],
        "from": "c2",
        "later": "c9",
        "marks": ["reconnecting", "reconnecting", "live"],
    }


async def test_what_cannot_be_continued_begins_with_a_picture_on_the_same_socket(screen: Screen) -> None:
    """Said later, or in answer to a join; meanwhile what is shown stays."""
    found = await screen.call(
        "follower.js",
        FOLLOWER
        + """
        await begin();
        const froms = [];
        sockets[0].say("must_refetch", { reason: "policy", code: "must_refetch" });
        sockets[0].say("phx_error", {}, "2", "2");
        froms.push(await asked(0, 3));
        sockets[0].answer("ok", ok);
        froms.push(await asked(0, 4));
        sockets[0].answer("error", { code: "too_many_joins", retry_after_ms: 2 });
        froms.push(await asked(0, 5), "again");
        sockets[0].answer("ok", ok);
        froms.push(await asked(0, 6));
        sockets[0].answer("ok", ok);
        await until(() => true);
        sockets[0].say("snapshot", { part: 1, end: true, rows: { users: [1] }, cursor: "c4" });
        sockets[0].onclose({ code: 1006, reason: "" });
        froms.push(await asked(1, 1));
        sockets[1].answer("error", { code: "must_refetch", reason: "trimmed" });
        froms.push(await asked(1, 2));
        return { heard, froms, sockets: sockets.length };
        """,
    )
    assert found == {
        "heard": [["viewer", {"users": []}], ["viewer", {"users": [1]}]],
        "froms": ["now", "snapshot", "now", "again", "snapshot", "c4", "now"],
        "sockets": 2,
    }


@pytest.mark.parametrize(
    ("code", "why"),
    [("forbidden", "forbidden"), ("picture_too_large", "refused"), ("token_expired", "token")],
)
async def test_what_only_a_person_can_change_ends_it(screen: Screen, code: str, why: str) -> None:
    """And is handed on to be said."""
    script = """
        follower.start();
        await asked(0, 1);
        sockets[0].answer("error", { code: values[0], reason: "R", hint: "H" });
        await until(() => heard.length);
        return heard[0][0];
    """
    assert await screen.call("follower.js", FOLLOWER + script, code) == why


async def test_withdrawn_access_ends_it_and_so_does_a_closed_topic(screen: Screen) -> None:
    """Nothing is asked for again: the server said that this would be in vain."""
    script = """
        await begin();
        sockets[0].say("revoked", { hint: "Forget." });
        sockets[0].onclose?.({ code: 1006, reason: "" });
        return [heard.at(-1), mark(), sockets.length];
    """
    assert await screen.call("follower.js", FOLLOWER + script) == [["revoked", "Forget."], "reconnecting", 1]
