"""track() and untrack(): what may be tracked, under which name, and again."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.sql.plant import Connection
from tests.sql.trail import bells, changes

CMMS = {
    "organizations",
    "users",
    "user_warehouse_access",
    "equipment",
    "equipment_hierarchy",
    "equipment_maintenance_history",
    "inventory_items",
    "inventory_locations",
    "inventory_transactions",
    "maintenance_history",
    "maintenance_schedules",
    "maintenance_templates",
    "notifications",
    "warehouses",
    "work_order_assignments",
    "work_order_timeline",
    "work_orders",
    "work_order_attachments",
    "floorcast.grants",
    "floorcast.maintenance",
    "floorcast.tracked",
    "floorcast.table_rule",
    "floorcast.column_rule",
    "floorcast.owner_rule",
    "floorcast.canary",
}

ODD_NAMES = ["Mixed Case", "per%cent %s %L", "quo\"te'd", "dot.ted", "ünïcödé", "x" * 63, "select"]

ODD_COLUMNS = ["n", "o", "_actor", "_captured", "capture", "tg_op", "key", "new", "old", "seq", "xid", "op"]


@contextmanager
def warnings_of(connection: Connection) -> Iterator[list[str]]:
    """What the server warns about meanwhile."""
    said: list[str] = []

    def hear(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            said.append(diagnostic.message_primary or "")

    connection.add_notice_handler(hear)
    yield said
    connection.remove_notice_handler(hear)


def tracked(connection: Connection) -> dict[str, dict[str, object]]:
    """The registry, by name."""
    rows = connection.execute("select *, relation::text as relation_name from floorcast.tracked").fetchall()
    return {str(row["table_name"]): row for row in rows}


def quoted(name: str) -> str:
    """As an identifier."""
    return '"' + name.replace('"', '""') + '"'


def test_the_tables_of_the_cmms_are_tracked(owner: Connection) -> None:
    """People's records too: who is sent what of them is decided by the rules of access."""
    assert tracked(owner).keys() == CMMS


def test_tracking_again_changes_nothing(bins: Connection, listener: Connection) -> None:
    """Each migrate does it."""
    before = tracked(bins)
    for _ in range(3):
        bins.execute("select floorcast.track('public.bins')")
    bins.execute("insert into bins values (1, 'n')")
    assert tracked(bins) == before
    assert changes(bins, "bins", "op") == ["insert"]
    assert bells(listener) == ["bins"]


def test_tracking_again_follows_a_new_primary_key(bins: Connection) -> None:
    """That is what it is called again for."""
    bins.execute("alter table bins drop constraint bins_pkey, add primary key (warehouse_id, id)")
    bins.execute("select floorcast.track('bins')")
    bins.execute("insert into bins values (1, 'n')")
    assert changes(bins, "bins", "key") == [{"warehouse_id": "n", "id": 1}]


def test_a_table_without_a_primary_key_is_refused(owner: Connection) -> None:
    """Nobody could tell which row changed."""
    owner.execute("create table loose (id int, warehouse_id text)")
    with pytest.raises(
        psycopg.errors.ObjectNotInPrerequisiteState, match=r"public\.loose .* no primary key"
    ) as refusal:
        owner.execute("select floorcast.track('loose')")
    assert refusal.value.diag.message_hint == "Add a primary key."


def test_a_warehouse_column_that_is_not_there_is_refused(owner: Connection) -> None:
    """Nobody could tell who may see the row."""
    owner.execute("create table nowhere (id int primary key, dropped text)")
    owner.execute("alter table nowhere drop column dropped")
    for column in ("warehouse_id", "dropped"):
        with pytest.raises(psycopg.errors.UndefinedColumn, match="who may see"):
            owner.execute("select floorcast.track('nowhere', %s)", [column])


def test_a_table_with_virtual_columns_is_refused(owner: Connection) -> None:
    """Triggers see null in them, and screens would show it."""
    if owner.info.server_version < 180000:
        return
    owner.execute(
        "create table mirage (id int primary key, warehouse_id text, a int generated always as (id * 2) virtual)"
    )
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match=r"virtual columns \(a\)"):
        owner.execute("select floorcast.track('mirage')")


def test_a_table_without_warehouses_can_be_tracked_by_saying_so(owner: Connection) -> None:
    """Its changes are in the trail and go to no topic."""
    owner.execute("create table world (id int primary key)")
    owner.execute("select floorcast.track('world', null)")
    owner.execute("insert into world values (1)")
    owner.execute("update world set id = 1")
    assert changes(owner, "world", "op", "warehouse") == [("insert", None)]


def test_after_row_triggers_are_warned_about(bins: Connection) -> None:
    """What they change is captured before what caused it."""
    bins.execute("create function nothing() returns trigger language plpgsql as 'begin return null; end'")
    bins.execute("create trigger before_row before update on bins for each row execute function nothing()")
    bins.execute("create trigger after_statement after update on bins execute function nothing()")
    with warnings_of(bins) as said:
        bins.execute("select floorcast.track('bins')")
    assert said == []
    bins.execute("create trigger after_row after update on bins for each row execute function nothing()")
    with warnings_of(bins) as said:
        bins.execute("select floorcast.track('bins')")
    (warning,) = said
    assert "bins" in warning
    assert "after_row" in warning


def test_our_own_tables_have_no_after_row_triggers(owner: Connection) -> None:
    """The rule that we warn others about."""
    with warnings_of(owner) as said:
        for table in (
            table for table in CMMS - {"warehouses", "organizations", "users"} if not table.startswith("floorcast.")
        ):
            owner.execute("select floorcast.track(%s::text::regclass)", [f"public.{table}"])
    assert said == []


def test_foreign_keys_are_not_warned_about(owner: Connection) -> None:
    """They are AFTER ROW triggers of the server's own, and change other tables."""
    owner.execute("create table parent (id int primary key, warehouse_id text)")
    owner.execute("create table child (id int primary key references parent on delete cascade, warehouse_id text)")
    with warnings_of(owner) as said:
        owner.execute("select floorcast.track('parent'), floorcast.track('child')")
    assert said == []


def test_a_table_of_another_schema_is_named_with_it(owner: Connection, listener: Connection) -> None:
    """The bell says the family, which is the bare name."""
    owner.execute("create schema works")
    owner.execute("create table works.bins (id int primary key, warehouse_id text)")
    owner.execute("create table public.bins (id int primary key, warehouse_id text)")
    owner.execute("select floorcast.track('works.bins'), floorcast.track('public.bins')")
    owner.execute("insert into works.bins values (1, 'n')")
    owner.execute("insert into public.bins values (2, 'n')")
    assert changes(owner, "works.bins", "key") == [{"id": 1}]
    assert changes(owner, "bins", "key") == [{"id": 2}]
    assert bells(listener) == ["tracked", "bins", "bins"]


def test_odd_names_of_tables_and_columns_are_captured_as_they_are(owner: Connection) -> None:
    """In every place where a name goes: functions, triggers, keys, the registry."""
    for name in ODD_NAMES:
        here = quoted(name)
        owner.execute(f'create table public.{here} ({here} int primary key, "ware house" text)'.encode())
        owner.execute("select floorcast.track(%s::text::regclass, 'ware house')", [f"public.{here}"])
        owner.execute(f"insert into public.{here} values (1, 'n')".encode())
        owner.execute(f"update public.{here} set \"ware house\" = 's'".encode())
        owner.execute(f"delete from public.{here}".encode())
        called = here if "." in name else name
        assert changes(owner, called, "op", "key", "warehouse") == [
            ("insert", {name: 1}, "n"),
            ("update", {name: 1}, "s"),
            ("delete", {name: 1}, "s"),
        ]


def test_long_names_that_are_alike_are_told_apart(owner: Connection) -> None:
    """The server cuts names at 63 bytes, and two capture functions must not become one."""
    for end in "ab":
        owner.execute(f"create table {'x' * 62}{end} (id int primary key, warehouse_id text)".encode())
        owner.execute("select floorcast.track(%s::text::regclass)", ["x" * 62 + end])
        owner.execute(f"insert into {'x' * 62}{end} values (1, 'n')".encode())
    assert [len(changes(owner, "x" * 62 + end)) for end in "ab"] == [1, 1]


def test_a_dot_in_a_name_is_not_a_schema(owner: Connection) -> None:
    """`a.b` in quotes, table b of schema a, and a_b: three tables."""
    owner.execute("create schema a")
    for table in ('public."a.b"', "a.b", "public.a_b"):
        owner.execute(f"create table {table} (id int primary key, warehouse_id text)".encode())
        owner.execute("select floorcast.track(%s::text::regclass)", [table])
    for key, table in enumerate(('public."a.b"', "a.b", "public.a_b")):
        owner.execute(f"insert into {table} values ({key}, 'n')".encode())
    assert [changes(owner, name, "key") for name in ('"a.b"', "a.b", "a_b")] == [[{"id": 0}], [{"id": 1}], [{"id": 2}]]


def test_no_name_of_a_column_breaks_the_writes_of_its_table(owner: Connection) -> None:
    """Capture has names of its own; one that meant two things would fail every business write."""
    for name in ODD_COLUMNS:
        table, column = f"clash_{name}", quoted(name)
        owner.execute(f"create table {table} (id int primary key, warehouse_id text, {column} text)".encode())
        owner.execute("select floorcast.track(%s::text::regclass)", [table])
        owner.execute(f"insert into {table} values (1, 'n', 'a')".encode())
        owner.execute(f"update {table} set {column} = 'b'".encode())
        owner.execute(f"delete from {table}".encode())
        seen = [(old and old[name], new and new[name]) for old, new in changes(owner, table, "old", "new")]
        assert seen == [(None, "a"), ("a", "b"), ("b", None)], name


def test_a_table_that_was_renamed_can_be_tracked_again(bins: Connection) -> None:
    """Under its new name only."""
    bins.execute("alter table bins rename to crates")
    bins.execute("select floorcast.track('crates')")
    bins.execute("insert into crates values (1, 'n')")
    assert tracked(bins).keys() == CMMS | {"crates"}
    assert changes(bins, "crates", "op") == ["insert"]
    assert changes(bins, "bins") == []


def test_a_table_that_was_made_anew_can_be_tracked_again(bins: Connection) -> None:
    """The registry still holds the old one's number."""
    bins.execute("drop table bins")
    bins.execute("create table bins (id int primary key, warehouse_id text)")
    bins.execute("select floorcast.track('bins')")
    bins.execute("insert into bins values (1, 'n')")
    assert changes(bins, "bins", "op") == ["insert"]
    assert tracked(bins)["bins"]["relation_name"] == "bins"


def test_that_a_table_is_tracked_is_a_change_with_a_position(bins: Connection) -> None:
    """Gateways learn it where it happened in the stream; calling track() again in vain says nothing."""
    bins.execute("select floorcast.track('bins')")
    bins.execute("select floorcast.untrack('bins')")
    bins.execute("select floorcast.track('bins')")
    assert changes(bins, "floorcast.tracked", "op", "key", "warehouse") == [
        ("delete", {"table_name": "bins"}, None),
        ("insert", {"table_name": "bins"}, None),
    ]


def test_a_family_can_be_named(owner: Connection, listener: Connection) -> None:
    """Listeners of several tables may know them by one word."""
    owner.execute("create table crates (id int primary key, warehouse_id text)")
    owner.execute("select floorcast.track('crates', family => 'storage')")
    owner.execute("insert into crates values (1, 'n')")
    assert bells(listener) == ["tracked", "storage"]


def test_untrack_ends_capture_and_keeps_the_trail(bins: Connection, listener: Connection) -> None:
    """What happened stays; TRUNCATE is allowed again."""
    bins.execute("insert into bins values (1, 'n')")
    assert bells(listener) == ["bins"]
    for _ in range(2):
        bins.execute("select floorcast.untrack('bins')")
    bins.execute("insert into bins values (2, 'n')")
    bins.execute("truncate bins")
    assert changes(bins, "bins", "key") == [{"id": 1}]
    assert bells(listener) == ["tracked"]
    assert tracked(bins).keys() == CMMS
    assert bins.execute("select from pg_proc where proname = 'capture_bins'").fetchall() == []
