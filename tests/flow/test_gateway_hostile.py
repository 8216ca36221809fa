"""Bad input at a real port: each gets its documented answer, and neither socket nor neighbours suffer for it."""

import asyncio
import base64
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import jwt
import pytest
from tests.fixtures.gateway import NORTH, Open, Place, Stream, a_token, an_operation
from tests.fixtures.observed import Observed
from tests.fixtures.time import UNIT
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import CloseCode

from floorcast.observe import SubscriberSlow


@pytest.fixture
def stream() -> Stream:
    """Anna may be in north."""
    return Stream().granting(anna={NORTH: "technician"})


@pytest.fixture
async def place(open_gateway: Open, stream: Stream) -> Place:
    """A gateway with usual settings."""
    return await open_gateway(stream)


def _unsigned(header: dict[str, str], body: dict[str, object], signature: str = "") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, body)]
    return ".".join([*parts, signature])


_FORGED = jwt.encode(
    {"sub": "anna", "role": "authenticated", "aud": "authenticated", "exp": 4102444800},
    "another secret that is long enough, but not ours",
    algorithm="HS256",
)
_NONE = _unsigned({"alg": "none"}, {"sub": "anna", "role": "authenticated", "aud": "authenticated", "exp": 4102444800})


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "token_missing"),
        ("not.a.token", "token_invalid"),
        (_FORGED, "token_invalid"),
        (_NONE, "token_invalid"),
        (a_token(seconds=-60), "token_expired"),
        (a_token(aud="another"), "token_invalid"),
        (a_token(sub=None), "token_invalid"),
        (a_token(role=None), "token_invalid"),
        (a_token(role="postgres"), "token_invalid"),
        (a_token(exp=None), "token_invalid"),
    ],
)
async def test_a_token_that_is_not_accepted_is_refused_before_the_socket_opens(
    place: Place, token: str, code: str
) -> None:
    """401 and JSON, so that curl shows why."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{place.url}?apikey={token}"):
            pass
    response = refused.value.response
    assert response.status_code == 401
    assert json.loads(response.body or b"")["code"] == code


@pytest.mark.parametrize(
    ("query", "path", "status", "code"),
    [
        ("vsn=3.0.0", "/realtime/v1/websocket", 403, "version_unsupported"),
        ("vsn=2.0.0", "/somewhere/else", 404, "not_found"),
    ],
)
async def test_another_version_or_address_is_refused(
    place: Place, query: str, path: str, status: int, code: str
) -> None:
    """Each with a status of its own."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://127.0.0.1:{place.settings.port}{path}?{query}&apikey={a_token()}"):
            pass
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body or b"")["code"] == code


async def test_a_token_may_come_in_a_header(place: Place) -> None:
    """As `x-api-key` or as Bearer, on both addresses, in vsn 1.0.0 when none is named."""
    for headers in ({"x-api-key": a_token()}, {"Authorization": f"Bearer {a_token()}"}):
        async with connect(f"ws://127.0.0.1:{place.settings.port}/socket/websocket", additional_headers=headers) as ws:
            await ws.send('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":null}')
            assert json.loads(await ws.recv()) == {
                "topic": "phoenix",
                "event": "phx_reply",
                "payload": {"status": "ok", "response": {}},
                "ref": None,
            }


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[1,2",
        "{}",
        "[]",
        '["1","1","warehouse:north","phx_join"]',
        '["1","1",5,"phx_join",{}]',
        '[{},"1","warehouse:north","phx_join",{}]',
        "[" * 2000,
        '["1","1","warehouse:north","phx_join",{}',
        '"\\ud800"',
        b"\x00\x01\x02 binary",
    ],
)
async def test_a_frame_that_cannot_be_read_is_answered_and_the_socket_lives(place: Place, text: str | bytes) -> None:
    """`bad_frame`, on the topic that every client has."""
    async with place.phone() as phone:
        await phone.ws.send(text)
        event, payload = await phone.receive()
        assert (event, payload["response"]["code"]) == ("phx_reply", "bad_frame")
        assert (await phone.join())["status"] == "ok"


@pytest.mark.parametrize(
    ("topic", "event", "payload", "code"),
    [
        ("room", "phx_join", {}, "unknown_topic"),
        ("warehouse:", "phx_join", {}, "unknown_topic"),
        ("warehouse:nowhere", "phx_join", {}, "forbidden"),
        ("warehouse:north", "phx_join", [], "bad_join"),
        ("warehouse:north", "phx_join", {"tables": "work_orders"}, "bad_join"),
        ("warehouse:north", "phx_join", {"tables": []}, "bad_join"),
        ("warehouse:north", "phx_join", {"tables": ["users"]}, "unknown_table"),
        ("warehouse:north", "phx_join", {"tables": ["floorcast.grants"]}, "unknown_table"),
        ("warehouse:north", "phx_join", {"access_token": "x"}, "token_invalid"),
        ("warehouse:north", "phx_join", {"access_token": a_token("bert")}, "token_invalid"),
        ("warehouse:north", "phx_join", {"access_token": a_token(seconds=-60)}, "token_expired"),
        ("warehouse:north", "broadcast", {}, "unmatched_topic"),
        ("phoenix", "anything", {}, "unknown_event"),
    ],
)
async def test_a_message_that_makes_no_sense_is_answered_with_its_code(
    place: Place, topic: str, event: str, payload: object, code: str
) -> None:
    """Reason, code and what to do about it."""
    async with place.phone() as phone:
        await phone.send(topic, event, payload)
        _, answer = await phone.receive()
        assert answer["status"] == "error"
        assert answer["response"]["code"] == code
        assert answer["response"]["reason"]
        assert answer["response"]["hint"]
        assert (await phone.join())["status"] == "ok"
        await phone.send("warehouse:north", "no such event")
        assert (await phone.receive())[1]["response"]["code"] == "unknown_event"


async def test_a_frame_over_the_limit_closes_its_own_socket(open_gateway: Open, stream: Stream) -> None:
    """1009, and the neighbour hears the next tick."""
    place = await open_gateway(stream, frame_bytes=4096)
    async with place.phone() as neighbour, place.phone() as large:
        await neighbour.join()
        await large.ws.send("x" * 100_000)
        with pytest.raises(ConnectionClosed) as closed:
            await large.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.MESSAGE_TOO_BIG
        stream.close_tick(an_operation())
        assert (await neighbour.receive())[0] == "changes"


async def test_fragments_make_one_message(place: Place) -> None:
    """And an endless message of empty fragments is too many frames."""
    async with place.phone() as phone:
        await phone.ws.send(['[null,"5","pho', "", 'enix","heartbeat",{}]'])
        assert (await phone.receive())[0] == "phx_reply"
        with contextlib.suppress(ConnectionClosed):
            await phone.ws.send(["[", *[""] * 5000])
        with pytest.raises(ConnectionClosed) as closed:
            await phone.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403


async def test_ten_thousand_joins_end_in_too_many(open_gateway: Open, stream: Stream) -> None:
    """First every topic that one socket may have, then refusals, then the end of the socket with a code."""
    stream.base = replace(stream.base, warehouses={f"site-{number}": "quarry" for number in range(50)})
    place = await open_gateway(stream, topics_per_socket=10)
    codes: list[str] = []
    async with place.phone(token=a_token("robot", "service_role")) as phone:

        async def shout() -> None:
            for number in range(10_000):
                await phone.send(f"warehouse:site-{number % 50}", "phx_join")

        shouting = asyncio.create_task(shout())
        with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012 — the end comes somewhere in the loop
            while True:
                _, answer = await phone.receive()
                codes.append(answer.get("response", {}).get("code", "ok"))
        shouting.cancel()
        await asyncio.gather(shouting, return_exceptions=True)
    assert set(codes) == {"ok", "too_many_topics"}
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


async def test_a_socket_has_no_more_topics_than_it_may(open_gateway: Open, stream: Stream) -> None:
    """Leaving one makes room."""
    place = await open_gateway(stream, topics_per_socket=1)
    async with place.phone(token=a_token("robot", "service_role")) as phone:
        assert (await phone.join("north"))["status"] == "ok"
        assert (await phone.join("south"))["response"]["code"] == "too_many_topics"
        await phone.send("warehouse:north", "phx_join")
        assert await phone.until("phx_close") == {}, "joining again replaces"
        assert (await phone.until("phx_reply"))["status"] == "ok"


@asynccontextmanager
async def _raw(place: Place) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", place.settings.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_a_handshake_that_never_ends_is_ended(open_gateway: Open, stream: Stream) -> None:
    """408 at the deadline, however slowly it drips."""
    place = await open_gateway(stream, handshake_seconds=0.3)
    async with _raw(place) as (reader, writer):
        writer.write(b"GET /realtime/v1/websocket HTTP/1.1\r\nHost: x\r\n")
        async with asyncio.timeout(5 * UNIT):
            answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"handshake_too_slow"' in answer


async def test_a_head_over_the_limit_is_refused(place: Place) -> None:
    """431, after sixteen kilobytes and no more."""
    async with _raw(place) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n" + b"X-Long: y\r\n" * 3000)
        async with asyncio.timeout(5 * UNIT):
            answer = await reader.read(4096)
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_what_is_not_http_is_refused_at_its_first_byte(place: Place) -> None:
    """TLS on a plain port would wait for ever otherwise."""
    async with _raw(place) as (reader, writer):
        writer.write(b"\x16\x03\x01\x02\x00")
        async with asyncio.timeout(5 * UNIT):
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")


async def test_half_a_frame_is_no_frame(place: Place) -> None:
    """The socket just goes; its neighbour stays."""
    async with place.phone() as neighbour:
        await neighbour.join()
        key = base64.b64encode(b"0123456789abcdef").decode()
        head = (
            f"GET /realtime/v1/websocket?vsn=2.0.0&apikey={a_token()} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        async with _raw(place) as (reader, writer):
            # The head in two halves, and half a frame in the same packet as its end.
            writer.write(head[:40].encode())
            await asyncio.sleep(0.05)
            writer.write(head[40:].encode() + b"\x81\xfe")
            assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
        place.stream.close_tick(an_operation())
        assert (await neighbour.receive())[0] == "changes"


async def test_everything_else_on_the_port_is_http(place: Place) -> None:
    """Several requests on one connection."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{place.settings.port}") as client:
        assert (await client.get("/")).text == "the page"
        assert (await client.get("/nowhere")).status_code == 404


async def test_a_used_http_connection_may_become_a_socket(place: Place) -> None:
    """As proxies that keep connections do."""
    key = base64.b64encode(b"0123456789abcdef").decode()
    async with _raw(place) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"the page" in await reader.readuntil(b"the page")
        writer.write(
            f"GET /realtime/v1/websocket?apikey={a_token()} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
        await reader.readuntil(b"\r\n\r\n")
        text = b'{"topic":"phoenix","event":"heartbeat","payload":{},"ref":1}'
        writer.write(bytes((0x81, 0x80 | len(text))) + b"\0\0\0\0" + text)
        assert b'"status":"ok"' in await reader.readuntil(b"}")  # the inner object's end


async def test_a_socket_that_is_silent_for_too_long_is_closed(open_gateway: Open, stream: Stream) -> None:
    """A client that answers pings lives; one that is gone does not hold memory."""
    place = await open_gateway(stream, idle_seconds=1)
    async with place.phone() as alive, _raw(place) as (reader, writer):
        key = base64.b64encode(b"0123456789abcdef").decode()
        writer.write(
            f"GET /realtime/v1/websocket?apikey={a_token()} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(5 * UNIT):
            ping, length = await reader.readexactly(2)
            assert (ping, length) == (0x89, 0)
            close, length = await reader.readexactly(2)
            (code,) = struct.unpack("!H", (await reader.readexactly(length))[:2])
        assert (close, code) == (0x88, 4402)
        assert (await alive.join())["status"] == "ok"


@contextlib.contextmanager
def _deaf(place: Place) -> Iterator[socket.socket]:
    """A socket that joins and then does not read: the kernel's buffers fill up, then the outbox."""
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", place.settings.port))
        key = base64.b64encode(b"0123456789abcdef").decode()
        deaf.sendall(
            f"GET /realtime/v1/websocket?vsn=2.0.0&apikey={a_token()} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        text = b'["1","1","warehouse:north","phx_join",{"slow":"close"}]'
        deaf.sendall(bytes((0x81, 0x80 | len(text))) + b"\0\0\0\0" + text)
        yield deaf


async def test_a_reader_who_does_not_read_is_closed_and_slows_nobody(
    open_gateway: Open, stream: Stream, observed: Observed
) -> None:
    """With 4400 and how to come back; whoever reads never waits for it."""
    place = await open_gateway(stream, outbox_bytes=65_536)
    with _deaf(place) as deaf:
        async with place.phone() as reading:
            await reading.join()
            longest = 0.0
            loop = asyncio.get_running_loop()
            for number in range(1, 2000):
                began = loop.time()
                stream.close_tick(an_operation(number, text="x" * 20_000))
                assert (await reading.until("changes"))["tick"] == number
                longest = max(longest, loop.time() - began)
                if observed.of(SubscriberSlow):
                    break
            slow = await observed.wait_for(SubscriberSlow)
            assert slow.waiting_bytes > 65_536
            assert longest < 0.5 * UNIT
            stream.close_tick(an_operation())
            assert (await reading.receive())[0] == "changes"
        deaf.settimeout(5 * UNIT)
        received = bytearray()
        reason = struct.pack("!H", 4400) + b"slow_reader: "
        # Whole frames, then the reason: what the kernel had already was not cut short.
        while reason not in received[-130:]:
            received += await asyncio.to_thread(deaf.recv, 65_536)


async def test_a_reader_who_does_not_read_falls_behind_and_slows_nobody(
    open_gateway: Open, stream: Stream, observed: Observed
) -> None:
    """What waited for it is taken back, large ticks included; when it reads again it is told everything, once."""
    place = await open_gateway(stream, outbox_bytes=65_536)
    async with place.phone() as sleeper, place.phone() as reading:
        sleeper.ws.transport.pause_reading()
        await sleeper.send("warehouse:north", "phx_join", {})
        await reading.join()
        ticks = 0
        while not observed.of(SubscriberSlow):
            ticks = stream.close_tick(an_operation(text="x" * 20_000))
            assert (await reading.until("changes"))["tick"] == ticks
        ticks = stream.close_tick(*(an_operation(n, text="x" * 200) for n in range(5_000)), large=True)
        while not (await reading.until("changes")).get("end"):
            pass
        ticks = stream.close_tick(an_operation())
        sleeper.ws.transport.resume_reading()
        heard: list[tuple[int, int]] = []
        while not heard or heard[-1][0] < ticks:
            payload = await sleeper.until("changes")
            heard += [(payload["tick"], change["key"]["id"]) for change in payload["changes"]]
        assert [tick for tick, _ in heard if tick != ticks - 1] == [*range(1, ticks - 1), ticks]
        assert [key for tick, key in heard if tick == ticks - 1] == list(range(5_000))
