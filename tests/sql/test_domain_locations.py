"""Where stock lies: what a location holds is the sum of what lies there, and never more than fits."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, Plant, acting_as, add_part, connect, take, value, wait_until_blocked

WRONG = """
select l.name, l.current_usage, lying.quantity
from public.inventory_locations as l
cross join lateral (
    select coalesce(sum(i.quantity), 0) as quantity
    from public.inventory_items as i
    where i.location_id = l.id and i.deleted_at is null
) as lying
where l.current_usage <> lying.quantity or l.current_usage > l.capacity
"""


def add_location(connection: Connection, warehouse: UUID, name: str = "A-01", capacity: object = None) -> UUID:
    """A location; returns the key."""
    key: UUID = value(
        connection,
        "insert into public.inventory_locations (warehouse_id, name, capacity) values (%s, %s, %s) returning id",
        warehouse,
        name,
        capacity,
    )
    return key


def put(connection: Connection, part: UUID, location: UUID | None) -> None:
    """Put all there is of a part into a location; None: it has no place of its own."""
    connection.execute("update public.inventory_items set location_id = %s where id = %s", [location, part])


def usage(connection: Connection, location: UUID) -> float:
    """What a location says it holds."""
    return float(value(connection, "select current_usage from public.inventory_locations where id = %s", location))


def receive(connection: Connection, part: UUID, quantity: object) -> None:
    """Book a receipt."""
    connection.execute(
        "insert into public.inventory_transactions (item_id, transaction_type, quantity) values (%s, 'receipt', %s)",
        [part, quantity],
    )


def retire_with_stock(connection: Connection, part: UUID, quantity: int) -> None:
    """Retire a part when nothing of it is left, and load stock of it afterwards, as only a server can."""
    for query in (
        "update public.inventory_items set quantity = 0 where id = %(part)s",
        "select floorcast.retire('public.inventory_items', %(part)s)",
        "update public.inventory_items set quantity = %(quantity)s where id = %(part)s",
    ):
        connection.execute(query.encode(), {"part": part, "quantity": quantity})


@pytest.fixture
def shelf(owner: Connection, plant: Plant) -> UUID:
    """A location in north, where the plant's ten pieces lie and twelve fit."""
    shelf = add_location(owner, plant.north, "Shelf", 12)
    put(owner, plant.part, shelf)
    return shelf


def test_what_lies_there_is_counted_with_every_movement(owner: Connection, plant: Plant, shelf: UUID) -> None:
    """Placed, taken, received, promised: only what changes the quantity changes the shelf."""
    assert usage(owner, shelf) == 10
    take(owner, plant.part, 4)
    assert usage(owner, shelf) == 6
    receive(owner, plant.part, "0.5")
    assert usage(owner, shelf) == 6.5
    owner.execute("update public.inventory_items set name = 'Bearing'")
    owner.execute("update public.inventory_items set quantity = 0 where false")
    assert usage(owner, shelf) == 6.5


def test_what_is_put_elsewhere_leaves_its_room(owner: Connection, plant: Plant, shelf: UUID) -> None:
    """From one place to another, to none, and back; two that change places in one statement."""
    bin_ = add_location(owner, plant.north, "Bin", 12)
    other = add_part(owner, plant.north, 3, "Seal")
    put(owner, other, bin_)
    owner.execute(
        "update public.inventory_items set location_id = case location_id when %(a)s then %(b)s::uuid else %(a)s end",
        {"a": shelf, "b": bin_},
    )
    assert (usage(owner, shelf), usage(owner, bin_)) == (3, 10)

    put(owner, plant.part, None)
    assert (usage(owner, shelf), usage(owner, bin_)) == (3, 0)


def test_items_come_and_go(owner: Connection, plant: Plant, shelf: UUID) -> None:
    """Inserted in its place, deleted from it, retired and restored."""
    owner.execute(
        "insert into public.inventory_items (warehouse_id, name, quantity, location_id) values (%s, 'Seal', 2, %s)",
        [plant.north, shelf],
    )
    assert usage(owner, shelf) == 12
    owner.execute("delete from public.inventory_items where name = 'Seal'")
    assert usage(owner, shelf) == 10

    retire_with_stock(owner, plant.part, 10)
    assert usage(owner, shelf) == 0
    owner.execute("select floorcast.restore('public.inventory_items', %s)", [plant.part])
    assert usage(owner, shelf) == 10


def test_what_does_not_fit_is_refused_with_the_figures(owner: Connection, plant: Plant, shelf: UUID) -> None:
    """The error is what a clerk needs to read, and nothing is booked."""
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        receive(owner, plant.part, 3)

    assert refused.value.diag.message_primary == 'location "Shelf" has no room: 2 of 12 free, 3 wanted'
    assert refused.value.diag.constraint_name == "what_lies_in_a_location_fits"
    assert refused.value.diag.message_hint is not None
    assert usage(owner, shelf) == 10
    assert value(owner, "select quantity from public.inventory_items") == 10
    assert value(owner, "select count(*) from public.inventory_transactions") == 0


def test_each_way_in_is_refused_when_it_is_full(owner: Connection, plant: Plant, shelf: UUID) -> None:
    """Placing, inserting, restoring; and a capacity below what lies there."""
    other = add_part(owner, plant.north, 3, "Seal")
    with pytest.raises(psycopg.errors.CheckViolation, match="2 of 12 free, 3 wanted"):
        put(owner, other, shelf)
    with pytest.raises(psycopg.errors.CheckViolation, match="2 of 12 free, 4 wanted"):
        owner.execute(
            "insert into public.inventory_items (warehouse_id, name, quantity, location_id)"
            " select %s, 'x', 2, %s from generate_series(1, 2)",
            [plant.north, shelf],
        )
    retire_with_stock(owner, plant.part, 10)
    put(owner, other, shelf)
    with pytest.raises(psycopg.errors.CheckViolation, match="9 of 12 free, 10 wanted"):
        owner.execute("select floorcast.restore('public.inventory_items', %s)", [plant.part])
    with pytest.raises(psycopg.errors.CheckViolation, match="what_lies_in_a_location_fits"):
        owner.execute("update public.inventory_locations set capacity = 2")


def test_one_location_that_is_full_books_nothing_of_the_others(owner: Connection, plant: Plant, shelf: UUID) -> None:
    """All of a statement or nothing; one without a limit takes what comes."""
    endless = add_location(owner, plant.north, "Yard")
    other = add_part(owner, plant.north, 1, "Gravel")
    put(owner, other, endless)
    query = (
        "insert into public.inventory_transactions (item_id, transaction_type, quantity)"
        " values (%s, 'receipt', 1000), (%s, 'receipt', %s)"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match='"Shelf" has no room'):
        owner.execute(query.encode(), [other, plant.part, 3])
    assert (usage(owner, endless), usage(owner, shelf)) == (1, 10)

    owner.execute(query.encode(), [other, plant.part, 2])
    assert (usage(owner, endless), usage(owner, shelf)) == (1001, 12)


def test_what_it_holds_is_nobodys_to_write(owner: Connection, service: Connection, plant: Plant, shelf: UUID) -> None:
    """A clerk is refused; what a server says is put back, also for a new location."""
    with acting_as(service, plant.people["inventory_clerk"]):
        service.execute("update public.inventory_locations set capacity = 20 where id = %s", [shelf])
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["inventory_clerk"]):
        service.execute("update public.inventory_locations set current_usage = 0")

    owner.execute("update public.inventory_locations set current_usage = 1")
    assert usage(owner, shelf) == 10
    owner.execute(
        "insert into public.inventory_locations (warehouse_id, name, current_usage) values (%s, 'New', 5)",
        [plant.north],
    )
    assert value(owner, "select current_usage from public.inventory_locations where name = 'New'") == 0


def test_nothing_lies_in_another_warehouse(owner: Connection, plant: Plant, shelf: UUID) -> None:
    """Neither by placing it there nor by moving the item or the location."""
    there = add_location(owner, plant.south)
    for statement, parameters in (
        ("update public.inventory_items set location_id = %s", [there]),
        ("update public.inventory_items set warehouse_id = %s", [plant.south]),
        ("update public.inventory_locations set warehouse_id = %s where id = '" + str(shelf) + "'", [plant.south]),
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="an_item_lies_in_a_location_of_its_warehouse"):
            owner.execute(statement.encode(), parameters)


def test_only_an_empty_location_is_retired_and_nothing_is_put_there_afterwards(
    owner: Connection, service: Connection, plant: Plant, shelf: UUID
) -> None:
    """An empty box is something, too."""
    box = add_part(owner, plant.north, 0, "Empty box")
    put(owner, box, shelf)
    retire = "select floorcast.retire('public.inventory_locations', %s)"
    with pytest.raises(
        psycopg.errors.RestrictViolation, match='"Shelf" is not empty: "Bearing 6204" lies there, and 1 more'
    ):
        owner.execute(retire.encode(), [shelf])
    put(owner, plant.part, None)
    with pytest.raises(psycopg.errors.RestrictViolation, match='"Empty box" lies there\n'):
        owner.execute(retire.encode(), [shelf])
    put(owner, box, None)
    with acting_as(service, plant.people["manager"]):
        service.execute(retire.encode(), [shelf])

    for part in (box, plant.part):
        with pytest.raises(psycopg.errors.CheckViolation, match='location "Shelf" is retired'):
            put(owner, part, shelf)
    add_location(owner, plant.north, "Shelf")


def test_who_retires_a_location_waits_for_who_puts_something_there(
    database: Database, owner: Connection, plant: Plant
) -> None:
    """Neither misses the other."""
    empty = add_location(owner, plant.north)
    with (
        connect(database.owner_url) as clerk,
        connect(database.owner_url) as manager,
        ThreadPoolExecutor(1) as pool,
    ):
        with clerk.transaction():
            put(clerk, plant.part, empty)
            waiting = pool.submit(
                manager.execute, b"select floorcast.retire('public.inventory_locations', %s)", [empty]
            )
            wait_until_blocked(database.owner_url, manager)
        with pytest.raises(psycopg.errors.RestrictViolation, match="is not empty"):
            waiting.result()


def test_the_movement_is_captured_before_what_it_does_to_the_shelf(
    owner: Connection, plant: Plant, shelf: UUID
) -> None:
    """Transaction, item, location: causes before effects."""
    before = value(owner, "select max(seq) from floorcast.change")
    take(owner, plant.part, 1)

    rows = owner.execute("select table_name from floorcast.change where seq > %s order by seq", [before]).fetchall()
    assert [row["table_name"] for row in rows] == ["inventory_transactions", "inventory_items", "inventory_locations"]
    assert usage(owner, shelf) == 9


def test_many_writers_lose_no_change_and_do_not_deadlock(database: Database, owner: Connection, plant: Plant) -> None:
    """Eight writers move six parts that lie in three places, several in a statement and in every order."""
    shelves = [add_location(owner, plant.north, f"S{n}", 10_000) for n in range(3)]
    parts = [add_part(owner, plant.north, 100, f"part {n}") for n in range(6)]
    for n, part in enumerate(parts):
        put(owner, part, shelves[n % 3])
    together = threading.Barrier(8)

    def work(writer: int) -> None:
        with connect(database.owner_url) as connection:
            together.wait()
            for turn in range(25):
                chosen = [parts[(writer * 5 + turn * step) % 6] for step in (1, 2, 3)]
                kinds = ["receipt" if (writer + turn + n) % 2 else "issue" for n in range(3)]
                connection.execute(
                    b"insert into public.inventory_transactions (item_id, transaction_type, quantity)"
                    b" values (%s, %s, 1), (%s, %s, 2), (%s, %s, 1)",
                    [each for pair in zip(chosen, kinds, strict=True) for each in pair],
                )
                put(connection, chosen[0], shelves[(writer + turn) % 3])

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(work, writer) for writer in range(8)]:
            future.result()

    assert owner.execute(WRONG.encode()).fetchall() == []
    moved = value(owner, "select sum(stock_change) from public.inventory_transactions")
    assert value(owner, "select sum(current_usage) from public.inventory_locations") == 600 + moved


def test_of_many_who_want_the_last_room_as_many_get_it_as_there_is(
    database: Database, owner: Connection, plant: Plant
) -> None:
    """Sixteen deliveries of one piece for a shelf with room for ten."""
    shelf = add_location(owner, plant.north, "Shelf", 10)
    parts = [add_part(owner, plant.north, 0, f"part {n}") for n in range(16)]
    for part in parts:
        put(owner, part, shelf)
    together = threading.Barrier(16)

    def deliver(part: UUID) -> int:
        with connect(database.owner_url) as connection:
            together.wait()
            try:
                receive(connection, part, 1)
            except psycopg.errors.CheckViolation as refused:
                assert "has no room" in str(refused)  # noqa: PT017 - the winners of the race are not known before
                return 0
            return 1

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(deliver, parts)) == 10
    assert usage(owner, shelf) == 10


PLACES = st.sampled_from([None, 0, 1, 2])
ITEMS = st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), ITEMS, PLACES),
        st.tuples(st.just("swap"), PLACES, PLACES),
        st.tuples(st.just("count"), ITEMS, st.integers(0, 9)),
        st.tuples(st.just("book"), st.lists(st.tuples(ITEMS, st.integers(-4, 4)), min_size=1, max_size=4), st.none()),
        st.tuples(st.just("retire"), ITEMS, st.booleans()),
        st.tuples(st.just("delete"), ITEMS, st.none()),
        st.tuples(st.just("insert"), ITEMS, PLACES),
        st.tuples(st.just("limit"), st.integers(0, 2), st.one_of(st.none(), st.integers(0, 20))),
        st.tuples(st.just("write"), st.integers(0, 2), st.integers(0, 20)),
    ),
    min_size=1,
    max_size=25,
)


def _do(connection: Connection, north: UUID, shelves: list[UUID], step: tuple[Any, Any, Any]) -> None:
    """One step of the property below; items are named by their number."""
    kind, one, two = step
    name = f"item {one}"
    place = shelves[two] if kind in ("put", "insert") and two is not None else None
    match kind:
        case "put":
            connection.execute("update public.inventory_items set location_id = %s where name = %s", [place, name])
        case "swap":
            a, b = (None if n is None else shelves[n] for n in (one, two))
            connection.execute(
                "update public.inventory_items set location_id = case when location_id is not distinct from %(a)s::uuid"
                " then %(b)s::uuid else %(a)s::uuid end where location_id is not distinct from %(a)s::uuid"
                " or location_id is not distinct from %(b)s::uuid",
                {"a": a, "b": b},
            )
        case "count":
            connection.execute("update public.inventory_items set quantity = %s where name = %s", [two, name])
        case "book":
            wanted = [(f"item {n}", change) for n, change in one if change]
            connection.cursor().executemany(
                "insert into public.inventory_transactions (item_id, transaction_type, quantity, reason)"
                " select id, 'adjustment', %s, 'count' from public.inventory_items where name = %s",
                [(change, item) for item, change in wanted],
            )
        case "retire":
            connection.execute(
                "update public.inventory_items set deleted_at = case when %(gone)s then now() end,"
                " quantity = case when %(gone)s then 0 else quantity end,"
                " reserved = case when %(gone)s then 0 else reserved end where name = %(name)s",
                {"gone": two, "name": name},
            )
        case "delete":
            connection.execute("delete from public.inventory_items where name = %s", [name])
        case "insert":
            connection.execute(
                "insert into public.inventory_items (warehouse_id, name, quantity, location_id) values (%s, %s, 3, %s)",
                [north, name, place],
            )
        case "limit":
            connection.execute("update public.inventory_locations set capacity = %s where id = %s", [two, shelves[one]])
        case "write":
            connection.execute(
                "update public.inventory_locations set current_usage = %s where id = %s", [two, shelves[one]]
            )


@given(steps=STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_the_sum_is_right(owner: Connection, plant: Plant, steps: list[tuple[Any, Any, Any]]) -> None:
    """The sum over the items is the oracle, after each statement; refused ones leave no trace."""
    refusals = (psycopg.errors.CheckViolation, psycopg.errors.ForeignKeyViolation)
    with owner.transaction(force_rollback=True):
        shelves = [add_location(owner, plant.north, f"L{n}", capacity) for n, capacity in enumerate((8, 20, None))]
        for n in range(4):
            add_part(owner, plant.north, 2, f"item {n}")
        for step in steps:
            try:
                with owner.transaction():
                    _do(owner, plant.north, shelves, step)
            except refusals:
                pass
            assert owner.execute(WRONG.encode()).fetchall() == [], step
