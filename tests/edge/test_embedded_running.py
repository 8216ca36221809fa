"""Commands beside a running `floorcast up` find its servers by themselves."""

from pathlib import Path

import psycopg
import pytest
import redis
from tests.fixtures.postgres import server_home

from floorcast.cli.reach import reach_database, reach_settings
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.embedded.redis import EmbeddedRedis
from floorcast.embedded.running import RunningServers, find_running
from floorcast.errors import SettingsError

NAMES = ("DATABASE_URL", "FLOORCAST_OWNER_DATABASE_URL", "REDIS_URL", "FLOORCAST_JWT_SECRET", "FLOORCAST_JWKS_URL")


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is named by the environment."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_a_running_database_is_found_with_its_logins(postgres_server: EmbeddedPostgres) -> None:
    """Both URLs open it."""
    running = find_running(postgres_server.home)
    assert running.service_url == postgres_server.service_url
    assert running.owner_url == postgres_server.owner_url
    for url in (running.service_url, running.owner_url):
        with psycopg.connect(url or "") as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_a_running_redis_is_found_until_it_ends() -> None:
    """Password included. A killed one leaves its files behind, which say nothing about now."""
    with server_home() as home, EmbeddedRedis(home) as server:
        url = find_running(home).redis_url
        assert url == server.url
        with redis.Redis.from_url(url or "") as client:
            assert client.ping()
        server.kill()
        assert find_running(home).redis_url is None


def test_a_database_that_was_killed_is_not_found(own_postgres: EmbeddedPostgres) -> None:
    """Its postmaster.pid is still there."""
    own_postgres.kill()
    assert find_running(own_postgres.home).service_url is None


def test_a_home_where_nothing_ever_ran_has_nothing(tmp_path: Path) -> None:
    """And none is made by looking."""
    assert find_running(tmp_path / "none") == RunningServers(None, None, None, None)
    assert not (tmp_path / "none").exists()


@pytest.mark.usefixtures("clean_environment")
def test_settings_are_completed_by_what_runs(
    postgres_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the environment names wins."""
    monkeypatch.setenv("FLOORCAST_HOME", str(postgres_server.home))
    monkeypatch.setenv("FLOORCAST_JWT_SECRET", "x" * 32)
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:1/0")
    settings = reach_settings()
    assert settings.database_url == postgres_server.service_url
    assert settings.migration_url == postgres_server.owner_url
    assert settings.redis_url == "redis://elsewhere:1/0"


@pytest.mark.usefixtures("clean_environment")
def test_without_any_database_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start one, or name one."""
    monkeypatch.setenv("FLOORCAST_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match="floorcast up"):
        reach_database()
