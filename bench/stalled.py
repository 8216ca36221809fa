"""One of a hundred stops reading its socket: do the others notice?

A hundred clients of one warehouse on one gateway, 100 commits a second. Rounds alternate: in one everybody reads, in
the next one client does not read, and really so: before the clock starts so much was written that its receive buffer
is full, the kernel of the gateway takes no more for it, and its outbox has overflown. Measured is what a change takes,
from when COMMIT was sent, to each of the ninety-nine others. Afterwards it reads again, and must be told all that it
missed.

    python bench/stalled.py [--clients 100] [--rate 100] [--seconds 8] [--rounds 5]

must: the others' p99 with the stalled one at most 1.10 of that without (medians of the rounds)
"""

import argparse
import asyncio
import re
import statistics
import time
import urllib.request
from functools import partial
from pathlib import Path

import psycopg
import uvloop
from listener import VALUE, Listener, joined, percentiles
from stack import Stack, free_port, stack, wait_until_ready

_RECEIVE_BUFFER = 16_384
_FILLING = 120
"""So many changes of 48 KB are more than the kernel and an outbox take for a socket that is not read."""

_FILLER = "x" * 48_000
_SLOW = re.compile(rb"floorcast_subscriber_slow_total(?:{[^}]*})? (\d+)")


class Room:
    """Everybody in the warehouse, and what they were told."""

    def __init__(self, it: Stack, port: int, clients: int) -> None:
        """Have so many clients; the first is the one who will not read."""
        self.it, self.port = it, port
        self.told = [0] * clients
        self.sent: dict[int, float] = {}
        self.newest = 0
        self.delays: list[float] = []
        self.listeners = [Listener(partial(self._hear, who)) for who in range(clients)]

    async def enter(self) -> None:
        """Have everybody join."""
        for who, listener in enumerate(self.listeners):
            await listener.connect(self.port, self.it.token, receive_buffer=0 if who else _RECEIVE_BUFFER)
            if not await joined(listener, self.it.warehouse):
                raise SystemExit("a join was refused")

    def _hear(self, who: int, frame: bytes) -> None:
        if b'"changes"' not in frame[:100]:
            return
        now = time.perf_counter()
        for number in map(int, VALUE.findall(frame)):
            if number != self.told[who] + 1:
                raise SystemExit(f"client {who} was told change {number} behind {self.told[who]}")
            self.told[who] = number
            if who:
                self.delays.append((now - self.sent[number]) * 1e3)

    async def write(self, changes: int, rate: float, filler: str = "") -> None:
        """Change the row so many times."""
        async with await psycopg.AsyncConnection.connect(self.it.postgres.owner_url, autocommit=True) as connection:
            begun = time.perf_counter()
            for number in range(changes):
                await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
                self.newest += 1
                value = f"{self.newest:08d}{filler}"
                await connection.execute("begin")
                await connection.execute("update bench.reading set value = %s where id = 1", [value])
                self.sent[self.newest] = time.perf_counter()
                await connection.execute("commit")

    async def all_told(self, first: int) -> None:
        """Wait until everybody from one on has been told everything."""
        async with asyncio.timeout(30):
            while min(self.told[first:]) < self.newest:  # noqa: ASYNC110 — an event per frame would be measured too
                await asyncio.sleep(0.05)


def main() -> None:
    """Start the stack and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    port = free_port()
    with (
        stack() as it,
        it.process("-m", "floorcast", "relay"),
        it.process("-m", "floorcast", "gateway", PORT=str(port)),
    ):
        wait_until_ready(port)
        uvloop.run(_measure(it, port, arguments))


async def _measure(it: Stack, port: int, arguments: argparse.Namespace) -> None:
    room = Room(it, port, arguments.clients)
    await room.enter()
    p99: dict[bool, list[float]] = {False: [], True: []}
    # The first two rounds warm up.
    for number in range(-1, arguments.rounds):
        for stalled in (False, True):
            delays = await _round(room, stalled, arguments)
            if number >= 0:
                p99[stalled].append(sorted(delays)[round(len(delays) * 0.99)])
                print(f"{'one stalled' if stalled else 'all read':12} {percentiles(delays)}", flush=True)
    without, with_it = (statistics.median(p99[stalled]) for stalled in (False, True))
    print(
        f"\n{arguments.clients} clients, {arguments.rate:g} commits/s: the others' p99 {with_it:.2f} ms with a stalled "
        f"one, {without:.2f} ms without, ratio {with_it / without:.2f} (medians of {arguments.rounds}; "
        f"must: at most 1.10); it was cut off {_cut_off(room.port)} times, and told everything afterwards"
    )


async def _round(room: Room, stalled: bool, arguments: argparse.Namespace) -> list[float]:  # noqa: FBT001
    one = room.listeners[0].transport
    if one is None:
        raise SystemExit("the server closed a connection")
    before = _cut_off(room.port)
    if stalled:
        one.pause_reading()
    # Both kinds of round, so that they differ in nothing else.
    await room.write(_FILLING, 40, _FILLER)
    await room.all_told(1)
    if stalled:
        waiting = _unsent(room.port, one.get_extra_info("sockname")[1])
        if not waiting or _cut_off(room.port) == before:
            raise SystemExit(f"the client that does not read is not stalled: {waiting:,} bytes wait in the kernel")
    # What is left over from filling has settled.
    await asyncio.sleep(0.5)
    room.delays = []
    await room.write(int(arguments.rate * arguments.seconds), arguments.rate)
    await room.all_told(1)
    delays = room.delays
    if stalled:
        one.resume_reading()
    await room.all_told(0)
    return delays


def _cut_off(port: int) -> int:
    """Return how often the gateway took back what waited for a slow reader."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        found = _SLOW.search(answer.read())
    return int(found[1]) if found else 0


def _unsent(port: int, peer: int) -> int:
    """Return how many bytes the kernel has of the gateway's for a client, not yet taken by the client's."""
    ends = (f":{port:04X}", f":{peer:04X}")
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[1].endswith(ends[0]) and words[2].endswith(ends[1]):
            return int(words[4].split(":")[0], 16)
    raise SystemExit("no such connection")


if __name__ == "__main__":
    main()
