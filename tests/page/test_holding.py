"""What the page holds of a warehouse, and since when: its modules of state, alone, in the browser that runs them."""

import pytest
from tests.fixtures.page import Screen

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_parts_become_one_step_with_the_cursor_of_the_whole(screen: Screen) -> None:
    """Half a picture is no state of the warehouse, and half a tick is no transaction."""
    steps = await screen.call(
        "client/parts.js",
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
        ].map(([event, payload]) => (event === "snapshot" ? parts.picture(payload) : parts.changes(payload)))
            .map((step) => step && [step.rows ?? step.changes, step.cursor]);
        """,
    )
    assert steps == [
        None,
        [{"equipment": [1, 3], "users": [2]}, "a"],
        [[4], "b"],
        None,
        None,
        [[5, 6], "c"],
        [{}, "d"],
    ]


async def test_a_tick_that_is_larger_than_a_picture_is_not_held(screen: Screen) -> None:
    """Whoever is sent a million changes asks for a picture, which is bounded."""
    script = """
        const parts = new module.Parts(20_000);
        const before = parts.isOverflowing;
        const step = parts.changes({ part: 1, end: false, changes: new Array(20001).fill(0) });
        return [before, step, parts.isOverflowing];
    """
    assert await screen.call("client/parts.js", script) == [False, None, True]


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
        "client/freshness.js",
        """
        const freshness = new module.Freshness(2);
        const marks = [freshness.mark(0)];
        freshness.joined(1000);
        freshness.proven(1000, "at");
        marks.push(freshness.mark(6000), freshness.mark(6001));
        freshness.proven(7000, "at");
        marks.push(freshness.mark(7001));
        freshness.lost();
        marks.push(freshness.mark(7002));
        freshness.joined(8000);
        marks.push(freshness.mark(8001), freshness.mark(13_001));
        freshness.proven(14_000, "at");
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
        "client/freshness.js",
        """
        const freshness = new module.Freshness(5);
        freshness.joined(0);
        freshness.proven(0, "at");
        freshness.doubt();
        freshness.proven(3_600_001, "at");
        const doubted = freshness.mark(3_600_002);
        freshness.trust();
        freshness.proven(3_600_100, "at");
        return [doubted, freshness.mark(3_600_101)];
        """,
    )
    assert marks == [
        {"state": "stale", "asOf": "at", "since": 0},
        {"state": "live", "asOf": "at", "since": 3_600_100},
    ]


async def test_waiting_grows_to_half_a_minute_and_is_never_in_step(screen: Screen) -> None:
    """A thousand screens that lost one gateway must not come back in one instant."""
    waits = await screen.call(
        "client/waits.js",
        """
        const losses = Array.from({ length: 9 }, (_, tries) => module.lossWait(tries + 1, 1));
        const joins = [module.joinWait(1, 1), module.joinWait(1, 0.5), module.joinWait(2, 0)];
        return [...losses, module.lossWait(1, 0), ...joins];
        """,
    )
    assert waits == [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 250, 3000, 1500, 0]
