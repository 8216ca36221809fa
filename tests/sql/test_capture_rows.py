"""Which rows of a statement are captured, and as what."""

from tests.sql.plant import Connection
from tests.sql.trail import NOTHING, bells, changes


def test_an_insert_has_a_new_row_and_no_old_one(bins: Connection) -> None:
    """One row of the trail for one of the table."""
    bins.execute("insert into bins values (1, 'north', 'bolts', 2.50)")
    row = {"id": 1, "warehouse_id": "north", "label": "bolts", "weight": 2.5}
    (change,) = changes(bins, "bins")
    assert (change["op"], change["key"], change["warehouse"]) == ("insert", {"id": 1}, "north")
    assert (change["old"], change["new"], change["old_warehouse"]) == (None, row, None)


def test_an_update_has_both(bins: Connection) -> None:
    """Old is for the audit and for the order of one row's changes."""
    bins.execute("insert into bins values (1, 'north', 'bolts')")
    bins.execute("update bins set label = 'nuts'")
    change = changes(bins, "bins")[-1]
    assert (change["op"], change["key"], change["warehouse"]) == ("update", {"id": 1}, "north")
    assert (change["old"]["label"], change["new"]["label"]) == ("bolts", "nuts")
    assert change["old_warehouse"] is None


def test_a_delete_says_where_the_row_was(bins: Connection) -> None:
    """Those who saw it must hear that it is gone."""
    bins.execute("insert into bins values (1, 'north', 'bolts')")
    bins.execute("delete from bins")
    change = changes(bins, "bins")[-1]
    assert (change["op"], change["key"], change["warehouse"]) == ("delete", {"id": 1}, "north")
    assert (change["old"]["label"], change["new"]) == ("bolts", None)


def test_every_row_of_a_statement_is_captured_in_one_go(bins: Connection, listener: Connection) -> None:
    """A thousand rows, one bell."""
    bins.execute("insert into bins select i, 'w' || i % 3 from generate_series(1, 1000) as i")
    assert sorted(key["id"] for key in changes(bins, "bins", "key")) == list(range(1, 1001))
    assert bells(listener) == ["bins"]


def test_an_upsert_is_an_insert_or_an_update_row_by_row(bins: Connection) -> None:
    """Both triggers fire for one statement, each with its own rows."""
    bins.execute("insert into bins values (1, 'north', 'bolts')")
    bins.execute(
        "insert into bins values (1, 'north', 'nuts'), (2, 'north', 'pins')"
        " on conflict (id) do update set label = excluded.label"
    )
    assert sorted(changes(bins, "bins", "op")[1:]) == ["insert", "update"]
    found = {change["key"]["id"]: change for change in changes(bins, "bins")[1:]}
    assert (found[1]["op"], found[1]["old"]["label"], found[1]["new"]["label"]) == ("update", "bolts", "nuts")
    assert found[2]["op"] == "insert"


def test_a_merge_is_captured_as_what_it_did_to_each_row(bins: Connection) -> None:
    """Three kinds of changes in one statement."""
    bins.execute("insert into bins values (1, 'n', 'a'), (2, 'n', 'b')")
    bins.execute(
        "merge into bins as b using (values (1, 'A'), (2, null), (3, 'C')) as v (id, label) on b.id = v.id"
        " when matched and v.label is null then delete"
        " when matched then update set label = v.label"
        " when not matched then insert values (v.id, 'n', v.label)"
    )
    assert {change["key"]["id"]: change["op"] for change in changes(bins, "bins")[2:]} == {
        1: "update",
        2: "delete",
        3: "insert",
    }


def test_copy_is_captured(bins: Connection) -> None:
    """Imports use it."""
    with bins.cursor().copy("copy bins (id, warehouse_id) from stdin") as copy:
        copy.write_row((1, "north"))
        copy.write_row((2, "south"))
    assert changes(bins, "bins", "warehouse") == ["north", "south"]


def test_a_row_that_moves_names_both_warehouses(bins: Connection) -> None:
    """The old side gets a leave, the new one an enter."""
    bins.execute("insert into bins values (1, 'north')")
    bins.execute("update bins set warehouse_id = 'south'")
    bins.execute("update bins set warehouse_id = null")
    bins.execute("update bins set warehouse_id = 'north'")
    assert changes(bins, "bins", "warehouse", "old_warehouse")[1:] == [
        ("south", "north"),
        (None, "south"),
        ("north", None),
    ]


def test_a_changed_key_is_a_delete_and_an_insert(bins: Connection) -> None:
    """Whoever holds the row by its old key must drop it."""
    bins.execute("insert into bins values (1, 'north', 'bolts')")
    bins.execute("update bins set id = 2, warehouse_id = 'south'")
    found = {change["op"]: change for change in changes(bins, "bins")[1:]}
    assert found.keys() == {"delete", "insert"}
    assert (found["delete"]["key"], found["delete"]["warehouse"]) == ({"id": 1}, "north")
    assert (found["insert"]["key"], found["insert"]["warehouse"]) == ({"id": 2}, "south")
    assert found["insert"]["old_warehouse"] is None


def test_rows_that_swap_their_keys_are_updates_of_both(owner: Connection) -> None:
    """By key, each holds what the other held; pairing old and new rows by place would say nothing happened."""
    owner.execute("create table swap (id int primary key deferrable, warehouse_id text, label text)")
    owner.execute("select floorcast.track('swap')")
    owner.execute("insert into swap values (1, 'n', 'a'), (2, 'n', 'b')")
    owner.execute("update swap set id = 3 - id")
    after = {change["key"]["id"]: change for change in changes(owner, "swap")[2:]}
    assert {key: (change["op"], change["new"]["label"]) for key, change in after.items()} == {
        1: ("update", "b"),
        2: ("update", "a"),
    }


def test_keys_that_shift_along_meet_in_the_middle(owner: Connection) -> None:
    """1, 2 become 2, 3: one goes, one changes, one comes."""
    owner.execute("create table shift (id int primary key deferrable, warehouse_id text)")
    owner.execute("select floorcast.track('shift')")
    owner.execute("insert into shift values (1, 'a'), (2, 'b')")
    owner.execute("update shift set id = id + 1")
    assert {change["key"]["id"]: change["op"] for change in changes(owner, "shift")[2:]} == {
        1: "delete",
        2: "update",
        3: "insert",
    }


def test_a_composite_key_is_an_object_in_the_order_of_the_key(owner: Connection) -> None:
    """Not in the order of the columns; and both of them pair old with new."""
    owner.execute('create table pair (b int, warehouse_id text, "A" text, note text, primary key ("A", b))')
    owner.execute("select floorcast.track('pair')")
    owner.execute("insert into pair values (1, 'n', 'x'), (2, 'n', 'x'), (1, 'n', 'y')")
    owner.execute("update pair set note = 'seen' where b = 1")
    keys = changes(owner, "pair", "op", "key")[3:]
    assert keys == [("update", {"A": "x", "b": 1}), ("update", {"A": "y", "b": 1})]
    assert list(keys[0][1]) == ["A", "b"]


def test_a_statement_that_changes_nothing_writes_nothing_and_rings_nothing(
    bins: Connection, listener: Connection
) -> None:
    """Statement triggers fire for it all the same."""
    bins.execute("insert into bins values (1, 'north', 'bolts', 1.0)")
    assert bells(listener) == ["bins"]
    for statement in (
        "update bins set label = label",
        "update bins set label = 'bolts', weight = 1.0",
        "update bins set label = 'x' where id = 99",
        "delete from bins where false",
        "insert into bins select 5 where false",
        "insert into bins values (1) on conflict do nothing",
        "merge into bins using (select 1 as id) as v on bins.id = v.id when matched and false then delete",
    ):
        bins.execute(statement.encode())
        assert len(changes(bins, "bins")) == 1, statement
    assert bells(listener) == []


def test_only_the_rows_that_changed_are_captured(bins: Connection) -> None:
    """An update of a thousand rows that alters one is one change."""
    bins.execute("insert into bins select i, 'n', 'old' from generate_series(1, 50) as i")
    bins.execute("update bins set label = case when id = 7 then 'new' else label end")
    assert changes(bins, "bins", "key")[50:] == [{"id": 7}]


def test_a_number_written_with_other_zeros_is_a_change(bins: Connection) -> None:
    """The screen shows 1.00 where it showed 1.0."""
    bins.execute("insert into bins values (1, 'n', 'x', 1.0)")
    bins.execute("update bins set weight = 1.00")
    assert changes(bins, "bins", "op") == ["insert", "update"]


def test_a_rolled_back_savepoint_leaves_nothing(bins: Connection, listener: Connection) -> None:
    """Neither in the trail nor in the air; what stands around it stays."""
    with bins.transaction():
        bins.execute("insert into bins values (1, 'north')")
        with bins.transaction(force_rollback=True):
            bins.execute("insert into bins values (2, 'north')")
        bins.execute("insert into bins values (3, 'north')")
    assert [key["id"] for key in changes(bins, "bins", "key")] == [1, 3]
    assert bells(listener) == ["bins"]


def test_a_rolled_back_transaction_leaves_nothing(bins: Connection, listener: Connection) -> None:
    """The trail is written in the transaction that it tells of."""
    with bins.transaction(force_rollback=True):
        bins.execute("insert into bins values (1, 'north')")
    assert changes(bins, "bins") == NOTHING
    assert bells(listener) == []


def test_savepoints_share_the_transaction_of_the_trail(bins: Connection) -> None:
    """System xmin would name the savepoint, and no snapshot knows those."""
    with bins.transaction():
        bins.execute("insert into bins values (1, 'north')")
        with bins.transaction():
            bins.execute("insert into bins values (2, 'north')")
        whole = bins.execute("select bool_and(xid = pg_current_xact_id()) as whole from floorcast.change").fetchall()
    assert whole == [{"whole": True}]
    savepoints = bins.execute("select count(distinct xmin::text) as n from floorcast.change").fetchall()
    assert savepoints == [{"n": 2}]


def test_a_cascade_is_captured_where_it_lands(owner: Connection) -> None:
    """A deleted parent takes its children from screens too, each from its own warehouse."""
    owner.execute("create table racks (id int primary key, warehouse_id text)")
    owner.execute(
        "create table shelves (id int primary key, rack int references racks on delete cascade, warehouse_id text)"
    )
    owner.execute("select floorcast.track('racks'), floorcast.track('shelves')")
    owner.execute("insert into racks values (1, 'n'), (2, 's')")
    owner.execute("insert into shelves values (1, 1, 'n'), (2, 1, 'n'), (3, 2, 's')")
    owner.execute("delete from racks")
    gone = changes(owner, "shelves", "op", "key", "warehouse")[3:]
    assert sorted(gone, key=lambda change: change[1]["id"]) == [
        ("delete", {"id": 1}, "n"),
        ("delete", {"id": 2}, "n"),
        ("delete", {"id": 3}, "s"),
    ]


def test_two_parts_of_one_statement_are_both_captured(bins: Connection) -> None:
    """A data-modifying WITH changes the same table twice and fires its triggers once."""
    bins.execute("insert into bins values (1, 'n', 'a'), (2, 'n', 'b')")
    bins.execute(
        "with first as (update bins set label = 'A' where id = 1 returning id)"
        " update bins set label = 'B' from first where bins.id = 2"
    )
    assert sorted(key["id"] for key in changes(bins, "bins", "key")[2:]) == [1, 2]
