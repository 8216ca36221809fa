"""More come than there is room for: each is told when to come back, and whoever is inside does not notice."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from tests.fixtures.gateway import NORTH, Open, Phone, Place, Stream, a_token, an_operation
from tests.fixtures.observed import Observed
from tests.fixtures.time import UNIT
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from floorcast.observe import SocketClosed


@pytest.fixture
def stream() -> Stream:
    """Anna and Bert may be in north."""
    return Stream().granting(anna={NORTH: "technician"}, bert={NORTH: "technician"})


async def _refused(place: Place, user: str = "anna", **headers: str) -> Response:
    """Try to open a socket; returns the refusal."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{place.url}?apikey={a_token(user)}", additional_headers=headers):
            pass
    return refused.value.response


def _told(response: Response) -> tuple[int, str]:
    """Status and code of a refusal, which says in both ways when to come back."""
    answer = json.loads(response.body or b"")
    assert 0 < answer["retry_after_ms"] <= int(response.headers["Retry-After"]) * 1000 <= 31_000
    return response.status_code, answer["code"]


async def test_a_full_gateway_sends_away_and_keeps_whom_it_has(
    open_gateway: Open, stream: Stream, observed: Observed
) -> None:
    """503, which a load balancer understands as well; a socket that ends makes room."""
    place = await open_gateway(stream, sockets=1)
    async with place.phone() as phone:
        await phone.join()
        assert _told(await _refused(place)) == (503, "too_many_connections")
        stream.close_tick(an_operation())
        assert (await phone.receive())[0] == "changes"
    await observed.wait_for(SocketClosed)
    async with place.phone() as phone:
        assert (await phone.join())["status"] == "ok"


async def test_one_user_who_connects_in_a_loop_is_sent_away_and_no_other(open_gateway: Open, stream: Stream) -> None:
    """429: it is he."""
    place = await open_gateway(stream, user_connects_per_second=0.001)
    async with place.phone("anna"):
        assert _told(await _refused(place, "anna")) == (429, "connecting_too_often")
        async with place.phone("bert") as other:
            assert (await other.join())["status"] == "ok"


async def test_an_address_is_what_a_trusted_proxy_says(open_gateway: Open, stream: Stream) -> None:
    """Only where addresses are limited; a header of somebody else's changes nothing."""
    place = await open_gateway(stream, address_connects_per_second=0.001, trusted_proxies="127.0.0.1")
    behind = {"X-Forwarded-For": "203.0.113.1, 198.51.100.1"}
    async with connect(f"{place.url}?apikey={a_token()}", additional_headers=behind):
        assert _told(await _refused(place, **behind)) == (429, "connecting_too_often")
        neighbour = {"X-Forwarded-For": "198.51.100.2"}
        async with connect(f"{place.url}?apikey={a_token()}", additional_headers=neighbour):
            pass
    open_one = await open_gateway(stream, address_connects_per_second=0.001)
    async with connect(f"{open_one.url}?apikey={a_token()}", additional_headers=behind):
        assert _told(await _refused(open_one, **neighbour)) == (429, "connecting_too_often")


async def test_a_crowd_of_joins_is_taken_one_after_the_other(open_gateway: Open, stream: Stream) -> None:
    """Who is told to come back and does is inside soon, on the same socket."""
    place = await open_gateway(stream, joins_per_second=4)
    async with AsyncExitStack() as crowd:
        phones = [await crowd.enter_async_context(place.phone()) for _ in range(12)]
        refusals = 0

        async def insist(phone: Phone) -> None:
            nonlocal refusals
            while (answer := await phone.join())["status"] == "error":
                assert answer["response"]["code"] == "too_many_joins"
                refusals += 1
                await asyncio.sleep(answer["response"]["retry_after_ms"] / 1000)

        async with asyncio.timeout(10 * UNIT):
            await asyncio.gather(*(insist(phone) for phone in phones))
        assert refusals
        stream.close_tick(an_operation())
        for phone in phones:
            assert (await phone.receive())[0] == "changes"
