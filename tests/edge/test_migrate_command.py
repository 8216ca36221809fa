"""`floorcast migrate`, as a deployment sees it."""

from pathlib import Path

import psycopg
import pytest
from tests.fixtures.postgres import Database
from typer.testing import CliRunner

from floorcast.cli import app
from floorcast.database import migrate
from floorcast.embedded.postgres import EmbeddedPostgres

OPEN_TO_ANON = """
    select c.oid::regclass
    from pg_class as c
    where
        c.relkind in ('r', 'p', 'v')
        and c.relnamespace::regnamespace::text in ('public', 'floorcast', 'visible')
        and (
            has_table_privilege('anon', c.oid, 'select, insert, update, delete, truncate, references, trigger')
            or has_any_column_privilege('anon', c.oid, 'select, insert, update, references')
        )
"""


def test_the_command_has_an_exit_code_for_a_newer_database(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment can tell an old version from a broken one."""
    monkeypatch.setenv("FLOORCAST_OWNER_DATABASE_URL", database.owner_url)
    current = CliRunner().invoke(app, ["migrate", "up"])
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("insert into floorcast_migrations.migration values ('f00', '9999_from_the_future', now())")
    newer = [CliRunner().invoke(app, ["migrate", *words]) for words in (["up"], ["down", "--yes"], ["status"])]
    assert (current.exit_code, current.output) == (0, "Nothing to do: the database is at this version.\n")
    assert [result.exit_code for result in newer] == [3, 3, 3]
    assert "9999_from_the_future" in newer[0].output
    assert "9999_from_the_future" in newer[2].output


def test_the_command_without_a_database_says_which_setting_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And does not guess one."""
    monkeypatch.setenv("FLOORCAST_HOME", str(tmp_path))
    monkeypatch.delenv("FLOORCAST_OWNER_DATABASE_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    result = CliRunner().invoke(app, ["migrate", "up"])
    assert result.exit_code == 1
    assert "FLOORCAST_OWNER_DATABASE_URL" in result.output


def test_the_command_finds_the_server_that_runs_here_unless_it_would_delete(
    postgres_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its owner. Rows that are gone are gone, so `down` wants to be told where."""
    monkeypatch.delenv("FLOORCAST_OWNER_DATABASE_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("FLOORCAST_HOME", str(postgres_server.home))
    monkeypatch.setenv("FLOORCAST_JWT_SECRET", "x" * 32)
    status = CliRunner().invoke(app, ["migrate", "status"])
    assert status.exit_code == 0, status.output
    assert "schema/0001_" in status.output
    down = CliRunner().invoke(app, ["migrate", "down", "--yes"])
    assert down.exit_code == 1
    assert "FLOORCAST_OWNER_DATABASE_URL" in down.output


async def test_what_was_switched_off_is_mended_by_applying_again(database: Database) -> None:
    """Nothing of triggers/ changed, so that `up` alone would do nothing."""
    tables = """
        select c.oid::regclass::text, c.relrowsecurity, c.relforcerowsecurity, array_to_string(c.relacl, ' '),
            array(select (a.attname, a.attacl)::text from pg_attribute as a where a.attrelid = c.oid order by a.attnum),
            array(select (g.tgname, g.tgenabled)::text from pg_trigger as g where g.tgrelid = c.oid order by g.tgname)
        from pg_class as c
        where c.relkind in ('r', 'p', 'v') and c.relnamespace::regnamespace::text in ('public', 'floorcast', 'visible')
        order by 1
    """
    async with database.owner() as connection:
        before = {row[0]: row[1:] for row in await (await connection.execute(tables)).fetchall()}
        for name, (_, _, _, _, triggers) in before.items():
            if not name.startswith("visible."):
                await connection.execute(
                    f"alter table {name} disable row level security, no force row level security".encode()
                )
            if triggers:
                await connection.execute(f"alter table {name} disable trigger user".encode())
            await connection.execute(f"grant all on {name} to anon".encode())
        await connection.execute("grant select (email) on public.users to anon")

    idle = migrate.up(database.owner_url)
    assert not idle.behaviour
    migrate.up(database.owner_url, reapply=True)

    async with database.owner() as connection:
        after = {row[0]: row[1:] for row in await (await connection.execute(tables)).fetchall()}
        assert not await (await connection.execute(OPEN_TO_ANON)).fetchall()
    for name, was in before.items():
        assert after[name][:2] == was[:2], name
        assert after[name][4] == was[4], name
