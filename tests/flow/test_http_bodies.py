"""Requests with a body, at a real port: the application gets exactly it, and the connection goes on behind it."""

import asyncio
import contextlib

import httpx
import pytest
from tests.fixtures.gateway import Open, Place, Stream
from tests.fixtures.time import UNIT

_GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
_COUNTED = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
_CHUNKED = (
    b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX: y\r\n\r\n"
)
_LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
async def place(open_gateway: Open) -> Place:
    """A gateway with usual settings."""
    return await open_gateway(Stream())


@contextlib.asynccontextmanager
async def _connected(place: Place):  # type: ignore[no-untyped-def]  # noqa: ANN202 — asyncio's own two
    reader, writer = await asyncio.open_connection("127.0.0.1", place.settings.port)
    try:
        async with asyncio.timeout(5 * UNIT):
            yield reader, writer
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("cut", [1, 7, 64, 10_000])
async def test_what_is_pipelined_behind_a_body_is_answered(place: Place, cut: int) -> None:
    """However the bytes are cut; a body that looks like a request is none."""
    decoy = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(_GET), _GET)
    requests = _COUNTED + _CHUNKED + _GET + decoy + _CHUNKED + _LAST
    async with _connected(place) as (reader, writer):
        for start in range(0, len(requests), cut):
            writer.write(requests[start : start + cut])
            await asyncio.sleep(0)
        answers = await reader.read()
    bodies = [part.split(b"\r\n\r\n", 1)[1] for part in answers.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert bodies[0] == bodies[1] == b"hello"
    assert bodies[2] == b"the page"
    assert answers.count(b"HTTP/1.1 200 ") == 6
    assert answers.endswith(b"the page")


async def test_a_client_that_waits_for_leave_is_given_it(place: Place) -> None:
    """`Expect: 100-continue`, from whom the body comes only then."""
    async with _connected(place) as (reader, writer):
        writer.write(b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hello" + _LAST)
        answers = await reader.read()
    assert b"\r\n\r\nhelloHTTP/1.1 200 " in answers


async def test_an_answer_that_comes_before_the_body_ends_the_connection(place: Place) -> None:
    """Nobody knows where the next head would begin."""
    async with _connected(place) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel")
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nconnection: close\r\n" in answer


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_arrives_whole(place: Place, *, chunked: bool) -> None:
    """Through every pause that the application makes, up to the limit."""
    text = "0123456789abcdef" * 262_144

    async def pieces():  # type: ignore[no-untyped-def]  # noqa: ANN202 — httpx takes it
        for start in range(0, len(text), 100_000):
            yield text[start : start + 100_000].encode()

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{place.settings.port}") as client:
        for _ in range(2):
            answer = await client.post("/echo", content=pieces() if chunked else text.encode(), timeout=5 * UNIT)
            assert answer.text == text
