"""`floorcast token` for a person by e-mail address, on a real database."""

import pytest
from tests.fixtures.postgres import Database
from typer.testing import CliRunner

from floorcast.access.claims import TokenVerifier
from floorcast.cli import app

SECRET = "a secret of thirty-two bytes or more, for tests"


async def test_a_person_is_found_by_their_address(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """In any letters; whoever left is not found."""
    async with database.owner() as connection:
        cursor = await connection.execute(
            "insert into public.users (display_name, email) values ('Technician One', 'One@example.org') returning id"
        )
        row = await cursor.fetchone()
        assert row is not None
    monkeypatch.setenv("FLOORCAST_JWT_SECRET", SECRET)
    monkeypatch.setenv("DATABASE_URL", database.owner_url)
    found = CliRunner().invoke(app, ["token", "--user", "one@EXAMPLE.org"])
    assert found.exit_code == 0, found.output
    claims = TokenVerifier(secret=SECRET, audience="authenticated").verify(found.stdout.strip())
    assert claims.user == str(row[0])
    missing = CliRunner().invoke(app, ["token", "--user", "two@example.org"])
    assert missing.exit_code == 1
    assert "nobody has" in missing.stderr
