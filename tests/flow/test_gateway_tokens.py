"""The life of a token on an open socket: announced, renewed or graced, and closed so that one may come back."""

import time

import pytest
from tests.fixtures.gateway import NORTH, Open, Phone, Stream, a_token, an_operation
from websockets.exceptions import ConnectionClosed

from floorcast.gateway import gateway


@pytest.fixture
def stream() -> Stream:
    """Anna may be in north."""
    return Stream().granting(anna={NORTH: "technician"})


async def _close_code(phone: Phone) -> int:
    """Read to the end; returns the code that it came with."""
    with pytest.raises(ConnectionClosed) as closed:
        await phone.until("nothing")
    assert closed.value.rcvd is not None
    return int(closed.value.rcvd.code)


async def test_a_token_is_announced_before_it_ends_and_its_end_allows_to_come_back(
    open_gateway: Open, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that hears of it in time never loses its socket; one that does not comes back with a new token."""
    # So that a tenth of a token's life may be a fifth of a second.
    monkeypatch.setattr(gateway, "_GRAIN_SECONDS", 0.02)
    place = await open_gateway(stream, token_grace_seconds=0)
    expires_at = time.time() + 2
    token = a_token(exp=expires_at)
    async with place.phone(token=token) as expiring, place.phone(token=token) as renewed:
        await renewed.join()
        told = await expiring.until("token_expiring")
        assert told == {"expires_at": int(expires_at), "in_seconds": 0}
        assert await renewed.until("token_expiring") == told
        await renewed.send("warehouse:north", "access_token", {"access_token": a_token()})
        assert await _close_code(expiring) == 4401
        stream.close_tick(an_operation())
        event, _ = await renewed.receive()
        assert event == "changes", "it is announced once, and was taken back by the new token"
    async with place.phone() as back:
        assert (await back.join())["status"] == "ok"


async def test_a_token_that_has_just_expired_is_good_for_a_while(open_gateway: Open, stream: Stream) -> None:
    """Clocks of issuers and plants differ by seconds; when the grace is over the socket ends."""
    place = await open_gateway(stream, token_grace_seconds=2)
    token = a_token(seconds=-1)
    async with place.phone(token=token) as late:
        assert (await late.join(access_token=token))["status"] == "ok"
        assert await _close_code(late) == 4401
