"""The embedded PostgreSQL: what it keeps, what it heals, what it refuses."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.fixtures.postgres import SETTINGS, server_home
from tests.fixtures.processes import lives, wait_until

from floorcast.embedded.leftover import marked_processes
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.errors import EmbeddedServerError

START_AND_VANISH = """
import os, signal, sys
from pathlib import Path
from floorcast.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), settings={"fsync": "off"})
server.start()
print(server.pid, flush=True)
os.kill(server.pid, signal.SIGSTOP)
os.kill(os.getpid(), signal.SIGKILL)
"""
"""A parent that dies while its server cannot react, so that the server is still there afterwards."""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder for all of these tests: making a cluster is what takes time."""
    with server_home() as folder:
        yield folder


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    """A server that was not started."""
    server = EmbeddedPostgres(home, settings=SETTINGS)
    yield server
    server.stop()


def ask(url: str, query: str) -> object:
    """The one value of a query."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def keep_something(server: EmbeddedPostgres) -> None:
    """Commit a row."""
    with psycopg.connect(server.owner_url) as connection:
        connection.execute("drop table if exists kept")
        connection.execute("create table kept (word text)")
        connection.execute("insert into kept values ('Schraube')")


def kept(server: EmbeddedPostgres) -> object:
    """The row, if it is still there."""
    return ask(server.owner_url, "select word from kept")


def test_it_is_what_we_promise(server: EmbeddedPostgres) -> None:
    """Version 18, UTF8, an order of strings that no machine changes, times in UTC, safe against power cuts."""
    server.settings.clear()
    server.start()
    assert str(ask(server.owner_url, "select current_setting('server_version_num')")).startswith("18")
    assert ask(server.owner_url, "select current_setting('server_encoding')") == "UTF8"
    assert ask(server.owner_url, "select datlocale from pg_database where datname = 'floorcast'") == "C.UTF-8"
    assert ask(server.owner_url, "select current_setting('timezone')") == "UTC"
    assert ask(server.owner_url, "select current_setting('fsync')") == "on"


def test_the_service_login_can_become_what_it_must_and_nothing_more(server: EmbeddedPostgres) -> None:
    """As in production: no superuser, no inherited right."""
    server.start()
    with psycopg.connect(server.service_url, autocommit=True) as connection:
        for role in ("anon", "authenticated", "service_role", "floorcast_relay", "floorcast_gateway"):
            connection.execute(f"set role {role}".encode())
            connection.execute("reset role")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("set role postgres")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create table public.mine ()")


def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres) -> None:
    """Neither over TCP nor through the socket."""
    server.start()
    for host in ("127.0.0.1", str(server.home / "postgres")):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=host, port=server.port, user="postgres", password="wrong", dbname="postgres")


def test_passwords_are_readable_by_their_owner_only(server: EmbeddedPostgres) -> None:
    """And nothing outside the home was opened."""
    before = server.home.parent.stat().st_mode
    server.start()
    files = [path for path in (server.home / "secrets").iterdir() if path.is_file()]
    assert server.password_file in files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert server.home.parent.stat().st_mode == before


def test_data_survives_a_stop(server: EmbeddedPostgres) -> None:
    """Also for a later process, here a second object."""
    server.start()
    keep_something(server)
    server.stop()
    with EmbeddedPostgres(server.home, settings=SETTINGS) as later:
        assert kept(later) == "Schraube"


def test_data_survives_a_kill(server: EmbeddedPostgres) -> None:
    """Committed is committed; the port stays, so that clients find it again."""
    server.start()
    keep_something(server)
    port, pid = server.port, server.pid
    server.kill()
    assert server.pid is None
    server.start()
    assert (server.port, kept(server)) == (port, "Schraube")
    assert server.pid != pid


def test_a_restart_takes_new_settings(server: EmbeddedPostgres) -> None:
    """Tests change the server's settings between two starts."""
    server.start()
    port = server.port
    server.settings["work_mem"] = "7MB"
    server.restart()
    assert (server.port, ask(server.owner_url, "select current_setting('work_mem')")) == (port, "7MB")


def test_a_server_that_ends_by_itself_is_known(server: EmbeddedPostgres) -> None:
    """`floorcast up` starts it again."""
    server.start()
    assert (server.is_alive, server.exit_code) == (True, None)
    assert server.pid is not None
    os.kill(server.pid, 9)
    wait_until(lambda: not server.is_alive, "the server is dead and we do not know")
    assert server.exit_code == -9
    server.start()
    assert server.is_alive


def test_a_second_instance_on_the_same_home_is_refused(server: EmbeddedPostgres) -> None:
    """In a sentence that names the process; the first one is not disturbed."""
    server.start()
    with pytest.raises(EmbeddedServerError, match=rf"already running .* \(process {os.getpid()}\)"):
        EmbeddedPostgres(server.home).start()
    assert ask(server.owner_url, "select 1") == 1


def test_an_orphan_of_a_killed_run_is_replaced(server: EmbeddedPostgres) -> None:
    """Even one that does not react: it would hold the data, and nobody owns it."""
    started = subprocess.run(
        [sys.executable, "-c", START_AND_VANISH, str(server.home)], stdout=subprocess.PIPE, check=False
    )
    orphan = int(started.stdout)
    assert lives(orphan)
    server.start()
    assert not lives(orphan)
    assert ask(server.owner_url, "select 1") == 1


def test_backends_without_their_server_are_ended(server: EmbeddedPostgres) -> None:
    """They hold the shared memory, so that a new server would refuse to start."""
    server.start()
    with psycopg.connect(server.owner_url, autocommit=True) as connection:
        backend = connection.info.backend_pid
        assert server.pid is not None
        os.kill(backend, 19)  # Stopped, it cannot notice that its server is gone.
        os.kill(server.pid, 9)
        wait_until(lambda: not server.is_alive, "the server is dead and we do not know")
        server.start()
        assert not lives(backend)


def test_a_stale_pid_file_that_names_a_stranger_harms_nobody(server: EmbeddedPostgres) -> None:
    """After a reboot the number may be anybody's: here it is ours, and we are still alive afterwards."""
    server.start()
    keep_something(server)
    pid_file = server.home / "postgres" / "18" / "postmaster.pid"
    text = pid_file.read_text().splitlines()
    server.kill()
    pid_file.write_text("\n".join([str(os.getpid()), *text[1:]]) + "\n")
    (server.home / "postgres" / f".s.PGSQL.{server.port}.lock").write_text(f"{os.getpid()}\n")
    server.start()
    assert kept(server) == "Schraube"


def test_a_first_start_that_was_killed_half_way_is_begun_anew(server: EmbeddedPostgres) -> None:
    """A cluster that initdb did not finish is no cluster."""
    server.start()
    server.stop()
    data = server.home / "postgres" / "18"
    data.rename(data.with_suffix(".partial"))
    server.start()
    assert ask(server.owner_url, "select 1") == 1


def test_a_taken_port_is_replaced_by_a_free_one(home: Path) -> None:
    """It is a wish; the URL tells what it became."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with EmbeddedPostgres(home, port=taken, settings=SETTINGS) as server:
            assert server.port != taken
            assert ask(server.owner_url, "select 1") == 1


def test_a_start_that_fails_shows_what_the_server_said(server: EmbeddedPostgres) -> None:
    """The message alone is enough to see why; nothing is left running and the home is free again."""
    server.settings["shared_buffers"] = "nonsense"
    with pytest.raises(EmbeddedServerError, match='invalid value for parameter "shared_buffers"'):
        server.start()
    del server.settings["shared_buffers"]
    with EmbeddedPostgres(server.home, settings=SETTINGS) as later:
        assert ask(later.owner_url, "select 1") == 1


def test_a_server_started_by_a_thread_outlives_that_thread(server: EmbeddedPostgres) -> None:
    """The kernel ends children with the thread that forked them; ours are forked by one that stays."""
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    assert ask(server.owner_url, "select 1") == 1
    assert server.is_alive


def test_two_homes_do_not_see_each_other(server: EmbeddedPostgres) -> None:
    """Starting one must not end the other as a leftover."""
    server.start()
    with server_home() as other_home, EmbeddedPostgres(other_home, settings=SETTINGS) as other:
        assert ask(other.owner_url, "select 1") == 1
        assert ask(server.owner_url, "select 1") == 1
        other.kill()
    assert server.is_alive
    assert server.pid in marked_processes(server._mark)
