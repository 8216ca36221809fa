"""floorcast.as_of(): a table as it was, exactly, as far as the caller may see it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.pq import TransactionStatus
from tests.fixtures.postgres import Database
from tests.fixtures.tampering import by_force
from tests.sql.plant import Connection, Plant, acting_as, add_machine, add_order, connect, value

CLOSE = b"select floorcast.close_tick(2000, 1048576)"


def now(connection: Connection) -> Any:
    """The server's clock."""
    return value(connection, "select clock_timestamp()")


def cut(connection: Connection) -> Any:
    """Close a tick; returns a time at which it is the newest."""
    connection.execute(CLOSE)
    return now(connection)


def as_of(connection: Connection, table: str, at: object) -> list[str]:
    """Rows as text, sorted."""
    query = "select r::text as row from floorcast.as_of(%s::text::regclass, %s) as r"
    return sorted(row["row"] for row in connection.execute(query.encode(), [f"public.{table}", at]))


def names_of(connection: Connection, person: UUID | None, at: object, role: str = "authenticated") -> set[str]:
    """The machines that somebody sees as of a time."""
    query = "select r ->> 'name' as name from floorcast.as_of('public.equipment', %s) as r"
    with acting_as(connection, person, role):
        return {row["name"] for row in connection.execute(query.encode(), [at])}


def rows_now(connection: Connection) -> list[str]:
    """The table itself, which is the oracle."""
    return sorted(row["row"] for row in connection.execute(b"select row_to_json(b.*)::text as row from bins as b"))


step = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 4), st.sampled_from(["1.0", "1.00", "7"])),
    st.tuples(st.just("delete"), st.integers(0, 4), st.none()),
    st.tuples(st.just("rekey"), st.integers(0, 4), st.integers(0, 4)),
    st.tuples(st.just("swap"), st.none(), st.none()),
    st.tuples(st.just("nothing"), st.none(), st.none()),
)
# Who writes: the first commits each transaction at once; the second leaves one open until it is told to commit.
script = st.lists(
    st.one_of(
        st.tuples(st.just("first"), st.lists(step, min_size=1, max_size=4)),
        st.tuples(st.just("second"), st.lists(step, min_size=1, max_size=3)),
        st.tuples(st.sampled_from(["commit", "roll back", "savepoint", "tick"]), st.none()),
    ),
    max_size=14,
)


ENDS = {"commit": b"commit", "roll back": b"rollback", "savepoint": b"savepoint s"}


def write(connection: Connection, todo: tuple[str, Any, Any], offset: int) -> None:
    """One statement on the rows of one writer; the two never touch each other's."""
    what, key, detail = todo
    mine = "id between %(from)s and %(to)s"
    parameters = {"from": offset, "to": offset + 9, "key": offset + (key or 0), "detail": detail}
    if what == "put":
        connection.execute(
            "insert into bins (id, warehouse_id, weight) values (%(key)s, 'n', %(detail)s::text::numeric)"
            " on conflict (id) do update set weight = excluded.weight",
            parameters,
        )
    elif what == "delete":
        connection.execute("delete from bins where id = %(key)s", parameters)
    elif what == "rekey":
        parameters["detail"] = offset + detail
        connection.execute(
            "update bins set id = %(detail)s where id = %(key)s"
            " and not exists (select from bins as b where b.id = %(detail)s)",
            parameters,
        )
    elif what == "swap":
        connection.execute(f"update bins set label = coalesce(label, '') || 'x' where {mine}".encode(), parameters)
    else:
        connection.execute(f"update bins set label = label where {mine}".encode(), parameters)


def play(first: Connection, second: Connection, todo: list[tuple[str, Any]]) -> Iterator[tuple[Any, list[str]]]:
    """Carry a script out; yields each time at which a tick was cut, with the rows of that moment."""
    for what, steps in todo:
        is_open = second.info.transaction_status is not TransactionStatus.IDLE
        if what == "first":
            with first.transaction():
                for one in steps:
                    write(first, one, 0)
        elif what == "second":
            second.execute(b"" if is_open else b"begin")
            for one in steps:
                write(second, one, 100)
        elif what == "tick":
            yield cut(first), rows_now(first)
        elif is_open:
            second.execute(ENDS[what])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script)
# Open before a tick, behind which others committed, and committed after it.
@example([("second", [("put", 1, "7")]), ("first", [("put", 1, "7")]), ("tick", None), ("commit", None)])
# Gone and there again as it was; and a state that a transaction went through twice before it left it for good.
@example(
    [
        ("first", [("put", 1, "7")]),
        ("tick", None),
        ("first", [("delete", 1, None), ("put", 1, "7"), ("delete", 1, None)]),
    ]
)
@example(
    [
        ("first", [("put", 1, "7")]),
        ("tick", None),
        ("first", [("put", 1, "1.0"), ("put", 1, "7"), ("put", 1, "1.00")]),
        ("first", [("put", 1, "1.0")]),
    ]
)
# The same row again and again, also in one transaction, by several keys.
@example(
    [("first", [("put", 1, "1.0")]), ("tick", None), ("first", [("put", 1, "1.00"), ("rekey", 1, 2), ("put", 1, "7")])]
)
@example([("first", [("put", 1, "7")]), ("tick", None), ("first", [("put", 1, "1.0")]), ("first", [("put", 1, "7")])])
def test_every_past_is_what_it_was(bins: Connection, database: Database, todo: list[tuple[str, Any]]) -> None:
    """Whatever was written between two cuts, by transactions short and long; the table itself was asked then."""
    with connect(database.owner_url) as second:
        remembered = [(cut(bins), rows_now(bins)), *play(bins, second, todo)]
        # What only one's own open transaction did is not the past either.
        for session in (bins, second):
            for at, rows in remembered:
                assert as_of(session, "bins", at) == rows
        second.commit()
    for at, rows in remembered:
        assert as_of(bins, "bins", at) == rows


def test_a_row_that_a_statement_inside_a_statement_changed_is_what_it_was_before_both(bins: Connection) -> None:
    """The inner one is captured first, so the order of capture is not the order of what happened."""
    bins.execute(
        "create function again() returns trigger language plpgsql as $$ begin"
        " update public.bins set label = label || '!' where id = new.id and label not like '%!';"
        " return null; end $$"
    )
    bins.execute("create trigger again after update on bins for each row execute function again()")
    bins.execute("insert into bins values (1, 'n', 'a')")
    before = cut(bins)
    bins.execute("update bins set label = 'b'")
    cut(bins)
    assert '"label":"a"' in as_of(bins, "bins", before)[0]
    assert '"label":"b!"' in as_of(bins, "bins", now(bins))[0]


def test_between_two_cuts_it_is_the_earlier_one(bins: Connection) -> None:
    """What had committed and not been cut is not in it: a tick is one consistent state, a time is none."""
    bins.execute("insert into bins values (1, 'n')")
    between = now(bins)
    first = cut(bins)
    bins.execute("insert into bins values (2, 'n')")
    assert [len(as_of(bins, "bins", at)) for at in (between, first, now(bins))] == [0, 1, 1]
    assert len(as_of(bins, "bins", cut(bins))) == 2


def test_a_time_before_the_trail_is_refused(bins: Connection) -> None:
    """Nobody knows what was then, and an empty answer would be a lie."""
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="trail begins later") as refusal:
        as_of(bins, "bins", "2001-01-01T00:00:00Z")
    assert "It begins at" in (refusal.value.diag.message_hint or "")


@pytest.mark.parametrize("at", [None, "infinity", "-infinity"])
def test_what_is_no_time_is_refused(bins: Connection, at: str | None) -> None:
    """The newest rows would look like an answer, to whoever forgot a parameter."""
    cut(bins)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="that is no time") as refusal:
        as_of(bins, "bins", at)
    assert refusal.value.diag.message_hint


def test_a_time_before_a_table_was_tracked_is_refused(owner: Connection) -> None:
    """Its rows of today may have been others."""
    owner.execute("create table crates (id int primary key, warehouse_id text)")
    owner.execute("insert into crates values (1, 'n')")
    before = now(owner)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="not tracked"):
        as_of(owner, "crates", before)
    owner.execute("select floorcast.track('crates')")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="tracked since later"):
        as_of(owner, "crates", now(owner))
    after = cut(owner)
    assert len(as_of(owner, "crates", after)) == 1
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="tracked since later"):
        as_of(owner, "crates", before)
    # Meanwhile nobody wrote down what was done.
    owner.execute("select floorcast.untrack('crates')")
    owner.execute("delete from crates")
    owner.execute("select floorcast.track('crates')")
    cut(owner)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="tracked since later"):
        as_of(owner, "crates", after)


def test_after_a_cut_the_past_begins_there(bins: Connection) -> None:
    """A restore into another cluster: ticks before it speak of other transactions under the same numbers."""
    bins.execute("insert into bins values (1, 'n')")
    before = cut(bins)
    bins.execute(by_force("delete from floorcast.change"))
    bins.execute(
        "insert into floorcast.tick (tick, snapshot, count, bytes, seal)"
        " select max(tick) + 1, pg_current_snapshot(), 0, 0, sha256('cut') from floorcast.tick"
    )
    after = now(bins)
    bins.execute("delete from bins")
    assert len(as_of(bins, "bins", after)) == 1
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="trail begins later"):
        as_of(bins, "bins", before)
    assert value(bins, "select array_agg(tick) from floorcast.history('bins', '{\"id\": 1}')") == [None]
    cut(bins)
    assert value(bins, "select array_agg(tick) from floorcast.history('bins', '{\"id\": 1}')") == [3]


def test_the_past_is_under_the_access_of_today(owner: Connection, service: Connection, plant: Plant) -> None:
    """Each warehouse sees what was in it; of a row that has moved away, what it was here and not what it is there."""
    add_machine(owner, plant.south, "Crusher")
    first = cut(owner)
    owner.execute(
        "update public.equipment set warehouse_id = %s, name = 'Moved' where id = %s", [plant.south, plant.machine]
    )
    second = cut(owner)
    north, south = plant.people["viewer"], plant.stranger
    assert names_of(service, north, first) == {"Excavator"}
    assert names_of(service, south, first) == {"Crusher"}
    assert names_of(service, north, second) == set()
    assert names_of(service, south, second) == {"Crusher", "Moved"}
    assert names_of(service, None, first, "service_role") == {"Excavator", "Crusher"}
    owner.execute("update public.users set deleted_at = now() where id = %s", [south])
    assert names_of(service, south, second) == set()
    assert names_of(service, None, first) == set()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        names_of(service, None, first, "anon")


def test_a_row_that_was_retired_then_is_for_servers(owner: Connection, service: Connection, plant: Plant) -> None:
    """And one that is retired now is told as it was then."""
    seen, times = [], [cut(owner)]
    for statement in ("deleted_at = now()", "deleted_at = null"):
        owner.execute(f"update public.equipment set {statement}".encode())
        times.append(cut(owner))
    for at in times:
        people = names_of(service, plant.people["technician"], at)
        servers = names_of(service, None, at, "service_role")
        seen.append((len(people), len(servers)))
    assert seen == [(1, 1), (0, 1), (1, 1)]
    owner.execute("update public.equipment set deleted_at = now()")
    cut(owner)
    assert names_of(service, plant.people["technician"], times[0]) == {"Excavator"}


@pytest.mark.parametrize("changed", [True, False])
def test_hidden_columns_are_null_in_the_past_too(
    owner: Connection, service: Connection, plant: Plant, *, changed: bool
) -> None:
    """Whether the row comes from the trail or from the table; digits stay."""
    order = add_order(owner, plant.north, actual_cost="183.50")
    at = cut(owner)
    if changed:
        owner.execute("update public.work_orders set actual_cost = 99 where id = %s", [order])
    query = "select r ->> 'actual_cost' as cost from floorcast.as_of('public.work_orders', %s) as r"
    found = {}
    for role in ("technician", "manager"):
        with acting_as(service, plant.people[role]):
            found[role] = value(service, query, at)
    assert found == {"technician": None, "manager": "183.50"}


def test_a_person_sees_himself_as_he_was(owner: Connection, service: Connection, plant: Plant) -> None:
    """Colleagues without their contact data; without any access, himself alone."""
    query = "select r ->> 'id' as id, r ->> 'email' as email from floorcast.as_of('public.users', %s) as r"
    at = cut(owner)
    technician = plant.people["technician"]
    with acting_as(service, technician):
        rows = {row["id"]: row["email"] for row in service.execute(query.encode(), [at])}
    assert rows.keys() == {str(person) for person in plant.people.values()}
    assert [key for key, email in rows.items() if email is not None] == [str(technician)]
    owner.execute("delete from public.user_warehouse_access where user_id = %s", [technician])
    with acting_as(service, technician):
        rows = {row["id"]: row["email"] for row in service.execute(query.encode(), [at])}
    assert rows == {str(technician): f"{technician}@example.com"}


def test_a_past_is_written_as_capture_writes_whatever_the_session_says(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """Rows that were changed since and rows that were not look alike."""
    assert plant
    at = cut(owner)
    expected = as_of(owner, "equipment", at)
    for setting in ("timezone = 'Asia/Tokyo'", "datestyle = 'German'", "extra_float_digits = -5"):
        owner.execute(f"set {setting}".encode())
    assert as_of(owner, "equipment", at) == expected
    owner.execute("update public.equipment set name = 'x'")
    assert as_of(owner, "equipment", at) == expected
    assert service


def test_a_table_with_names_that_are_sql_is_read_as_any_other(owner: Connection) -> None:
    """Nothing of a name is ever run."""
    owner.execute('create table "t; drop table bins" ("$1" int, "t" text, "r""x" text, primary key ("$1", "t"))')
    owner.execute("""select floorcast.track('"t; drop table bins"', 'r"x')""")
    owner.execute("""insert into "t; drop table bins" values (1, '%s %I', 'n'), (2, 'b', null)""")
    at = cut(owner)
    owner.execute("""update "t; drop table bins" set "r""x" = 'm'""")
    assert as_of(owner, '"t; drop table bins"', at) == [
        '{"$1":1,"t":"%s %I","r\\"x":"n"}',
        '{"$1":2,"t":"b","r\\"x":null}',
    ]


def test_a_row_of_a_transaction_that_is_yet_to_come_was_never_so(owner: Connection, plant: Plant) -> None:
    """Somebody put it there by force, where no tick would miss it."""
    owner.execute(CLOSE)
    owner.execute(
        by_force(
            "insert into floorcast.change (xid, op, table_name, key, warehouse, actor, old, new)"
            " select '999999999999', 'update', table_name, key, warehouse, 'forged',"
            " json_build_object('name', 'FORGED'), new"
            f" from floorcast.change where table_name = 'equipment' and key ->> 'id' = '{plant.machine}'"
        )
    )
    query = "select r ->> 'name' as name from floorcast.as_of('public.equipment', clock_timestamp()) as r"
    with owner.transaction():
        owner.execute("update public.equipment set name = 'Mine' where id = %s", [plant.machine])
        assert [row["name"] for row in owner.execute(query.encode())] == ["Excavator"]
