"""The real thing for a benchmark: embedded servers, a warehouse with a small tracked table, relay and gateways."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt
import psycopg

from floorcast.database import migrate
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.embedded.redis import EmbeddedRedis

SECRET = "a secret for benchmarks, and for nothing else"


@dataclass(frozen=True, slots=True)
class Stack:
    """What a benchmark needs to know."""

    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    warehouse: str
    token: str
    environment: Mapping[str, str]

    @contextmanager
    def process(self, *command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """Run one of our processes; it ends with the block."""
        process = subprocess.Popen(
            [sys.executable, *command],
            env={**self.environment, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if "FLOORCAST_BENCH_LOUD" not in os.environ else None,
            text=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder that the servers' user can reach, and take it away afterwards."""
    home = Path(tempfile.mkdtemp(prefix="floorcast-bench-", dir="/tmp"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def stack(settings: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Start servers, migrate, and make a warehouse with a table `bench.reading` whose frames have about 300 bytes."""
    with (
        scratch() as home,
        EmbeddedPostgres(home, settings=settings or {}) as postgres,
        EmbeddedRedis(home) as redis,
    ):
        migrate.up(postgres.owner_url)
        with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
            user, warehouse = _people(connection)
            connection.execute(
                """
                create schema bench;
                create table bench.reading (id int primary key, warehouse_id uuid not null, value text not null);
                grant usage on schema bench to authenticated;
                insert into floorcast.table_rule values ('bench.reading', 'select', '{viewer}');
                select floorcast.protect('bench.reading');
                select floorcast.track('bench.reading');
                """
            )
            connection.execute("insert into bench.reading values (1, %s, 'first')", [warehouse])
        environment = {
            **os.environ,
            "DATABASE_URL": postgres.service_url,
            "REDIS_URL": redis.url,
            "FLOORCAST_JWT_SECRET": SECRET,
            # These clients answer no pings.
            "FLOORCAST_IDLE_SECONDS": "86400",
        }
        yield Stack(postgres, redis, warehouse, _token(user), environment)


def more_people(it: Stack, count: int) -> list[tuple[str, str]]:
    """Let so many more people into the warehouse, who may look at it; return each one's id and token."""
    with psycopg.connect(it.postgres.owner_url, autocommit=True) as connection:
        users = connection.execute(
            """
            with u as (
                insert into public.users (display_name, role)
                select 'Viewer ' || n, 'viewer' from generate_series(1, %s) as n returning id
            ),
            a as (
                insert into public.user_warehouse_access (user_id, warehouse_id, role)
                select u.id, %s, 'viewer' from u
            )
            select u.id::text from u
            """,
            [count, it.warehouse],
        ).fetchall()
    return [(user, _token(user)) for (user,) in users]


def _token(user: str) -> str:
    claims = {"sub": user, "role": "authenticated", "aud": "authenticated", "exp": int(time.time()) + 86_400}
    return jwt.encode(claims, SECRET, "HS256")


def _people(connection: psycopg.Connection[tuple[str, ...]]) -> tuple[str, str]:
    row = connection.execute(
        """
        with o as (insert into public.organizations (name) values ('Bench') returning id),
        w as (insert into public.warehouses (organization_id, name) select id, 'Bench' from o returning id),
        u as (
            insert into public.users (display_name, role) values ('Viewer', 'viewer') returning id
        ),
        a as (
            insert into public.user_warehouse_access (user_id, warehouse_id, role)
            select u.id, w.id, 'viewer' from u, w
        )
        select u.id::text, w.id::text from u, w
        """
    ).fetchone()
    if row is None:
        raise SystemExit("no warehouse was made")
    return row[0], row[1]


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(port: int) -> None:
    """Return when a gateway on the port is ready."""
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise SystemExit("the gateway did not become ready in 30 s")
