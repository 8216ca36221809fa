"""However `floorcast up` ends, it leaves nothing running, and the next start has its data."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.fixtures.postgres import server_home
from tests.fixtures.processes import descendants, lives, wait_until
from tests.fixtures.time import UNIT
from tests.fixtures.up import QUIET, clean_environment, running_up, up_command

from floorcast.embedded.postgres import EmbeddedPostgres


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One home for all: each start is also the next start after another's end."""
    with server_home() as folder:
        yield folder


@pytest.fixture
def procfile(tmp_path: Path) -> Path:
    """Two idle processes."""
    path = tmp_path / "Procfile"
    path.write_text(QUIET)
    return path


def assert_gone(processes: set[int]) -> None:
    """Very soon: the servers need a moment to shut down after a kill of their parent."""
    wait_until(lambda: not any(lives(process) for process in processes), "left running", within=20 * UNIT)


def assert_all_gone(processes: set[int]) -> None:
    """As above, and that there was something: two servers with their children, a relay, two gateways."""
    assert len(processes) >= 8
    assert_gone(processes)


def database_url(home: Path) -> str:
    """The owner's URL of the server that `up` runs in this home."""
    lines = (home / "postgres" / "18" / "postmaster.pid").read_text().splitlines()
    password = (home / "secrets" / "postgres-postgres").read_text()
    return f"postgresql://postgres:{password}@127.0.0.1:{lines[3]}/floorcast"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_stops_everything_first(home: Path, procfile: Path, number: signal.Signals) -> None:
    """When it is gone, so are they: nothing has to be waited for. Ending as asked is no failure."""
    with running_up(home, procfile) as up:
        processes = up.wait_for_all()
        up.process.send_signal(number)
        assert up.process.wait(30 * UNIT) == 0
        assert len(processes) >= 8
        assert not any(map(lives, processes))


def test_killed_it_takes_everything_along_and_the_next_start_has_its_data(home: Path, procfile: Path) -> None:
    """`kill -9` leaves it no chance to clean up."""
    with running_up(home, procfile) as up:
        processes = up.wait_for_all()
        with psycopg.connect(database_url(home)) as connection:
            connection.execute("create table kept as select 'Schraube' as word")
        up.process.kill()
        assert_all_gone(processes)
    with running_up(home, procfile) as up:
        up.wait_for_all()
        with psycopg.connect(database_url(home)) as connection:
            assert connection.execute("select word from kept").fetchone() == ("Schraube",)


def test_the_next_start_need_not_wait_for_the_end_of_the_last(home: Path, procfile: Path) -> None:
    """Started in the moment after a kill, when the old server is still shutting down."""
    with running_up(home, procfile) as up:
        processes = up.wait_for_all()
        up.process.kill()
        with running_up(home, procfile) as later:
            later.wait_for_all()
        assert_all_gone(processes)


def test_killed_while_it_starts_it_leaves_nothing_either(procfile: Path) -> None:
    """At the first sign of a server, in a new home."""
    with server_home() as new_home:
        with running_up(new_home, procfile) as up:
            up.wait_until((new_home / "postgres").exists, "the first step")
            processes = descendants(up.process.pid)
            up.process.kill()
            assert_gone(processes)
        with running_up(new_home, procfile) as up:
            up.wait_for_all()


class Terminal:
    """A terminal window with `floorcast up` in it."""

    def __init__(self, command: list[str]) -> None:
        """Run it as a shell does: the terminal is its controlling one."""
        self.window, inside = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_A_TERMINAL, *command],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            env=clean_environment() | {"TERM": "xterm"},
        )
        os.close(inside)
        self.text = b""
        self._closing, self._close = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # A read that blocks would hold the window open, however often somebody closes it.
        while select.select([self.window, self._closing], [], [])[0] == [self.window]:
            try:
                self.text += os.read(self.window, 4096)
            except OSError:
                return  # Nobody is in there any more.

    def close(self) -> None:
        """Close the window, as with a click on its corner."""
        os.close(self._close)
        self._reader.join()
        os.close(self.window)
        os.close(self._closing)

    def wait_for_all(self) -> set[int]:
        """Wait until everything runs; return the ids of all processes below."""
        plain = re.compile(rb"\x1b\[\d+m")
        wanted = (b"here\r\n",) * 3
        wait_until(
            lambda: plain.sub(b"", self.text).count(b"here\r\n") >= len(wanted),
            "not everything came up",
            within=60 * UNIT,
        )
        return descendants(self.process.pid)


_IN_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_control_c_in_a_terminal_stops_everything(home: Path, procfile: Path) -> None:
    """The terminal signals everybody in its foreground; only `up` is there."""
    terminal = Terminal(up_command(home, procfile))
    processes = terminal.wait_for_all()
    os.write(terminal.window, b"\x03")
    assert terminal.process.wait(30 * UNIT) == 0
    assert not any(map(lives, processes))
    terminal.close()


def test_a_closed_terminal_stops_everything(home: Path, procfile: Path) -> None:
    """Its output goes nowhere from then on, which must not hinder it."""
    terminal = Terminal(up_command(home, procfile))
    processes = terminal.wait_for_all()
    terminal.close()
    assert terminal.process.wait(30 * UNIT) == 0
    assert not any(map(lives, processes))


def test_a_stopped_process_does_not_keep_it_from_ending(home: Path, procfile: Path) -> None:
    """A gateway that hangs is killed after its deadline, the database is shut down cleanly all the same."""
    procfile.write_text(
        "relay: sleep 600\ngateway: /bin/sh -c 'trap : TERM INT; echo here; while :; do sleep 1; done'\n"
    )
    with running_up(home, procfile, "--gateways", "1") as up:
        up.wait_for("gateway.1  │ here")
        processes = descendants(up.process.pid)
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(60 * UNIT) == 0
        assert not any(map(lives, processes))
    with EmbeddedPostgres(home):
        log = (home / "postgres.log").read_text()
    assert "database system was shut down" in log.rpartition("starting PostgreSQL")[2]
