"""`floorcast up` keeps what it started running, and refuses what cannot work."""

import os
import signal
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.postgres import server_home
from tests.fixtures.processes import wait_until
from tests.fixtures.time import UNIT
from tests.fixtures.up import QUIET, clean_environment, running_up, up_command

from floorcast.embedded.leftover import read_process_id


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One home for all."""
    with server_home() as folder:
        yield folder


@pytest.fixture
def procfile(tmp_path: Path) -> Path:
    """Two idle processes."""
    path = tmp_path / "Procfile"
    path.write_text(QUIET)
    return path


def refused(command: list[str], **environment: str) -> str:
    """Run a command that must not start; return what it said."""
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=clean_environment() | environment,
        timeout=60 * UNIT,
        check=False,
    )
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stderr


def test_servers_that_die_are_started_again_where_they_were(home: Path, procfile: Path) -> None:
    """Relay and gateways know one URL; their reconnecting is enough to heal."""
    pid_files = {"postgres": home / "postgres/18/postmaster.pid", "redis": home / "redis/redis.pid"}
    with running_up(home, procfile) as up:
        up.wait_for_all()
        port = pid_files["postgres"].read_text().splitlines()[3]
        for name, pid_file in pid_files.items():
            before = read_process_id(pid_file)
            assert before is not None
            os.kill(before, signal.SIGKILL)
            up.wait_for(f"{name} was ended by signal 9; starting it again")
            up.wait_until(lambda f=pid_file, b=before: read_process_id(f) not in (b, None), f"another {name}")
        wait_until(lambda: accepts(int(port)), "PostgreSQL is not back on its port", within=30 * UNIT)
        assert not any("relay ended" in line for line in up.lines)


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_processes_get_what_they_need_from_the_environment(home: Path, tmp_path: Path) -> None:
    """The URLs work, the secret is long enough, and `floorcast` is this one, also outside its virtualenv.

    Each has a login of its own, and only the release process has the owner's.
    """
    names = "DATABASE_URL FLOORCAST_OWNER_DATABASE_URL REDIS_URL FLOORCAST_JWT_SECRET PORT"
    procfile = tmp_path / "Procfile"
    report = "; ".join(f'echo "{name}=${name}"' for name in names.split()) + "; command -v floorcast"
    procfile.write_text(
        f"release: {report}\n"
        + "".join(f"{name}: {report}; exec sleep 600\n" for name in ("relay", "gateway", "other"))
    )
    with running_up(home, procfile, "--gateways", "1") as up:
        up.wait_for("/bin/floorcast", times=4)
        said: dict[str, dict[str, str]] = {}
        for line in up.lines:
            process, _, text = line.partition("│ ")
            if "=" in text:
                said.setdefault(process.strip(), {}).update([text.split("=", 1)])
    users = {process: urllib.parse.urlsplit(found["DATABASE_URL"]).username for process, found in said.items()}
    assert users == {
        "release": "floorcast_service",
        "relay": "floorcast_relay_login",
        "gateway.1": "floorcast_gateway_login",
        "other": "floorcast_service",
    }
    owners = {process: found["FLOORCAST_OWNER_DATABASE_URL"] for process, found in said.items()}
    assert urllib.parse.urlsplit(owners.pop("release")).username == "postgres"
    assert set(owners.values()) == {""}
    assert len(said["gateway.1"]["FLOORCAST_JWT_SECRET"]) >= 32
    assert urllib.parse.urlsplit(said["gateway.1"]["REDIS_URL"]).password


def test_a_failed_release_stops_the_start(home: Path, tmp_path: Path) -> None:
    """A relay on a database that is not migrated would only confuse."""
    procfile = tmp_path / "Procfile"
    procfile.write_text("release: /bin/sh -c 'echo oh dear; exit 7'\n" + QUIET)
    with running_up(home, procfile) as up:
        assert up.process.wait(60 * UNIT) == 1
        up.wait_for("oh dear")
        up.wait_for("The release process")
        assert not any("is here" in line for line in up.lines)


def test_a_second_up_on_the_same_home_is_refused(home: Path, procfile: Path) -> None:
    """In a sentence that names the first; that one is not disturbed."""
    with running_up(home, procfile) as up:
        up.wait_for_all()
        said = refused(up_command(home, procfile))
        assert f"`floorcast up` is already running with {home} (process {up.process.pid})" in said
        assert up.process.poll() is None


def test_a_taken_port_is_told_before_anything_starts(procfile: Path) -> None:
    """In a sentence with a way out; there is not even a database afterwards."""
    with server_home() as new_home, socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused([*up_command(new_home, procfile), "--port", str(port)])
        assert f"Port {port} on 127.0.0.1 is in use" in said
        assert f"--port {port + 1}" in said
        assert not (new_home / "postgres").exists()


def test_a_database_of_ones_own_needs_a_secret_of_ones_own(home: Path, procfile: Path) -> None:
    """Refused by name, before anything starts."""
    said = refused(up_command(home, procfile), DATABASE_URL="postgresql://somebody@127.0.0.1:1/theirs")
    assert "FLOORCAST_JWT_SECRET" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can close a folder to the servers' user")
def test_a_home_that_the_servers_cannot_reach_is_told(procfile: Path, tmp_path: Path) -> None:
    """As root they run as another user; we open no folder that is not ours, but say which way out there is."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with running_up(closed / "home", procfile) as up:
        assert up.process.wait(60 * UNIT) == 1
        up.wait_for("FLOORCAST_HOME")
    assert closed.stat().st_mode & 0o777 == 0o700
