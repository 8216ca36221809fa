"""Each of our own migrations: down gives back the structure that it found, and rows survive down and up again."""

from pathlib import Path
from shutil import copy
from typing import Any

import psycopg
from psycopg import sql
from tests.fixtures.postgres import Database
from tests.fixtures.snapshot import dump
from tests.sql.plant import Plant, add_machine, add_order, assign, build_plant, connect, take

from floorcast.database import migrate
from floorcast.database.ledger import migration_names
from floorcast.database.migrate import Migrator
from floorcast.database.sources import Sources, find_sources
from floorcast.embedded.binaries import NEWEST
from floorcast.embedded.postgres import EmbeddedPostgres

# But columns of type regclass: a table that a step makes anew has another number.
TABLES = """
select c.oid::regclass::text as name, array_agg(a.attname::text order by a.attnum) as columns
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    and a.atttypid <> 'regclass'::regtype
where c.relnamespace::regnamespace::text in ('public', 'floorcast') and c.relkind in ('r', 'p') and not c.relispartition
group by c.oid
"""

Rows = dict[str, list[dict[str, Any]]]


def test_every_step_down_and_up_again_keeps_every_row(database: Database, tmp_path: Path) -> None:
    """Whatever a step does not make itself is the same before, in between and after, in every table and column."""
    with connect(database.owner_url) as owner:
        fill(owner, build_plant(owner))
    assert not (empty := [name for name, rows in read(database).items() if not rows]), f"fill() leaves {empty} empty"
    sources = Sources(tmp_path / "schema", tmp_path / "triggers")
    sources.triggers.mkdir()
    # Everything, without what triggers/ made: from here on only migrations write.
    names = migration_names(find_sources().schema)
    write_steps(sources.schema, names)
    migrate.down(database.owner_url, 1)
    Migrator(database.owner_url, sources).up()
    for name in reversed(names):
        steps = names[: names.index(name) + 1]
        write_steps(sources.schema, steps)
        before = read(database)
        assert Migrator(database.owner_url, sources).down() == (name,)
        between = read(database)
        assert Migrator(database.owner_url, sources).up().migrations == (name,)
        after = read(database)
        for table, rows in between.items():
            columns = set(before[table][0]) & set(rows[0]) if rows and before[table] else set()
            kept, had = shown(rows, columns), shown(before[table], columns)
            if "_data_" in name:
                # It takes away rows that it wrote, and no others, and changes none.
                assert [row for row in kept if row not in had] == [], f"{name} changes {table}"
            else:
                assert kept == had, f"{name} changes {table}"
            assert shown(after[table], columns) == had, f"{name} does not bring back {table}"
        Migrator(database.owner_url, sources).down()


def test_each_rollback_gives_back_what_its_migration_found(
    empty_database: Database, postgres_server: EmbeddedPostgres, postgres_version: int, tmp_path: Path
) -> None:
    """So from every point on the way down the way up is the one that was gone before.

    On the older servers only some points are looked at. Without triggers/: what that sets on tables (their statistics,
    the force of their policies) goes with the tables.
    """
    with connect(empty_database.owner_url) as owner:
        # The one thing that stays, since a Supabase project has it, too.
        owner.execute("grant usage on schema public to anon, authenticated, service_role")
    sources = Sources(tmp_path / "schema", tmp_path / "triggers")
    sources.triggers.mkdir()
    names = migration_names(find_sources().schema)
    looked_at = range(0, len(names), 1 if postgres_version == NEWEST else 8)
    found = {}
    for steps, name in enumerate(names):
        if steps in looked_at:
            found[steps] = dump(postgres_server, empty_database)
        write_steps(sources.schema, names[: steps + 1])
        assert Migrator(empty_database.owner_url, sources).up().migrations == (name,)
    for steps in reversed(range(len(names))):
        assert Migrator(empty_database.owner_url, sources).down() == (names[steps],)
        if steps in looked_at:
            assert dump(postgres_server, empty_database) == found[steps], f"down to before {names[steps]}"


def fill(owner: psycopg.Connection[Any], plant: Plant) -> None:
    """Have rows in every table."""
    order = add_order(owner, plant.north, equipment_id=plant.machine)
    assign(owner, order, plant.people["technician"])
    take(owner, plant.part, 2, order)
    machine = add_machine(owner, plant.north)
    keys = {"north": plant.north, "machine": plant.machine, "part": machine, "order": order}
    owner.execute("update public.work_orders set status = 'in_progress' where id = %(order)s", keys)
    with owner.transaction():
        owner.execute("select floorcast.begin_maintenance('to have a row of it')")
    owner.execute("select floorcast.touch_canary(1)")
    for statement in FURTHER:
        owner.execute(statement.encode(), {**keys, "person": plant.people["technician"]})


FURTHER = (
    """
    insert into public.equipment_hierarchy (parent_id, child_id, warehouse_id)
    values (%(machine)s, %(part)s, %(north)s)
    """,
    """
    insert into public.equipment_maintenance_history (warehouse_id, equipment_id, actor)
    values (%(north)s, %(machine)s, 'somebody')
    """,
    """
    insert into public.work_order_attachments (
        warehouse_id, work_order_id, file_name, content_type, byte_size, storage_path, actor
    )
    values (%(north)s, %(order)s, 'photo.jpg', 'image/jpeg', 1, 'a/photo.jpg', 'somebody')
    """,
    "insert into public.inventory_locations (warehouse_id, name) values (%(north)s, 'Shelf')",
    "insert into public.maintenance_templates (warehouse_id, name) values (%(north)s, 'Grease')",
    """
    insert into public.maintenance_schedules (
        warehouse_id, equipment_id, template_id, schedule_type, frequency, next_due, anchor
    )
    select %(north)s, %(machine)s, id, 'weeks', 1, '2026-01-05', '2026-01-05' from public.maintenance_templates
    """,
    """
    insert into public.maintenance_history (warehouse_id, schedule_id, due_at, in_time)
    select %(north)s, id, '2026-01-05', false from public.maintenance_schedules
    """,
    """
    insert into public.notifications (warehouse_id, user_id, type, title)
    values (%(north)s, %(person)s, 'announcement', 'Hello')
    """,
    """
    insert into floorcast.consumer (name, owner, owner_role, warehouses)
    values ('erp', %(person)s, 'authenticated', array[%(north)s::text])
    """,
    "insert into floorcast.consumer_share (consumer, share, tick, seal) values ('erp', 0, 0, sha256('seal'))",
    """
    insert into floorcast.webhook (consumer, url, signing_key)
    values ('erp', 'https://erp.example/', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
    """,
    """
    insert into floorcast.parked (consumer, table_name, key, tick, n, change, closed_at)
    values ('erp', 'work_orders', '{"id": "1"}', 1, 1, '{}', '2026-01-05')
    """,
)
"""A row of each table that the plant leaves empty."""


def write_steps(folder: Path, names: tuple[str, ...]) -> None:
    """Have these migrations in a folder, and no others."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name in names:
        for kind in ("sql", "rollback.sql"):
            copy(find_sources().schema / f"{name}.{kind}", folder)


def read(database: Database) -> Rows:
    """Every row of every table, as the text of each value."""
    with connect(database.owner_url) as owner:
        owner.execute("set timezone to 'UTC'")
        tables = owner.execute(TABLES.encode()).fetchall()
        return {table["name"]: _rows(owner, table["name"], table["columns"]) for table in tables}


def _rows(owner: psycopg.Connection[Any], table: str, columns: list[str]) -> list[dict[str, Any]]:
    names = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    query = sql.SQL("select to_jsonb(t) as line from (select {} from {}) as t").format(names, sql.SQL(table))
    return [row["line"] for row in owner.execute(query)]


def shown(rows: list[dict[str, Any]], columns: set[str]) -> list[dict[str, Any]]:
    """Only these columns of the rows, in an order that does not depend on the others."""
    return sorted(({name: row[name] for name in columns} for row in rows), key=repr)
