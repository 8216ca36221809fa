"""Work order numbers: per organization, never twice, and never a reason to wait."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, Plant, acting_as, add_order, add_warehouse, connect, value


def number(connection: Connection, warehouse: object, **columns: object) -> str:
    """The number of a new order."""
    order = add_order(connection, warehouse, **columns)  # type: ignore[arg-type]
    text: str = value(connection, "select number from public.work_orders where id = %s", order)
    return text


def test_orders_are_numbered_within_their_organization(owner: Connection, plant: Plant) -> None:
    """Warehouses of one organization share a row of numbers; another organization has its own."""
    other = value(owner, "insert into public.organizations (name) values ('Other') returning id")
    abroad = add_warehouse(owner, other, "Abroad")
    year = value(owner, "select to_char(now() at time zone 'UTC', 'YYYY')")

    assert number(owner, plant.north) == f"WO-{year}-000001"
    assert number(owner, plant.south) == f"WO-{year}-000002"
    assert number(owner, abroad) == f"WO-{year}-000001"


def test_the_year_is_that_of_the_order(owner: Connection, plant: Plant) -> None:
    """History that is loaded late keeps its year."""
    assert number(owner, plant.north, created_at="2004-07-01").startswith("WO-2004-")


def test_a_number_that_is_given_is_kept_and_unique(owner: Connection, plant: Plant) -> None:
    """Orders from elsewhere keep the name that people know."""
    assert number(owner, plant.north, number="EX-77") == "EX-77"
    with pytest.raises(psycopg.errors.UniqueViolation, match="used_once_in_an_organization"):
        number(owner, plant.south, number="EX-77")


def test_people_give_no_numbers(owner: Connection, service: Connection, plant: Plant) -> None:
    """Who took those that come next would keep the whole organization from opening orders."""
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        acting_as(service, plant.people["requester"]),
    ):
        add_order(service, plant.north, number="WO-2026-000001")
    add_order(owner, plant.north)
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        acting_as(service, plant.people["admin"]),
    ):
        service.execute("update public.work_orders set number = 'WO-2026-000002'")


def test_numbers_grow_past_six_digits(owner: Connection, plant: Plant) -> None:
    """The millionth order is not cut to somebody else's number."""
    sequence = value(owner, "select floorcast.work_order_sequence(%s)::text", plant.organization)
    owner.execute("select setval(%s, 999999)", [sequence])

    assert number(owner, plant.north).endswith("-1000000")


def test_concurrent_writers_get_different_numbers(database: Database, owner: Connection, plant: Plant) -> None:
    """Eight at once, twenty orders each."""
    together = threading.Barrier(8)

    def write() -> None:
        with connect(database.owner_url) as connection:
            together.wait()
            for _ in range(20):
                add_order(connection, plant.north)

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(write) for _ in range(8)]:
            future.result()

    assert value(owner, "select count(distinct number) from public.work_orders") == 160


def test_an_open_transaction_keeps_nobody_from_opening_an_order(
    database: Database, owner: Connection, plant: Plant
) -> None:
    """A transaction that stays open delays itself only; one that rolls back leaves a gap."""
    with connect(database.owner_url) as slow:
        with slow.transaction(force_rollback=True):
            first = number(slow, plant.north)
            owner.execute("set lock_timeout = '2s'")
            second = number(owner, plant.north)
        third = number(owner, plant.north)

    assert [text[-1] for text in (first, second, third)] == ["1", "2", "3"]


def test_an_organization_that_lost_its_sequence_goes_on_after_its_largest_number(
    owner: Connection, plant: Plant
) -> None:
    """A restored organization brings orders along and no sequence."""
    first = number(owner, plant.north, number="WO-2020-000041")
    sequence = value(owner, "select floorcast.work_order_sequence(%s)::text", plant.organization)
    owner.execute(f"drop sequence {sequence}".encode())

    assert first == "WO-2020-000041"
    assert number(owner, plant.north).endswith("-000042")


def test_an_order_in_a_warehouse_that_is_not_there_is_refused_with_a_sentence(owner: Connection) -> None:
    """Not with a missing column that the client never heard of."""
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="there is no warehouse"):
        add_order(owner, uuid4())
