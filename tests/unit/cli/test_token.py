"""`floorcast token`."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from floorcast.access.claims import TokenVerifier
from floorcast.cli import app

SECRET = "a secret of thirty-two bytes or more, for tests"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATABASE_URL", "FLOORCAST_OWNER_DATABASE_URL", "FLOORCAST_JWKS_URL", "FLOORCAST_JWT_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLOORCAST_JWT_SECRET", SECRET)
    # No `floorcast up` runs there, whatever runs on this machine.
    monkeypatch.setenv("FLOORCAST_HOME", str(tmp_path))


def test_a_token_is_one_that_gateways_accept() -> None:
    """Printed alone, so that a shell can take it."""
    result = CliRunner().invoke(app, ["token", "--user", "anna", "--hours", "1"])
    assert result.exit_code == 0, result.output
    claims = TokenVerifier(secret=SECRET, audience="authenticated").verify(result.stdout.strip())
    assert (claims.user, claims.role) == ("anna", "authenticated")
    assert claims.raw["exp"] - claims.raw["iat"] == 3600


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--user", "anna", "--role", "postgres"], "--role"),
        (["--user", "anna@example.org"], "DATABASE_URL"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_sentence(arguments: list[str], named: str) -> None:
    """With what would be right."""
    result = CliRunner().invoke(app, ["token", *arguments])
    assert result.exit_code == 1
    assert named in result.stderr
    assert result.stdout == ""


def test_without_a_secret_nothing_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is said where secrets come from."""
    monkeypatch.delenv("FLOORCAST_JWT_SECRET")
    result = CliRunner().invoke(app, ["token", "--user", "anna"])
    assert result.exit_code == 1
    assert "FLOORCAST_JWT_SECRET" in result.stderr
