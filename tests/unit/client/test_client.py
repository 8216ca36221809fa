"""The client on a real socket, against a server that says exactly what a test wants it to say."""

import asyncio
import json
from http import HTTPStatus
from typing import Any

import pytest
from tests.unit.client.peer import TOPIC, Peer, a_server
from websockets.asyncio.server import Request, Response, ServerConnection

from floorcast.client import Event, FloorcastClient
from floorcast.client.channel import Payload
from floorcast.errors import ClientError


async def test_events_arrive_in_order_from_the_join_on() -> None:
    """Even what the server sends in the same breath as the reply."""

    async def script(peer: Peer) -> None:
        await peer.accept_join()
        await peer.push("changes", tick=6)
        await peer.push("progress", position="6-0")
        await peer.socket.wait_closed()

    async with a_server(script) as url, FloorcastClient(url, "token") as client:
        subscription = await client.join(TOPIC)
        assert subscription.response == {"position": "5-0", "role": "technician"}
        assert await anext(subscription) == Event("changes", {"tick": 6})
        assert await anext(subscription) == Event("progress", {"position": "6-0"})


async def test_the_token_is_sent_as_a_header_and_the_version_in_the_address() -> None:
    """A token in an address would end up in logs."""
    seen: list[Request] = []

    def check(_: ServerConnection, request: Request) -> None:
        seen.append(request)

    async def script(peer: Peer) -> None:
        await peer.socket.wait_closed()

    async with a_server(script, check) as url, FloorcastClient(url, "abc"):
        assert seen[0].headers["Authorization"] == "Bearer abc"
        assert seen[0].path == "/realtime/v1/websocket?vsn=2.0.0"


async def test_a_refused_join_raises_the_servers_code() -> None:
    """And the client can go on with other topics."""

    async def script(peer: Peer) -> None:
        refused = await peer.receive()
        await peer.reply(refused, "error", code="forbidden", reason="forbidden: no access", hint="Ask.")
        await peer.accept_join()
        await peer.socket.wait_closed()

    async with a_server(script) as url, FloorcastClient(url, "token") as client:
        with pytest.raises(ClientError) as refusal:
            await client.join(TOPIC)
        assert refusal.value.code == "forbidden"
        assert str(refusal.value) == "forbidden: no access Ask."
        assert (await client.join(TOPIC)).response["position"] == "5-0"


async def test_a_refused_handshake_raises_the_servers_code() -> None:
    """The body of the 401 says which."""

    def check(socket: ServerConnection, _: Request) -> Response:
        return socket.respond(
            HTTPStatus.UNAUTHORIZED, json.dumps({"code": "token_expired", "error": "It has expired."})
        )

    async def script(peer: Peer) -> None:
        await peer.socket.wait_closed()

    async with a_server(script, check) as url:
        with pytest.raises(ClientError) as refusal:
            async with FloorcastClient(url, "token"):
                pass
        assert refusal.value.code == "token_expired"


async def test_nobody_at_the_address_is_unreachable() -> None:
    """Not a bare OSError: whoever follows must know that it may come back."""
    with pytest.raises(ClientError) as refusal:
        async with FloorcastClient("ws://127.0.0.1:9", "token"):
            pass
    assert refusal.value.code == "unreachable"


async def test_revoked_is_told_and_then_the_iteration_ends() -> None:
    """Access is gone for good, so nothing is raised that asks for another attempt."""

    async def script(peer: Peer) -> None:
        join = await peer.accept_join()
        await peer.push("revoked", code="revoked", reason="withdrawn")
        await peer.socket.send(json.dumps([join[0], join[0], TOPIC, "phx_close", {}]))
        await peer.socket.wait_closed()

    async with a_server(script) as url, FloorcastClient(url, "token") as client:
        subscription = await client.join(TOPIC)
        assert [event.name async for event in subscription] == ["revoked"]


async def test_must_refetch_is_told_and_then_raised() -> None:
    """A new join mends it."""

    async def script(peer: Peer) -> None:
        join = await peer.accept_join()
        await peer.push("must_refetch", code="must_refetch", reason="trimmed")
        await peer.socket.send(json.dumps([join[0], join[0], TOPIC, "phx_error", {}]))
        await peer.socket.wait_closed()

    async with a_server(script) as url, FloorcastClient(url, "token") as client:
        subscription = await client.join(TOPIC)
        assert (await anext(subscription)).name == "must_refetch"
        with pytest.raises(ClientError) as end:
            await anext(subscription)
        assert end.value.code == "must_refetch"


async def test_a_closed_socket_ends_every_subscription_with_its_code() -> None:
    """What had arrived is given out before that."""

    async def script(peer: Peer) -> None:
        await peer.accept_join()
        await peer.push("changes", tick=6)
        await peer.socket.close(4400, "slow_reader")

    async with a_server(script) as url, FloorcastClient(url, "token") as client:
        subscription = await client.join(TOPIC)
        assert (await anext(subscription)).payload == {"tick": 6}
        with pytest.raises(ClientError) as end:
            await anext(subscription)
        assert end.value.code == "slow_reader"
        with pytest.raises(ClientError):
            await client.join(TOPIC)


async def test_a_join_that_is_never_answered_ends_in_no_reply() -> None:
    """Nobody waits for ever."""

    async def script(peer: Peer) -> None:
        await peer.socket.wait_closed()

    async with a_server(script) as url, FloorcastClient(url, "token", reply_seconds=0.05) as client:
        with pytest.raises(ClientError, match="no_reply"):
            await client.join(TOPIC)


async def test_heartbeats_are_sent_and_a_silent_server_is_given_up() -> None:
    """A cable that was pulled closes no connection by itself."""
    beats: list[list[Any]] = []

    async def script(peer: Peer) -> None:
        await peer.accept_join()
        async for text in peer.socket:
            beats.append(json.loads(text))  # noqa: PERF401 — collected as they come

    async with (
        a_server(script) as url,
        FloorcastClient(url, "token", heartbeat_seconds=0.02, reply_seconds=0.2) as client,
    ):
        subscription = await client.join(TOPIC)
        with pytest.raises(ClientError) as end:
            await anext(subscription)
        assert end.value.code == "connection_lost"
    assert beats[0][2:4] == ["phoenix", "heartbeat"]


async def test_leaving_ends_the_iteration() -> None:
    """And the server is told."""
    left = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept_join()
        leave = await peer.receive()
        assert leave[3] == "phx_leave"
        await peer.reply(leave)
        await peer.socket.send(json.dumps([leave[0], leave[0], TOPIC, "phx_close", {}]))
        left.set()
        await peer.socket.wait_closed()

    async with a_server(script) as url, FloorcastClient(url, "token") as client:
        subscription = await client.join(TOPIC)
        await subscription.leave()
        assert [event async for event in subscription] == []
        assert left.is_set()


async def test_what_the_server_says_of_the_socket_is_handed_on() -> None:
    """It belongs to no topic."""
    said: asyncio.Queue[tuple[str, Payload]] = asyncio.Queue()

    async def script(peer: Peer) -> None:
        await peer.socket.send('[null,null,"phoenix","draining",{"after_ms":5}]')
        await peer.socket.wait_closed()

    async with a_server(script) as url, FloorcastClient(url, "token", notice=lambda *news: said.put_nowait(news)):
        assert await said.get() == ("draining", {"after_ms": 5})


async def test_a_push_that_is_refused_is_an_event() -> None:
    """Nobody waits for its answer."""

    async def script(peer: Peer) -> None:
        await peer.accept_join()
        asked = await peer.receive()
        await peer.reply(asked, "error", code="bad_presence", reason="bad_presence: no")
        await peer.socket.wait_closed()

    async with a_server(script) as url, FloorcastClient(url, "token") as client:
        subscription = await client.join(TOPIC)
        await client.push(TOPIC, "presence", {})
        assert await anext(subscription) == Event("refused", {"code": "bad_presence", "reason": "bad_presence: no"})


async def test_a_frame_that_is_no_frame_ends_the_connection() -> None:
    """Going on after it could mean going on without a change."""

    async def script(peer: Peer) -> None:
        await peer.accept_join()
        await peer.socket.send("{}")
        await peer.socket.wait_closed()

    async with a_server(script) as url, FloorcastClient(url, "token") as client:
        subscription = await client.join(TOPIC)
        with pytest.raises(ClientError, match="bad_frame"):
            await anext(subscription)
