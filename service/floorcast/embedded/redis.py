"""An embedded Redis: a cache that can be thrown away, so nothing of it is kept unless asked for."""

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from signal import SIGKILL, SIGTERM
from types import TracebackType
from typing import Self
from urllib.parse import quote

from floorcast.embedded.account import own_folder, server_account
from floorcast.embedded.binaries import redis_binary
from floorcast.embedded.home import HomeLock, prepare_home, secret
from floorcast.embedded.leftover import Mark, end_leftover, kill_marked, read_process_id
from floorcast.embedded.port import LOOPBACK, choose_port
from floorcast.embedded.process import ServerProcess
from floorcast.errors import EmbeddedServerError

_START_DEADLINE = 30.0  # seconds
_STOP_PATIENCE = 10.0  # seconds
_LOOK_AGAIN = 0.01  # seconds
_ATTEMPTS = 5  # starts, when somebody takes the chosen port first

_DEFAULTS: Mapping[str, str] = {
    # Evicting a piece of a feed would be a silent hole; a refused write is repaired from Postgres.
    "maxmemory-policy": "noeviction",
    "maxmemory": "256mb",
    "appendonly": "no",
    "save": '""',
}


class EmbeddedRedis:
    """A Redis in ``home/redis``; one process at a time may have it.

    Usable as a context manager. Methods block; each may be called from any thread, but from one at a time.
    """

    def __init__(self, home: Path, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        """``port`` is a wish: a taken one is replaced. ``settings`` are lines of redis.conf."""
        self._home = prepare_home(home)
        self._folder = self._home / "redis"
        # Settings for the next start; tests change them between stop and start.
        self.settings = dict(settings or {})
        self._account = server_account(self._folder)
        self._program = redis_binary(self._home, self._account)
        # The port we listen on, or listened on last: clients of a restarted server find it where it was.
        self._port = port
        self._configuration = self._folder / "redis.conf"
        # proc-title-template puts the configuration's path into the title.
        self._mark = Mark(programs=frozenset({"redis-server", "valkey-server"}), text=str(self._configuration))
        self._lock = HomeLock(self._home / "redis.lock", "An embedded Redis")
        self._process = ServerProcess(self._home / "redis.log")

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1; known after the first start."""
        if self._port is None:
            raise EmbeddedServerError("The embedded Redis has no port yet: start it first.")
        return self._port

    @property
    def pid(self) -> int | None:
        """Process id of the server, None when it does not run."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the server process runs."""
        return self._process.is_alive

    @property
    def exit_code(self) -> int | None:
        """How the server ended if it ended by itself, negative for a signal; None otherwise."""
        return self._process.exit_code

    @property
    def url(self) -> str:
        """Its database 0, password included."""
        return f"redis://:{quote(self._password)}@{LOOPBACK}:{self.port}/0"

    @property
    def directory(self) -> Path:
        """Where ``dump.rdb`` is written and read when saving is asked for."""
        return self._folder

    def start(self) -> None:
        """Start and return when it answers; raises with the log's tail."""
        self._lock.acquire()
        try:
            end_leftover(
                self._mark,
                read_process_id(self._folder / "redis.pid"),
                politely=SIGTERM,
                patience=_STOP_PATIENCE,
            )
            own_folder(self._folder, self._account)
            self._start_on_some_port()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop and release the home; does nothing when not started."""
        self._process.end(SIGTERM, patience=_STOP_PATIENCE)
        self._lock.release()

    def kill(self) -> None:
        """SIGKILL it: everything that was not saved is lost."""
        kill_marked(self._mark)
        self._process.reap()

    def restart(self) -> None:
        """Stop and start again on the same port."""
        self._process.end(SIGTERM, patience=_STOP_PATIENCE)
        self.start()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def _password(self) -> str:
        return secret(self._home, "redis")

    def _start_on_some_port(self) -> None:
        for attempt in range(_ATTEMPTS):
            self._port = choose_port(self._port)
            self._write_configuration()
            command = [str(self._program), str(self._configuration)]
            self._process.start(command, death_signal=SIGTERM, account=self._account)
            try:
                self._wait_until_ready()
            except EmbeddedServerError:
                lost_the_port = "Could not create server TCP" in self._process.log_tail()
                self._process.end(SIGKILL, patience=_STOP_PATIENCE)
                if not lost_the_port or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    def _write_configuration(self) -> None:
        lines = {
            **_DEFAULTS,
            **self.settings,
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self._password,
            "dir": f'"{self._folder}"',
            "pidfile": f'"{self._folder / "redis.pid"}"',
            "proc-title-template": '"{title} {listen-addr} {config-file}"',
        }
        self._configuration.touch(mode=0o600)
        self._configuration.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        if self._account is not None:
            os.chown(self._configuration, self._account.user, self._account.group)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_DEADLINE
        while not self._answers():
            if not self._process.is_alive:
                raise self._not_ready("ended while starting")
            if time.monotonic() > deadline:
                raise self._not_ready(f"does not answer after {_START_DEADLINE:.0f} s")
            time.sleep(_LOOK_AGAIN)

    def _answers(self) -> bool:
        """Whether it takes our password and is done loading; one bare exchange needs no client library."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=5) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\nQUIT\r\n".encode())
                return connection.makefile("rb").read() == b"+OK\r\n+PONG\r\n+OK\r\n"
        except OSError:
            return False

    def _not_ready(self, what: str) -> EmbeddedServerError:
        return EmbeddedServerError(
            f"The embedded Redis {what}; nothing is lost, Postgres has every change. "
            f"The end of its log {self._home / 'redis.log'}:\n{self._process.log_tail()}",
        )
