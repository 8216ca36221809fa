"""What the doorbell costs writers: commits per second of 16 writers on a disk that takes 3 ms to flush.

Four ways in turn, several rounds, each with the same writers and the same capture:
    silent     nobody rings and nobody listens: the ceiling
    adaptive   Floorcast as it is, with a relay that closes ticks
    always     the same relay, and every transaction rings (FLOORCAST_DOORBELL=always)
    untracked  no capture at all, for scale

    python bench/doorbell.py [--seconds 8] [--rounds 3]
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from stack import scratch

from floorcast.database import migrate
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.embedded.redis import EmbeddedRedis

WRITERS = 16

# commit_delay makes each flush wait 3 ms whoever else is there, like a disk that honestly writes.
SLOW_FLUSH = {"commit_delay": "3000", "commit_siblings": "0", "fsync": "on", "shared_buffers": "256MB"}

# An update that changes nothing is not captured, so each one must change something.
SCRIPT = """\\set m random(1, 2000)
\\set bay random(1, 1000000000)
update public.equipment set location = 'bay ' || :bay where name = 'machine ' || :m;
"""


def main() -> None:
    """Run all ways in turn and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with (
        scratch() as home,
        EmbeddedPostgres(home, settings=SLOW_FLUSH) as postgres,
        EmbeddedRedis(home) as redis,
    ):
        migrate.up(postgres.owner_url)
        _fill(postgres.owner_url)
        script = home / "write.sql"
        script.write_text(SCRIPT)
        script.chmod(0o644)
        rates: dict[str, list[float]] = {"untracked": [], "silent": [], "adaptive": [], "always": []}
        for _ in range(arguments.rounds):
            for way, results in rates.items():
                with _way(way, postgres, redis.url):
                    results.append(_write(postgres, script, arguments.seconds))
                print(f"{way:10} {results[-1]:8.0f} commits/s", flush=True)
    ceiling = statistics.median(rates["silent"])
    print(f"\n{'way':10} {'median':>8} {'of silent':>10}")
    for way, results in rates.items():
        print(f"{way:10} {statistics.median(results):8.0f} {statistics.median(results) / ceiling:10.2f}")


def _fill(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """
            with o as (insert into public.organizations (name) values ('bench') returning id),
            w as (insert into public.warehouses (organization_id, name) select id, 'bench' from o returning id)
            insert into public.equipment (warehouse_id, name, type)
            select w.id, 'machine ' || g, 'bench' from w, generate_series(1, 2000) as g
            """
        )
        connection.execute("create index on public.equipment (name)")
        connection.execute("vacuum analyze public.equipment")


@contextmanager
def _way(way: str, postgres: EmbeddedPostgres, redis_url: str) -> Iterator[None]:
    """Set the database up for one way, with a relay where it has one, and undo it afterwards."""
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute(
            "select floorcast.begin_maintenance('each way begins alike');"
            " delete from floorcast.change where xid <> pg_current_xact_id()"
        )
        connection.execute("vacuum floorcast.change")
        if way == "untracked":
            connection.execute("select floorcast.untrack('public.equipment')")
        if way == "silent":
            text = connection.execute("select pg_get_functiondef('floorcast.ring(text)'::regprocedure)").fetchone()
            connection.execute(
                "create or replace function floorcast.ring(family text) returns void language plpgsql as 'begin end'"
            )
        relay = None
        if way in {"adaptive", "always"}:
            relay = _relay(postgres, redis_url, way)
        try:
            yield
        finally:
            if relay is not None:
                relay.terminate()
                relay.wait()
            if way == "untracked":
                connection.execute("select floorcast.track('public.equipment')")
            if way == "silent" and text is not None:
                connection.execute(text[0])


def _relay(postgres: EmbeddedPostgres, redis_url: str, doorbell: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "DATABASE_URL": postgres.service_url,
        "REDIS_URL": redis_url,
        "FLOORCAST_JWT_SECRET": "bench " * 8,
        "FLOORCAST_DOORBELL": doorbell,
    }
    relay = subprocess.Popen([sys.executable, "-m", "floorcast", "relay"], env=environment, stderr=subprocess.DEVNULL)
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        # It leads once it has given a sign of life that was not there before.
        seen = "select last_value from floorcast.leader_seen"
        before = connection.execute(seen).fetchone()
        while connection.execute(seen).fetchone() == before:
            time.sleep(0.05)
    return relay


def _write(postgres: EmbeddedPostgres, script: Path, seconds: int) -> float:
    command = [
        str(postgres.bin_directory / "pgbench"), "-n", "-M", "prepared", "-c", str(WRITERS), "-j", "2",
        "-T", str(seconds + 1), "-P", "1", "-f", str(script), postgres.owner_url,
    ]  # fmt: skip
    output = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    # The first second is warm-up for all ways alike: caches fill, and the relay hears that it has become busy.
    rates = [float(rate) for rate in re.findall(r"^progress: [0-9.]+ s, ([0-9.]+) tps", output, re.MULTILINE)][1:]
    if not rates:
        raise SystemExit(f"pgbench said nothing of its rate:\n{output}")
    return statistics.fmean(rates)


if __name__ == "__main__":
    main()
