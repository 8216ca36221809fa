"""floorcast.next_batch() and ack(): what a consumer is given, in which order, and who may have it."""

import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, Plant, acting_as, add_order, add_part, connect, value

from floorcast.gateway.consumers.share import share_of

CLOSE = b"select floorcast.close_tick(2000, 1048576)"
GRANT = "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, %s)"
REVOKE = "delete from public.user_warehouse_access where user_id = %s and warehouse_id = %s"
PLACED = "select floorcast.put_consumer('erp', %s, %s, shares => %s, attempts => %s)"

Row = dict[str, Any]


@pytest.fixture
def plant(owner: Connection, plant: Plant) -> Plant:
    """The plant, in a tick of its own: a consumer begins behind the newest."""
    owner.execute(CLOSE)
    return plant


def put(connection: Connection, warehouses: list[UUID], *tables: str, shares: int = 1, attempts: int = 12) -> None:
    """Make the consumer erp; of all tables if none is named."""
    places = [str(each) for each in warehouses]
    connection.execute(PLACED.encode(), [places, list(tables) or None, shares, attempts])


def batch(connection: Connection, most: int = 1000, share: int | None = None) -> list[Row]:
    """The next batch of erp."""
    query = b"select * from floorcast.next_batch('erp', %s, share => %s)"
    return connection.execute(query, [most, share]).fetchall()


def ack(connection: Connection, rows: list[Row], *rejected: Row) -> int:
    """Acknowledge a batch, without some of its changes."""
    refused = json.dumps([{"id": row["id"], "reason": "no such account"} for row in rejected])
    query = "select floorcast.ack('erp', %s, %s::jsonb)"
    return int(value(connection, query, rows[0]["batch"], refused))


def quantities(rows: list[Row]) -> list[int]:
    """Of parts, in the order of the batch."""
    return [row["new"]["quantity"] for row in rows]


def test_a_batch_is_whole_ticks_in_order_until_it_is_acknowledged(owner: Connection, plant: Plant) -> None:
    """A new consumer begins with now; what is not acknowledged comes again, from the same place."""
    put(owner, [plant.north], "inventory_items")
    assert batch(owner) == []
    for quantity in (1, 2, 3):
        with owner.transaction():
            add_part(owner, plant.north, quantity)
            add_part(owner, plant.north, quantity * 10)
        add_part(owner, plant.south, 99)
        owner.execute(CLOSE)
    first = batch(owner, most=4)
    assert quantities(first) == [1, 10], "a tick is not split, and the next one has no room"
    assert {(row["op"], row["by"], row["warehouse"]) for row in first} == {("enter", "insert", str(plant.north))}
    assert batch(owner) == [], "its only share is out"
    owner.execute("update floorcast.consumer_share set leased_until = clock_timestamp()")
    again = batch(owner, most=4)
    assert [row["id"] for row in again] == [row["id"] for row in first]
    with pytest.raises(psycopg.Error, match="not out any more") as refused:
        ack(owner, first)
    assert refused.value.sqlstate == "PT409"
    ack(owner, again)
    rest = batch(owner)
    assert quantities(rest) == [2, 20, 3, 30]
    assert len({row["id"] for row in first + rest}) == 6
    ack(owner, rest)
    assert batch(owner) == []


def test_changes_count_exactly_once_in_the_transaction_that_takes_them(
    database: Database, owner: Connection, plant: Plant
) -> None:
    """A caller that dies with its transaction has taken nothing; nobody else waits for it."""
    put(owner, [plant.north], "inventory_items")
    add_part(owner, plant.north, 7)
    owner.execute(CLOSE)
    owner.execute("create table public.ledger (id text primary key, quantity numeric)")
    book = b"""
        with taken as (select * from floorcast.next_batch('erp')),
        booked as (
            insert into public.ledger (id, quantity) select id, (new ->> 'quantity')::numeric from taken returning id
        )
        select floorcast.ack('erp', t.batch) from (select distinct batch from taken) as t
    """
    with connect(database.owner_url) as other, other.transaction(force_rollback=True):
        rows = batch(other)
        other.execute("insert into public.ledger (id) values ('x')")
        assert len(rows) == 1
        assert batch(owner) == [], "passed over, without waiting"
        ack(other, rows)
    assert value(owner, "select tick from floorcast.consumer_share") == 1
    for _ in range(2):
        with owner.transaction():
            owner.execute(book)
    assert value(owner, "select array_agg(quantity::int) from public.ledger") == [7]


def test_several_workers_have_shares_and_each_row_its_own(owner: Connection, plant: Plant) -> None:
    """All shares together are everything, no row is in two, and Python counts as SQL does."""
    put(owner, [plant.north], "inventory_items", shares=3)
    # Keys are drawn by chance: of so many, none of the shares is left without one (once in 10^10 runs).
    parts = [add_part(owner, plant.north, 1) for _ in range(60)]
    owner.execute(CLOSE)
    owner.execute("update public.inventory_items set name = 'x' where id = any(%s)", [parts])
    owner.execute(CLOSE)
    batches = [batch(owner) for _ in range(3)]
    assert batch(owner) == []
    assert sorted(row["in_share"] for rows in batches for row in rows[:1]) == [0, 1, 2]
    seen = [(row["key"]["id"], row["in_share"]) for rows in batches for row in rows]
    assert len(seen) == 120
    assert len(set(seen)) == 60
    for key, share in seen:
        assert share_of("inventory_items", f'{{"id" : "{key}"}}', 3) == share
    strange = "Größe\n{}'\\"
    assert value(owner, "select floorcast.share_of('ä', %s, 64)", strange) == share_of("ä", strange, 64)


def test_another_number_of_shares_goes_on_from_the_last_of_them(owner: Connection, plant: Plant) -> None:
    """Some changes come twice, none is left out."""
    put(owner, [plant.north], "inventory_items", shares=2)
    for _ in range(8):
        add_part(owner, plant.north, 1)
    owner.execute(CLOSE)
    done = batch(owner, share=1)
    ack(owner, done)
    put(owner, [plant.north], "inventory_items", shares=1)
    assert len(batch(owner)) == 8


def test_people_are_given_what_they_may_see(owner: Connection, service: Connection, plant: Plant) -> None:
    """Hidden columns are null, and a row that leaves his warehouses tells its key."""
    technician = plant.people["technician"]
    with acting_as(service, technician):
        put(service, [plant.north], "work_orders")
    order = add_order(owner, plant.north, actual_cost="183.50")
    owner.execute("update public.work_orders set title = 'x' where id = %s", [order])
    owner.execute("update public.work_orders set warehouse_id = %s where id = %s", [plant.south, order])
    owner.execute("update public.work_orders set title = 'y' where id = %s", [order])
    owner.execute(CLOSE)
    with acting_as(service, technician):
        rows = batch(service)
        ack(service, rows)
    assert [row["op"] for row in rows] == ["enter", "update", "leave"]
    assert [row["new"] and row["new"]["actual_cost"] for row in rows] == [None, None, None]
    assert (rows[1]["old"]["title"], rows[1]["new"]["title"]) == ("BUCKET WON'T OPEN", "x")
    assert (rows[2]["key"], rows[2]["old"], rows[2]["new"]) == ({"id": str(order)}, None, None)


def test_a_row_that_only_passes_through_is_not_told(owner: Connection, plant: Plant) -> None:
    """No committed state showed it there."""
    put(owner, [plant.north], "work_orders")
    order = add_order(owner, plant.south)
    with owner.transaction():
        for place in (plant.north, plant.south):
            owner.execute("update public.work_orders set warehouse_id = %s where id = %s", [place, order])
    owner.execute(CLOSE)
    assert batch(owner) == []


def test_retired_and_restored_rows_leave_and_enter(owner: Connection, plant: Plant) -> None:
    """As on sockets: a retired row is nobody's."""
    put(owner, [plant.north], "work_orders")
    order = add_order(owner, plant.north)
    owner.execute("select floorcast.retire('public.work_orders', %s)", [order])
    owner.execute("update public.work_orders set title = 'x' where id = %s", [order])
    owner.execute("select floorcast.restore('public.work_orders', %s)", [order])
    owner.execute(CLOSE)
    rows = batch(owner)
    assert [row["op"] for row in rows] == ["enter", "leave", "enter"]


def test_changes_of_a_row_come_in_the_order_of_their_causes(owner: Connection) -> None:
    """A statement inside another one is captured before it, and told behind it."""
    order = "select floorcast.chain_order(%s::text[], %s::text[])"
    assert value(owner, order, ["b", "a"], ["c", "b"]) == [2, 1]
    assert value(owner, order, ["", "b", "a"], ["a", "c", "b"]) == [1, 3, 2]
    assert value(owner, order, ["a", "a"], ["b", "c"]) == [1, 2], "what cannot be put together stays"


def test_only_its_owner_and_servers_reach_a_consumer(service: Connection, plant: Plant) -> None:
    """Whether there is one of that name, nobody else is told; names are taken all the same."""
    admin, manager = plant.people["admin"], plant.people["manager"]
    with acting_as(service, admin):
        put(service, [plant.north])
    for statement in (
        "select floorcast.next_batch('erp')",
        "select floorcast.next_batch('nobody')",
        f"select floorcast.ack('erp', '{uuid4()}')",
        "select floorcast.move_consumer('erp')",
        "select floorcast.remove_consumer('erp')",
        "select floorcast.replay_parked('erp')",
        "select floorcast.drop_parked('erp', 1)",
        "select floorcast.parked_changes('erp')",
        f"select floorcast.put_consumer('erp', array['{plant.north}'])",
    ):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="or it is not yours"),
            acting_as(service, manager),
        ):
            service.execute(statement.encode())
    with acting_as(service, manager):
        assert service.execute("select * from floorcast.consumers()").fetchall() == []
    with acting_as(service, None, "service_role"):
        assert value(service, "select owner from floorcast.consumers()") == str(admin)
        assert value(service, "select floorcast.remove_consumer('erp')") is True


def test_a_consumer_waits_while_access_is_withdrawn(owner: Connection, service: Connection, plant: Plant) -> None:
    """Refused aloud, and nothing is passed over: given again, it goes on from where it was."""
    manager = plant.people["manager"]
    with acting_as(service, manager):
        put(service, [plant.north], "inventory_items")
    add_part(owner, plant.north, 1)
    owner.execute(CLOSE)
    with acting_as(service, manager):
        out = batch(service)
    owner.execute(REVOKE.encode(), [manager, plant.north])
    with acting_as(service, manager):
        ack(service, out)
    add_part(owner, plant.north, 2)
    owner.execute(CLOSE)
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="no access to warehouse"),
        acting_as(service, manager),
    ):
        batch(service)
    owner.execute(GRANT.encode(), [manager, plant.north, "manager"])
    owner.execute(CLOSE)
    with acting_as(service, manager):
        assert quantities(batch(service)) == [2]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        ("'erp', array['{north}'], array['users']", "belong to no warehouse"),
        ("'erp', array['{north}'], array['floorcast.grants']", "belong to no warehouse"),
        ("'erp', array['{south}']", "no access"),
        ("'Erp', array['{north}']", "a_consumer_has_a_name"),
        ("'erp', array['{north}'], keep => '31 days'", "thirty days"),
        ("'erp', array['{north}'], columns => '[1]'", "columns are an object"),
        (
            "'erp', array['{north}'], \"where\" => '{{\"work_orders\": \"status=eq.open\"}}'",
            "conditions are not evaluated",
        ),
    ],
)
def test_what_a_consumer_cannot_be_is_refused(service: Connection, plant: Plant, call: str, match: str) -> None:
    """With what to do about it, when it is put and not when a change is missed."""
    with pytest.raises(psycopg.Error, match=match), acting_as(service, plant.people["manager"]):
        service.execute(f"select floorcast.put_consumer({call.format(north=plant.north, south=plant.south)})".encode())


def test_columns_that_were_asked_for_are_all_that_is_told(owner: Connection, plant: Plant) -> None:
    """And a change of others is none."""
    owner.execute(
        "select floorcast.put_consumer('erp', %s, columns => %s)",
        [[str(plant.north)], json.dumps({"inventory_items": ["quantity", "name"]})],
    )
    part = add_part(owner, plant.north, 5)
    owner.execute("update public.inventory_items set category = 'x' where id = %s", [part])
    owner.execute(CLOSE)
    assert [row["new"] for row in batch(owner)] == [{"name": "Bearing 6204", "quantity": 5}]
