"""An embedded PostgreSQL 18: made on first start, healed after a crash, gone when we are gone."""

import hashlib
import shutil
import time
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from signal import SIGINT, SIGQUIT
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from floorcast.embedded.account import own_folder, server_account
from floorcast.embedded.binaries import NEWEST, PostgresBinaries, postgres_binaries
from floorcast.embedded.cluster import initialize
from floorcast.embedded.home import HomeLock, prepare_home, secret
from floorcast.embedded.leftover import Mark, end_leftover, kill_marked, read_process_id
from floorcast.embedded.port import LOOPBACK, choose_port
from floorcast.embedded.process import ServerProcess
from floorcast.errors import EmbeddedServerError

OWNER = "postgres"
SERVICE = "floorcast_service"
DATABASE = "floorcast"
LOGINS: Mapping[str, str] = {
    "relay": "floorcast_relay_login",
    "gateway": "floorcast_gateway_login",
    "maintain": "floorcast_maintain_login",
}
"""By process: a login that may do what that process does, and nothing else. Others use `SERVICE`."""

_START_DEADLINE = 60.0  # seconds; recovery after a power cut is included
_STOP_PATIENCE = 30.0  # seconds; a fast shutdown writes a checkpoint
_LOOK_AGAIN = 0.02  # seconds
_ATTEMPTS = 5  # starts, when somebody takes the chosen port first
_SOCKET_PATH_LIMIT = 100  # bytes; the kernel's is 108, with the file name in it

_DEFAULTS: Mapping[str, str] = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    # Times in rows are read by people of many time zones; the trail has one.
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """A PostgreSQL cluster in ``home/postgres``; one process at a time may have it.

    Usable as a context manager. Methods block; each may be called from any thread, but from one at a time.
    """

    def __init__(
        self,
        home: Path,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        *,
        version: int = NEWEST,
        programs: Path | None = None,
        owner: str = OWNER,
    ) -> None:
        """Take a home; nothing is started yet.

        Args:
            home: the folder of the cluster, its secrets and its log.
            port: a wish; a taken one is replaced.
            settings: names of postgresql.conf and their values.
            version: the major version.
            programs: the folder of that version's programs; None for those of the wheel.
            owner: the superuser of the cluster, if it has to be made.
        """
        self._home = prepare_home(home)
        self._folder = self._home / "postgres"
        self._data = self._folder / str(version)
        self._owner = owner
        # Settings for the next start; tests change them between stop and start.
        self.settings = dict(settings or {})
        self._account = server_account(self._data)
        self._binaries = (
            postgres_binaries(self._home, self._account, version)
            if programs is None
            else PostgresBinaries(programs, version)
        )
        # The port we listen on, or listened on last: clients of a restarted server find it where it was.
        self._port = port
        name = hashlib.sha256(str(self._data).encode()).hexdigest()[:12]
        # cluster_name is part of the title of every process of this cluster.
        self._mark = Mark(programs=frozenset({"postgres"}), text=f"floorcast-{name}")
        self._lock = HomeLock(self._home / "postgres.lock", "An embedded PostgreSQL")
        self._process = ServerProcess(self._home / "postgres.log")

    @property
    def home(self) -> Path:
        """The folder that holds the cluster, its secrets and its log."""
        return self._home

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1; known after the first start."""
        if self._port is None:
            raise EmbeddedServerError("The embedded PostgreSQL has no port yet: start it first.")
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
    def bin_directory(self) -> Path:
        """Folder of psql, pg_dump and the others of the same version."""
        return self._binaries.directory

    @property
    def owner_url(self) -> str:
        """The database as its superuser, for migrations."""
        return self.url_for(DATABASE)

    @property
    def service_url(self) -> str:
        """The database as the login of whoever has none of his own: it can become every role of ours."""
        return self.url_for(DATABASE, SERVICE)

    def process_url(self, process: str) -> str:
        """The database as the login of a process, as `relay`; the service's for one that has none of its own."""
        return self.url_for(DATABASE, LOGINS.get(process, SERVICE))

    @property
    def password_file(self) -> Path:
        """A PGPASSFILE for all logins on any port, so that no password appears on a command line."""
        return self._home / "secrets" / "pgpass"

    @property
    def version(self) -> int:
        """The major version."""
        return self._binaries.version

    @property
    def owner(self) -> str:
        """The superuser of the cluster."""
        return self._owner

    def url_for(self, database: str, role: str | None = None) -> str:
        """A URL of any database here as ``role`` (None: the owner), password included."""
        role = self._owner if role is None else role
        return f"postgresql://{role}:{quote(self._password(role))}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Create the cluster if there is none; return when it answers; raises with the log's tail."""
        self._lock.acquire()
        try:
            end_leftover(
                self._mark,
                read_process_id(self._data / "postmaster.pid"),
                politely=SIGINT,
                patience=_STOP_PATIENCE,
            )
            self._create_if_missing()
            self._start_on_some_port()
            self._provision()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut down fast but cleanly and release the home; does nothing when not started."""
        self._process.end(SIGINT, SIGQUIT, patience=_STOP_PATIENCE)
        self._lock.release()

    def kill(self) -> None:
        """SIGKILL the server and all its backends, as a power cut would; ``start`` recovers."""
        kill_marked(self._mark)
        self._process.reap()

    def restart(self) -> None:
        """Stop cleanly and start again on the same port."""
        self._process.end(SIGINT, SIGQUIT, patience=_STOP_PATIENCE)
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

    def _password(self, role: str) -> str:
        return secret(self._home, f"postgres-{role}")

    def _create_if_missing(self) -> None:
        own_folder(self._folder, self._account)
        if self._data.exists():
            # Nothing of this cluster runs (see end_leftover), so what these claim is about the past.
            for stale in (self._data / "postmaster.pid", *self._folder.glob(".s.PGSQL.*")):
                stale.unlink(missing_ok=True)
            return
        draft = self._data.with_suffix(".partial")
        shutil.rmtree(draft, ignore_errors=True)
        initialize(
            draft,
            binaries=self._binaries,
            account=self._account,
            owner=self._owner,
            password=self._password(self._owner),
        )
        draft.rename(self._data)

    def _start_on_some_port(self) -> None:
        for attempt in range(_ATTEMPTS):
            self._port = choose_port(self._port)
            self._process.start(self._command(), death_signal=SIGINT, account=self._account)
            try:
                self._wait_until_ready()
            except EmbeddedServerError:
                lost_the_port = "could not bind" in self._process.log_tail()
                self._process.end(SIGQUIT, patience=_STOP_PATIENCE)
                if not lost_the_port or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    def _command(self) -> list[str]:
        short = len(str(self._folder).encode()) < _SOCKET_PATH_LIMIT - len(".s.PGSQL.65535")
        settings = {
            **_DEFAULTS,
            **self.settings,
            "cluster_name": self._mark.text,
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": str(self._folder) if short else "",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.bin_directory / "postgres"), "-D", str(self._data), *options]

    def _wait_until_ready(self) -> None:
        url = self.url_for("postgres")
        deadline = time.monotonic() + _START_DEADLINE
        while True:
            try:
                psycopg.connect(url, connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if not self._process.is_alive:
                    raise self._not_ready("ended while starting") from None
                if time.monotonic() > deadline:
                    raise self._not_ready(f"does not answer after {_START_DEADLINE:.0f} s ({error})") from error
                time.sleep(_LOOK_AGAIN)
            else:
                return

    def _not_ready(self, what: str) -> EmbeddedServerError:
        return EmbeddedServerError(
            f"The embedded PostgreSQL {what}; its data in {self._data} is as it was. "
            f"The end of its log {self._home / 'postgres.log'}:\n{self._process.log_tail()}",
        )

    def _provision(self) -> None:
        """Bring roles and database to what the migrations expect; the same at each start."""
        provision = resources.files("floorcast.embedded").joinpath("provision.sql").read_text()
        with psycopg.connect(self.url_for("postgres"), autocommit=True) as connection:
            connection.execute(provision.encode())
            for login in (SERVICE, *LOGINS.values()):
                connection.execute(
                    sql.SQL("alter role {} password {}").format(sql.Identifier(login), self._password(login)),
                )
            known = connection.execute("select from pg_database where datname = %s", [DATABASE])
            if known.fetchone() is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        self._write_password_file((self._owner, SERVICE, *LOGINS.values()))

    def _write_password_file(self, roles: Iterable[str]) -> None:
        lines = [f"*:*:*:{role}:{self._password(role)}\n" for role in roles]
        self.password_file.touch(mode=0o600)
        self.password_file.write_text("".join(lines))
