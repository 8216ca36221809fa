"""What a delivery costs: the gateway's CPU per delivery at many joined sockets, beside a bare `os.write` loop.

One process holds the sockets. First it is a gateway: every commit reaches all sockets, through trigger, tick, Redis and
hub, and its CPU time is divided by the deliveries. Then, in the same process and on the same sockets, a plain loop
writes the same number of frames of the same size with `os.write`, and its CPU time is divided likewise: the floor.

    python bench/fanout.py [--sockets 1000] [--ticks 300] [--rounds 5]
"""

import argparse
import asyncio
import os
import resource
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import uvloop
from sockets import Drain, join, next_frame
from stack import free_port, stack, wait_until_ready

from floorcast.assembly import serve_gateway
from floorcast.http.metrics import Metrics
from floorcast.settings import load_settings

TICKS_PER_SECOND = 40


def main() -> None:
    """Be the server process with `--serve`, else run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--ticks", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    _raise_limit()
    if arguments.serve:
        uvloop.run(_serve())
    else:
        measure(arguments.sockets, arguments.ticks, arguments.rounds, join, b'"changes"')


def measure(
    sockets: int, ticks: int, rounds: int, join: Callable[[int, str, str], socket.socket], containing: bytes
) -> None:
    """Print what a delivery costs; `join` joins a socket, and frames of changes contain these bytes."""
    port = free_port()
    with (
        stack() as it,
        it.process("-m", "floorcast", "relay"),
        it.process(__file__, "--serve", PORT=str(port)) as server,
    ):
        wait_until_ready(port)
        # Its first frame is looked at, to know the size of all.
        probe = join(port, it.token, it.warehouse)
        drain = Drain([join(port, it.token, it.warehouse) for _ in range(sockets)])
        gateway, floor, size = [], [], 0
        with psycopg.connect(it.postgres.owner_url, autocommit=True) as connection:
            _change(connection)
            size = next_frame(probe, containing)
            probe.close()
            # Round 0 warms up, and lets the first progress pass.
            for number in range(rounds + 1):
                used = _ask(server, "cpu")
                for _ in range(ticks):
                    begun, before = time.monotonic(), drain.received
                    _change(connection)
                    drain.until(before + sockets * size, 20)
                    time.sleep(max(0.0, begun + 1 / TICKS_PER_SECOND - time.monotonic()))
                spent = _ask(server, "cpu") - used
                before = drain.received
                # Answered when the loop is over; meanwhile this process reads.
                server.stdin.write(f"bare {ticks} {size}\n")
                server.stdin.flush()
                drain.until(before + ticks * size * sockets, 120)
                bare = float(server.stdout.readline())
                if number:
                    gateway.append(spent / (ticks * sockets) * 1e6)
                    floor.append(bare / (ticks * sockets) * 1e6)
                    print(
                        f"round {number}: gateway {gateway[-1]:5.2f} µs, os.write {floor[-1]:5.2f} µs, "
                        f"ratio {gateway[-1] / floor[-1]:.2f}",
                        flush=True,
                    )
    ratio = statistics.median(g / f for g, f in zip(gateway, floor, strict=True))
    print(
        f"\n{sockets} sockets, frames of {size} bytes: gateway {statistics.median(gateway):.2f} µs CPU per delivery, "
        f"bare os.write {statistics.median(floor):.2f} µs, ratio {ratio:.2f} (medians of {rounds})"
    )


def _change(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Commit one change; every value has the same length, so that every frame has."""
    connection.execute("update bench.reading set value = %s where id = 1", [f"{time.time_ns():020d}"])


def _ask(server: object, question: str) -> float:
    server.stdin.write(f"{question}\n")  # type: ignore[attr-defined]
    server.stdin.flush()  # type: ignore[attr-defined]
    return float(server.stdout.readline())  # type: ignore[attr-defined]


async def _serve() -> None:
    """Be a gateway that also answers questions on standard input."""
    settings = load_settings(progress_seconds=60.0)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(_answer, line.split(), settings.port)
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=listen, daemon=True).start()
    await serve_gateway(settings, Metrics(), stop)


def _answer(words: list[str], port: int) -> None:
    if words[0] == "cpu":
        print(_cpu(), flush=True)
        return
    ticks, size = int(words[1]), int(words[2])
    frame = b"\x82\x7e" + (size - 4).to_bytes(2) + bytes(size - 4)
    descriptors = _sockets_on(port)
    used = _cpu()
    for _ in range(ticks):
        for descriptor in descriptors:
            os.write(descriptor, frame)
        # As at the gateway, the readers get a moment; a full socket would raise here.
        time.sleep(1 / TICKS_PER_SECOND)
    print(_cpu() - used, flush=True)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _sockets_on(port: int) -> list[int]:
    """Every accepted connection of this process on the port."""
    found = []
    for name in [entry.name for entry in Path("/proc/self/fd").iterdir()]:
        try:
            with socket.socket(fileno=os.dup(int(name))) as probe:
                if probe.family == socket.AF_INET and probe.getsockname()[1] == port and probe.getpeername():
                    found.append(int(name))
        except OSError:
            continue
    return found


def _raise_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
