"""The trail's past against a real server: exactly what was delivered live, and no more work than that."""

import asyncio
import re
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.contract.documents import ROOT
from tests.fixtures.cells import Cells
from tests.fixtures.jars import PLACES, Jars, bounds, history, open_jars
from tests.fixtures.postgres import Connection, Database
from tests.fixtures.proxy import OpenLink
from tests.fixtures.tampering import by_force
from tests.fixtures.time import UNIT

from floorcast.access.grants import CONCERNS_ACCESS
from floorcast.change import GRANTS, TABLE_RULE, TRACKED
from floorcast.database.concerned import read_ticks
from floorcast.database.past import TrailReader
from floorcast.database.queries import load_queries
from floorcast.database.ticks import close_tick, newest_tick, read_changes_of, read_pages
from floorcast.errors import AnotherTick, DatabaseUnavailable, TickNotKept
from floorcast.operation import EVERYWHERE, Operation, operations_in
from floorcast.past import PAGE_BYTES, PAGE_OPERATIONS, Past, PastTick
from floorcast.stream.logs import LogReader
from floorcast.tick import LARGE_BYTES, LARGE_COUNT, Anchor

LARGE = 9
"""Changes from which on a tick of jars is large."""

Happening = tuple[str, int, object]
Question = tuple[list[str], int, int, int]

TICK: Happening = ("tick", 0, None)
FOUR = [("put", key, "user:1") for key in range(4)]
EACH: list[Question] = [([place], 3, 0, 12) for place in PLACES]

# Whoever began first ends last: its changes come after those of the other, though its number is lower.
OVERTAKEN: list[Happening] = [
    ("hold", 0, [("put", 0, "north")]),
    ("commit", 1, [("put", 1, "north")]),
    ("commit", 0, [("put", 1, "north")]),
    TICK,
]
# Open over several ticks: read from before it began, from while it was open, and up to before it ended.
HELD: list[Happening] = [
    TICK,
    ("hold", 0, [("put", 2, "north")]),
    *(("commit", 1, [("put", 2, "north")]), TICK) * 3,
    ("end", 0, None),
    TICK,
]
# A large tick: the first page is somebody else's, the second has a row that a trigger changed inside a statement.
LARGE_OF_TWO_PAGES: list[Happening] = [
    TICK,
    ("commit", 0, FOUR),
    ("commit", 1, FOUR),
    ("commit", 2, [("put", 1, "north"), ("value", 1, 13), ("put", 2, "north")]),
    TICK,
]
# One transaction that takes several pages, in which rows pass through places, within a page and across two.
LARGE_OF_ONE_TRANSACTION: list[Happening] = [
    ("commit", 0, FOUR),
    TICK,
    ("commit", 0, [("all", None, place) for place in ("north", "south", "north", "organization:1", "north", "user:1")]),
    TICK,
]

question = st.tuples(
    st.lists(st.sampled_from([*PLACES, "nowhere"]), min_size=1, max_size=4, unique=True),
    st.integers(1, 14),
    st.integers(0, 6),
    st.integers(1, 12),
)


class Readers:
    """Both tiers of the past, compared with what came live."""

    def __init__(self, jars: Jars, trail: TrailReader, logs: LogReader) -> None:
        """Ask these."""
        self.jars = jars
        self.trail = trail
        self.logs = logs

    async def check_trail(self, places: Sequence[str], after: int, upto: int) -> None:
        """The trail answers, page by page, with exactly what came live."""
        found: list[PastTick] = []
        reached = after
        while reached < upto:
            page = await self.trail.read(places, reached, upto)
            assert page is not None
            assert reached < page.upto <= upto
            assert all(reached < tick.tick <= page.upto for tick in page.ticks)
            found += page.ticks
            reached = page.upto
        expected = list(self.jars.past(places, after, upto))
        marked = {tick.tick for tick in expected}
        # A large tick that changed a row there without anybody being told is marked as well.
        assert [tick for tick in found if not tick.large or tick.tick in marked] == expected
        for tick in found:
            if tick.large:
                pages = [page async for page in self.trail.pages(tick.tick, places)]
                assert pages == self.jars.told(tick.tick, places)

    async def check_logs(self, places: Sequence[str], after: int, upto: int) -> bool:
        """The logs answer with the same, or not at all."""
        page = await self.logs.read(self.jars.incarnation, places, after, upto)
        if page is None:
            return False
        expected = list(self.jars.past(places, after, page.upto))
        marked = {tick.tick for tick in expected}
        assert [tick for tick in page.ticks if not tick.large or tick.tick in marked] == expected
        return True


def test_both_tiers_of_the_past_are_what_came_live(database: Database, redis_url: str) -> None:
    """Histories at random, places together and apart, ranges that begin and end anywhere, in pages of any size.

    One trail for all of them: every history is read with what came before it.
    """
    with asyncio.Runner() as runner, bounds(large=LARGE):
        jars = runner.run(open_jars(database, redis_url))
        readers = Readers(jars, TrailReader(database.service_url), LogReader(redis_url))
        runner.run(readers.trail.open())

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(history, st.lists(question, min_size=2, max_size=5))
        @example(OVERTAKEN, EACH)
        @example(HELD, [(["north"], back, less, 12) for back in (2, 3, 4, 5) for less in (0, 1)])
        @example(LARGE_OF_TWO_PAGES, EACH)
        @example(LARGE_OF_ONE_TRANSACTION, EACH)
        def play(happenings: list[Happening], questions: list[Question]) -> None:
            runner.run(jars.play(happenings))
            for places, back, less, page in questions:
                after = max(0, jars.newest - back)
                upto = max(after + 1, jars.newest - less)
                with bounds(page=page):
                    runner.run(readers.check_trail(places, after, upto))
                    runner.run(readers.check_logs(places, after, upto))

        try:
            play()
            runner.run(readers.check_trail(PLACES, 0, jars.newest))
            assert jars.large
        finally:
            runner.run(readers.trail.close())
            runner.run(readers.logs.aclose())
            runner.run(jars.close())


QUERIES = {**load_queries("past.sql"), **load_queries("past_changes.sql"), **load_queries("past_law.sql")}


PAGE = {"most": PAGE_OPERATIONS, "largest_count": LARGE_COUNT, "largest_bytes": LARGE_BYTES}
ENOUGH = {"enough_count": 4 * PAGE_OPERATIONS, "enough_bytes": 4 * PAGE_BYTES}


async def explained(connection: Connection, query: str, **parameters: object) -> dict[str, Any]:
    """How the server answered a query."""
    text = b"explain (analyze, buffers, format json) " + QUERIES[query].rstrip(b"; \n")
    cursor = await connection.execute(text, parameters)
    row = await cursor.fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


async def blocks(connection: Connection, query: str, **parameters: object) -> int:
    """How many blocks the server looks at to answer a query."""
    plan = await explained(connection, query, **parameters)
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every step of a plan."""
    yield plan
    for each in plan.get("Plans", ()):
        yield from steps(each)


def rows_handled(plan: dict[str, Any]) -> float:
    """How many rows the steps of a plan took in hand, all together."""
    removed = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")
    return sum(
        each["Actual Loops"] * (each["Actual Rows"] + sum(each.get(name, 0) for name in removed))
        for each in steps(plan)
    )


async def test_a_place_where_little_happens_costs_little_however_much_happens_elsewhere(cells: Cells) -> None:
    """A weekend of others' changes is not read through, whether it is looked for places or for what concerns access."""
    await cells.owner.execute(
        "create procedure busy(ticks int) language plpgsql as $$ begin for i in 1 .. ticks loop"
        " insert into cells values (i, case when i % 250 = 7 then 'quiet' else 'busy' end, i); commit;"
        " update cells set value = i where id between i - 9 and i; perform floorcast.close_tick(2000, 1048576); commit;"
        " end loop; end $$"
    )
    await cells.owner.execute("call busy(2000)")
    await cells.owner.execute("vacuum analyze floorcast.change, floorcast.tick")
    span = {"after": 5, "upto": 2000}
    page = PAGE | ENOUGH
    async with cells.database.service("floorcast_gateway") as connection:
        await connection.execute("set enable_seqscan = off")
        nowhere, quiet, busy = [
            await blocks(connection, "concerned", places=[place], **span, **page)
            for place in ("nowhere", "quiet", "busy")
        ]
        # A few for each partition and index; a dozen for each of some eighty transactions; and for two thousand.
        assert nowhere < 40
        assert quiet < 1_500
        assert busy > 10 * quiet
        assert await blocks(connection, "changes_of_law", **span, most=100) < 40


async def test_a_page_of_the_trail_costs_as_much_for_each_change_however_many_there_are(
    cells: Cells, trail: TrailReader
) -> None:
    """Nobody analysed what was small a moment ago: the planner takes the trail for empty, and there for one tick."""
    await cells.owner.execute("alter table floorcast.tick set (autovacuum_enabled = false)")
    for leaf in ("change_default", "change_00000000"):
        await cells.owner.execute(f"alter table floorcast.{leaf} set (autovacuum_enabled = false)".encode())
    await cells.owner.execute("vacuum analyze floorcast.tick")
    await cells.owner.execute(
        "create procedure busy(ticks int) language plpgsql as $$ begin for i in 1 .. ticks loop"
        " insert into cells values (i, 'north', i); commit; insert into cells values (-i, 'south', i); commit;"
        " perform floorcast.close_tick(2000, 1048576); commit; end loop; end $$"
    )
    await cells.owner.execute("call busy(600)")
    async with trail._session() as connection:
        handled = {}
        for upto in (100, 600):
            asked = {"places": ["north"], "after": 0, "upto": upto}
            ticks = ",".join(map(str, range(1, upto + 1)))
            cursor = await connection.execute(
                "select string_agg(xid::text, ',' order by xid) from floorcast.change where new ->> 'id' = any(%s)",
                [ticks.split(",")],
            )
            ((xids,),) = await cursor.fetchall()
            found = await explained(connection, "concerned", **asked, **PAGE | {"enough_count": 0, "enough_bytes": 0})
            read = await explained(connection, "changes_of_places", places=["north"], xids=xids, ticks=ticks)
            handled[upto] = rows_handled(found), rows_handled(read)
    for few, many in zip(handled[100], handled[600], strict=True):
        assert few / 100 < 60
        assert many / 600 < few / 100 + 5


async def test_how_much_a_large_tick_has_is_not_looked_at_to_find_it(cells: Cells, trail: TrailReader) -> None:
    """A million rows would be read to learn what is known already: that it does not fit."""
    await cells.owner.execute("insert into cells select i, 'north', i from generate_series(1, 2500) as i")
    relay = await cells.relay_session()
    await close_tick(relay)
    async with trail._session() as connection:
        plan = await explained(connection, "concerned", places=["north"], after=0, upto=1, **PAGE, **ENOUGH)
    # Once for each entry of the index of the place, as far as steps hand it on: nothing of it is fetched again.
    fetched = [
        each for each in steps(plan) if each.get("Alias", "").startswith("c") and each["Node Type"] == "Index Scan"
    ]
    assert fetched
    assert not sum(each["Actual Rows"] * each["Actual Loops"] for each in fetched)


@pytest.fixture
async def trail(database: Database) -> AsyncIterator[TrailReader]:
    """A reader of an empty trail; of that of `cells`, too."""
    reader = TrailReader(database.service_url)
    await reader.open()
    yield reader
    await reader.close()


async def test_nobody_goes_on_from_a_tick_that_is_not_kept_or_not_there(cells: Cells, trail: TrailReader) -> None:
    """Removed with what is older, behind a cut that was made by hand, or of a future that this trail does not know."""
    relay = await cells.relay_session()
    for key in range(6):
        await cells.put(key)
        await close_tick(relay)
    assert await trail.seal_of(6) == (await newest_tick(relay)).seal
    assert await trail.seal_of(7) is None
    assert await trail.read(["north"], 6, 9) is None
    assert await trail.read(["north"], 7, 9) is None
    assert await trail.access(4, 7) is None
    assert await trail.read(["north"], 6, 6) == Past(6, ())
    past = await trail.read(["north"], 2, 99)
    assert past is not None
    assert (past.upto, [tick.tick for tick in past.ticks]) == (6, [3, 4, 5, 6])
    await cells.owner.execute(by_force("delete from floorcast.tick where tick < 3"))
    assert await trail.read(["north"], 2, 6) is None
    assert await trail.access(2, 6) is None
    assert await trail.read(["north"], 3, 6) == past.between(3, 6)
    for gone in (3, 7):
        with pytest.raises(TickNotKept):
            await anext(trail.pages(gone, ["north"]))
    # A cut has no changes, and what is before it counts other transactions.
    await cells.owner.execute(by_force("update floorcast.tick set count = 0 where tick = 5"))
    assert await trail.read(["north"], 4, 6) is None
    assert await trail.read(["north"], 5, 6) == past.between(5, 6)


async def test_a_trail_that_was_restored_does_not_answer_for_the_one_before(cells: Cells, trail: TrailReader) -> None:
    """Its ticks have the same numbers, and nothing but a seal tells; who asks has one that is not there any more."""
    relay = await cells.relay_session()
    for key in range(4):
        await cells.put(key)
        await close_tick(relay)
    seal = await trail.seal_of(4)
    assert seal is not None
    ours, other, lost = Anchor(4, seal), Anchor(4, seal[::-1]), Anchor(5, seal)
    assert await trail.read(["north"], 1, 3, ours) is not None
    assert await trail.access(1, 3, ours) == []
    assert await trail.seal_of(2, ours) == await trail.seal_of(2)
    assert [page async for page in trail.pages(2, ["north"], ours)]
    for anchor in (other, lost):
        asked = (
            trail.read(["north"], 1, 3, anchor),
            trail.access(1, 3, anchor),
            trail.seal_of(2, anchor),
            anext(trail.pages(2, ["north"], anchor)),
        )
        for each in asked:
            with pytest.raises(AnotherTick):
                await each


async def test_what_is_removed_while_it_is_read_is_not_taken_for_nothing(
    cells: Cells, trail: TrailReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ticks go first, then what they saw; a page that was read between the two would have holes."""
    relay = await cells.relay_session()
    for key in range(6):
        await cells.put(key)
        await close_tick(relay)

    async def and_remove(*asked: Any) -> Any:
        await cells.owner.execute(by_force("delete from floorcast.tick where tick < 3", "delete from floorcast.change"))
        return await read_ticks(*asked)

    monkeypatch.setattr("floorcast.database.past.read_ticks", and_remove)
    assert await trail.read(["north"], 2, 6) is None


async def test_a_large_tick_is_read_for_a_place_in_a_memory_that_a_page_bounds(
    cells: Cells, trail: TrailReader
) -> None:
    """One transaction of others' rows with a few of ours in it, and many small ones."""
    await cells.owner.execute(
        "insert into cells select i, case when i % 5000 = 7 then 'quiet' else 'busy' end, i"
        " from generate_series(1, 30000) as i"
    )
    await cells.owner.execute(
        "do $$ begin for i in 30001 .. 33000 loop insert into cells values"
        " (i, case when i % 1000 = 7 then 'quiet' else 'busy' end, i); commit; end loop; end $$"
    )
    relay = await cells.relay_session()
    closed = await close_tick(relay)
    assert closed is not None
    assert await trail.read(["quiet"], 0, 1) == Past(1, (PastTick(1, closed.header.at, (), large=True),))
    expected = [
        told
        async for page in read_pages(relay, closed.header)
        if (told := tuple(each for each in operations_in(page) if each.warehouse == "quiet"))
    ]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        assert [page async for page in trail.pages(1, ["quiet"])] == expected
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(len, expected)) == 9
    assert peak - before < 2 * 2**20


async def test_a_page_of_the_trail_is_bounded_in_bytes(cells: Cells, trail: TrailReader) -> None:
    """As they are sent, though on disk they are compressed."""
    await cells.owner.execute("create table papers (id int primary key, warehouse_id text, text text)")
    await cells.owner.execute("select floorcast.track('papers')")
    relay = await cells.relay_session()
    await close_tick(relay)
    for key in range(5):
        await cells.owner.execute("insert into papers values (%s, 'north', repeat('x', 400000))", [key])
        await close_tick(relay)
    first = await trail.read(["north"], 1, 6)
    assert first is not None
    assert (first.upto, len(first.ticks)) == (4, 3)
    second = await trail.read(["north"], 4, 6)
    assert second is not None
    assert (second.upto, len(second.ticks)) == (6, 2)


async def test_access_is_read_back_by_tick_as_it_was_settled_live(database: Database, trail: TrailReader) -> None:
    """Grants, rules, tracked tables and warehouses; of a transaction that was open over ticks, where it ended."""
    expected: list[tuple[int, tuple[Operation, ...]]] = []

    async def cut() -> None:
        closed = await close_tick(relay)
        assert closed is not None
        told = tuple(operations_in(await read_changes_of(relay, closed.header, CONCERNS_ACCESS)))
        if told:
            expected.append((closed.header.tick, told))

    async with database.owner() as owner, database.owner() as other, database.service("floorcast_relay") as relay:
        await close_tick(relay)
        (began,) = await (await owner.execute("select max(tick) from floorcast.tick")).fetchone() or (0,)
        await owner.execute("insert into organizations (name) values ('Quarry')")
        async with other.transaction():
            await other.execute(
                "insert into warehouses (organization_id, name) select id, n from organizations,"
                " unnest(array['North', 'South']) as n"
            )
            await cut()
            await owner.execute("update floorcast.table_rule set roles = '{manager}' where table_name = 'equipment'")
            await owner.execute("create table bins (id int primary key, warehouse_id text)")
            await owner.execute("select floorcast.track('bins')")
            await cut()
            await owner.execute("insert into bins values (1, 'n')")
            await cut()
        await cut()
        await owner.execute("insert into users (display_name) values ('Technician One')")
        for role in ("viewer", "manager"):
            await owner.execute(
                "insert into user_warehouse_access (user_id, warehouse_id, role)"
                " select u.id, w.id, %s from users as u, warehouses as w"
                " on conflict (user_id, warehouse_id) do update set role = excluded.role",
                [role],
            )
        await owner.execute("delete from warehouses where name = 'South'")
        await cut()
    newest = expected[-1][0]
    assert {each.table for _, told in expected for each in told} >= {GRANTS, TRACKED, TABLE_RULE, "warehouses"}
    for after in range(began, newest):
        for upto in range(after, newest + 1):
            assert list(await trail.access(after, upto) or ()) == [each for each in expected if after < each[0] <= upto]


async def test_more_about_access_than_can_be_settled_is_no_answer(
    cells: Cells, trail: TrailReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was away while all of it changed reads the present anew."""
    relay = await cells.relay_session()
    for number in range(3):
        await cells.owner.execute(f"create table t{number} (id int primary key)".encode())
        await cells.owner.execute("select floorcast.track(%s::text::regclass, null)", [f"t{number}"])
    await close_tick(relay)
    for most, is_much in ((3, False), (2, True)):
        monkeypatch.setattr("floorcast.database.past.MOST_OF_LAW", most)
        assert (await trail.access(0, 1) is None) == is_much


def test_what_is_looked_up_as_access_is_what_gateways_settle() -> None:
    """The list stands in a query and in an index, word for word the same, since only then the index is used."""
    listed = "in \\(([^)…]*)\\)"
    migration = (ROOT / "schema" / "0036_ways_into_the_past.sql").read_text()
    lists = re.findall(f"table_name {listed}", migration + QUERIES["changes_of_law"].decode())
    assert len(lists) == 3
    for names in lists:
        assert set(re.findall("'([^']*)'", names)) == CONCERNS_ACCESS


async def test_what_concerns_everybody_belongs_to_no_place(trail: TrailReader) -> None:
    """To answer that there was nothing would be wrong."""
    with pytest.raises(ValueError, match="ask for access"):
        await trail.read(["north", EVERYWHERE], 0, 1)


async def test_a_postgres_that_is_away_is_said_to_be_and_found_again(database: Database, proxy: OpenLink) -> None:
    """Also one that was there a moment ago, whose session is still in the pool."""
    link = await proxy(database.service_url)
    reader = TrailReader(link.url, patience_seconds=0.5 * UNIT)
    await reader.open()
    try:
        found = await reader.seal_of(0)
        await link.cut()
        for ask in (
            reader.seal_of(0),
            reader.read(["north"], 0, 1),
            reader.access(0, 1),
            anext(reader.pages(1, ["n"])),
        ):
            with pytest.raises(DatabaseUnavailable):
                await ask
        await link.heal()
        async with asyncio.timeout(20 * UNIT):
            while True:
                try:
                    assert await reader.seal_of(0) == found
                except DatabaseUnavailable:
                    continue
                break
    finally:
        await reader.close()
