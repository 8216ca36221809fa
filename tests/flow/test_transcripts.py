"""What clients of Supabase and a gateway say to each other, word for word: one transcript for each version.

The transcripts in data/ are the promise that a shape stays what it is: `make snapshot` writes them anew, and what has
changed is then read in the difference. What is different in each run (tokens, refs of presence, keys) has a name there.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.gateway import NORTH, Open, Place, Stream, a_grant, a_token, an_operation
from tests.fixtures.guests import a_message
from tests.fixtures.time import UNIT
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from floorcast.database.channel_messages import StoredMessage
from floorcast.gateway.channels.channel import Person, Rights
from floorcast.gateway.channels.house import House

ROOM = "realtime:floor"
ORDERS = {"event": "*", "schema": "public", "table": "work_orders"}

_DATA = Path(__file__).parent / "data"
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_REF = re.compile(r'"phx_ref(_prev)?":"[^"]+"')
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_SECONDS = re.compile(r"expired \d+ seconds")


class _Policies:
    """Anybody may read and write in the private room `floor`, and nobody elsewhere."""

    async def read(self, person: Person, topic: str) -> Rights:  # noqa: ARG002 — a Protocol's signature
        """See `reception.RightsOf`."""
        return Rights() if topic == "floor" else Rights(False, False, False, False)


class _Said:
    """Two messages were said in every private room."""

    async def since(self, topic: str, since_ms: int, limit: int) -> Sequence[StoredMessage]:  # noqa: ARG002
        """See `reception.MessagesOf`."""
        return [StoredMessage("id-a", "news", b'{"n": 1}', None), StoredMessage("id-b", "raw", None, b"\x00\xff")]


class _Recorder:
    """One socket, whose conversation is written down."""

    def __init__(self, ws: ClientConnection, vsn: str, lines: list[str]) -> None:
        """Speak a version."""
        self._ws, self._old, self._lines = ws, vsn == "1.0.0", lines

    async def tell(
        self, event: str, payload: object, *, ref: Any = "2", join: Any = "1", topic: str = ROOM, answers: int = 0
    ) -> None:
        """Send a message, and write down so many frames that come of it."""
        if self._old:
            frame: object = {"topic": topic, "event": event, "payload": payload, "ref": ref, "join_ref": join}
        else:
            frame = [join, ref, topic, event, payload]
        await self.send(json.dumps(frame, separators=(",", ":")), answers)

    async def send(self, frame: str | bytes, answers: int = 0) -> None:
        """Send a frame as it is, and write down so many frames that come of it."""
        self._lines.append("> " + _written(frame))
        await self._ws.send(frame)
        await self.hear(answers)

    async def hear(self, frames: int) -> None:
        """Write down so many frames; that no more came is seen by a heartbeat, which nobody writes down."""
        for _ in range(frames):
            self._lines.append("< " + _written(await self._receive()))
        beat = ["x", "x", "phoenix", "heartbeat", {}]
        await self._ws.send(json.dumps(dict(zip(_NAMES, beat, strict=True)) if self._old else beat))
        answer = await self._receive()
        assert '"x"' in str(answer), f"one more than {frames}: {answer!r}"

    async def end(self) -> None:
        """Write down what comes until the socket is closed, and how that is."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self._lines.append("< " + _written(await self._receive()))
        self._lines.append(f"< close {self._ws.close_code} {self._ws.close_reason}")

    async def _receive(self) -> str | bytes:
        async with asyncio.timeout(5 * UNIT):
            return await self._ws.recv()


_NAMES = ("join_ref", "ref", "topic", "event", "payload")


@pytest.mark.parametrize("vsn", ["1.0.0", "2.0.0"])
async def test_every_message_is_said_as_the_transcript_has_it(
    open_gateway: Open, pytestconfig: pytest.Config, vsn: str
) -> None:
    """Clients in the field do not change with us."""
    stream = Stream().granting(anna={NORTH: "technician"})
    house = House(rights=_Policies(), messages=_Said())
    place = await open_gateway(stream, house=house, topics_per_socket=4, drain_seconds=0.2, token_grace_seconds=0)
    lines: list[str] = []
    async with connect(f"{place.url}?vsn={vsn}&apikey={a_token('anna')}", compression=None, max_size=None) as ws:
        await _play(_Recorder(ws, vsn, lines), place, vsn, lambda title: lines.append(f"\n# {title}"))
    text = "\n".join(lines).strip() + "\n"
    file = _DATA / f"transcript-{vsn}.txt"
    if pytestconfig.getoption("--write-snapshot"):
        file.write_text(text)
    assert file.read_text() == text, f"{file.name} is out of date, or a message is not what it was: `make snapshot`"


async def _play(it: _Recorder, place: Place, vsn: str, title: Callable[[str], None]) -> None:
    old = vsn == "1.0.0"
    await _joins(it, place, title, old=old)
    await _changes(it, place.stream, title)
    await _broadcasts(it, place.stream, title, old=old)
    await _presence(it, title)
    await _ends(it, place, title)


async def _joins(it: _Recorder, place: Place, title: Callable[[str], None], *, old: bool) -> None:
    title("heartbeats")
    await it.tell("heartbeat", {}, ref="1", join=None, topic="phoenix", answers=1)
    await it.tell("heartbeat", {}, ref=None, join=None, topic="phoenix", answers=1)
    title("what makes no sense")
    await it.send("{", 1)
    await it.tell("broadcast", {"type": "broadcast", "event": "e", "payload": {}}, answers=1)
    await it.tell("phx_leave", {}, answers=1)
    title("joins that are refused")
    await it.tell("phx_join", {"config": {}}, topic="realtime:", answers=1)
    await it.tell("phx_join", {"config": {}, "access_token": "eyJh.eyJh.eyJh"}, answers=1)
    await it.tell("phx_join", {"config": {}, "access_token": a_token("anna", seconds=-5)}, answers=1)
    await it.tell("phx_join", {"config": {"private": True}}, topic="realtime:vault", answers=1)
    await it.tell("phx_join", {"config": {"broadcast": {"replay": {"since": 0}}}}, answers=1)
    title("a join with nothing, refs as integers, and again: the old one ends")
    await it.tell("phx_join", {"config": {}}, ref=0, join=None, answers=1)
    await it.tell("phx_join", {"config": {}}, ref="3", join="3", answers=1 if old else 2)
    title("an event that nobody knows, and a leave")
    await it.tell("shout", {}, join="3", answers=1)
    await it.tell("phx_leave", {}, join="3", answers=2)
    title("as many channels as there may be, and one more")
    for number in range(4):
        await it.tell("phx_join", {"config": {}}, topic=f"realtime:{number}", answers=1)
    await it.tell("phx_join", {"config": {}}, answers=1)
    for number in range(4):
        await it.tell("phx_leave", {}, topic=f"realtime:{number}", answers=2)
    title("a join that goes on, and one that cannot")
    tick = place.stream.close_tick(an_operation(1, text="missed"))
    await place.delivered(tick)
    await it.tell("phx_join", {"config": {"postgres_changes": [ORDERS], "resume": "first/0-0"}}, answers=3)
    await it.tell("phx_leave", {}, answers=2)
    await it.tell("phx_join", {"config": {"postgres_changes": [ORDERS], "resume": "other/0-0"}}, answers=3)
    await it.tell("phx_leave", {}, answers=2)


async def _changes(it: _Recorder, stream: Stream, title: Callable[[str], None]) -> None:
    title("bindings, one of which cannot be served")
    bindings = [
        ORDERS,
        {**ORDERS, "filter": "text=eq.new"},
        {"event": "*", "schema": "public", "table": "work_orders", "select": ["id"]},
        {"event": "INSERT", "schema": "public", "table": "nothing"},
    ]
    config = {"postgres_changes": bindings, "postgres_changes_options": {"leaves": "delete"}}
    await it.tell("phx_join", {"config": config}, answers=2)
    title("an insert, an update, a delete")
    stream.close_tick(an_operation(1, op="enter", text="made"))
    await it.hear(2)
    stream.close_tick(an_operation(1, old=b'{"id": 1, "text": "old"}', new=b'{"id": 1, "text": "new"}'))
    await it.hear(2)
    stream.close_tick(an_operation(1, old=b'{"id": 1, "text": "new"}', new=b'{"id": 1, "text": "newer"}'))
    await it.hear(3)
    stream.close_tick(an_operation(1, op="leave", text="gone"))
    await it.hear(2)
    title("a change of more than a megabyte")
    stream.close_tick(an_operation(2, op="enter", text="x" * 1_100_000))
    await it.hear(2)
    title("access that changes")
    stream.close_tick(a_grant("anna", NORTH, "manager", 1, was="technician"))
    await it.hear(0)
    stream.close_tick(a_grant("anna", NORTH, None, 1, was="manager"))
    await it.hear(1)
    title("a newer token, one that is none, and one that is none of ours: the channel ends and may come back")
    await it.tell("access_token", {"access_token": a_token("anna", seconds=7200)}, answers=0)
    await it.tell("access_token", {"access_token": "sb_publishable_x"}, answers=0)
    await it.tell("access_token", {"access_token": "eyJh.eyJh.eyJh"}, answers=2)


async def _broadcasts(it: _Recorder, stream: Stream, title: Callable[[str], None], *, old: bool) -> None:
    title("broadcasts as text, heard by the speaker, with an answer")
    await it.tell("phx_join", {"config": {"broadcast": {"self": True, "ack": True}}}, answers=1)
    said = {"type": "broadcast", "event": "e", "payload": {"n": 1.50}}
    await it.tell("broadcast", said, answers=2)
    await it.tell("broadcast", {**said, "payload": {"x": "y" * 300_000}}, answers=1)
    await it.tell("broadcast", {"type": "broadcast"}, answers=1)
    if not old:
        title("broadcasts in binary frames: JSON, and bytes")
        for encoding, data in ((1, b'{"n": 1.50}'), (0, b"\x00\xff")):
            head = bytes((3, 1, 1, len(ROOM), 1, 0, encoding))
            await it.send(head + b"12" + ROOM.encode() + b"e" + data, 2)
    title("what the database says: JSON, and bytes")
    stream.close_tick(a_message(1, "news", '{"n":  2}'))
    await it.hear(1)
    stream.close_tick(a_message(2, "raw", None, binary="AP8="))
    await it.hear(0 if old else 1)
    await it.tell("phx_leave", {}, answers=2)
    title("a private room, and what was said there")
    config = {"private": True, "broadcast": {"replay": {"since": 0, "limit": 2}}}
    await it.tell("phx_join", {"config": config}, answers=2 if old else 3)
    await it.tell("phx_leave", {}, answers=2)


async def _presence(it: _Recorder, title: Callable[[str], None]) -> None:
    title("presence: shown, tracked, changed, left")
    await it.tell("phx_join", {"config": {"presence": {"key": "anna", "enabled": True}}}, answers=2)
    for call in (
        {"type": "presence", "event": "track", "payload": {"on": "board"}},
        {"type": "presence", "event": "TRACK", "payload": {"on": "desk"}},
        {"type": "presence", "event": "untrack"},
    ):
        await it.tell("presence", call, answers=2)
    title("presence that is refused")
    await it.tell("presence", {"type": "presence", "event": "track", "payload": "me"}, answers=1)
    await it.tell("presence", {"type": "presence", "event": "track", "payload": {"x": "y" * 5_000}}, answers=1)
    await it.tell("presence", {"type": "presence", "event": "hide"}, answers=1)
    title("one who names no key")
    await it.tell("phx_join", {"config": {}}, topic="realtime:other", answers=1)
    await it.tell("presence", {"event": "track", "payload": {}}, topic="realtime:other", answers=2)


async def _ends(it: _Recorder, place: Place, title: Callable[[str], None]) -> None:
    title("a gateway that leaves")
    place.stop.set()
    await it.end()


def _written(frame: str | bytes) -> str:
    """Return a frame as a line: a binary one as Python writes it, and a name for what is different each time."""
    text = frame if isinstance(frame, str) else f"binary {frame!r}"
    for pattern, name in (
        (_TOKEN, "<token>"),
        (_REF, r'"phx_ref\1":"<ref>"'),
        (_UUID, "<uuid>"),
        (_SECONDS, "expired <n> seconds"),
        (re.compile(r"([xy])\1{99,}"), r"<many \1>"),
        (re.compile(r'"after_ms":\d+'), '"after_ms":<n>'),
    ):
        text = pattern.sub(name, text)
    return text
