"""triggers/1_domain/touch.sql: version and updated_at follow real changes, and only those."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, Plant, connect, value, wait_until_blocked


def image(owner: Connection, table: str, key: object) -> str:
    """The row as text, to the last digit."""
    text: str = value(owner, f"select t::text from public.{table} as t where id = %s", key)
    return text


def test_a_change_counts_one_version_and_says_when(owner: Connection, plant: Plant) -> None:
    """The first change of a row makes version 2, later than its creation."""
    owner.execute("update public.equipment set location = 'Bay 3' where id = %s", [plant.machine])

    row = owner.execute("select * from public.equipment where id = %s", [plant.machine]).fetchone()
    assert row is not None
    assert row["version"] == 2
    assert row["updated_at"] > row["created_at"]


@pytest.mark.parametrize(
    "table", ["organizations", "warehouses", "users", "equipment", "work_orders", "inventory_items"]
)
def test_an_update_that_changes_nothing_leaves_the_row_identical(owner: Connection, plant: Plant, table: str) -> None:
    """Every entity: else saving an untouched form would wake every screen."""
    owner.execute("insert into public.work_orders (warehouse_id, title) values (%s, 'x')", [plant.north])
    before = owner.execute(f"select t::text from public.{table} as t order by id".encode()).fetchall()

    owner.execute(f"update public.{table} set created_at = created_at, deleted_at = null".encode())

    assert owner.execute(f"select t::text from public.{table} as t order by id".encode()).fetchall() == before


@pytest.mark.parametrize(
    "table", ["organizations", "warehouses", "users", "equipment", "work_orders", "inventory_items"]
)
def test_every_entity_counts_its_versions(owner: Connection, plant: Plant, table: str) -> None:
    """None of them was forgotten when the trigger was attached."""
    owner.execute("insert into public.work_orders (warehouse_id, title) values (%s, 'x')", [plant.north])
    owner.execute("delete from public.inventory_items")
    owner.execute("insert into public.inventory_items (warehouse_id, name) values (%s, 'x')", [plant.north])

    owner.execute(f"update public.{table} set deleted_at = now()".encode())

    assert value(owner, f"select array_agg(distinct version) from public.{table}") == [2]


def test_an_update_that_changes_nothing_reaches_no_trail(owner: Connection, plant: Plant) -> None:
    """What leaves the row identical is not captured."""
    before = value(owner, "select count(*) from floorcast.change")

    owner.execute("update public.equipment set status = status, updated_at = now() where id = %s", [plant.machine])

    assert value(owner, "select count(*) from floorcast.change") == before


def test_a_difference_that_only_a_reader_sees_is_a_change(owner: Connection, plant: Plant) -> None:
    """1.0 and 1.00 are equal and read differently; screens show what is read."""
    owner.execute("update public.equipment set specifications = '{\"ton\": 1.0}' where id = %s", [plant.machine])
    owner.execute("update public.equipment set specifications = '{\"ton\": 1.00}' where id = %s", [plant.machine])

    assert value(owner, "select version from public.equipment where id = %s", plant.machine) == 3


def test_a_writer_who_held_an_old_version_is_told(database: Database, owner: Connection, plant: Plant) -> None:
    """Two people read version 1; the second to write hears of the first, also when he had to wait for him."""
    write = "update public.equipment set location = %s, version = %s where id = %s"
    with connect(database.owner_url) as second, ThreadPoolExecutor(1) as pool:
        with owner.transaction():
            owner.execute(write, ["Bay 3", 1, plant.machine])
            waiting = pool.submit(second.execute, write, ["Bay 4", 1, plant.machine])
            wait_until_blocked(database.owner_url, second)
        with pytest.raises(psycopg.Error, match="is at version 2, you held version 1; nothing was changed") as conflict:
            waiting.result()
        assert conflict.value.sqlstate == "PT409"

        second.execute(write, ["Bay 4", 2, plant.machine])
    assert value(owner, "select location from public.equipment where id = %s", plant.machine) == "Bay 4"


def test_times_are_not_the_clients_to_set(owner: Connection, plant: Plant) -> None:
    """An UPDATE of nothing but these is no change at all."""
    before = image(owner, "equipment", plant.machine)

    owner.execute(
        "update public.equipment set created_at = 'epoch', updated_at = 'epoch' where id = %s", [plant.machine]
    )

    assert image(owner, "equipment", plant.machine) == before


def test_updated_at_does_not_run_backwards(database: Database, owner: Connection, plant: Plant) -> None:
    """Of two transactions the one that began first may write last."""
    with connect(database.owner_url) as early, early.transaction():
        early.execute("select now()")
        owner.execute("update public.equipment set location = 'Bay 3' where id = %s", [plant.machine])
        first = value(owner, "select updated_at from public.equipment where id = %s", plant.machine)

        early.execute("update public.equipment set location = 'Bay 4' where id = %s", [plant.machine])

    assert value(owner, "select updated_at from public.equipment where id = %s", plant.machine) > first
