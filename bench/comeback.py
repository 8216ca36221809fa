"""After a gateway restart: how long until the clients are live and complete again.

Two gateways on one port, all clients on one warehouse that changes twice a second. Both gateways are killed and started
anew; clients come back at random moments with their cursors. *Complete*: every change since the first picture was told,
each once, in order; whoever was told to read again counts as not complete.

With --watch, the new gateways say how long they were away from their loops; with --spread 0.05 it is a storm.

    python bench/comeback.py [--clients 10000] [--spread 5] [--watch]
"""

import argparse
import asyncio
import resource
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg
import uvloop
from crowd import Crowd
from stack import Stack, free_port, stack, wait_until_ready

_RATE = 2.0


def main() -> None:
    """Start the stack and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--spread", type=float, default=5.0)
    parser.add_argument("--watch", action="store_true")
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with stack() as it, it.process("-m", "floorcast", "relay"):
        uvloop.run(_measure(it, arguments.clients, arguments.spread, watch=arguments.watch))


async def _measure(it: Stack, clients: int, spread: float, *, watch: bool) -> None:
    port = free_port()
    crowd = Crowd(port, it.token, it.warehouse, clients, spread=spread)
    with ExitStack() as first:
        gateways = _start(first, it, port)
        await asyncio.to_thread(wait_until_ready, port)
        began = time.monotonic()
        await crowd.connect()
        writing = asyncio.create_task(_write(it))
        await crowd.until(1.0, await _newest(it), 120)
        print(f"{clients:,} clients joined with a picture in {time.monotonic() - began:.1f} s")
        await asyncio.sleep(5)
        for gateway in gateways:
            gateway.kill()
    killed = time.monotonic()
    with ExitStack() as second:
        gateways = _start(second, it, port, watch=watch)
        target = await _newest(it)
        for share in (0.5, 0.99):
            await crowd.until(share, target + 1, 120)
            print(f"{share:.0%} live again {time.monotonic() - killed:.1f} s after both gateways were killed")
        await crowd.until(1.0, target + 1, 120)
        writing.cancel()
        whole = sum(_is_whole(client.values) for client in crowd.clients)
        print(
            f"complete: {whole:,} of {clients:,}; "
            f"told to read again {crowd.refetched:,}; refused {crowd.refused:,} times"
        )
        if watch:
            # Before everybody leaves at once; nobody is to come back.
            crowd.over = True
            for gateway in gateways:
                gateway.terminate()
            for gateway in gateways:
                text, _ = await asyncio.to_thread(gateway.communicate)
                print(f"longest turns of a gateway's loop, ms: {text.strip()}")
        crowd.end()


def _start(stack: ExitStack, it: Stack, port: int, *, watch: bool = False) -> list[subprocess.Popen[str]]:
    command = (str(Path(__file__).parent / "watched.py"),) if watch else ("-m", "floorcast", "gateway")
    settings = {"PORT": str(port), "FLOORCAST_DRAIN_SECONDS": "0"}
    return [stack.enter_context(it.process(*command, **settings)) for _ in range(2)]


def _is_whole(values: list[int]) -> bool:
    return bool(values) and values == list(range(values[0], values[0] + len(values)))


async def _write(it: Stack) -> None:
    async with await psycopg.AsyncConnection.connect(it.postgres.owner_url, autocommit=True) as connection:
        for number in range(1_000_000):
            await connection.execute("update bench.reading set value = %s where id = 1", [str(number)])
            await asyncio.sleep(1 / _RATE)


async def _newest(it: Stack) -> int:
    async with await psycopg.AsyncConnection.connect(it.postgres.owner_url, autocommit=True) as connection:
        row = await (await connection.execute("select max(tick) from floorcast.tick")).fetchone()
    return 0 if row is None else int(row[0])


if __name__ == "__main__":
    main()
