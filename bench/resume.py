"""One client comes back, 1,000 changes behind: how long from its join to the last of what it missed.

A thousand commits in its warehouse, among as many of another one, were made while it was away. It hands back its cursor
on a socket that is open, and the clock runs from the join to the last change that it missed; whether each came once and
in order is looked at afterwards. Three times, each with a gateway that has to read the past from further away:

memory    the gateway saw it all, and remembers it
Redis     the gateway was started afterwards, and reads the logs
trail     the same, when Redis has been emptied

What one reader leaves behind serves nobody else: the other warehouse is asked for in between, and of what is read there
is room for one of the two; and something happens elsewhere, whereupon a gateway forgets what it told when nobody is
being told any more. Whether each round read what it should is asked of the gateway's own figures.

The floors are the same bytes to the same client from a process that does nothing but write them to a socket, and one
SELECT of the same rows of the trail.

    python bench/resume.py [--changes 1000] [--rounds 50]

must: p50 at most 20 ms
"""

import argparse
import asyncio
import multiprocessing
import re
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import redis
import uvloop
from listener import CURSOR, VALUE, Listener, joined, percentiles
from stack import Stack, free_port, stack, wait_until_ready

from floorcast.stream.logs import LogReader

_SMALL = {"FLOORCAST_MEMORY_BYTES": "1048576"}
"""Room for what one of the two warehouses missed, not for both."""

_QUESTION = b"x" * 200

_READING = re.compile(r'^floorcast_past_seconds_(count|sum){where="(\w+)"} (\S+)$', re.MULTILINE)

_READ = {"memory": (False, False, False), "Redis": (True, False, True), "trail": (False, True, True)}
"""Whether every round reads from the logs, whether every round reads from the trail, whether anything is read."""


@dataclass
class Place:
    """A warehouse, its row, and where its client left."""

    warehouse: str
    row: int
    cursor: str = ""
    left: int = 0


@dataclass
class Aside:
    """Where something happens between two rounds."""

    database: str
    place: Place

    async def happen(self, port: int, token: str) -> None:
        """Have a change there, and return when the gateway has told somebody of it who is live."""
        client, told = Listener(), asyncio.Event()
        await client.connect(port, token)
        if not await joined(client, self.place.warehouse):
            raise SystemExit("a join was refused")
        client.hear = lambda frame: told.set() if b'"changes"' in frame else None
        async with await psycopg.AsyncConnection.connect(self.database, autocommit=True) as connection:
            await connection.execute("update bench.reading set value = value || '.' where id = %s", [self.place.row])
        async with asyncio.timeout(10):
            await told.wait()
        client.close()


def main() -> None:
    """Start the stack and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=50)
    arguments = parser.parse_args()
    with stack() as it, it.process("-m", "floorcast", "relay"):
        places = [Place(it.warehouse, 1), Place(_another(it, 2), 2)]
        arguments.aside = Aside(it.postgres.owner_url, Place(_another(it, 3), 3))
        with _gateway(it) as port:
            uvloop.run(_leave(it, port, places))
            _write(it, places, arguments.changes)
            received = uvloop.run(_rounds("memory", port, it.token, places, arguments))
        with _gateway(it, **_SMALL) as port:
            _expect_logs(it, places, there=True)
            uvloop.run(_rounds("Redis", port, it.token, places, arguments))
        with redis.Redis.from_url(it.redis.url) as client:
            client.flushall()
        with _gateway(it, **_SMALL) as port:
            _expect_logs(it, places, there=False)
            uvloop.run(_rounds("trail", port, it.token, places, arguments))
        with _bare(received) as port:
            uvloop.run(_bare_rounds(port, len(received), arguments.rounds))
        _select(it, places[0], arguments.changes, arguments.rounds)


@contextmanager
def _gateway(it: Stack, **environment: str) -> Iterator[int]:
    port = free_port()
    with it.process("-m", "floorcast", "gateway", PORT=str(port), **environment):
        wait_until_ready(port)
        yield port


def _another(it: Stack, row: int) -> str:
    """Make another warehouse with a row of that number in it, which the same person may see."""
    with psycopg.connect(it.postgres.owner_url, autocommit=True) as connection:
        made = connection.execute(
            """
            with w as (
                insert into public.warehouses (organization_id, name)
                select organization_id, 'Other' from public.warehouses where id = %(first)s returning id
            ),
            a as (
                insert into public.user_warehouse_access (user_id, warehouse_id, role)
                select a.user_id, w.id, a.role from public.user_warehouse_access as a, w
                where a.warehouse_id = %(first)s
            ),
            r as (insert into bench.reading select %(row)s, id, 'first' from w)
            select id::text from w
            """,
            {"first": it.warehouse, "row": row},
        ).fetchone()
    if made is None:
        raise SystemExit("no warehouse was made")
    return str(made[0])


async def _leave(it: Stack, port: int, places: list[Place]) -> None:
    """Join each place, have one change, keep the cursor that comes with it, and go."""
    for place in places:
        told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        client = Listener()
        await client.connect(port, it.token)
        if not await joined(client, place.warehouse):
            raise SystemExit("a join was refused")
        client.hear = lambda frame, told=told: b'"changes"' in frame and not told.done() and told.set_result(frame)
        async with await psycopg.AsyncConnection.connect(it.postgres.owner_url, autocommit=True) as connection:
            await connection.execute("update bench.reading set value = '0' where id = %s", [place.row])
            async with asyncio.timeout(10):
                place.cursor = CURSOR.findall(await told)[-1].decode()
            row = await (await connection.execute("select max(tick) from floorcast.tick")).fetchone()
        place.left = 0 if row is None else int(row[0])
        client.close()


def _write(it: Stack, places: list[Place], changes: int) -> None:
    """Change each row so many times, each in a transaction of its own, and wait until all is told."""
    with psycopg.connect(it.postgres.owner_url, autocommit=True) as connection:
        for number in range(1, changes + 1):
            for place in places:
                connection.execute("update bench.reading set value = %s where id = %s", [str(number), place.row])
    with redis.Redis.from_url(it.redis.url) as client, psycopg.connect(it.postgres.owner_url) as connection:
        for _ in range(200):
            time.sleep(0.05)
            row = connection.execute(
                "select max(tick) from floorcast.tick where tick > %s", [places[-1].left]
            ).fetchone()
            connection.rollback()
            newest = int(client.hget("floorcast:{0}:newest", "tick") or 0)
            if row is not None and row[0] == newest:
                break
        print(f"{changes:,} changes in each of {len(places)} warehouses, in {newest - places[0].left:,} ticks")


def _expect_logs(it: Stack, places: list[Place], *, there: bool) -> None:
    """Make sure that what is measured is what is said: whether Redis has what was missed."""

    async def look() -> bool:
        logs = LogReader(it.redis.url)
        with redis.Redis.from_url(it.redis.url) as client:
            newest = client.hgetall("floorcast:{0}:newest")
        incarnation, tick = newest[b"incarnation"].decode(), int(newest[b"tick"])
        found = [await logs.read(incarnation, (place.warehouse,), place.left, tick) for place in places]
        await logs.aclose()
        return any(past is not None for past in found)

    if asyncio.run(look()) != there:
        raise SystemExit(f"the logs in Redis {'lack' if there else 'still have'} what was missed")


async def _rounds(name: str, port: int, token: str, places: list[Place], arguments: argparse.Namespace) -> bytes:
    """Come back again and again, to each place in turn; returns what was received the last time, as on the wire."""
    delays: list[float] = []
    received = b""
    before = await asyncio.to_thread(_reading, port)
    # The first of each place is not counted: code is loaded, connections are opened.
    for number in range(-len(places), arguments.rounds):
        place = places[number % len(places)]
        delay, received = await _come_back(port, token, place, arguments.changes)
        await arguments.aside.happen(port, token)
        if number >= 0:
            delays.append(delay)
    after = await asyncio.to_thread(_reading, port)
    rounds = arguments.rounds + len(places)
    logs, trail = (int(after["count", where] - before["count", where]) for where in ("logs", "trail"))
    if (logs >= rounds, trail >= rounds, logs + trail > 0) != _READ[name]:
        raise SystemExit(f"{name}: of {rounds} rounds, {logs} pages were read from the logs and {trail} from the trail")
    note = f"{arguments.rounds} times, {len(received):,} bytes"
    if logs + trail:
        seconds = sum(after["sum", where] - before["sum", where] for where in ("logs", "trail"))
        note += f", {logs + trail} pages read in {seconds / (logs + trail) * 1e3:.2f} ms each"
    print(f"{name:8} {percentiles(delays)}   ({note})", flush=True)
    return received


def _reading(port: int) -> dict[tuple[str, str], float]:
    """How many pages of the past a gateway has read from where, and in how many seconds, as it says itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    return {(what, where): float(figure) for what, where, figure in _READING.findall(text)}


async def _come_back(port: int, token: str, place: Place, changes: int) -> tuple[float, bytes]:
    last = f'"value":"{changes}"'.encode()
    frames: list[bytes] = []
    whole: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def hear(frame: bytes) -> None:
        frames.append(frame)
        if last in frame and not whole.done():
            whole.set_result(time.perf_counter())

    client = Listener(hear)
    await client.connect(port, token)
    began = time.perf_counter()
    client.join(place.warehouse, **{"from": place.cursor})
    async with asyncio.timeout(30):
        ended = await whole
    client.close()
    values = [int(value) for frame in frames for value in VALUE.findall(frame) if b'"changes"' in frame[:120]]
    if values != list(range(1, changes + 1)):
        raise SystemExit(f"not every change once and in order: {len(values):,} came of {changes:,}: {frames[:2]!r}")
    return (ended - began) * 1e3, b"".join(map(_framed, frames))


def _framed(text: bytes) -> bytes:
    size = len(text)
    head = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2) if size < 65_536 else b"\x7f" + size.to_bytes(8)
    return b"\x81" + head + text


@contextmanager
def _bare(answer: bytes) -> Iterator[int]:
    """Have a process that writes the same bytes to whoever asks."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = multiprocessing.get_context("fork").Process(target=_serve, args=(listening, answer), daemon=True)
        process.start()
        yield listening.getsockname()[1]
        process.kill()
        process.join()


def _serve(listening: socket.socket, answer: bytes) -> None:
    while True:
        client, _ = listening.accept()
        with client:
            client.recv(65_536)
            client.sendall(b"HTTP/1.1 101\r\n\r\n")
            while client.recv(65_536):
                client.sendall(answer)


async def _bare_rounds(port: int, size: int, rounds: int) -> None:
    delays: list[float] = []
    for number in range(-2, rounds):
        came: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        client = Listener()
        await client.connect(port, "-")
        before = client.received_bytes

        def hear(_: bytes, client: Listener = client, before: int = before, came: asyncio.Future[float] = came) -> None:
            if client.received_bytes - before >= size and not came.done():
                came.set_result(time.perf_counter())

        client.hear = hear
        began = time.perf_counter()
        client.write(_QUESTION)
        async with asyncio.timeout(30):
            ended = await came
        client.close()
        if number >= 0:
            delays.append((ended - began) * 1e3)
    print(f"{'bare':8} {percentiles(delays)}   (the same bytes from a plain socket)", flush=True)


def _select(it: Stack, place: Place, changes: int, rounds: int) -> None:
    """Read the same rows of the trail in one statement, in the order in which they happened."""
    delays: list[float] = []
    with psycopg.connect(it.postgres.owner_url, autocommit=True) as connection:
        for _ in range(rounds):
            began = time.perf_counter()
            rows = connection.execute(
                """
                select xid::text, seq, at, op, table_name, key, actor, old, new from floorcast.change
                where warehouse = %s order by xid desc, seq desc limit %s
                """,
                [place.warehouse, changes],
            ).fetchall()
            delays.append((time.perf_counter() - began) * 1e3)
            if len(rows) != changes:
                raise SystemExit(f"{len(rows)} rows of the trail, not {changes}")
    print(f"{'SELECT':8} {percentiles(delays)}   (the same rows of the trail, in one statement)")
    print("must: p50 at most 20 ms", flush=True)


if __name__ == "__main__":
    main()
