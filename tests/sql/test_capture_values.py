"""How values are written into the trail: the same for every session, digit for digit."""

import json

import pytest
from tests.sql.plant import Connection
from tests.sql.trail import changes, texts

SETTINGS = {
    "timezone": "Pacific/Chatham",
    "intervalstyle": "sql_standard",
    "datestyle": "German",
    "bytea_output": "escape",
    "extra_float_digits": "-10",
    "search_path": "pg_temp",
}

COLUMNS = {
    "moment": ("timestamptz", "'2026-11-23 10:11:12.345678+01'"),
    "during": ("tstzrange", "'[2026-11-23 10:11:12.345678+01,)'"),
    "day": ("date", "'2026-11-23'"),
    "days": ("daterange", "'[2026-11-01,2026-11-23)'"),
    "span": ("interval", "'1 day 02:03:04.5'"),
    "float": ("double precision", "0.1::float8 + 0.2"),
    "bytes": ("bytea", "'\\x00ff'"),
    "exact": ("numeric", "183.0500"),
    "large": ("bigint", "9007199254740993"),
    "list": ("text[]", "array['a', null, '\"']"),
}


@pytest.fixture
def sheet(owner: Connection) -> Connection:
    """A tracked table with a column of each kind."""
    columns = ", ".join(f'"{name}" {kind}' for name, (kind, _) in COLUMNS.items())
    owner.execute(f"create table public.sheet (id int primary key, warehouse_id text, {columns})".encode())
    owner.execute("select floorcast.track('public.sheet')")
    return owner


def write(connection: Connection, key: int) -> None:
    """Insert the same values under a key."""
    values = ", ".join(value for _, value in COLUMNS.values())
    connection.execute(f"insert into public.sheet values ({key}, 'w', {values})".encode())


def test_settings_of_the_session_do_not_show(sheet: Connection) -> None:
    """Else one row would look different from another, and an old row would not match the new one before it."""
    write(sheet, 1)
    for name, value in SETTINGS.items():
        sheet.execute("select set_config(%s, %s, false)", [name, value])
    write(sheet, 2)
    sheet.execute("update public.sheet set exact = 1 where id = 1")
    inserted, other, updated = texts(sheet, "sheet")
    assert other[1] is not None
    assert inserted[1] == other[1].replace('"id":2', '"id":1')
    assert updated[0] == inserted[1]


def test_times_are_in_utc_and_digits_are_kept(sheet: Connection) -> None:
    """The text travels to the screen as it is."""
    write(sheet, 1)
    ((_, new),) = texts(sheet, "sheet")
    assert new is not None
    assert '"moment":"2026-11-23T09:11:12.345678+00:00"' in new
    assert '"exact":183.0500,' in new
    assert '"large":9007199254740993,' in new
    assert '"float":0.30000000000000004,' in new
    assert '"span":"P1DT2H3M4.5S"' in new
    assert json.loads(new)["list"] == ["a", None, '"']


def test_json_columns_are_values_and_not_text(owner: Connection) -> None:
    """`json` keeps its text, `jsonb` its canonical form; a change of either is seen."""
    owner.execute("create table docs (id int primary key, warehouse_id text, plain json, canonical jsonb)")
    owner.execute("select floorcast.track('docs')")
    owner.execute("""insert into docs values (1, 'w', '{"b": 1,  "a": 1.50, "a": 2}', '{"b": 1, "a": 1.50}')""")
    owner.execute("update docs set id = id")
    owner.execute("""update docs set plain = '{"b": 1}'""")
    assert changes(owner, "docs", "op") == ["insert", "update"]
    ((_, new), (old, _)) = texts(owner, "docs")
    assert new is not None
    assert '{"b": 1,  "a": 1.50, "a": 2}' in new
    assert '{"a": 1.50, "b": 1}' in new
    assert old == new


def test_generated_columns_are_captured(owner: Connection) -> None:
    """A stored one is there when the trigger looks."""
    owner.execute(
        "create table boxes (id int primary key, warehouse_id text, a int, area int generated always as (a * a) stored)"
    )
    owner.execute("select floorcast.track('boxes')")
    owner.execute("insert into boxes values (1, 'w', 3)")
    owner.execute("update boxes set a = 4")
    assert [new["area"] for new in changes(owner, "boxes", "new")] == [9, 16]


def test_columns_that_come_and_go_later_are_followed(bins: Connection) -> None:
    """Within a session whose plans were made before, too."""
    bins.execute("insert into bins values (1, 'n', 'a')")
    bins.execute("update bins set label = 'b'")
    bins.execute("alter table bins add column colour text default 'red'")
    bins.execute("update bins set label = 'c'")
    bins.execute("alter table bins drop column weight, alter column label type varchar(9)")
    bins.execute("update bins set label = 'd'")
    assert [list(new) for new in changes(bins, "bins", "new")[1:]] == [
        ["id", "warehouse_id", "label", "weight"],
        ["id", "warehouse_id", "label", "weight", "colour"],
        ["id", "warehouse_id", "label", "colour"],
    ]


def test_a_key_that_only_looks_different_is_another_key(owner: Connection) -> None:
    """Receivers hold rows by the text of their key: an update under the new one would leave the old one on screens."""
    for kind, first, second in (
        ("numeric", "1.0", "1.00"),
        ("double precision", "0", "'-0'"),
        ("jsonb", "'1.0'", "'1.00'"),
    ):
        table = f"looks_{kind[:4]}"
        owner.execute(f"create table {table} (id {kind} primary key, warehouse_id text)".encode())
        owner.execute("select floorcast.track(%s::text::regclass)", [table])
        owner.execute(f"insert into {table} values ({first}, 'w')".encode())
        owner.execute(f"update {table} set id = {second}".encode())
        assert sorted(changes(owner, table, "op")) == ["delete", "insert", "insert"], kind


def test_keys_of_every_usual_type_pair_old_with_new(owner: Connection) -> None:
    """Else each update would be a delete and an insert, and screens would flicker."""
    values = {"uuid": "gen_random_uuid()", "int": "1", "bigint": "1", "date": "now()", "timestamptz": "now()"}
    for place, kind in enumerate(("uuid", "text", "varchar(9)", "char(3)", "int", "bigint", "date", "timestamptz")):
        table, value = f"usual_{place}", values.get(kind, "'a'")
        owner.execute(f"create table {table} (id {kind} primary key, warehouse_id text, note text)".encode())
        owner.execute("select floorcast.track(%s::text::regclass)", [table])
        owner.execute(f"insert into {table} values ({value}, 'w')".encode())
        owner.execute(f"update {table} set note = 'x'".encode())
        assert changes(owner, table, "op") == ["insert", "update"], kind
