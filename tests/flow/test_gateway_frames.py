"""Frames that nobody would write, at a real port: whatever comes, in whatever pieces, costs only whoever sends it.

Valid messages, messages with one thing wrong, frames with one bit wrong, and noise, in both versions, before and behind
joins of every shape. The socket is answered or closed with a code that blames the client; nothing of it stays behind;
and a subscriber beside it hears of every tick.
"""

import asyncio
import contextlib
import gc
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.gateway import NORTH, SOUTH, Open, Phone, Place, Stream, a_token, an_operation
from tests.fixtures.observed import Observed
from tests.fixtures.rawsocket import BINARY, CLOSE, CONT, PING, PONG, TEXT, a_close, a_frame, raw_connection, raw_socket
from tests.fixtures.time import UNIT

from floorcast.codes import CODES
from floorcast.gateway.audience import Audience, Member
from floorcast.gateway.connection import Connection
from floorcast.gateway.joining import Joining
from floorcast.gateway.listener import FrontDoor
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.session import Session
from floorcast.observe import TaskFailed
from floorcast.protocol.messages import SERVER

LONG = os.environ.get("FLOORCAST_SOAK") == "1"
EXAMPLES = 20_000 if LONG else 250
FRAMES = 1_000_000 if LONG else 20_000
FREE = 1e9
"""So many a second: what limits the crowd is tried elsewhere."""

KEPT = (Connection, FrontDoor, Session, Outbox, Member, Audience, Joining)


@dataclass
class Yard:
    """A gateway, a subscriber who minds his own business, and what the loop complained of."""

    place: Place
    neighbour: Phone
    observed: Observed
    complaints: list[dict[str, Any]]
    # What the neighbour was given by the last join.
    cursor: str
    ticks: int = 0
    # Ticks that the neighbour was told of, and that there is one more.
    heard: list[int] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        """Have the neighbour read, as neighbours do."""
        while True:
            # It may be quiet for a while: what is drawn takes its time too.
            with contextlib.suppress(TimeoutError):
                self.heard.append((await self.neighbour.until("changes"))["tick"])
                self.news.set()

    def check(self) -> None:
        """Nothing of ours has failed."""
        assert self.observed.of(TaskFailed) == []
        assert self.complaints == []

    def close_tick(self) -> None:
        """Have something happen."""
        self.ticks += 1
        self.place.stream.close_tick(an_operation(self.ticks))

    async def end(self) -> None:
        """The neighbour has heard of everything, and nothing is left of anybody else."""
        async with asyncio.timeout(10 * UNIT):
            while len(self.heard) < self.ticks:
                self.news.clear()
                await self.news.wait()
        assert self.heard == list(range(1, self.ticks + 1))
        self.check()
        async with asyncio.timeout(10 * UNIT):
            while (left := kept()) != Counter({Connection: 1, Session: 1, Outbox: 1, Member: 1, Audience: 1}):
                assert left
                await asyncio.sleep(0.05)
        hub = self.place.gateway._hub
        assert list(hub._warehouses) == [NORTH]
        assert [task for task in asyncio.all_tasks() if task.get_name() == "errand"] == []


def kept() -> Counter[type]:
    """How many there are of what a socket is made of."""
    gc.collect()
    return Counter(type(thing) for thing in gc.get_objects() if type(thing) in KEPT)


@pytest.fixture
async def yard(open_gateway: Open, observed: Observed) -> AsyncIterator[Yard]:
    """With room for any number of sockets and joins."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    place = await open_gateway(
        Stream().granting(anna={NORTH: "technician", SOUTH: "manager"}),
        frame_bytes=16_384,
        topics_per_socket=3,
        connects_per_second=FREE,
        user_connects_per_second=FREE,
        joins_per_second=FREE,
        user_joins_per_second=FREE,
    )
    async with place.phone() as neighbour:
        joined = await neighbour.join()
        yard = Yard(place, neighbour, observed, complaints, joined["response"]["cursor"])
        listening = asyncio.create_task(yard.listen())
        yield yard
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


# What is sent

TOPICS = (
    "warehouse:north",
    "warehouse:south",
    "phoenix",
    "warehouse:nowhere",
    "warehouse:",
    "realtime:room",
    "",
    "é\0",
)
EVENTS = ("phx_join", "phx_leave", "presence", "access_token", "heartbeat", "phx_reply", "changes", "phx_close", "")
TABLES = ("work_orders", "equipment", "users", "floorcast.grants", "")
COLUMNS = ("id", "text", "no such column", "")
PIECES = (
    *(
        "id",
        "text",
        "and(",
        "or(",
        "not.",
        "(",
        ")",
        ",",
        ".",
        "=",
        '"',
        "\\",
        " ",
        "\0",
        "null",
        "is.",
        "in.(",
        "%",
        "*",
    ),
    *(
        "eq.",
        "neq.",
        "lt.",
        "gte.",
        "like.",
        "ilike.",
        "match.",
        "imatch.",
        "isdistinct.",
        "1",
        "1e999",
        "-0",
        "x",
        "é",
    ),
)
FILTERS = (
    "id=eq.1",
    "id.in.(1,2),text.like.*a*",
    "or(id.lt.5,not.text.is.null)",
    'text=in.("a,b",c)',
    "text=match.(a+)+$",
)


def _nested(depth: int) -> Any:
    found: Any = {}
    for level in range(depth):
        found = [found] if level % 2 else {"a": found}
    return found


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
) | st.sampled_from((100, 252, 253, 254, 255, 256, 300, 900)).map(_nested)
"""JSON, some of it deeper than it can be written again."""


def mostly(usual: st.SearchStrategy[Any], *rare: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Four times in five the usual."""
    return st.integers(0, 4).flatmap(lambda choice: usual if choice else st.one_of(rare))


known_tables = st.sampled_from(TABLES[:2])
filters = st.sampled_from(FILTERS) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def _right(cursor: str) -> dict[str, st.SearchStrategy[Any]]:
    """What a join may say, as it may say it."""
    newest = st.fixed_dictionaries({"by": st.sampled_from(COLUMNS[:2]), "rows": st.integers(1, 10_000)})
    return {
        "tables": st.just(list(TABLES[:2])),
        "where": st.dictionaries(known_tables, st.sampled_from(FILTERS)),
        "columns": st.dictionaries(known_tables, st.lists(st.sampled_from(COLUMNS[:2]), min_size=1)),
        "recent": st.dictionaries(known_tables, newest),
        "from": st.sampled_from(("now", "snapshot", cursor)),
        "history": st.sampled_from(("every", "newest")),
        "slow": st.sampled_from(("resume", "newest", "close")),
        "presence": st.just(True) | st.fixed_dictionaries({"meta": st.dictionaries(st.text(max_size=8), scalars)}),
        "access_token": st.sampled_from((a_token(), a_token(role="service_role"), "sb_key")),
    }


def _wrong(cursor: str) -> dict[str, st.SearchStrategy[Any]]:
    """The same, nearly."""
    some_tables = st.sampled_from(TABLES)
    newest = st.fixed_dictionaries({"by": st.sampled_from(COLUMNS) | anything, "rows": st.integers() | anything})
    bent = st.builds(
        lambda at, letter: cursor[:at] + letter + cursor[at + 1 :], st.integers(0, len(cursor)), st.text(max_size=2)
    )
    return {
        "tables": st.lists(some_tables, max_size=3) | anything,
        "where": st.dictionaries(some_tables, filters | anything, max_size=3) | anything,
        "columns": st.dictionaries(some_tables, st.lists(st.sampled_from(COLUMNS), max_size=3) | anything) | anything,
        "recent": st.dictionaries(some_tables, newest | anything, max_size=2) | anything,
        "from": st.sampled_from(("", "f1.", cursor + ".MDs6", cursor + "." + "A" * 5_000)) | bent | anything,
        "history": st.sampled_from(("", "EVERY")) | anything,
        "slow": anything,
        "presence": st.fixed_dictionaries({"meta": anything}) | anything,
        "access_token": st.sampled_from((a_token("bert"), a_token(seconds=-60), "a.b.c", "")) | anything,
        "config": anything,
    }


def _joins(cursor: str) -> st.SearchStrategy[Any]:
    """Payloads of joins: right ones, and right ones in which one member is wrong."""
    right = st.fixed_dictionaries({}, optional=_right(cursor))
    wrong = st.one_of([st.fixed_dictionaries({name: value}) for name, value in _wrong(cursor).items()])
    return right | st.builds(lambda most, one: most | one, right, wrong) | wrong


def _messages(vsn: str, cursor: str) -> st.SearchStrategy[Any]:
    """What can be said in a version; sometimes in the form of the other one, or with a part that is none."""
    calls = st.fixed_dictionaries(
        {"event": st.sampled_from(("track", "untrack", "TRACK", ""))},
        optional={"payload": st.fixed_dictionaries({}, optional={"work_order": st.integers() | anything}) | anything},
    )
    token = _wrong(cursor)["access_token"] | _right(cursor)["access_token"]
    joins = st.tuples(st.just("phx_join"), _joins(cursor))
    others = st.one_of(
        st.tuples(st.just("presence"), calls | anything),
        st.tuples(st.just("access_token"), st.fixed_dictionaries({"access_token": token}) | anything),
        st.tuples(st.sampled_from(EVENTS) | st.text(max_size=20), anything),
    )
    said = joins | others
    topics = mostly(st.sampled_from(TOPICS[:2]), st.sampled_from(TOPICS), st.text(max_size=20))
    refs = st.sampled_from(("1", "2", None, 7)) | st.text(max_size=64) | st.integers(-(2**63), 2**64 - 1)

    def listed(about: tuple[str, Any], topic: str, ref: Any, join_ref: Any) -> Any:
        return [join_ref, ref, topic, *about]

    def named(about: tuple[str, Any], topic: str, ref: Any, join_ref: Any) -> Any:
        return {"topic": topic, "event": about[0], "payload": about[1], "ref": ref, "join_ref": join_ref}

    forms = (listed, named) if vsn == "2.0.0" else (named, listed)
    proper = st.builds(forms[0], said, topics, refs, refs)
    odd = st.builds(forms[1], said, topics, refs, refs) | st.builds(
        forms[0], st.tuples(anything, anything), anything, anything, anything
    )
    return mostly(proper, odd, anything)


def _text(message: Any) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode(errors="surrogatepass")


def _frames(vsn: str, cursor: str) -> st.SearchStrategy[bytes]:
    texts = _messages(vsn, cursor).map(_text)
    whole = texts.map(lambda text: a_frame(TEXT, text))
    pieces = st.builds(
        lambda text, at: a_frame(TEXT, text[:at], fin=False) + a_frame(PING) + a_frame(CONT, text[at:]),
        texts,
        st.integers(0, 40),
    )

    def damage(text: bytes, at: int, noise: bytes) -> bytes:
        at %= len(text) + 1
        return a_frame(TEXT, text[:at] + noise + text[at + 1 :])

    def odd(opcode: int, data: bytes, *, fin: bool, rsv: int, masked: bool) -> bytes:
        return a_frame(opcode, data, fin=fin, rsv=rsv, masked=masked)

    odds = st.builds(
        odd,
        st.integers(0, 15),
        st.binary(max_size=200),
        fin=st.booleans(),
        rsv=st.sampled_from((0, 0, 0, 1, 2, 4)),
        masked=st.sampled_from((True, True, True, False)),
    )
    damaged = st.builds(damage, texts, st.integers(0, 500), st.binary(max_size=3))
    return mostly(whole | pieces, mostly(damaged, odds, st.binary(max_size=40)))


@dataclass(frozen=True)
class Visit:
    """What one client does: the version that it speaks, its frames, and the sizes of the pieces that they arrive in."""

    vsn: str
    frames: Sequence[bytes]
    sizes: Sequence[int]
    # It goes without a word, once it was answered.
    abrupt: bool = False

    @property
    def pieces(self) -> list[bytes]:
        """The bytes of all frames, cut."""
        rest, cut = b"".join(self.frames), []
        for size in self.sizes:
            cut.append(rest[:size])
            rest = rest[size:]
        return [piece for piece in (*cut, rest) if piece]


def _visits(cursor: str) -> st.SearchStrategy[Visit]:
    def visits(vsn: str) -> st.SearchStrategy[Visit]:
        frames = st.lists(_frames(vsn, cursor), min_size=3, max_size=20)
        return st.builds(Visit, st.just(vsn), frames, st.lists(st.integers(1, 400), max_size=5))

    return visits("2.0.0") | visits("1.0.0")


LAST = {
    "1.0.0": b'{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"the last"}',
    "2.0.0": b'[null,"the last","phoenix","heartbeat",{}]',
}


async def _visit(place: Place, visit: Visit) -> None:
    """Play it, ask for a last heartbeat, go, and judge everything that was said meanwhile."""
    async with raw_socket(place, vsn=visit.vsn) as raw:
        last = b""
        try:
            await raw.send(*visit.pieces, a_frame(TEXT, LAST[visit.vsn]))
            if not visit.abrupt:
                raw.writer.write_eof()
            while last == b"":
                opcode, data = await raw.receive()
                last = _judge(visit.vsn, opcode, data)
            if visit.abrupt:
                return
            async with asyncio.timeout(10 * UNIT):
                await raw.reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            # Half a frame was left, which swallowed the heartbeat; or it was closed while more was on its way.
            pass


def _judge(vsn: str, opcode: int, data: bytes) -> bytes:
    """See that a frame of the server is one; return what ends the visit."""
    if opcode == PONG:
        return b""
    if opcode == CLOSE:
        # Its own code may come back, whichever it was; one that says that something failed here may not.
        assert not data or int.from_bytes(data[:2]) != CODES["internal"].close
        return b"closed"
    assert opcode == TEXT
    frame = json.loads(data)
    if vsn == "2.0.0":
        _, ref, _, event, payload = frame
    else:
        assert set(frame) == {"topic", "event", "payload", "ref"}
        ref, event, payload = frame["ref"], frame["event"], frame["payload"]
    assert event in SERVER
    if event == "phx_reply" and payload["status"] == "error":
        assert payload["response"]["code"] in CODES
        assert payload["response"]["code"] != "internal"
    return b"answered" if ref == "the last" else b""


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
# The clients' library draws masks and pings in the loop's thread, while Hypothesis draws in its own.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
async def test_whatever_a_client_sends_is_answered_or_blamed_on_it(yard: Yard) -> None:
    """Shrunk to the frame that does it, where one does."""
    loop = asyncio.get_running_loop()

    async def play(visit: Visit) -> None:
        # Each is judged by itself, or none could be found to be the one.
        yard.observed.forget()
        yard.complaints.clear()
        yard.close_tick()
        await _visit(yard.place, visit)
        yard.check()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_visits(yard.cursor))
    def visits(visit: Visit) -> None:
        asyncio.run_coroutine_threadsafe(play(visit), loop).result(60 * UNIT)

    await asyncio.to_thread(visits)
    await yard.end()


def _corpus(vsn: str, cursor: str) -> list[bytes]:
    """Texts that are worth damaging."""
    payloads: list[Any] = [
        {},
        {"tables": ["work_orders"], "from": "snapshot"},
        {"from": cursor, "history": "newest"},
        {"where": {"work_orders": "or(id.lt.5,not.text.is.null)"}, "columns": {"work_orders": ["id"]}, "slow": "close"},
        {"recent": {"equipment": {"by": "id", "rows": 3}}, "from": "snapshot", "presence": {"meta": {"at": "desk"}}},
        {"presence": True, "access_token": a_token()},
        {"event": "track", "payload": {"work_order": 5, "typing": True}},
        {"meta": _nested(60)},
    ]
    found = []
    for number, payload in enumerate(payloads):
        for topic in TOPICS[:4]:
            for event in EVENTS[:5]:
                ref = str(number)
                found.append(
                    (
                        [ref, ref, topic, event, payload],
                        {"topic": topic, "event": event, "payload": payload, "ref": ref},
                    )
                )
    return [_text(form[vsn == "1.0.0"]) for form in found]


def _hostile(chance: random.Random, texts: Sequence[bytes], *, noise: bool) -> bytes:
    """One frame, most often of the kind that keeps the socket open, so that many get through."""
    text = bytearray(chance.choice(texts))
    kind = chance.random()
    if kind < 0.3:
        text[chance.randrange(len(text))] = chance.randrange(32, 127)
    if kind < 0.7:
        return a_frame(TEXT, bytes(text))
    if kind < 0.85:
        at = chance.randrange(len(text))
        return a_frame(TEXT, bytes(text[:at]), fin=False) + a_frame(CONT, bytes(text[at:]))
    if kind < 0.998:
        return a_frame(chance.choice((PING, PONG, BINARY)), chance.randbytes(chance.randrange(126)))
    return chance.choice(
        (a_close(4000), a_frame(3), a_frame(TEXT, b"\xff"), chance.randbytes(30) if noise else a_close(0))
    )


def _resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_twenty_thousand_hostile_frames_leave_nothing_behind(yard: Yard) -> None:
    """No object of any of their sockets, and no memory beyond what the first few thousand had needed."""
    chance, texts = random.Random(7), {vsn: _corpus(vsn, yard.cursor) for vsn in LAST}

    async def flood(frames: int) -> None:
        sent = 0
        while sent < frames:
            vsn = chance.choice(list(LAST))
            abrupt = chance.random() < 0.5
            some = [_hostile(chance, texts[vsn], noise=not abrupt) for _ in range(100)]
            sent += len(some)
            yard.close_tick()
            await _visit(yard.place, Visit(vsn, some, [chance.randrange(1, 5_000)] * 3, abrupt))

    await flood(FRAMES // 5)
    gc.collect()
    before = _resident()
    await flood(FRAMES)
    gc.collect()
    grown = _resident() - before
    assert grown < 2 * 2**20
    await yard.end()


async def test_heads_that_are_noise_are_refused_or_dropped(yard: Yard) -> None:
    """Before a socket is one, too: any bytes, in any pieces."""
    chance = random.Random(11)
    proper = (
        b"GET /realtime/v1/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nx-api-key: " + a_token().encode()
    )
    for _ in range(4_000 if LONG else 300):
        head = bytearray(proper)
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(head))
            head[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        async with raw_connection(yard.place) as raw:
            await raw.send(bytes(head[:40]), bytes(head[40:]) + b"\r\n\r\n")
            raw.writer.write_eof()
            try:
                status = int((await raw.answer()).split(b" ")[1])
            except (asyncio.IncompleteReadError, ConnectionError):
                continue
            assert status == 101 or 200 <= status < 500
        yard.check()
    yard.close_tick()
    await yard.end()
