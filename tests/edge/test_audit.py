"""`floorcast audit` against a real trail that was tampered with in every way that somebody with all rights has."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.fixtures.cells import Cells, scribble
from tests.fixtures.postgres import Database
from tests.fixtures.tampering import by_force
from typer.testing import CliRunner, Result

from floorcast.cli import app

Verify = Callable[..., Awaitable[Result]]

CLOSE = "select floorcast.close_tick(2000, 1048576)"

NOTHING_STOPS = "alter table floorcast.change drop constraint a_change_has_one_place"

TAMPERINGS = {
    "an actor": ("update floorcast.change set actor = 'x' where {row}", "edited"),
    "a value": ("update floorcast.change set new = '{{\"id\":1}}' where {row}", "bytes of rows"),
    "a time": ("update floorcast.change set at = at - interval '1 day' where {row}", "edited"),
    "a key": ("update floorcast.change set key = '{{}}' where {row}", "edited"),
    "a place": ("update floorcast.change set warehouse = 'x' where {row}", "edited"),
    "a request": ("update floorcast.change set request_id = 'x' where {row}", "edited"),
    "a retirement": ("update floorcast.change set retired = true where {row}", "edited"),
    "a row removed": ("delete from floorcast.change where {row}", "had 5 changes and has 4: 1 change removed"),
    "a row added": (
        (
            "insert into floorcast.change (xid, op, table_name, key, actor, new)"
            " select xid, 'insert', 'cells', '{{}}', 'x', '{{}}' from floorcast.change where {row}"
        ),
        "had 5 changes and has 6: 1 change added",
    ),
    "a row put into a transaction that was rolled back": (
        (
            "insert into floorcast.change (xid, op, table_name, key, actor, new)"
            " values ((select xid from rolled_back), 'insert', 'cells', '{{}}', 'x', '{{}}')"
        ),
        "1 change added",
    ),
    "two rows in another order": (
        (
            "update floorcast.change set seq = case when {row} then seq + 1 else seq - 1 end"
            " where {row} or seq = 1 + (select seq from floorcast.change where {row})"
        ),
        "another order",
    ),
    "a row moved to another tick": (
        "update floorcast.change set xid = (select max(xid) from floorcast.change) where {row}",
        "1 change removed",
    ),
    "a snapshot": ("update floorcast.tick set snapshot = '1:1:' where tick = 2", "tick 2"),
    "a seal": ("update floorcast.tick set seal = sha256('x') where tick = 2", "edited"),
    "when it was closed": (
        "update floorcast.tick set closed_at = closed_at - interval '1 day' where tick = 2",
        "edited",
    ),
}

ROW = "(op = 'update' and table_name = 'cells' and key ->> 'id' = '2')"


async def command(*words: str) -> Result:
    """Run `floorcast audit`, in a thread: it has a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["audit", *words])


@pytest.fixture
def verify(cells: Cells, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """Run the command on the test's database."""
    monkeypatch.setenv("FLOORCAST_OWNER_DATABASE_URL", cells.database.owner_url)
    monkeypatch.setenv("DATABASE_URL", cells.database.service_url)
    monkeypatch.setenv("FLOORCAST_JWT_SECRET", "x" * 40)
    return lambda *words: command("verify", *words)


@pytest.fixture
async def chain(cells: Cells) -> Cells:
    """Four ticks. Tick 2 has three transactions, one of which has a savepoint and began before tick 1 was closed."""
    await cells.owner.execute("create unlogged table rolled_back (xid xid8)")
    long = await cells.session()
    async with long.transaction():
        await cells.put(10, connection=long)
        await cells.put(1)
        await cells.owner.execute(CLOSE)
        async with long.transaction(force_rollback=True):
            await cells.put(11, connection=long)
        async with long.transaction():
            await cells.put(12, connection=long)
    await cells.put(2)
    async with cells.owner.transaction():
        await cells.put(2, 7)
        await cells.put(3, 7)
        cursor = await cells.owner.execute("select pg_current_xact_id()::text")
        xids = [await cursor.fetchone()]
    async with cells.owner.transaction(force_rollback=True):
        await cells.put(4)
        cursor = await cells.owner.execute("select pg_current_xact_id()::text")
        xids.append(await cursor.fetchone())
    await cells.owner.execute("insert into rolled_back values (%s::text::xid8)", xids[1])
    await cells.owner.execute(CLOSE)
    for key in (5, 6):
        await cells.put(key)
        await cells.owner.execute(CLOSE)
    return cells


async def tamper(cells: Cells, *statements: str) -> None:
    """Do what the guard refuses and constraints forbid."""
    await cells.owner.execute(by_force(*statements))


@pytest.mark.usefixtures("chain")
async def test_a_trail_that_nobody_touched_is_as_it_was_sealed(verify: Verify) -> None:
    """Long transactions, savepoints and several transactions in a tick included."""
    result = await verify()
    assert result.exit_code == 0, result.output
    assert "The trail is as it was sealed: 5 ticks with 8 changes, up to tick 4" in result.stdout


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_whatever_is_tampered_with_is_named_by_its_first_bad_tick(
    chain: Cells, verify: Verify, what: str
) -> None:
    """Each kind alone, by somebody whom nothing stops."""
    statement, why = TAMPERINGS[what]
    await chain.owner.execute(NOTHING_STOPS)
    await tamper(chain, statement.format(row=ROW))
    result = await verify()
    assert result.exit_code == 4, result.output
    assert "the first bad tick is 2" in result.stderr
    assert why.lower() in result.stdout.lower()


async def test_a_tick_that_was_sealed_anew_is_found_by_the_next_one(chain: Cells, verify: Verify) -> None:
    """Rewriting a tick means to rewrite every later one."""
    await tamper(chain, f"update floorcast.change set actor = 'x' where {ROW}")
    await chain.owner.execute(
        by_force(
            "update floorcast.tick as t set seal = floorcast.tick_seal(p.seal, t.tick, t.snapshot, ("
            " select string_agg(sha256(d.digests), ''::bytea order by d.last) from ("
            "  select max(c.seq) as last, string_agg(floorcast.change_digest(c), ''::bytea order by c.seq) as digests"
            "  from floorcast.changes_between(p.snapshot, t.snapshot) as c group by c.xid) as d), t.closed_at)"
            " from floorcast.tick as p where p.tick = 1 and t.tick = 2"
        )
    )
    result = await verify()
    assert (result.exit_code, "the first bad tick is 3" in result.stderr) == (4, True), result.output


async def test_ticks_that_were_removed_are_missed_where_they_were(chain: Cells, verify: Verify) -> None:
    """Numbers have no gaps."""
    await tamper(chain, "delete from floorcast.tick where tick in (2, 3)")
    result = await verify()
    assert (result.exit_code, "Ticks 2 to 3 are missing" in result.stdout) == (4, True), result.output
    assert "the first bad tick is 2" in result.stderr


async def test_a_beginning_that_was_removed_past_the_guard_is_missed(chain: Cells, verify: Verify) -> None:
    """With its rows, so that nothing else is out of place; after a maintenance it is told and no fault."""
    await tamper(chain, "delete from floorcast.tick where tick < 2")
    result = await verify()
    assert (result.exit_code, "begins at tick 2 and was never opened" in result.stdout) == (4, True), result.output
    async with chain.owner.transaction():
        await chain.owner.execute("select floorcast.begin_maintenance('two years are enough')")
        await chain.owner.execute("delete from floorcast.tick where tick < 3")
    result = await verify()
    assert result.exit_code == 0, result.output
    assert "Tick 3 is believed" in result.stdout
    assert "by system:postgres: two years are enough" in result.stdout


async def test_a_row_from_before_the_beginning_is_found(chain: Cells, verify: Verify) -> None:
    """It belongs to no tick, so no seal misses it."""
    await tamper(
        chain,
        "insert into floorcast.change (xid, op, table_name, key, actor, new)"
        " values ('3', 'insert', 'x', '{}', 'x', '{}')",
    )
    result = await verify()
    assert (result.exit_code, "older than the first tick" in result.stdout) == (4, True), result.output


async def test_a_row_of_a_transaction_that_is_yet_to_come_is_found(chain: Cells, verify: Verify) -> None:
    """No tick has it for as long as nobody comes so far, and then it would be sealed."""
    await tamper(
        chain,
        "insert into floorcast.change (xid, op, table_name, key, actor, new)"
        " values ('999999999999', 'insert', 'cells', '{}', 'x', '{}')",
    )
    result = await verify()
    assert (result.exit_code, "1 change of transactions that are yet to come" in result.stdout) == (4, True), (
        result.output
    )
    assert "no tick is bad, but see above" in result.stderr


async def test_a_guard_that_was_switched_off_is_named(chain: Cells, verify: Verify) -> None:
    """Whoever tampers may put it back, but not everybody does."""
    await chain.owner.execute("alter table floorcast.tick disable trigger _100_refuse_changes")
    await chain.owner.execute("drop trigger _500_refuse_truncate on floorcast.change_default")
    await chain.owner.execute("drop trigger _100_refuse_inserts on floorcast.change")
    result = await verify()
    assert result.exit_code == 4
    assert "Nothing refuses changes of floorcast.change, floorcast.change_default, floorcast.tick" in result.stdout


async def test_what_was_sealed_before_the_time_was_covered_still_holds(chain: Cells, verify: Verify) -> None:
    """An update of Floorcast must not make every old tick look forged."""
    await tamper(
        chain,
        """
        do $$
        declare
            _tick bigint;
        begin
            for _tick in 1 .. 4 loop
                update floorcast.tick as t
                set seal = floorcast.tick_seal(p.seal, t.tick, t.snapshot, (
                    select string_agg(sha256(d.digests), ''::bytea order by d.last)
                    from (
                        select max(c.seq) as last,
                            string_agg(floorcast.change_digest(c), ''::bytea order by c.seq) as digests
                        from floorcast.changes_between(p.snapshot, t.snapshot) as c
                        group by c.xid
                    ) as d
                ), null)
                from floorcast.tick as p
                where p.tick = _tick - 1 and t.tick = _tick;
            end loop;
        end
        $$
        """,
    )
    assert (await verify()).exit_code == 0
    await tamper(chain, f"delete from floorcast.change where {ROW}")
    assert "the first bad tick is 2" in (await verify()).stderr


async def test_a_walk_may_begin_at_a_tick_that_is_believed(chain: Cells, verify: Verify) -> None:
    """After a restore from a dump, ticks before the cut belong to another cluster."""
    assert chain
    assert "3 ticks with 7 changes" in (await verify("--from", "2")).stdout
    result = await verify("--from", "9")
    assert (result.exit_code, "no tick 9 yet: the newest is 4" in result.stderr) == (1, True)


async def test_an_anchor_finds_what_the_chain_itself_cannot(chain: Cells, verify: Verify, tmp_path: Path) -> None:
    """The newest ticks removed, with their rows: what is left is a chain without fault."""
    file = tmp_path / "anchor.json"
    assert (await command("anchor", "--out", str(file))).exit_code == 0
    kept = json.loads(file.read_text())
    assert (kept["tick"], kept["ticks"], len(kept["seal"])) == (4, 5, 64)
    assert json.loads((await command("anchor")).stdout) == kept
    await chain.put(7)
    await chain.owner.execute(CLOSE)
    assert (await verify("--anchor", str(file))).exit_code == 0
    await tamper(
        chain,
        "delete from floorcast.change as c using floorcast.tick as t"
        " where t.tick = 3 and not pg_visible_in_snapshot(c.xid, t.snapshot)",
        "delete from floorcast.tick where tick > 3",
    )
    assert (await verify()).exit_code == 0
    result = await verify("--anchor", str(file))
    assert (result.exit_code, "anchored tick 4 is not there: the newest one is 3" in result.stdout) == (4, True)
    # The same number again, with another history in it.
    await chain.put(8)
    await chain.owner.execute(CLOSE)
    assert (await verify()).exit_code == 0
    result = await verify("--anchor", str(file))
    assert (result.exit_code, "Tick 4 has another seal than the anchor" in result.stdout) == (4, True)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"floorcast":"anchor"}', '{"floorcast":"anchor","incarnation":"x","tick":"1"}']
)
async def test_an_anchor_that_is_none_is_refused_before_anything_is_walked(
    verify: Verify, tmp_path: Path, text: str
) -> None:
    """Else its author would believe that it was checked."""
    file = tmp_path / "anchor.json"
    file.write_text(text)
    result = await verify("--anchor", str(file))
    assert (result.exit_code, "Nothing was verified" in result.stderr) == (1, True), result.output
    assert (await verify("--anchor", str(tmp_path / "none"))).exit_code == 1


async def test_a_login_that_owns_nothing_can_verify(
    chain: Cells, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a member of floorcast_relay."""
    assert chain
    monkeypatch.delenv("FLOORCAST_OWNER_DATABASE_URL")
    assert (await verify()).exit_code == 0


async def test_a_database_without_a_trail_is_told_by_a_sentence(
    empty_database: Database, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not by a traceback."""
    monkeypatch.setenv("FLOORCAST_OWNER_DATABASE_URL", empty_database.owner_url)
    result = await verify()
    assert (result.exit_code, "The trail cannot be read" in result.stderr) == (1, True), result.output


@pytest.mark.parametrize("seed", range(2))
async def test_a_busy_trail_verifies_whatever_was_written(cells: Cells, verify: Verify, seed: int) -> None:
    """Crossing writers, rollbacks and savepoints; and one edit anywhere in it is found where it is."""
    chance = random.Random(seed)
    writers = [await cells.session() for _ in range(3)]
    for _ in range(6):
        await asyncio.gather(*(scribble(writer, random.Random(chance.random()), 8) for writer in writers))
        await cells.owner.execute(CLOSE)
    assert (await verify()).exit_code == 0
    cursor = await cells.owner.execute(
        "select t.tick, c.xid::text, c.seq from floorcast.tick as t join floorcast.tick as p on p.tick = t.tick - 1"
        " cross join lateral floorcast.changes_between(p.snapshot, t.snapshot) as c"
    )
    tick, xid, seq = chance.choice(await cursor.fetchall())
    await tamper(cells, f"update floorcast.change set actor = 'x' where xid = '{xid}' and seq = {seq}")
    result = await verify()
    assert (result.exit_code, f"the first bad tick is {tick}." in result.stderr) == (4, True), result.output
