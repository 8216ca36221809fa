"""HTTP that never ends, at a real port: no request costs more than one head, and none is waited for without limit."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from tests.fixtures.gateway import LARGE, Open, Place, Stream
from tests.fixtures.time import UNIT

_GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
_FAR_TOO_MUCH = 67_108_864
_WHAT_THE_KERNEL_MAY_HOLD = 8_388_608


@pytest.fixture
async def place(open_gateway: Open) -> Place:
    """A gateway with usual settings."""
    return await open_gateway(Stream())


@contextlib.contextmanager
def _dialled(place: Place) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", place.settings.port), timeout=5 * UNIT) as dialled:
        yield dialled


def _until(dialled: socket.socket, ending: bytes) -> bytes:
    received = b""
    while not received.endswith(ending):
        received += dialled.recv(65_536)
    return received


def _rest(dialled: socket.socket) -> bytes:
    """What is still to be read, to the end of the connection."""
    received = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := dialled.recv(1_048_576):
            received += piece
    return bytes(received)


def _flood(dialled: socket.socket, beginning: bytes, piece: bytes) -> tuple[int, bytes]:
    """Send without end; return how much was taken before the connection ended, and the answer."""
    taken = 0
    with contextlib.suppress(ConnectionError):
        dialled.sendall(beginning)
        while taken < _FAR_TOO_MUCH:
            taken += dialled.send(piece)
    return taken, _rest(dialled)


_ENDLESS = pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (b"GET / HTTP/1.1\r\n", b"X-Long: y\r\n" * 6_000),
        (b"GET / HTTP/1.1\r\nX-", b"x" * 65_536),
        (b"GET / HTTP/1.1\r\nX-Long: ", b"y" * 65_536),
        (b"GET /", b"x" * 65_536),
    ],
    ids=["headers", "name", "value", "address"],
)


@_ENDLESS
async def test_a_later_head_that_never_ends_is_refused(place: Place, beginning: bytes, piece: bytes) -> None:
    """431 and the end, as for the first head of a connection."""

    def flood() -> tuple[int, bytes]:
        with _dialled(place) as dialled:
            dialled.sendall(_GET)
            assert _until(dialled, b"the page").startswith(b"HTTP/1.1 200 ")
            return _flood(dialled, beginning, piece)

    taken, answer = await asyncio.to_thread(flood)
    assert taken < _WHAT_THE_KERNEL_MAY_HOLD
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"handshake_too_large"' in answer


@_ENDLESS
async def test_a_pipelined_head_that_never_ends_is_refused(place: Place, beginning: bytes, piece: bytes) -> None:
    """The request before it gets its answer first."""

    def flood() -> tuple[int, bytes]:
        with _dialled(place) as dialled:
            return _flood(dialled, _GET + beginning, piece)

    taken, answer = await asyncio.to_thread(flood)
    assert taken < _WHAT_THE_KERNEL_MAY_HOLD
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"the pageHTTP/1.1 431 " in answer


@pytest.mark.parametrize("before", [b"", _GET], ids=["first", "pipelined"])
@pytest.mark.parametrize("path", [b"/", b"/echo"], ids=["nobody reads", "the application would read"])
async def test_a_body_that_says_it_is_too_long_is_refused_before_it_arrives(
    place: Place, path: bytes, before: bytes
) -> None:
    """Nobody is asked to send what is then thrown away."""

    def flood() -> tuple[int, bytes]:
        with _dialled(place) as dialled:
            head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n"
            return _flood(dialled, before + head, b"x" * 65_536)

    taken, answer = await asyncio.to_thread(flood)
    assert taken < _WHAT_THE_KERNEL_MAY_HOLD
    assert b"HTTP/1.1 413 " in answer
    assert b'"body_too_large"' in answer


@pytest.mark.parametrize(("path", "status"), [(b"/", b"405"), (b"/echo", b"413")], ids=["nobody reads", "one reads"])
async def test_a_body_that_never_ends_is_not_waited_for(place: Place, path: bytes, status: bytes) -> None:
    """An answer of who does not want it ends the connection; who does want it gets no more than may be."""

    def flood() -> tuple[int, bytes]:
        with _dialled(place) as dialled:
            head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            return _flood(dialled, head, b"10000\r\n" + b"x" * 65_536 + b"\r\n")

    taken, answer = await asyncio.to_thread(flood)
    assert taken < 4_194_304 + _WHAT_THE_KERNEL_MAY_HOLD
    assert answer.startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("drips", [False, True])
async def test_a_body_that_takes_too_long_is_refused(open_gateway: Open, *, drips: bool) -> None:
    """408 at the deadline, whether a little more of it arrives or not."""
    place = await open_gateway(Stream(), handshake_seconds=0.5)

    def linger() -> bytes:
        with _dialled(place) as dialled:
            dialled.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx")
            if drips:
                dialled.settimeout(0.05)
                for _ in range(100):
                    with contextlib.suppress(TimeoutError):
                        return dialled.recv(65_536)
                    dialled.sendall(b"x")
            return _rest(dialled)

    assert (await asyncio.to_thread(linger)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length : 5\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"X: y\nContent-Length: 5\r\n",
        b"Transfer-Encoding:\r\n chunked\r\n",
    ],
)
async def test_a_body_whose_length_can_be_read_in_two_ways_is_refused(place: Place, headers: bytes) -> None:
    """A proxy that reads it in the other way would take one person's bytes for another one's request."""
    request = b"POST /echo HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n0\r\n\r\n" + _GET
    async with _used(place) as (reader, writer), asyncio.timeout(5 * UNIT):
        writer.write(request)
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"bad_request"' in answer
    assert b"the page" not in answer


@asynccontextmanager
async def _used(place: Place) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which one request was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", place.settings.port)
    try:
        writer.write(_GET)
        await reader.readuntil(b"the page")
        yield reader, writer
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("drips", [False, True])
async def test_a_later_head_that_takes_too_long_is_refused(open_gateway: Open, *, drips: bool) -> None:
    """408 at the deadline, whether more of it arrives or not."""
    place = await open_gateway(Stream(), handshake_seconds=0.5)

    def linger() -> bytes:
        with _dialled(place) as dialled:
            dialled.sendall(_GET)
            _until(dialled, b"the page")
            dialled.sendall(b"GET /heal")
            with contextlib.suppress(ConnectionError):
                for _ in range(100 if drips else 0):
                    time.sleep(0.05)
                    dialled.sendall(b"x")
            return _rest(dialled)

    assert (await asyncio.to_thread(linger)).startswith(b"HTTP/1.1 408 ")


async def test_a_used_connection_that_says_nothing_is_dropped(open_gateway: Open) -> None:
    """Without a word: there is nothing to answer."""
    place = await open_gateway(Stream(), handshake_seconds=0.5)
    async with _used(place) as (reader, _), asyncio.timeout(5 * UNIT):
        assert await reader.read() == b""


async def test_a_later_head_that_is_not_http_is_refused(place: Place) -> None:
    """By the door, or by the parser, with the same code."""
    for head in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"):
        async with _used(place) as (reader, writer), asyncio.timeout(5 * UNIT):
            writer.write(head)
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b'"bad_request"' in answer


async def test_pipelined_requests_are_answered_in_order(place: Place) -> None:
    """However they are cut; one that asks for another protocol, which we do not have, gets its answer in HTTP/1.1."""
    upgrade = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    requests = (_GET + upgrade) * 50 + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with _used(place) as (reader, writer), asyncio.timeout(5 * UNIT):
        for start in range(0, len(requests), 1_000):
            writer.write(requests[start : start + 1_000])
            await asyncio.sleep(0)
        answers = await reader.read()
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404"] * 50 + [b"200"]


async def test_an_answer_that_nobody_reads_is_not_held_for_ever(open_gateway: Open) -> None:
    """What the kernel has already is all that arrives."""
    place = await open_gateway(Stream(), idle_seconds=1)

    def be_deaf() -> int:
        with _dialled(place) as dialled:
            dialled.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(3)
            return len(_rest(dialled))

    assert await asyncio.to_thread(be_deaf) < LARGE


async def test_an_answer_that_is_read_slowly_arrives_whole(open_gateway: Open) -> None:
    """A bad line is no attack: patience begins anew whenever something moves."""
    place = await open_gateway(Stream(), idle_seconds=1, handshake_seconds=0.5)

    def read_slowly() -> int:
        received = 0
        with _dialled(place) as dialled:
            dialled.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while piece := dialled.recv(1_048_576, socket.MSG_WAITALL):
                received += len(piece)
                time.sleep(0.1)
        return received

    assert await asyncio.to_thread(read_slowly) > LARGE


async def test_a_used_connection_ends_with_the_gateway(place: Place) -> None:
    """So that no client sends its next request to a process that is going."""
    async with _used(place) as (reader, _), asyncio.timeout(5 * UNIT):
        place.stop.set()
        assert await reader.read() == b""
