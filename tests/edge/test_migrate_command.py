"""`floorcast migrate`, as a deployment sees it."""

import psycopg
import pytest
from tests.fixtures.postgres import Database
from typer.testing import CliRunner

from floorcast.cli import app


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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And does not guess one."""
    monkeypatch.delenv("FLOORCAST_OWNER_DATABASE_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    result = CliRunner().invoke(app, ["migrate", "up"])
    assert result.exit_code == 1
    assert "FLOORCAST_OWNER_DATABASE_URL" in result.output
