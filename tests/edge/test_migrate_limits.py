"""What a migration may not do to those who work meanwhile: keep them waiting, or touch what did not change."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.fixtures.processes import wait_until
from tests.fixtures.shop import Shop

from floorcast.database import migrate
from floorcast.errors import MigrationFailed

CATALOGUE = ("pg_class", "pg_proc", "pg_trigger", "pg_policy", "pg_description", "pg_namespace", "pg_attribute")
WAITING = "select pid from pg_locks where not granted and relation = 'shop.item'::regclass and mode = %s"


@contextmanager
def reading_on(shop: Shop) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Somebody who has read the table in a transaction that does not end."""
    with psycopg.connect(shop.database.owner_url) as reader:
        reader.execute("select from shop.item")
        yield reader


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("schema/0002_alter.sql", "alter table shop.item add column note text;"),
        ("schema/0002_data_words.sql", "lock table shop.item; update shop.item set name = 'x';"),
        ("triggers/2_later/hide.sql", "alter table shop.item enable row level security;"),
    ],
)
def test_who_queues_behind_a_migration_goes_on_when_it_gives_up(shop: Shop, name: str, text: str) -> None:
    """A reader that does not end keeps the migration waiting, and that would keep everybody: it steps back in time."""
    shop.migrator().up()
    shop.write(name, text)
    with reading_on(shop) as reader, ThreadPoolExecutor(2) as pool:
        migrating = pool.submit(shop.migrator(table=2).up)
        wait_until(
            lambda: reader.execute(WAITING, ["AccessExclusiveLock"]).fetchone() is not None, "no migration waits"
        )
        queued = pool.submit(shop.ask, "select count(*) from shop.item")
        wait_until(lambda: reader.execute(WAITING, ["AccessShareLock"]).fetchone() is not None, "nobody queues")
        with pytest.raises(MigrationFailed, match="did not get a lock in time"):
            migrating.result()
        # The reader has not ended yet.
        assert queued.result() == [(0,)]
    shop.migrator().up()
    assert shop.migrator().status().is_current


@pytest.mark.parametrize("name", ["schema/0002_slow.sql", "triggers/2_later/slow.sql"])
def test_a_statement_that_takes_too_long_is_stopped_with_a_sentence(shop: Shop, name: str) -> None:
    """It may hold a lock that everybody waits for; nothing of it stays."""
    shop.migrator().up()
    shop.write(name, "create function shop.half() returns int return 1; select pg_sleep(600);")
    with pytest.raises(MigrationFailed, match=r"slow\.sql was stopped: .*with a longer --statement-seconds"):
        shop.migrator(statement=0.1).up()
    assert shop.ask("select from pg_proc where proname = 'half'") == []


def test_a_rollback_that_takes_too_long_is_stopped_as_well(shop: Shop) -> None:
    """It drops tables that others use."""
    shop.write("schema/0002_slow.sql", "create function shop.half() returns int return 1;")
    shop.write("schema/0002_slow.rollback.sql", "drop function shop.half(); select pg_sleep(600);")
    shop.migrator().up()
    with pytest.raises(MigrationFailed, match="was stopped"):
        shop.migrator(statement=0.1).down()
    assert shop.ask("select shop.half()") == [(1,)]


def test_a_migration_of_rows_takes_the_time_that_it_takes(shop: Shop) -> None:
    """It locks rows and no tables, and there may be many."""
    shop.write("schema/0002_data_slow.sql", "insert into shop.item select 1, pg_sleep(0.3)::text;")
    shop.migrator(statement=0.1).up()
    assert shop.migrator().status().is_current


def test_an_unchanged_database_is_not_touched(database: Database) -> None:
    """Not a row of the catalogue is written, no table gets a new file, and no transaction is numbered."""
    catalogue = " union all ".join(
        f"select '{name}', oid::text, xmin::text, ctid::text from {name}"
        if name not in ("pg_attribute", "pg_description")
        else f"select '{name}', null, xmin::text, ctid::text from {name}"
        for name in CATALOGUE
    )
    files = "select oid, pg_relation_filenode(oid) from pg_class order by oid"
    with psycopg.connect(database.owner_url, autocommit=True) as connection:

        def look() -> tuple[object, ...]:
            tables, ledger = (
                connection.execute(files.encode()),
                connection.execute(
                    "select xmin::text, ctid::text from floorcast_migrations.behaviour"
                    " union all select xmin::text, ctid::text from floorcast_migrations.migration order by 1, 2"
                ),
            )
            return (
                sorted(connection.execute(catalogue.encode()).fetchall(), key=repr),
                tables.fetchall(),
                ledger.fetchall(),
            )

        def next_number() -> int:
            row = connection.execute("select pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
            assert row is not None
            return int(row[0])

        before = look()
        used = []
        for _ in range(5):
            first = next_number()
            outcome = migrate.up(database.owner_url)
            assert (outcome.migrations, outcome.behaviour) == ((), ())
            used.append(next_number() - first)
            # Autovacuum may have taken a number meanwhile; a run that takes one takes it every time.
            if used[-1] == 0:
                break
        assert min(used) == 0, used
        assert look() == before


def test_a_writer_of_several_tables_never_meets_half_a_deployment(database: Database) -> None:
    """Whoever holds one table and wants another would deadlock with a runner that does too; the writer might lose."""
    with psycopg.connect(database.owner_url) as writer, ThreadPoolExecutor(1) as pool:
        writer.execute("delete from floorcast_migrations.behaviour where path = '1_domain/touch.sql'")
        writer.commit()
        writer.execute("lock table public.equipment in row exclusive mode")
        migrating = pool.submit(migrate.up, database.owner_url)
        waiting = "select from pg_locks where not granted and relation = 'public.equipment'::regclass"
        wait_until(lambda: writer.execute(waiting).fetchone() is not None, "the runner does not wait for the writer")
        for table in ("floorcast.change", "public.inventory_items", "public.work_orders", "public.organizations"):
            writer.execute(f"lock table {table} in row exclusive mode".encode())
        writer.commit()
        assert "1_domain/touch.sql" in migrating.result().behaviour
