"""A gateway that is told to stop: everybody is sent elsewhere, with everything that was decided for them."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from tests.fixtures.gateway import NORTH, Open, Phone, Stream, an_operation
from tests.fixtures.time import UNIT
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


@pytest.fixture
def stream() -> Stream:
    """Anna may be in north."""
    return Stream().granting(anna={NORTH: "technician"})


async def _to_the_end(phone: Phone) -> tuple[list[str], int]:
    """Read everything; returns the events and the close code."""
    events: list[str] = []
    with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012 — the end comes somewhere in the loop
        while True:
            events.append((await phone.receive())[0])
    assert closed.value.rcvd is not None
    return events, int(closed.value.rcvd.code)


async def test_stopping_hints_and_then_closes_with_a_code_that_says_come_back(
    open_gateway: Open, stream: Stream
) -> None:
    """`draining`, then 1012: who knows the hint goes by himself, all others come back at whoever still listens."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        await phone.join()
        place.stop.set()
        assert (await phone.receive())[0] == "draining"
        assert await _to_the_end(phone) == ([], 1012)


async def test_a_crowd_is_sent_away_a_few_at_a_time_and_nobody_new_is_let_in(
    open_gateway: Open, stream: Stream
) -> None:
    """The hints are spread and leave time; ticks go on until the last one has gone."""
    place = await open_gateway(stream)
    async with AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(place.phone()) for _ in range(200)]
        for phone in crowd:
            await phone.join()
        place.stop.set()
        first = await asyncio.gather(*(phone.receive() for phone in crowd))
        assert {event for event, _ in first} == {"draining"}
        assert {payload["after_ms"] for _, payload in first} == {100}
        stream.close_tick(an_operation())
        with pytest.raises(OSError, match="onnect"):
            await connect(f"{place.url}?vsn=2.0.0&apikey=x")
        ends = await asyncio.gather(*(_to_the_end(phone) for phone in crowd))
        assert {code for _, code in ends} == {1012}
        assert any("changes" in events for events, _ in ends), "the stream went on for who was still here"


async def test_what_waits_for_a_socket_is_sent_before_it_is_closed(open_gateway: Open, stream: Stream) -> None:
    """A deploy loses no change: what a slow network had not yet taken comes first, the close behind it."""
    place = await open_gateway(stream, outbox_bytes=33_554_432)
    async with place.phone() as phone:
        await phone.join()
        phone.ws.transport.pause_reading()
        for number in range(300):
            stream.close_tick(an_operation(number, text="x" * 50_000))
        await place.delivered(300)
        place.stop.set()
        await asyncio.sleep(0)
        phone.ws.transport.resume_reading()
        async with asyncio.timeout(10 * UNIT):
            events, code = await _to_the_end(phone)
    assert events.count("changes") == 300
    assert code == 1012


async def test_who_does_not_read_does_not_hold_up_the_end(
    open_gateway: Open, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cursor holds: what it did not take is there when it comes back."""
    monkeypatch.setattr("floorcast.gateway.drain._FLUSH_SECONDS", 0.1)
    monkeypatch.setattr("floorcast.gateway.drain._FAREWELL_SECONDS", 0.1)
    place = await open_gateway(stream, outbox_bytes=33_554_432)
    async with place.phone() as phone:
        await phone.join()
        phone.ws.transport.pause_reading()
        for number in range(300):
            stream.close_tick(an_operation(number, text="x" * 50_000))
        await place.delivered(300)
        place.stop.set()
        async with asyncio.timeout(5 * UNIT):
            await place.task
        phone.ws.transport.resume_reading()
