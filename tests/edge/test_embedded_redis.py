"""The embedded Redis: what it is, what it heals, what it refuses."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.fixtures.postgres import server_home

from floorcast.embedded.redis import EmbeddedRedis
from floorcast.errors import EmbeddedServerError


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    """A server that runs."""
    with server_home() as home, EmbeddedRedis(home) as server:
        yield server


@pytest.fixture
def client(server: EmbeddedRedis) -> Iterator[redis.Redis]:
    """A client that connects again by itself."""
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        yield client


def test_it_forgets_nothing_by_itself_and_keeps_nothing_on_disk(client: redis.Redis) -> None:
    """Eviction would be a silent hole in a feed; a file would be yesterday's truth."""
    wanted = {"maxmemory-policy": "noeviction", "appendonly": "no", "save": ""}
    assert {name: client.config_get(name)[name] for name in wanted} == wanted
    assert int(client.config_get("maxmemory")["maxmemory"]) == 256 * 1024 * 1024


def test_nobody_gets_in_without_the_password(server: EmbeddedRedis) -> None:
    """Other users of the machine can reach the port too."""
    with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_the_password_is_on_no_command_line(server: EmbeddedRedis) -> None:
    """Every user of the machine can read those."""
    command_line = Path(f"/proc/{server.pid}/cmdline").read_bytes()
    assert server.url.split(":")[2].split("@")[0].encode() not in command_line


def test_a_killed_server_comes_back_empty_on_the_same_port(server: EmbeddedRedis, client: redis.Redis) -> None:
    """Clients find it where it was; what it held is rebuilt from Postgres."""
    client.set("word", "Schraube")
    url = server.url
    server.kill()
    assert server.pid is None
    server.start()
    assert server.url == url
    assert client.get("word") is None


def test_what_is_saved_on_request_is_read_at_the_next_start(server: EmbeddedRedis, client: redis.Redis) -> None:
    """How tests restore a Redis from yesterday."""
    client.set("word", "Schraube")
    client.save()
    assert (server.directory / "dump.rdb").exists()
    server.restart()
    assert client.get("word") == "Schraube"


def test_settings_are_taken_at_the_next_start(server: EmbeddedRedis, client: redis.Redis) -> None:
    """A small memory makes a full Redis quickly."""
    server.settings["maxmemory"] = "8mb"
    server.restart()
    assert int(client.config_get("maxmemory")["maxmemory"]) == 8 * 1024 * 1024


def test_a_second_instance_on_the_same_home_is_refused(server: EmbeddedRedis, client: redis.Redis) -> None:
    """In a sentence that names the process; the first one is not disturbed."""
    with pytest.raises(EmbeddedServerError, match=rf"already running .* \(process {os.getpid()}\)"):
        EmbeddedRedis(server.directory.parent).start()
    assert client.ping()


def test_an_orphan_is_replaced(server: EmbeddedRedis, client: redis.Redis) -> None:
    """A server whose parent was killed is ended before a new one starts."""
    orphan = server.pid
    assert orphan is not None
    server._lock.release()  # As the kernel does when the parent dies; we play the dead parent.
    with EmbeddedRedis(server.directory.parent) as later:
        assert later.pid != orphan
        assert not server.is_alive
        with redis.Redis.from_url(later.url) as fresh:
            assert fresh.ping()
    client.close()


def test_a_start_that_fails_shows_what_the_server_said(server: EmbeddedRedis) -> None:
    """The message alone is enough to see why."""
    server.stop()
    server.settings["maxmemory-policy"] = "nonsense"
    with pytest.raises(EmbeddedServerError, match="maxmemory-policy"):
        server.start()
