"""Following a warehouse: coming back after what can be mended, and only after that."""

from contextlib import aclosing
from random import Random

import pytest
from tests.unit.client.peer import Peer, a_server

from floorcast.backoff import Backoff
from floorcast.client import Event, Joined, follow
from floorcast.client.follow import may_return
from floorcast.errors import CODES, ClientError


async def test_a_lost_connection_is_joined_again_and_marked() -> None:
    """The caller reads the picture again where `after` says why."""
    connections = 0
    losses: list[str] = []

    async def script(peer: Peer) -> None:
        nonlocal connections
        connections += 1
        await peer.accept_join()
        await peer.push("changes", tick=connections)
        await peer.socket.close(1012 if connections == 1 else 4400)

    quick = Backoff(Random(1), first_seconds=0.001)
    seen: list[Joined | Event] = []
    async with a_server(script) as url:
        stream = follow(url, "token", "north", backoff=quick, waiting=lambda loss, _: losses.append(loss.code))
        async with aclosing(stream):
            async for item in stream:
                seen.append(item)
                if len(seen) == 4:
                    break
    first, one, second, two = seen
    assert isinstance(first, Joined)
    assert first.after is None
    assert one == Event("changes", {"tick": 1})
    assert isinstance(second, Joined)
    assert second.after is not None
    assert second.after.code == "shutting_down"
    assert two == Event("changes", {"tick": 2})
    assert losses == ["shutting_down"]


async def test_a_refusal_that_stays_a_refusal_is_raised() -> None:
    """Trying again would only be noise."""

    async def script(peer: Peer) -> None:
        asked = await peer.receive()
        await peer.reply(asked, "error", code="forbidden", reason="forbidden: no")
        await peer.socket.wait_closed()

    async with a_server(script) as url:
        with pytest.raises(ClientError, match="forbidden"):
            await anext(follow(url, "token", "north"))


async def test_following_ends_when_access_is_withdrawn() -> None:
    """Revoked is told; then there is nothing to come back to."""

    async def script(peer: Peer) -> None:
        join = await peer.accept_join()
        await peer.push("revoked", code="revoked")
        await peer.socket.send(f'["{join[0]}","{join[0]}","warehouse:north","phx_close",{{}}]')
        await peer.socket.wait_closed()

    async with a_server(script) as url:
        items = [item async for item in follow(url, "token", "north")]
    assert items[1:] == [Event("revoked", {"code": "revoked"})]


def test_the_table_of_codes_decides_who_may_return() -> None:
    """An unknown code is a lost connection; an expired token needs a fresh one."""
    for code in CODES.values():
        if code.code != "token_expired":
            assert may_return(code.code, renewable=False) is code.reconnect
    assert may_return("connection_lost", renewable=False)
    assert not may_return("token_expired", renewable=False)
    assert may_return("token_expired", renewable=True)
