"""The seal: a chained hash that anybody with the trail can compute again."""

import pytest
from tests.fixtures.tampering import DISARM
from tests.sql.plant import Connection

CLOSE = b"select floorcast.close_tick(2000, 1048576)"

# As an auditor would: from the trail alone, with the definition in the comment of floorcast.tick.
BROKEN = b"""
with sealed as (
    select t.tick, t.seal, sha256(
        p.seal || int8send(t.tick) || convert_to(t.snapshot::text, 'UTF8') || coalesce((
            select string_agg(x.digest, ''::bytea order by x.last_seq)
            from (
                select max(c.seq) as last_seq,
                    sha256(string_agg(floorcast.change_digest(c), ''::bytea order by c.seq)) as digest
                from floorcast.changes_between(p.snapshot, t.snapshot) as c
                group by c.xid
            ) as x
        ), ''::bytea) || convert_to(floorcast.iso(t.closed_at), 'UTF8')
    ) as computed
    from floorcast.tick as t
    join floorcast.tick as p on p.tick = t.tick - 1
)
select array_agg(tick order by tick) filter (where seal <> computed) as broken, count(*) as ticks from sealed
"""

TAMPERINGS = {
    "a value": 'update floorcast.change set new = \'{"label": "x"}\' where seq = %(seq)s',
    "the spacing of a value": "update floorcast.change set new = (new::text || ' ')::json where seq = %(seq)s",
    "an actor": "update floorcast.change set actor = 'somebody else' where seq = %(seq)s",
    "a time": "update floorcast.change set at = at + interval '1 microsecond' where seq = %(seq)s",
    "a table": "update floorcast.change set table_name = 'crates' where seq = %(seq)s",
    "a key": "update floorcast.change set key = '{}' where seq = %(seq)s",
    "a warehouse": "update floorcast.change set warehouse = 'south' where seq = %(seq)s",
    "a row less": "delete from floorcast.change where seq = %(seq)s",
    "a row more": "insert into floorcast.change (xid, op, table_name, key, actor, new)"
    " select xid, 'insert', 'bins', '{}', 'x', '{}' from floorcast.change where seq = %(seq)s",
    "another order": "update floorcast.change set seq = case seq when %(seq)s then %(seq)s + 1 else %(seq)s end"
    " where seq in (%(seq)s, %(seq)s + 1)",
    "a snapshot": "update floorcast.tick set snapshot = pg_current_snapshot() where tick = 2",
    "when it was closed": "update floorcast.tick set closed_at = closed_at - interval '1 hour' where tick = 2",
    "a request": "update floorcast.change set request_id = 'x' where seq = %(seq)s",
    "a retirement": "update floorcast.change set retired = true where seq = %(seq)s",
    "a retirement before": "update floorcast.change set old_retired = true where seq = %(seq)s",
    "a seal": "update floorcast.tick set seal = sha256('x') where tick = 2",
}


@pytest.fixture
def sealed(bins: Connection) -> Connection:
    """Three ticks; the second has two transactions, the first of three changes."""
    bins.execute("insert into bins values (1, 'n', 'a')")
    bins.execute(CLOSE)
    with bins.transaction():
        bins.execute("update bins set label = 'b'")
        bins.execute("insert into bins values (2, 'n', 'c'), (3, 'n', 'd')")
    bins.execute("delete from bins where id = 1")
    bins.execute(CLOSE)
    bins.execute("insert into bins values (4, 'n', 'e')")
    bins.execute(CLOSE)
    # Tampering with the order of two rows passes through a moment in which both have the same number.
    bins.execute("alter table floorcast.change drop constraint a_change_has_one_place")
    bins.execute(DISARM)
    return bins


def broken(connection: Connection) -> list[int]:
    """Ticks whose seal is not what the trail says; all three are looked at."""
    (row,) = connection.execute(BROKEN).fetchall()
    assert row["ticks"] == 3
    return list(row["broken"] or [])


def test_a_seal_can_be_computed_again_by_whoever_has_the_trail(sealed: Connection) -> None:
    """In a session with other settings, too."""
    sealed.execute("set timezone = 'Pacific/Chatham'")
    sealed.execute("set datestyle = 'German'")
    assert broken(sealed) == []


def test_whatever_is_tampered_with_breaks_the_seal(sealed: Connection) -> None:
    """Each of these alone; a tick whose own seal or snapshot was replaced breaks the next one as well."""
    (row,) = sealed.execute("select min(seq) as seq from floorcast.change where op = 'update'").fetchall()
    for what, statement in TAMPERINGS.items():
        with sealed.transaction(force_rollback=True):
            sealed.execute(statement.encode(), row)
            assert 2 in broken(sealed), what
    assert broken(sealed) == []


def test_an_earlier_tick_cannot_be_sealed_again_in_secret(sealed: Connection) -> None:
    """Whoever rewrites tick 2 and its seal must rewrite every later one, and one copy elsewhere shows it."""
    sealed.execute("update floorcast.change set actor = 'x' where op = 'update'")
    sealed.execute(
        b"update floorcast.tick set seal = computed from ("
        + BROKEN.partition(b"with sealed as (")[2].rpartition(b")\nselect array_agg")[0]
        + b") as s where s.tick = tick.tick and s.tick = 2"
    )
    assert broken(sealed) == [3]


FIRST_DIGEST = b"""
select floorcast.change_digest(c) = sha256(convert_to(json_build_array(
    1, c.xid::text, c.seq, to_char(c.at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US'), c.op, c.table_name, c.key,
    c.warehouse, c.old_warehouse, c.actor, c.old, c.new
)::text, 'UTF8')) as holds
from floorcast.change as c
"""


def test_a_change_without_the_later_facts_has_the_digest_that_it_always_had(sealed: Connection) -> None:
    """What was sealed before the trail knew of requests and retirement is not broken by that it does now."""
    assert {row["holds"] for row in sealed.execute(FIRST_DIGEST)} == {True}
    sealed.execute("update floorcast.change set request_id = ''")
    assert {row["holds"] for row in sealed.execute(FIRST_DIGEST)} == {False}
