"""Transfers between warehouses: a pair in one statement, or nothing."""

from uuid import UUID, uuid4

import psycopg
import pytest
from tests.sql.plant import Connection, Plant, acting_as, add_part, add_warehouse, value

TRANSFER = "select floorcast.transfer_stock(%s, %s, %s)"


@pytest.fixture
def there(owner: Connection, plant: Plant) -> UUID:
    """The same part in south, three pieces."""
    return add_part(owner, plant.south, 3)


@pytest.fixture
def clerk(owner: Connection, plant: Plant) -> UUID:
    """A clerk of both warehouses."""
    owner.execute(
        "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, 'inventory_clerk')",
        [plant.people["inventory_clerk"], plant.south],
    )
    return plant.people["inventory_clerk"]


def stock(owner: Connection, *parts: UUID) -> list[float]:
    """On hand of each."""
    query = "select quantity from public.inventory_items where id = %s"
    return [float(value(owner, query, part)) for part in parts]


def halves(owner: Connection) -> list[tuple[str, UUID, float, str, str | None]]:
    """What is booked: type, item, quantity, actor, reference."""
    rows = owner.execute("select * from public.inventory_transactions order by transaction_type desc").fetchall()
    return [
        (row["transaction_type"], row["item_id"], float(row["quantity"]), row["actor"], row["reference"])
        for row in rows
    ]


def test_a_transfer_books_both_halves_in_the_callers_name(
    owner: Connection, service: Connection, plant: Plant, there: UUID, clerk: UUID
) -> None:
    """Out here, in there, by one key that the caller gets back."""
    with acting_as(service, clerk):
        key = value(service, "select floorcast.transfer_stock(%s, %s, 4, 'note 7')", plant.part, there)

    assert stock(owner, plant.part, there) == [6, 7]
    assert halves(owner) == [
        ("transfer_out", plant.part, 4, str(clerk), "note 7"),
        ("transfer_in", there, 4, str(clerk), "note 7"),
    ]
    assert value(owner, "select array_agg(distinct transfer_id) from public.inventory_transactions") == [key]


def test_who_has_no_right_at_one_end_transfers_nothing(
    owner: Connection, service: Connection, plant: Plant, there: UUID
) -> None:
    """Whichever end it is; what he may not see is not there for him."""
    for part, other in ((plant.part, there), (there, plant.part)):
        with (
            pytest.raises(psycopg.errors.ForeignKeyViolation, match="or you may not see it"),
            acting_as(service, plant.people["inventory_clerk"]),
        ):
            service.execute(TRANSFER.encode(), [part, other, 1])

    owner.execute(
        "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, 'viewer')",
        [plant.people["inventory_clerk"], plant.south],
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["inventory_clerk"]):
        service.execute(TRANSFER.encode(), [plant.part, there, 1])
    assert stock(owner, plant.part, there) == [10, 3]
    assert halves(owner) == []


def test_more_than_there_is_moves_nothing(owner: Connection, plant: Plant, there: UUID) -> None:
    """Neither half is booked."""
    with pytest.raises(psycopg.errors.CheckViolation, match="not enough of"):
        owner.execute(TRANSFER.encode(), [plant.part, there, 11])
    for nonsense in (0, -1):
        with pytest.raises(psycopg.errors.CheckViolation, match="a_transaction_moves_something"):
            owner.execute(TRANSFER.encode(), [plant.part, there, nonsense])

    assert stock(owner, plant.part, there) == [10, 3]
    assert halves(owner) == []


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("here", "transfer_out", 2)], "it has only one of the two halves"),
        ([("there", "transfer_in", 2)], "it has only one of the two halves"),
        ([("here", "transfer_out", 2), ("there", "transfer_in", 3)], "what arrives is not as much as what leaves"),
        ([("here", "transfer_out", 2), ("beside", "transfer_in", 2)], "it begins and ends in the same warehouse"),
        ([("here", "transfer_out", 2), ("abroad", "transfer_in", 2)], "it leads into another organization"),
        ([("here", "transfer_out", 2), ("boxes", "transfer_in", 2)], "its items are counted in different units"),
    ],
)
def test_what_is_no_pair_is_refused_with_the_reason(
    owner: Connection, plant: Plant, there: UUID, rows: list[tuple[str, str, int]], reason: str
) -> None:
    """By the end of the statement both are there and fit, or nothing of it is booked; for servers too."""
    other = value(owner, "insert into public.organizations (name) values ('Other') returning id")
    parts = {
        "here": plant.part,
        "there": there,
        "beside": add_part(owner, plant.north, 1, "beside"),
        "abroad": add_part(owner, add_warehouse(owner, other, "Abroad"), 1),
        "boxes": add_part(owner, plant.south, 1, "boxes"),
    }
    owner.execute("update public.inventory_items set unit = 'box' where name = 'boxes'")
    values = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
    transfer = uuid4()
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        owner.execute(
            "insert into public.inventory_transactions (item_id, transaction_type, quantity, transfer_id)"
            f" values {values}".encode(),
            [column for part, kind, quantity in rows for column in (parts[part], kind, quantity, transfer)],
        )

    assert refused.value.diag.message_primary == f"transfer {transfer} is not a pair: {reason}"
    assert "floorcast.transfer_stock" in str(refused.value.diag.message_hint)
    assert halves(owner) == []


def test_a_transfer_is_not_booked_twice(owner: Connection, plant: Plant, there: UUID) -> None:
    """Who books it again, because the answer to the first attempt was lost, is refused."""
    book = (
        "insert into public.inventory_transactions (item_id, transaction_type, quantity, transfer_id)"
        " values (%(a)s, 'transfer_out', 1, %(t)s), (%(b)s, 'transfer_in', 1, %(t)s)"
    )
    parameters = {"a": plant.part, "b": there, "t": uuid4()}
    owner.execute(book.encode(), parameters)
    with pytest.raises(psycopg.errors.UniqueViolation, match="a_transfer_is_one_way_out_and_one_in"):
        owner.execute(book.encode(), parameters)

    assert stock(owner, plant.part, there) == [9, 4]


def test_many_transfers_fit_into_one_statement(owner: Connection, plant: Plant, there: UUID) -> None:
    """Each by its key."""
    owner.execute(
        "insert into public.inventory_transactions (item_id, transaction_type, quantity, transfer_id)"
        " select half.item, half.kind, n, half.key"
        " from (select n, gen_random_uuid() as key from generate_series(1, 3) as n) as t"
        " cross join lateral (values (%s::uuid, 'transfer_out', t.key), (%s::uuid, 'transfer_in', t.key))"
        " as half (item, kind, key)",
        [plant.part, there],
    )
    assert stock(owner, plant.part, there) == [4, 9]


def test_stock_goes_to_who_keeps_his_own_books_without_a_key(owner: Connection, plant: Plant) -> None:
    """A transfer_out without a key has no other half here: it goes to a partner."""
    owner.execute(
        "insert into public.inventory_transactions (item_id, transaction_type, quantity)"
        " values (%s, 'transfer_out', 1)",
        [plant.part],
    )
    assert stock(owner, plant.part) == [9]
