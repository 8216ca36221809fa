"""`floorcast migrate export`: what another tool applies is what our own runner makes."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.fixtures.shop import CHECK_ITEM, COUNT_ITEMS, Shop
from tests.fixtures.snapshot import dump
from tests.fixtures.statements import split
from tests.fixtures.supabase import project
from typer.testing import CliRunner

from floorcast.cli import app
from floorcast.database import migrate
from floorcast.database.export import export
from floorcast.database.ledger import migration_names
from floorcast.database.sources import find_sources
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.errors import DatabaseUnavailable

LEDGER = """
select migration_hash, migration_id, null::text[] from floorcast_migrations.migration
union all
select path, checksum, objects from floorcast_migrations.behaviour
order by 1
"""
# What migrations and triggers/ write into tables.
WRITTEN = (
    "select table_name, key_columns, warehouse_column, family from floorcast.tracked order by 1",
    "select * from floorcast.table_rule order by 1, 2",
    "select * from floorcast.column_rule order by 1, 2",
    "select * from floorcast.owner_rule order by 1",
    "select table_name, place_column, scope, server_columns, fixed_columns from floorcast.protected order by 1",
)


@pytest.fixture
def other(supabase_server: EmbeddedPostgres) -> Iterator[Database]:
    """Another project on the same cluster."""
    with project(supabase_server, "other_project") as database:
        yield database


def apply_as_the_cli(url: str, folder: Path) -> None:
    """Statement by statement, a file in one pipeline, which Postgres takes for one transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        for path in sorted(folder.glob("*.sql")):
            connection.execute("reset all")
            with connection.pipeline():
                for statement in split(path.read_text()):
                    connection.execute(statement.encode())


def apply_with_psql(server: EmbeddedPostgres, url: str, folder: Path) -> None:
    """A file in one transaction."""
    for path in sorted(folder.glob("*.sql")):
        subprocess.run(
            [server.bin_directory / "psql", url, "-qXv", "ON_ERROR_STOP=1", "--single-transaction", "-f", path],
            env={**os.environ, "PGPASSFILE": str(server.password_file)},
            stdout=subprocess.DEVNULL,
            check=True,
        )


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """The rows of a query."""
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def ledger(url: str) -> list[tuple[object, ...]]:
    """What is remembered, without the numbers of tables in names."""
    return [(a, b, sorted(re.sub(r"capture_\d+_", "", text) for text in c or ())) for a, b, c in rows(url, LEDGER)]


@pytest.mark.parametrize("tool", ["cli", "psql"])
def test_exported_files_make_what_up_makes(
    supabase: Database, other: Database, supabase_server: EmbeddedPostgres, tmp_path: Path, tool: str
) -> None:
    """On a Supabase project, as its owner: the same objects, owners, rights, comments, rows; and the same memory."""
    export(tmp_path)
    if tool == "cli":
        apply_as_the_cli(supabase.owner_url, tmp_path)
    else:
        apply_with_psql(supabase_server, supabase.owner_url, tmp_path)
    migrate.up(other.owner_url)
    assert dump(supabase_server, supabase, owners=True) == dump(supabase_server, other, owners=True)
    for query in WRITTEN:
        assert rows(supabase.owner_url, query) == rows(other.owner_url, query)
    memory = "--schema=floorcast_migrations"
    assert dump(supabase_server, supabase, memory, owners=True) == dump(supabase_server, other, memory, owners=True)
    assert ledger(supabase.owner_url) == ledger(other.owner_url)


def test_a_database_made_by_exported_files_is_known_to_our_own_runner(
    supabase: Database, supabase_server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`status` says what is applied, `up` finds nothing to do, `down` takes everything away and nothing else."""
    before = dump(supabase_server, supabase, owners=True)
    export(tmp_path)
    apply_as_the_cli(supabase.owner_url, tmp_path)
    monkeypatch.setenv("FLOORCAST_OWNER_DATABASE_URL", supabase.owner_url)
    status = CliRunner().invoke(app, ["migrate", "status"])
    assert status.exit_code == 0
    assert status.output.count("applied") == len(migration_names(find_sources().schema)) + 1
    assert "pending" not in status.output
    outcome = migrate.up(supabase.owner_url)
    assert (outcome.migrations, outcome.behaviour) == ((), ())
    migrate.down(supabase.owner_url, None)
    assert dump(supabase_server, supabase, owners=True) == before


def test_names_say_the_order_and_are_the_same_everywhere(tmp_path: Path) -> None:
    """The ledger, the migrations by number, triggers/ last; no rollback is among them."""
    names = export(tmp_path / "one").written
    assert export(tmp_path / "two").written == names
    assert names == tuple(sorted(names))
    assert names[:2] == (
        "20260101000000_floorcast_ledger.sql",
        "20260101010000_floorcast_0001_namespaces_and_roles.sql",
    )
    assert re.fullmatch(r"\d{14}_floorcast_triggers\.sql", names[-1])
    assert [name[25:-4] for name in names[1:-1]] == list(migration_names(find_sources().schema))
    assert all((tmp_path / "one" / name).read_text() == (tmp_path / "two" / name).read_text() for name in names)


def test_a_further_export_adds_what_is_new_and_rewrites_nothing(shop: Shop, tmp_path: Path) -> None:
    """A file that was applied is never applied again, so a change of triggers/ comes as a step of its own."""
    folder = tmp_path / "supabase" / "migrations"
    shop.write("triggers/2_later/check_item.sql", CHECK_ITEM)
    first = export(folder, shop.sources)
    assert export(folder, shop.sources).written == ()
    shop.write("triggers/1_stage/count_items.sql", COUNT_ITEMS.replace("count(*)", "count(*) + 1"))
    second = export(folder, shop.sources)
    assert [name[14:] for name in second.written] == ["_floorcast_triggers.sql"]
    shop.write("schema/0002_more.sql", "create table shop.more (id int);")
    shop.path("triggers/2_later/check_item.sql").unlink()
    third = export(folder, shop.sources)
    assert [name[14:] for name in third.written] == ["_floorcast_0002_more.sql", "_floorcast_triggers.sql"]
    assert [*first.written, *second.written, *third.written] == sorted(path.name for path in folder.iterdir())
    apply_as_the_cli(shop.database.owner_url, folder)
    assert shop.ask("select shop.count_items()") == [(1,)]
    status = shop.migrator().status()
    assert status.is_current
    assert status.orphans == {
        "2_later/check_item.sql": (
            "function shop.check_item()",
            "policy everybody on shop.item",
            "trigger _100_check on shop.item",
        )
    }


def test_a_body_that_the_cli_would_cut_arrives_whole(shop: Shop, tmp_path: Path) -> None:
    """In a body in SQL it takes the first `end` for the last."""
    body = "begin atomic select case when n > 0 then 'it''s' end; end;"
    shop.write("triggers/1_stage/kind.sql", f"create function shop.kind(n int) returns text language sql {body} -- so")
    export(tmp_path / "files", shop.sources)
    apply_as_the_cli(shop.database.owner_url, tmp_path / "files")
    assert shop.ask("select shop.kind(1)") == [("it's",)]


def test_an_exported_file_and_our_own_runner_exclude_each_other(shop: Shop, tmp_path: Path) -> None:
    """They take the same lock; whoever comes second waits or gives up."""
    export(tmp_path / "files", shop.sources)
    with psycopg.connect(shop.database.owner_url) as other:
        other.execute((tmp_path / "files" / "20260101000000_floorcast_ledger.sql").read_bytes())
        with pytest.raises(DatabaseUnavailable, match="Another migration has kept this database"):
            shop.migrator(runner=0.1).up()


def test_a_folder_that_is_not_ours_to_write_is_told(tmp_path: Path) -> None:
    """In a sentence, and not as a traceback."""
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["migrate", "export", str(tmp_path / "file")])
    assert result.exit_code == 1
    assert "No database was touched" in result.output
