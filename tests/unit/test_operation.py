"""What each warehouse is told of a change, as ready JSON."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import OTHER_WAREHOUSE, ROW, USER, WAREHOUSE, a_change

from floorcast.change import GRANTS, POLICY, TRACKED, Change
from floorcast.operation import EVERYWHERE, Operation, PersonTable, departure, operations_in, operations_of, told


def body_of(operation: Operation, tick: int = 12) -> bytes:
    """What somebody is told who sees all of it."""
    old = operation.old if operation.by == "delete" else None
    return told(tick, operation, op=operation.op, new=operation.new, old=old)


def told_of(change: Change) -> list[tuple[str, dict[str, Any]]]:
    """Warehouse and parsed body of each operation."""
    return [(operation.warehouse, orjson.loads(body_of(operation))) for operation in operations_of(change)]


def facts_of(change: Change) -> list[tuple[str, dict[str, Any]]]:
    """Place and fact of each operation that gateways follow."""
    return [(operation.warehouse, orjson.loads(operation.new or b"")) for operation in operations_of(change)]


def test_an_insert_enters_its_warehouse_with_the_whole_row() -> None:
    """`new` is what the trigger wrote."""
    change = a_change(op="insert", n=3)
    assert told_of(change) == [
        (
            WAREHOUSE,
            {
                "position": "12-3",
                "op": "enter",
                "by": "insert",
                "table": "work_orders",
                "key": {"id": ROW},
                "new": orjson.loads(change.new or ""),
                "actor": USER,
                "at": change.at,
            },
        )
    ]


def test_an_update_brings_the_new_row_only() -> None:
    """The old one is for the audit, not for screens."""
    ((warehouse, body),) = told_of(a_change())
    assert (warehouse, body["op"], body["by"]) == (WAREHOUSE, "update", "update")
    assert body["new"]["status"] == "in_progress"
    assert "old" not in body


def test_a_delete_leaves_with_the_row_that_was() -> None:
    """Whoever saw it may see what is gone."""
    ((warehouse, body),) = told_of(a_change(op="delete"))
    assert (warehouse, body["op"], body["by"]) == (WAREHOUSE, "leave", "delete")
    assert body["old"]["status"] == "open"
    assert "new" not in body


def test_a_move_leaves_one_warehouse_with_its_key_only_and_enters_the_other() -> None:
    """The old side must forget the row and may not learn what it became."""
    left, entered = told_of(a_change(warehouse=OTHER_WAREHOUSE, old_warehouse=WAREHOUSE))
    assert left[0] == WAREHOUSE
    assert (left[1]["op"], left[1]["by"], left[1]["key"]) == ("leave", "update", {"id": ROW})
    assert not {"new", "old"} & left[1].keys()
    assert entered[0] == OTHER_WAREHOUSE
    assert (entered[1]["op"], entered[1]["by"]) == ("enter", "update")
    assert entered[1]["new"]["warehouse_id"] == OTHER_WAREHOUSE
    assert left[1]["position"] == entered[1]["position"]


def test_a_row_that_moves_out_of_every_warehouse_only_leaves() -> None:
    """Nobody may see it where it is now."""
    ((warehouse, body),) = told_of(a_change(warehouse=None, old_warehouse=WAREHOUSE))
    assert (warehouse, body["op"]) == (WAREHOUSE, "leave")
    assert "new" not in body


def test_a_row_that_is_retired_leaves_with_its_key_only() -> None:
    """It is hidden from now on, so what it became is not told."""
    ((warehouse, body),) = told_of(a_change(retired=True))
    assert (warehouse, body["op"], body["by"], body["key"]) == (WAREHOUSE, "leave", "update", {"id": ROW})
    assert not {"new", "old"} & body.keys()


def test_a_row_that_is_restored_enters_whole() -> None:
    """Whoever was told that it left has nothing of it."""
    ((warehouse, body),) = told_of(a_change(old_retired=True))
    assert (warehouse, body["op"], body["by"]) == (WAREHOUSE, "enter", "update")
    assert body["new"]["status"] == "in_progress"


@pytest.mark.parametrize(
    "change",
    [
        a_change(retired=True, old_retired=True),
        a_change(op="insert", retired=True),
        a_change(op="delete", old_retired=True),
        a_change(warehouse=OTHER_WAREHOUSE, old_warehouse=WAREHOUSE, retired=True, old_retired=True),
    ],
    ids=["changed", "born", "deleted", "moved"],
)
def test_what_happens_to_a_retired_row_is_told_to_nobody(change: Change) -> None:
    """Nobody sees it."""
    assert told_of(change) == []


def test_a_row_that_moves_and_is_retired_or_restored_is_told_on_the_side_that_sees_it() -> None:
    """The other side never had it."""
    moved: dict[str, Any] = {"warehouse": OTHER_WAREHOUSE, "old_warehouse": WAREHOUSE}
    assert [(warehouse, body["op"]) for warehouse, body in told_of(a_change(**moved, retired=True))] == [
        (WAREHOUSE, "leave")
    ]
    assert [(warehouse, body["op"]) for warehouse, body in told_of(a_change(**moved, old_retired=True))] == [
        (OTHER_WAREHOUSE, "enter")
    ]


@pytest.mark.parametrize("op", ["insert", "update", "delete"])
def test_a_row_without_warehouse_is_told_to_nobody(op: str) -> None:
    """There is no topic for it."""
    assert told_of(a_change(op=op, warehouse=None)) == []


def test_row_texts_are_spliced_as_they_are() -> None:
    """Parsing would make 183.0500 into 183.05, and 2^53 + 1 into something else."""
    row = '{"cost":183.0500,"serial":9007199254740993,"note":"caf\u00e9 \\u0041 \\"x\\""}'
    (operation,) = operations_of(a_change(new=row))
    assert row.encode() in body_of(operation)


@given(table=st.text(), actor=st.text(), at=st.text())
def test_names_are_escaped(table: str, actor: str, at: str) -> None:
    """An actor is whatever a token said, a table whatever somebody named it."""
    ((_, body),) = told_of(a_change(table=f"x{table}", actor=actor, at=at))
    assert (body["table"], body["actor"], body["at"]) == (f"x{table}", actor, at)


def a_grant(op: str, role: str = "technician") -> Change:
    """A change of the grants table."""
    row = orjson.dumps({"user_id": USER, "warehouse": WAREHOUSE, "role": role}).decode()
    return a_change(op=op, table=GRANTS, old=None if op == "insert" else row, new=None if op == "delete" else row)


@pytest.mark.parametrize("op", ["insert", "update"])
def test_a_grant_says_the_role_from_now_on(op: str) -> None:
    """Gateways need nothing else of it."""
    ((warehouse, body),) = facts_of(a_grant(op, "manager"))
    was = None if op == "insert" else "manager"
    assert (warehouse, body) == (WAREHOUSE, {"user": USER, "role": "manager", "was": was})


def test_a_withdrawn_grant_has_no_role() -> None:
    """The role that it had does not matter any more."""
    ((warehouse, body),) = facts_of(a_grant("delete"))
    assert (warehouse, body["user"], body["role"]) == (WAREHOUSE, USER, None)


def _told_of(*changes: Change) -> list[tuple[str, str]]:
    """Warehouse and op of everything that a tick of these tells."""
    return [(operation.warehouse, operation.op) for operation in operations_in(changes)]


def test_a_warehouse_that_a_row_only_passed_through_is_told_nothing() -> None:
    """No committed state ever showed the row there, so nobody there could have read it."""
    away = a_change(n=1, warehouse="b", old_warehouse="a")
    back = a_change(n=2, warehouse="a", old_warehouse="b")
    assert _told_of(away, back) == [("a", "leave"), ("a", "enter")]
    born = a_change(n=1, op="insert", warehouse="a")
    assert _told_of(born, away) == [("b", "enter")]
    on = a_change(n=2, warehouse="c", old_warehouse="b")
    gone = a_change(n=3, op="delete", warehouse="c")
    assert _told_of(away, on, gone) == [("a", "leave")]
    assert _told_of(born, away, on, gone) == []


def test_a_warehouse_through_which_a_row_passed_unseen_is_told_nothing() -> None:
    """It was retired before or after, so only one end of the transaction ever showed it."""
    restored = a_change(n=1, warehouse="a", old_retired=True)
    away = a_change(n=2, warehouse="b", old_warehouse="a")
    assert _told_of(restored, away) == [("b", "enter")]
    retired = a_change(n=3, warehouse="b", retired=True)
    assert _told_of(away, retired) == [("a", "leave")]
    assert _told_of(restored, away, retired) == []


def test_committed_moves_are_told_one_by_one() -> None:
    """Between two transactions the row was there for everybody to read."""
    away = a_change(n=1, xid="1", warehouse="b", old_warehouse="a")
    back = a_change(n=2, xid="2", warehouse="a", old_warehouse="b")
    assert _told_of(away, back) == [("a", "leave"), ("b", "enter"), ("b", "leave"), ("a", "enter")]


def test_a_row_that_never_moved_is_told_in_every_state() -> None:
    """What came and went inside one transaction was its own warehouse's."""
    born, gone = a_change(n=1, op="insert"), a_change(n=2, op="delete")
    assert _told_of(born, gone) == [(WAREHOUSE, "enter"), (WAREHOUSE, "leave")]


def _tracking(op: str = "insert", **row: Any) -> Change:
    """A change of the table of tracked tables."""
    row = {"table_name": "lathes", "key_columns": ["id"], "warehouse_column": "warehouse_id", **row}
    texts = {"old" if op == "delete" else "new": orjson.dumps(row).decode()}
    key = orjson.dumps({"table_name": row["table_name"]}).decode()
    return a_change(**{"table": TRACKED, "op": op, "key": key, "warehouse": None, "new": None, "old": None, **texts})


def test_gateways_are_told_which_tables_are_tracked_except_ours() -> None:
    """`floorcast.grants` is followed, not sent; nobody may come to take it for a table that is."""
    ((place, body),) = facts_of(_tracking(scope="warehouse"))
    assert (place, body) == (EVERYWHERE, {"table": "lathes", "tracked": True, "person": None, "anew": False})
    ((_, body),) = facts_of(_tracking("delete", scope="person"))
    assert body == {"table": "lathes", "tracked": False, "person": None, "anew": False}
    assert facts_of(_tracking(table_name="floorcast.grants")) == []
    assert operations_of(a_change(table="floorcast.policies")) == ()


@pytest.mark.parametrize(("column", "is_key"), [("id", True), ("user_id", False)])
def test_gateways_are_told_which_rows_are_about_a_person(column: str, is_key: bool) -> None:  # noqa: FBT001
    """A row that is a person, or one that only names a person."""
    ((_, body),) = facts_of(_tracking(scope="person", warehouse_column=column))
    assert PersonTable(*body["person"]) == PersonTable(column, is_key)


def test_a_person_who_may_not_be_there_any_more_leaves_by_the_key() -> None:
    """At the place of the withdrawal, in its actor's name."""
    (grant,) = operations_of(a_grant("delete"))
    leaving = departure(grant, "users", {"id": USER})
    assert (leaving.n, leaving.table, leaving.warehouse) == (grant.n, "users", WAREHOUSE)
    assert orjson.loads(body_of(leaving)) == {
        "position": "12-1",
        "op": "leave",
        "by": "update",
        "table": "users",
        "key": {"id": USER},
        "actor": USER,
        "at": a_change().at,
    }


@pytest.mark.parametrize("table", sorted(POLICY))
def test_gateways_are_told_every_rule_wherever_they_are(table: str) -> None:
    """Key and row as they were written; none when the rule is gone."""
    key, row = '{"table_name":"orders"}', '{"table_name":"orders","roles":["manager"]}'
    (operation,) = operations_of(a_change(table=table, op="update", key=key, new=row, warehouse=None))
    assert (operation.table, operation.warehouse) == (table, EVERYWHERE)
    assert orjson.loads(operation.new or b"") == {"key": orjson.loads(key), "new": orjson.loads(row)}
    (gone,) = operations_of(a_change(table=table, op="delete", key=key, old=row, warehouse=None))
    assert orjson.loads(gone.new or b"") == {"key": orjson.loads(key), "new": None}


PLACES = ("a", "b", "organization:o", None)
Row = tuple[str | None, bool, int]
"""Where it is, whether it is retired, and a value."""

steps = st.lists(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["put", "delete"]), st.sampled_from(PLACES), st.booleans()),
        min_size=1,
        max_size=5,
    ),
    max_size=6,
)


def _changes_of(rows: dict[int, Row], xid: int, todo: list[tuple[int, str, str | None, bool]]) -> list[Change]:
    """Carry out a transaction on rows, and return what capture would write."""
    made: list[Change] = []
    for key, what, place, retired in todo:
        old, new = rows.pop(key, None), None
        if what == "put":
            # A row that comes from no warehouse looks like one that did not move: the trail has no word for it.
            stays = old is not None and old[0] is None
            new = rows[key] = (None if stays else place, retired, xid * 100 + len(made))
        if old is None and new is None:
            continue
        now: Row = new or old or (None, False, 0)
        moved = old is not None and new is not None and old[0] != new[0]
        made.append(
            a_change(
                n=xid * 100 + len(made),
                xid=str(xid),
                op="insert" if old is None else "delete" if new is None else "update",
                key=f'{{"id":{key}}}',
                warehouse=now[0],
                old_warehouse=old[0] if moved and old is not None else None,
                old=None if old is None else str(old[2]),
                new=None if new is None else str(new[2]),
                retired=new is not None and new[1],
                old_retired=old is not None and old[1],
            )
        )
    return made


@given(steps)
def test_whoever_follows_a_place_holds_what_can_be_seen_there(
    transactions: list[list[tuple[int, str, str | None, bool]]],
) -> None:
    """After each transaction, for each place, against a table that is a dictionary; and leaves find what they end."""
    rows: dict[int, Row] = {}
    held: dict[str, dict[int, int]] = {}
    for xid, todo in enumerate(transactions, 1):
        changes = _changes_of(rows, xid, todo)
        before = {place: dict(seen) for place, seen in held.items()}
        for operation in operations_in(changes):
            seen = held.setdefault(operation.warehouse, {})
            key = orjson.loads(operation.key)["id"]
            assert (key in seen) == (operation.op != "enter"), operation
            # What was seen before is what filters and owners are asked about.
            assert operation.old is None or int(operation.old) == seen[key], operation
            if operation.new is None:
                del seen[key]
            else:
                seen[key] = int(operation.new)
        for place in ("a", "b", "organization:o"):
            visible = {key: value for key, (where, retired, value) in rows.items() if where == place and not retired}
            assert held.get(place, {}) == visible, (place, before)
    assert held.keys() <= {"a", "b", "organization:o"}
