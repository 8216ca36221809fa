"""Partitioned tables: a statement on a leaf fires the triggers of that leaf only."""

import pytest
from tests.fixtures.tampering import FORGET
from tests.sql.plant import Connection
from tests.sql.trail import changes


@pytest.fixture
def readings(owner: Connection) -> Connection:
    """A tracked table with two leaves, one of them under another partitioned table."""
    owner.execute("create table readings (id int primary key, warehouse_id text, value int) partition by range (id)")
    owner.execute("create table readings_low partition of readings for values from (0) to (10)")
    owner.execute(
        "create table readings_high partition of readings for values from (10) to (30) partition by range (id)"
    )
    owner.execute("create table readings_ten partition of readings_high for values from (10) to (20)")
    # Attached with its columns in another order, as old partitions often are.
    owner.execute("create table readings_twenty (value int, warehouse_id text, id int not null)")
    owner.execute("alter table readings_high attach partition readings_twenty for values from (20) to (30)")
    owner.execute("select floorcast.track('readings')")
    owner.execute(FORGET)
    return owner


@pytest.mark.parametrize(("table", "key"), [("readings", 1), ("readings_low", 1), ("readings_high", 15)])
def test_a_change_is_captured_once_whichever_table_was_named(readings: Connection, table: str, key: int) -> None:
    """Under the name of the table that is tracked, which is what subscribers know."""
    readings.execute(f"insert into {table} values ({key}, 'n', 1)".encode())
    readings.execute(f"update {table} set value = 2".encode())
    readings.execute(f"delete from {table}".encode())
    assert changes(readings, "readings", "op") == ["insert", "update", "delete"]
    assert readings.execute("select distinct table_name from floorcast.change").fetchall() == [
        {"table_name": "readings"}
    ]


def test_a_leaf_with_its_columns_in_another_order_gives_the_right_values(readings: Connection) -> None:
    """The capture function is shared by all members; its plans are not."""
    readings.execute("insert into readings values (20, 'n', 1)")
    readings.execute("insert into readings_twenty (id, warehouse_id, value) values (21, 's', 2)")
    readings.execute("insert into readings_low values (1, 'n', 3)")
    assert changes(readings, "readings", "new") == [
        {"id": 20, "warehouse_id": "n", "value": 1},
        {"id": 21, "warehouse_id": "s", "value": 2},
        {"id": 1, "warehouse_id": "n", "value": 3},
    ]


def test_a_row_that_moves_to_another_leaf_is_a_delete_and_an_insert_of_its_keys(readings: Connection) -> None:
    """The key changed; that it also changed its partition is nobody's business."""
    readings.execute("insert into readings values (1, 'n', 1)")
    readings.execute("update readings set id = 15")
    assert sorted(changes(readings, "readings", "op")[1:]) == ["delete", "insert"]


def test_a_leaf_that_was_added_later_is_captured_through_its_parent_at_once(readings: Connection) -> None:
    """By its own name only after track() was called again."""
    readings.execute("create table readings_new partition of readings for values from (30) to (40)")
    readings.execute("insert into readings values (30, 'n', 1)")
    readings.execute("select floorcast.track('readings')")
    readings.execute("insert into readings_new values (31, 'n', 1)")
    assert changes(readings, "readings", "key") == [{"id": 30}, {"id": 31}]


def test_untrack_frees_every_leaf(readings: Connection) -> None:
    """Nothing is left that would fail a write."""
    readings.execute("select floorcast.untrack('readings')")
    readings.execute("insert into readings values (1, 'n', 1)")
    readings.execute("insert into readings_ten values (11, 'n', 1)")
    readings.execute("truncate readings")
    assert changes(readings, "readings") == []
