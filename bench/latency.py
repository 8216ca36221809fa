"""How long from a commit to a screen: 50 commits/s, 20 clients on one gateway.

Two clocks for each delivery, both in one process: from when COMMIT was sent (the flush included), and from when COMMIT
was answered (negative when the screen was faster than the answer).

    python bench/latency.py [--clients 20] [--rate 50] [--seconds 20]
"""

import argparse
import asyncio
import statistics
import time

import psycopg
import uvloop
from stack import Stack, free_port, stack, wait_until_ready

from floorcast.client import FloorcastClient


def main() -> None:
    """Start the stack and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    port = free_port()
    with (
        stack() as it,
        it.process("-m", "floorcast", "relay"),
        it.process("-m", "floorcast", "gateway", PORT=str(port)),
    ):
        wait_until_ready(port)
        uvloop.run(_measure(it, port, arguments.clients, arguments.rate, int(arguments.rate * arguments.seconds)))


async def _measure(it: Stack, port: int, clients: int, rate: float, commits: int) -> None:
    sent: dict[str, float] = {}
    answered: dict[str, float] = {}
    arrived: list[tuple[str, float]] = []
    everything = asyncio.Event()

    async def listen(ready: asyncio.Event) -> None:
        async with FloorcastClient(f"ws://127.0.0.1:{port}", it.token) as client:
            subscription = await client.join(f"warehouse:{it.warehouse}")
            ready.set()
            async for event in subscription:
                now = time.perf_counter()
                if event.name == "changes":
                    arrived.extend((change["new"]["value"], now) for change in event.payload["changes"])
                    if len(arrived) == clients * commits:
                        everything.set()

    readies = [asyncio.Event() for _ in range(clients)]
    tasks = [asyncio.create_task(listen(ready)) for ready in readies]
    await asyncio.gather(*(ready.wait() for ready in readies))
    async with await psycopg.AsyncConnection.connect(it.postgres.owner_url, autocommit=True) as connection:
        begun = time.perf_counter()
        for number in range(commits):
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            value = f"{number:08d}"
            await connection.execute("begin")
            await connection.execute("update bench.reading set value = %s where id = 1", [value])
            sent[value] = time.perf_counter()
            await connection.execute("commit")
            answered[value] = time.perf_counter()
    async with asyncio.timeout(10):
        await everything.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for name, since in (("from COMMIT sent", sent), ("from COMMIT answered", answered)):
        delays = [(now - since[value]) * 1e3 for value, now in arrived]
        cuts = statistics.quantiles(delays, n=100)
        print(
            f"{name:22} p50 {cuts[49]:6.2f} ms   p99 {cuts[98]:6.2f} ms   max {max(delays):6.2f} ms"
            f"   ({len(delays)} deliveries, {rate:g} commits/s, {clients} clients)"
        )


if __name__ == "__main__":
    main()
