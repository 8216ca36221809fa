"""What happens, in words: the modules of the page that find them, alone, in the browser that runs them."""

import pytest
from tests.fixtures.page import Screen

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
