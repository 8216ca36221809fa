"""Stock follows the transactions, also when everybody wants the last piece."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, Plant, add_order, add_part, connect, take, value


def book(connection: Connection, item: UUID, *movements: tuple[str, object]) -> None:
    """Book movements of one item in one statement."""
    rows = ", ".join(["(%s, %s, %s, 'count')"] * len(movements))
    into = "insert into public.inventory_transactions (item_id, transaction_type, quantity, reason)"
    connection.execute(
        f"{into} values {rows}".encode(),
        [column for kind, quantity in movements for column in (item, kind, quantity)],
    )


def stock(connection: Connection, item: UUID) -> tuple[float, float]:
    """On hand and reserved."""
    row = connection.execute("select quantity, reserved from public.inventory_items where id = %s", [item]).fetchone()
    assert row is not None
    return float(row["quantity"]), float(row["reserved"])


@pytest.mark.parametrize(
    ("kind", "quantity", "expected"),
    [
        ("receipt", 3, (13, 0)),
        ("return", 3, (13, 0)),
        ("transfer_in", 3, (13, 0)),
        ("issue", 3, (7, 0)),
        ("transfer_out", 10, (0, 0)),
        ("adjustment", 2, (12, 0)),
        ("adjustment", -10, (0, 0)),
        ("reserve", 10, (10, 10)),
    ],
)
def test_each_type_moves_stock_its_way(
    owner: Connection, plant: Plant, kind: str, quantity: int, expected: tuple[int, int]
) -> None:
    """On hand and reserved after a movement of an item with ten pieces."""
    book(owner, plant.part, (kind, quantity))

    assert stock(owner, plant.part) == expected


def test_a_release_gives_back_what_was_reserved(owner: Connection, plant: Plant) -> None:
    """Reserved goes down, on hand stays."""
    book(owner, plant.part, ("reserve", 4))
    book(owner, plant.part, ("release", 3))

    assert stock(owner, plant.part) == (10, 1)


def test_an_issue_beyond_what_is_there_is_refused_with_the_figures(owner: Connection, plant: Plant) -> None:
    """The error is what a clerk needs to read, and nothing is booked."""
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        book(owner, plant.part, ("issue", 11))

    assert refused.value.diag.message_primary == 'not enough of "Bearing 6204": 10 piece available, 11 wanted'
    assert refused.value.diag.constraint_name == "stock_is_never_below_zero"
    assert refused.value.diag.message_hint is not None
    assert stock(owner, plant.part) == (10, 0)
    assert value(owner, "select count(*) from public.inventory_transactions") == 0


@pytest.mark.parametrize("kind", ["issue", "transfer_out", "reserve"])
def test_what_is_reserved_is_not_there_for_others(owner: Connection, plant: Plant, kind: str) -> None:
    """Available is what is on hand less what is reserved."""
    book(owner, plant.part, ("reserve", 8))

    with pytest.raises(psycopg.errors.CheckViolation, match="2 piece available, 3 wanted"):
        book(owner, plant.part, (kind, 3))
    book(owner, plant.part, (kind, 2))


def test_no_more_is_released_than_was_reserved(owner: Connection, plant: Plant) -> None:
    """Reserved does not fall below zero either."""
    book(owner, plant.part, ("reserve", 2))

    with pytest.raises(psycopg.errors.CheckViolation, match="2 piece reserved, 3 wanted"):
        book(owner, plant.part, ("release", 3))


def test_a_stock_take_may_find_less_than_was_promised_but_not_less_than_nothing(
    owner: Connection, plant: Plant
) -> None:
    """Shelves do not obey the books; after it nothing can be taken until it is settled."""
    book(owner, plant.part, ("reserve", 8))
    book(owner, plant.part, ("adjustment", -5))
    assert stock(owner, plant.part) == (5, 8)

    with pytest.raises(psycopg.errors.CheckViolation, match="-3 piece available, 1 wanted"):
        book(owner, plant.part, ("issue", 1))
    with pytest.raises(psycopg.errors.CheckViolation, match="5 piece on hand, 6 wanted"):
        book(owner, plant.part, ("adjustment", -6))


def test_a_statement_counts_as_a_whole(owner: Connection, plant: Plant) -> None:
    """What it brings it may take; a reservation is released and issued in one."""
    book(owner, plant.part, ("issue", 15), ("receipt", 5))
    assert stock(owner, plant.part) == (0, 0)

    book(owner, plant.part, ("receipt", 5))
    book(owner, plant.part, ("reserve", 5))
    book(owner, plant.part, ("release", 5), ("issue", 5))
    assert stock(owner, plant.part) == (0, 0)


@pytest.mark.parametrize("key", [UUID(int=0), UUID(int=2**128 - 1)])
def test_one_item_that_is_short_books_nothing_of_the_others(owner: Connection, plant: Plant, key: UUID) -> None:
    """All movements of a statement, or none, whichever item is looked at first."""
    other = add_part(owner, plant.north, 1, "Seal", key)
    with pytest.raises(psycopg.errors.CheckViolation, match='not enough of "Seal"'):
        owner.execute(
            "insert into public.inventory_transactions (item_id, transaction_type, quantity)"
            " values (%s, 'issue', 1), (%s, 'issue', 2)",
            [plant.part, other],
        )

    assert stock(owner, plant.part) == (10, 0)
    assert stock(owner, other) == (1, 0)


def test_of_many_writers_exactly_as_many_get_a_piece_as_there_are(
    database: Database, owner: Connection, plant: Plant
) -> None:
    """Sixteen writers want thirty-two of ten pieces: ten get one, and the books agree with the shelf."""
    together = threading.Barrier(16)

    def take_two() -> int:
        taken = 0
        with connect(database.owner_url) as connection:
            together.wait()
            for _ in range(2):
                try:
                    book(connection, plant.part, ("issue", 1))
                    taken += 1
                except psycopg.errors.CheckViolation as refused:
                    assert "available" in str(refused)  # noqa: PT017 - the winners of the race are not known before
        return taken

    with ThreadPoolExecutor(16) as pool:
        taken = sum(future.result() for future in [pool.submit(take_two) for _ in range(16)])

    assert taken == 10
    assert stock(owner, plant.part) == (0, 0)
    assert value(owner, "select sum(stock_change) from public.inventory_transactions") == -10


def test_a_writer_sees_what_another_took_while_it_waited(database: Database, owner: Connection, plant: Plant) -> None:
    """The second waits for the first, then counts what is left, not what it saw when it began."""
    with (
        connect(database.owner_url) as first,
        connect(database.owner_url) as second,
        ThreadPoolExecutor(1) as pool,
    ):
        with first.transaction():
            book(first, plant.part, ("issue", 8))
            waiting = pool.submit(book, second, plant.part, ("issue", 3))
            while value(owner, "select count(*) from pg_locks where not granted") == 0:
                pass
        with pytest.raises(psycopg.errors.CheckViolation, match="2 piece available, 3 wanted"):
            waiting.result()

    assert stock(owner, plant.part) == (2, 0)


def test_items_are_locked_in_the_order_of_their_keys(database: Database, owner: Connection, plant: Plant) -> None:
    """Whatever their order in the table and the statement: who waits for one holds none behind it, so no deadlock."""
    last, first = (add_part(owner, plant.north, 10, f"part {n}", UUID(int=n)) for n in (2, 1))
    lock = "select from public.inventory_items where id = %s for no key update nowait"
    query = (
        "insert into public.inventory_transactions (item_id, transaction_type, quantity)"
        " values (%s, 'issue', 1), (%s, 'issue', 1)"
    )
    with connect(database.owner_url) as writer, ThreadPoolExecutor(1) as pool:
        with owner.transaction():
            owner.execute(lock, [first])
            waiting = pool.submit(writer.execute, query.encode(), [last, first])
            while value(owner, "select count(*) from pg_locks where not granted") == 0:
                pass
            owner.execute(lock, [last])
        waiting.result()

    assert [stock(owner, part) for part in (first, last)] == [(9, 0), (9, 0)]


@pytest.mark.parametrize(
    "statement",
    ["update public.inventory_transactions set quantity = 2", "delete from public.inventory_transactions"],
)
def test_the_books_are_not_rewritten(owner: Connection, plant: Plant, statement: str) -> None:
    """Whoever booked along would never hear of it; the hint says what to do instead."""
    book(owner, plant.part, ("issue", 1))

    with pytest.raises(psycopg.errors.RestrictViolation, match="an inventory transaction is never") as refused:
        owner.execute(statement.encode())
    assert "further transaction" in str(refused.value.diag.message_hint)

    owner.execute((statement + " where false").encode())


def test_an_item_with_a_history_does_not_leave_its_warehouse(owner: Connection, plant: Plant) -> None:
    """Stock moves by a pair of transactions; the item's past stays where it happened."""
    book(owner, plant.part, ("issue", 1))

    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="a_transaction_is_in_the_warehouse_of_its_item"):
        owner.execute("update public.inventory_items set warehouse_id = %s", [plant.south])


def test_parts_are_taken_in_the_warehouse_of_the_order(owner: Connection, plant: Plant) -> None:
    """Else one could write into the timeline of a warehouse that is not one's own."""
    order = add_order(owner, plant.south)

    with pytest.raises(psycopg.errors.CheckViolation, match="not in the warehouse of the part"):
        take(owner, plant.part, 1, order)


def test_an_order_that_took_parts_still_moves(owner: Connection, plant: Plant) -> None:
    """Its parts stay in the books of the site that they were taken from."""
    order = add_order(owner, plant.north)
    take(owner, plant.part, 1, order)

    owner.execute("update public.work_orders set warehouse_id = %s where id = %s", [plant.south, order])

    assert value(owner, "select warehouse_id from public.inventory_transactions") == plant.north


@pytest.mark.parametrize(
    ("movement", "constraint"),
    [
        (("issue", 0, None), "a_transaction_moves_something"),
        (("issue", -1, None), "a_transaction_moves_something"),
        (("receipt", "NaN", None), "a_transaction_moves_something"),
        (("adjustment", 0, "count"), "a_transaction_moves_something"),
        (("adjustment", 1, None), "an_adjustment_has_a_reason"),
        (("adjustment", 1, " "), "an_adjustment_has_a_reason"),
        (("theft", 1, None), "a_transaction_has_a_known_type"),
    ],
)
def test_an_illegal_movement_is_refused_by_a_sentence(
    owner: Connection, plant: Plant, movement: tuple[object, ...], constraint: str
) -> None:
    """The name of the constraint says what is true of every row."""
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        owner.execute(
            "insert into public.inventory_transactions (item_id, transaction_type, quantity, reason)"
            " values (%s, %s, %s, %s)",
            [plant.part, *movement],
        )
