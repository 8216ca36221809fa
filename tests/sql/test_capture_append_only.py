"""The trail is append-only for everybody, and the one way to open it is itself in the trail."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.fixtures.tampering import by_force
from tests.sql.plant import Connection, value
from tests.sql.trail import changes

INSERTION = " (op, table_name, key, actor, new) values ('insert', 'bins', '{{}}', 'a manager', '{{}}')"

TAMPERINGS = (
    *(f"insert into {part}{INSERTION}" for part in ("floorcast.change", "floorcast.change_default", "{partition}")),
    "update floorcast.change set actor = 'x'",
    "delete from floorcast.change",
    "truncate floorcast.change",
    "update floorcast.change_default set actor = 'x'",
    "delete from {partition}",
    "truncate {partition}",
    "truncate floorcast.change_default",
    "update floorcast.tick set seal = sha256('x')",
    "delete from floorcast.tick",
    "truncate floorcast.tick",
    "update floorcast.incarnation set reason = 'x'",
    "delete from floorcast.incarnation",
    "truncate floorcast.incarnation",
    "update floorcast.maintenance set reason = 'x'",
    "delete from floorcast.maintenance",
    "truncate floorcast.maintenance",
    "insert into floorcast.tick select * from floorcast.tick on conflict (tick) do update set count = 7",
    "merge into floorcast.tick as t using floorcast.tick as s on s.tick = t.tick when matched then delete",
)

OF_THE_BOOK = tuple(statement for statement in TAMPERINGS if "maintenance" in statement)


@contextmanager
def refused(words: str) -> Iterator[None]:
    """Expect the sentence."""
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match=words) as refusal:
        yield
    assert refusal.value.diag.message_hint


@pytest.fixture
def written(bins: Connection) -> Connection:
    """A trail with something in every one of its tables and partitions."""
    bins.execute("insert into bins values (1, 'n')")
    bins.execute("select floorcast.begin_maintenance('something must be in the book')")
    # No range has this transaction, so the default partition gets it.
    bins.execute(
        by_force(
            "insert into floorcast.change (xid, op, table_name, key, actor, new)"
            " values ('9000000000000000000', 'insert', 'x', '{}', 'x', '{}')"
        )
    )
    return bins


def partition(connection: Connection) -> str:
    """The partition that has the newest changes."""
    return str(value(connection, "select tableoid::regclass::text from floorcast.change where table_name = 'bins'"))


@pytest.mark.parametrize("statement", TAMPERINGS)
def test_the_owner_changes_nothing_either(written: Connection, statement: str) -> None:
    """Not by the table, not by a partition, and not as a superuser who thinks of session_replication_role."""
    text = statement.format(partition=partition(written)).encode()
    with refused("TRUNCATE|is kept as it was written"):
        written.execute(text)
    written.execute("set session_replication_role = replica")
    with refused("TRUNCATE|is kept as it was written"):
        written.execute(text)


def test_every_part_of_the_trail_is_guarded_from_the_first_migration_on(owner: Connection) -> None:
    """ALWAYS, so that session_replication_role does not switch it off; other tests disarm it and arm it again."""
    rows = owner.execute(
        "select r::text || ' ' || coalesce(string_agg(t.tgname, ' ' order by t.tgname), '') as guard"
        " from (select relid as r from pg_partition_tree('floorcast.change') union all select unnest("
        " array['floorcast.tick', 'floorcast.incarnation', 'floorcast.maintenance']::regclass[])) as p"
        " left join pg_trigger as t on t.tgrelid = r and t.tgname ~ 'refuse|stamp' and t.tgenabled = 'A' group by r"
    ).fetchall()
    assert len(rows) == 7
    guards = {row["guard"].split()[0]: row["guard"].split()[1:] for row in rows}
    more = {"floorcast.maintenance": ["_100_stamp"], "floorcast.tick": [], "floorcast.incarnation": []}
    for part, found in guards.items():
        wanted = ["_100_refuse_changes", "_500_refuse_truncate", *more.get(part, ["_100_refuse_inserts"])]
        assert found == sorted(wanted), part


def test_partitions_that_come_later_are_guarded_from_their_first_moment(written: Connection) -> None:
    """Row triggers are copied to them, triggers of TRUNCATE are not."""
    written.execute("drop table floorcast.change_00000001")
    assert value(written, "select floorcast.extend_trail()") == 1
    names = written.execute("select relid::regclass::text as name from pg_partition_tree('floorcast.change')")
    for name in [row["name"] for row in names]:
        rows = written.execute(
            "select tgname, tgenabled::text as enabled from pg_trigger where tgrelid = %s::regclass order by 1", [name]
        ).fetchall()
        assert [(row["tgname"], row["enabled"]) for row in rows] == [
            ("_100_refuse_changes", "A"),
            ("_100_refuse_inserts", "A"),
            ("_500_refuse_truncate", "A"),
        ], name


def test_a_maintenance_opens_its_own_transaction_and_no_other(written: Connection) -> None:
    """What the law demands can be done, once."""
    with written.transaction():
        written.execute("select floorcast.begin_maintenance('a person is to be forgotten')")
        written.execute("update floorcast.change set new = '{}' where table_name = 'bins'")
        written.execute("delete from floorcast.tick where tick = 0")
    assert changes(written, "bins", "new") == [{}]
    with refused("UPDATE of floorcast.change"):
        written.execute("update floorcast.change set actor = 'x'")


def test_a_maintenance_mends_what_is_missing(written: Connection) -> None:
    """Rows that were lost can be put back, by whom the book names; without it, not even in the words of capture."""
    mend = f"insert into floorcast.change{INSERTION.format()}"
    with refused("INSERT into floorcast.change"):
        written.execute(f"do $$ begin {mend}; end $$".encode())
    with written.transaction():
        written.execute("select floorcast.begin_maintenance('a row was lost')")
        written.execute(mend.encode())
    assert changes(written, "bins", "actor")[-1] == "a manager"


def test_a_maintenance_is_in_the_trail_whatever_it_does(written: Connection) -> None:
    """Who, why, and in which transaction; not even itself can take that back."""
    with written.transaction():
        number = value(written, "select floorcast.begin_maintenance('a person is to be forgotten')")
        with refused("is kept"), written.transaction():
            written.execute("delete from floorcast.change where xid = pg_current_xact_id()")
        for statement in OF_THE_BOOK:
            with refused("TRUNCATE|is kept"), written.transaction():
                written.execute(statement.encode())
        written.execute("delete from floorcast.change where xid <> pg_current_xact_id()")
        xid = value(written, "select pg_current_xact_id()::text")
    (row,) = written.execute("select xid::text, actor, new from floorcast.change").fetchall()
    assert (row["xid"], row["actor"]) == (xid, "system:postgres")
    assert {**row["new"], "begun_at": None} == {
        "number": number,
        "xid": xid,
        "begun_at": None,
        "actor": "system:postgres",
        "reason": "a person is to be forgotten",
    }


def test_a_maintenance_that_was_rolled_back_opens_nothing(written: Connection) -> None:
    """A savepoint takes the permission with it."""
    with written.transaction():
        with written.transaction(force_rollback=True):
            written.execute("select floorcast.begin_maintenance('not meant')")
        with refused("is kept"), written.transaction():
            written.execute("delete from floorcast.change")


def test_an_old_line_of_the_book_opens_nothing_though_the_number_of_its_transaction_comes_again(
    written: Connection,
) -> None:
    """A restored cluster counts its transactions anew."""
    with written.transaction():
        written.execute(
            by_force(
                "insert into floorcast.maintenance (begun_at, actor, reason)"
                " values (now() - interval '1 day', 'x', 'x')"
            )
        )
        with refused("is kept"), written.transaction():
            written.execute("delete from floorcast.tick")


def test_a_line_of_the_book_is_of_its_own_transaction_whatever_it_says(written: Connection) -> None:
    """Else one written today would open the trail in a transaction that is yet to come, in another's name."""
    written.execute(
        "insert into floorcast.maintenance (xid, begun_at, actor, reason)"
        " select (pg_current_xact_id()::text::bigint + n)::text::xid8, 'infinity', 'a manager', 'ahead'"
        " from generate_series(0, 5) as n"
    )
    for _ in range(5):
        with refused("is kept"):
            written.execute("delete from floorcast.change")
    (line,) = written.execute(
        "select distinct actor, begun_at <= clock_timestamp() as is_past from floorcast.maintenance"
        " where reason = 'ahead'"
    ).fetchall()
    assert line == {"actor": "system:postgres", "is_past": True}


def test_a_maintenance_has_a_reason(written: Connection) -> None:
    """Whoever reads the book wants to know why."""
    with pytest.raises(psycopg.errors.CheckViolation, match="maintenance_has_a_reason"):
        written.execute("select floorcast.begin_maintenance('  ')")


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "floorcast_relay", "floorcast_gateway"])
def test_only_the_owner_begins_one(written: Connection, role: str) -> None:
    """Services and people have no business there."""
    written.execute(f"set role {role}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        written.execute("select floorcast.begin_maintenance('let me')")
