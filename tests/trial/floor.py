"""A whole installation for a trial: Postgres, Redis, relays and gateways as processes of their own, each to be killed.

Nothing here knows pytest: `tests/fixtures/floor.py` makes a fixture of it, `bench/reliability.py` a long trial.
Methods block; a trial with an event loop calls them through `asyncio.to_thread`.
"""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any, Self
from uuid import UUID

import psycopg
import redis
from tests.builders import SECRET, a_token
from tests.trial.clock import Clock
from tests.trial.wires import Wires

from floorcast.child import spawn
from floorcast.database import migrate
from floorcast.embedded.port import choose_port
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.embedded.redis import EmbeddedRedis
from floorcast.factory import demo, plant

STRETCH = float(os.environ.get("FLOORCAST_TEST_STRETCH", "1"))

PROGRESS_SECONDS = 0.3
"""Often, so that the end of a trial is heard soon."""

_TAIL_BYTES = 4_000

_LEADER = """
select a.client_port
from pg_locks as l
join pg_stat_activity as a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and ((l.classid::bigint << 32) | l.objid::bigint) = floorcast.leader_lock()
"""


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Look until it holds; fails with `what` after so many (stretched) seconds."""
    deadline = time.monotonic() + seconds * STRETCH
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came in {seconds * STRETCH:g} s: {what}")
        time.sleep(0.02)


class Process:
    """One of our processes; it ends with the trial, however that ends."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Nothing runs before `start`; `log` gets everything that it says."""
        self.name = name
        self._command = [sys.executable, "-m", "floorcast", *command]
        self._environment = dict(environment)
        self._log = log
        # Where in the log this start began.
        self._log_start = 0
        self._running: Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs, or is stopped."""
        return None if self._running is None else self._running.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, if it ended by itself."""
        return None if self._running is None else self._running.poll()

    def start(self) -> None:
        """Start it; returns at once."""
        assert self._running is None, f"{self.name} runs already"
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            self._running = spawn(self._command, death_signal=signal.SIGKILL, environment=self._environment, output=log)

    def kill(self) -> None:
        """Kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to leave, as a service manager would."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: it keeps its connections and its locks, and does nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def wait(self, seconds: float) -> int:
        """Wait until it ends by itself; return its exit code."""
        assert self._running is not None, f"{self.name} does not run"
        code = self._running.wait(seconds * STRETCH)
        self._running = None
        return code

    def said(self) -> str:
        """The end of what it said."""
        with suppress(FileNotFoundError):
            return self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        return ""

    def events(self) -> list[str]:
        """The names of what it observed and wrote since it was started last, oldest first."""
        found = []
        for line in self._log.read_bytes()[self._log_start :].splitlines():
            with suppress(ValueError):
                found.append(str(json.loads(line)["event"]))
        return found

    def has_port(self, port: int) -> bool:
        """Whether a TCP connection of this process has this local port."""
        if self.pid is None:
            return False
        inodes = set()
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(OSError):
                inodes.add(entry.readlink().name.removeprefix("socket:[").removesuffix("]"))
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port and fields[9] in inodes:
                return True
        return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._running is not None, f"{self.name} does not run"
        self._running.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._running is not None:
            self._running.send_signal(number)
            self._running.send_signal(signal.SIGCONT)
            self._running.wait(30)
            self._running = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody with a token: a row of users, and what it may open."""

    id: UUID
    name: str
    # Warehouse → role.
    roles: Mapping[str, str]

    @property
    def token(self) -> str:
        """A token that is good for an hour."""
        return a_token(sub=str(self.id))


class Floor:
    """Servers, relays and gateways of one trial."""

    def __init__(
        self,
        home: Path,
        *,
        relays: int = 1,
        gateways: int = 2,
        one_port: bool = False,
        postgres_settings: Mapping[str, str] | None = None,
        wired: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Nothing runs before `start`. The gateways have a port each, unless they share `one_port`.

        `wired`: whatever is between two of them goes through links that can be broken. `clock`: what Postgres and our
        processes take for the time.
        """
        self._home = home
        self.wires = Wires() if wired else None
        self._clock = clock
        self.postgres = EmbeddedPostgres(home, settings=postgres_settings)
        if clock is not None:
            programs = clock.programs(self.postgres.bin_directory)
            self.postgres = EmbeddedPostgres(home, settings=postgres_settings, programs=programs)
        self.redis = EmbeddedRedis(home)
        self._counts = relays, gateways
        self._one_port = one_port
        self.relays: list[Process] = []
        self.gateways: list[Process] = []
        self.ports: list[int] = []
        self._others: list[Process] = []

    def __enter__(self) -> Self:
        """Start everything; returns when it is ready."""
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self.end()

    def start(self) -> None:
        """Start servers, migrate, load the demo factory, start our processes and wait until they are of use."""
        self.postgres.start()
        self.redis.start()
        migrate.up(self.postgres.owner_url)
        demo.load(self.postgres.owner_url)
        relays, gateways = self._counts
        self.relays = [self._process(f"relay-{i}", ["relay"]) for i in range(relays)]
        self.ports = []
        for i in range(gateways):
            self.ports.append(self.ports[0] if self.ports and self._one_port else choose_port(None))
            self.gateways.append(self._process(f"gateway-{i}", ["gateway"], PORT=str(self.ports[-1])))
        for process in (*self.relays, *self.gateways):
            process.start()
        self.wait_until_ready()

    def end(self) -> None:
        """End whatever runs."""
        for process in (*self._others, *self.gateways, *self.relays):
            process.kill()
        self.redis.stop()
        self.postgres.stop()
        if self.wires is not None:
            self.wires.close()

    def run(self, name: str, *command: str) -> Process:
        """Start another process of ours on this floor: simulate, replay."""
        process = self._process(name, command)
        self._others.append(process)
        process.start()
        return process

    # Looking

    @property
    def home(self) -> Path:
        """The folder of everything."""
        return self._home

    @property
    def owner_url(self) -> str:
        """The database as its owner."""
        return self.postgres.owner_url

    def gateway_url(self, number: int) -> str:
        """Where a gateway is: http://…."""
        return f"http://127.0.0.1:{self.ports[number]}"

    def client_url(self, number: int) -> str:
        """Where clients find a gateway: behind the network, if there is one."""
        return self._way("clients", self.gateways[number].name, self.gateway_url(number))

    def wait_until_ready(self, *, gateways: Sequence[int] | None = None) -> None:
        """Wait until somebody leads and these gateways (all, unless named) are ready."""
        for number in range(len(self.gateways)) if gateways is None else gateways:
            what = f"{self.gateways[number].name} is ready"
            wait_for(lambda number=number: self._is_ready(number), what, 30)  # type: ignore[misc]
        wait_for(lambda: self.leader() is not None, "a relay leads", 30)

    def _is_ready(self, number: int) -> bool:
        process = self.gateways[number]
        assert process.exit_code is None, f"{process.name} ended:\n{process.said()}"
        if self._one_port:
            # Whoever is asked there may be another.
            return "gateway ready" in process.events()
        with suppress(OSError), urllib.request.urlopen(f"{self.gateway_url(number)}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def leader(self) -> Process | None:
        """The relay whose session holds the leader's lock; None when nobody's does, or Postgres is away."""
        try:
            rows = self.query(_LEADER)
        except psycopg.OperationalError:
            return None
        if not rows:
            return None
        if self.wires is not None:
            name = self.wires.who_has(rows[0][0])
            return next((relay for relay in self.relays if relay.name == name), None)
        return next((relay for relay in self.relays if relay.has_port(rows[0][0])), None)

    def query(self, text: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run one statement as the owner; return its rows, none if it has none."""
        with psycopg.connect(self.owner_url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(text.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def redis_client(self) -> "redis.Redis":
        """A client of the floor's Redis; close it."""
        return redis.Redis.from_url(self.redis.url)

    def newest_tick(self) -> int:
        """The newest tick in Postgres."""
        return int(self.query("select max(tick) from floorcast.tick")[0][0])

    def is_settled(self) -> bool:
        """Whether the newest tick sees every change that is committed."""
        text = """
        select not exists (
            select from floorcast.change as c
            where c.xid >= pg_snapshot_xmin(t.snapshot) and not pg_visible_in_snapshot(c.xid, t.snapshot)
        )
        from floorcast.tick as t order by t.tick desc limit 1
        """
        return bool(self.query(text)[0][0])

    def settle(self) -> int:
        """Wait until nothing is under way; return the newest tick. Whoever writes must have stopped."""
        wait_for(self.is_settled, "the newest tick sees every change", 30)
        return self.newest_tick()

    # People

    def demo_reader(self, name: str) -> Reader:
        """Somebody of the demo factory, by name."""
        person = next(person for person in plant.PEOPLE if person.name == name)
        return Reader(person.id, name, {str(site): role for site, role in person.roles.items()})

    def add_reader(self, name: str, **roles: str) -> Reader:
        """Add a person; `roles` as north="viewer" (north, south, central). Not yet known to any gateway."""
        sites = {"north": plant.NORTH, "south": plant.SOUTH, "central": plant.CENTRAL}
        ((user,),) = self.query("insert into public.users (display_name) values (%s) returning id", name)
        for site, role in roles.items():
            self.grant(user, str(sites[site].id), role)
        return Reader(user, name, {str(sites[site].id): role for site, role in roles.items()})

    def grant(self, user: UUID, warehouse: str, role: str) -> None:
        """Give access."""
        self.query(
            "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, %s)",
            user,
            warehouse,
            role,
        )

    def _process(self, name: str, command: Sequence[str], **environment: str) -> Process:
        settings = {
            **os.environ,
            "DATABASE_URL": self._way(name, "postgres", self.postgres.process_url(command[0])),
            "REDIS_URL": self._way(name, "redis", self.redis.url),
            "FLOORCAST_JWT_SECRET": SECRET,
            "FLOORCAST_PROGRESS_SECONDS": str(PROGRESS_SECONDS),
            "FLOORCAST_LOG_FORMAT": "json",
            # When everything is compared, nobody may write.
            "FLOORCAST_CANARY_SECONDS": "0",
            "PYTHONUNBUFFERED": "1",
            **({} if self._clock is None else self._clock.environment),
            **environment,
        }
        return Process(name, command, settings, self._home / f"{name}.log")

    def _way(self, who: str, where: str, url: str) -> str:
        """The address at which somebody finds a server."""
        return url if self.wires is None else self.wires.open(who, where, url)


@contextmanager
def floor_at(home: Path, **options: Any) -> Iterator[Floor]:
    """Run a floor in a folder."""
    with Floor(home, **options) as floor:
        yield floor
