"""For whom a view speaks: tokens that are renewed, and presence that is shown again."""

import asyncio
import json
from http import HTTPStatus
from typing import Any

import pytest
from tests.unit.client.peer import TOPIC, Peer, Script
from tests.unit.client.scripted import KEYS, Server, next_of, picture, serving
from websockets.asyncio.server import Request, Response, ServerConnection

from floorcast.client import (
    ClientError,
    PresenceState,
    Refused,
    Snapshot,
    Waiting,
    WarehouseView,
)


async def test_a_token_that_expires_is_renewed_where_one_can_be_made() -> None:
    """Once there is a joining to say it on, without a loss; who makes tokens may be away for a moment."""
    made: list[str] = []

    async def make_token() -> str:
        made.append(f"token {len(made)}")
        if len(made) == 2:
            raise ConnectionRefusedError("the sign-in is away")
        return made[-1]

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await peer.socket.send('[null,null,"phoenix","token_expiring",{"expires_at":0,"in_seconds":30}]')
            await server.accept(peer)
            renewal = await peer.receive()
            assert renewal[2:] == [TOPIC, "access_token", {"access_token": "token 2"}]
            await picture(peer)

        return (script,)

    async with serving(make) as server, server.view(token=make_token) as view:
        await next_of(view, Snapshot)
    assert len(server.joins) == 1


async def test_an_expired_token_that_cannot_be_renewed_is_the_end() -> None:
    """It would be refused for ever."""

    def check(socket: ServerConnection, _: Request) -> Response:
        return socket.respond(HTTPStatus.UNAUTHORIZED, json.dumps({"code": "token_expired", "error": "Expired."}))

    async with serving(lambda _: (Server().play,), check) as server:
        async with server.view() as view:
            with pytest.raises(ClientError, match="token_expired"):
                await anext(view)
        async with server.view(token=lambda: "fresh") as view:
            assert isinstance(await anext(view), Waiting)


async def test_a_fault_in_making_tokens_is_the_callers() -> None:
    """It is not hidden behind endless attempts."""

    def broken() -> str:
        raise LookupError("no such account")

    async with Server().view(token=broken) as view:
        with pytest.raises(LookupError):
            await anext(view)


async def test_a_join_that_leaves_one_unseen_says_so() -> None:
    """The warehouse is full of people; what happens there is told all the same."""

    def make(_: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await peer.accept_join(
                presence={"tracked": False, "code": "presence_full"}, tables=["work_orders"], keys=KEYS
            )
            await picture(peer)

        return (script,)

    async with serving(make) as server, server.view(presence=True) as view:
        await view.track({"name": "Anna"})
        assert (await next_of(view, Refused)).error.code == "presence_full"
        await next_of(view, Snapshot)


async def test_presence_is_shown_again_after_a_loss() -> None:
    """In the warehouse by the join itself, at work orders behind it; refusals are told."""
    heard: list[Any] = []
    refused = asyncio.Event()

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await peer.push("presence_state", anna={"metas": [{"phx_ref": "1"}]})
            heard.extend([await peer.receive(), await peer.receive()])
            await peer.reply(heard[-1], "error", code="presence_full", reason="presence_full: no room")
            await refused.wait()
            await peer.socket.close(1012)

        async def second(peer: Peer) -> None:
            await server.accept(peer)
            heard.append(await peer.receive())
            await picture(peer)

        return first, second

    async with serving(make) as server, server.view(presence=True) as view:
        assert (await next_of(view, PresenceState)).present == {"anna": ({"phx_ref": "1"},)}
        assert view.present == {"anna": ({"phx_ref": "1"},)}
        await view.track({"name": "Anna"})
        await view.track({"doing": "repair"}, work_order="WO-1")
        assert (await next_of(view, Refused)).error.code == "presence_full"
        refused.set()
        await next_of(view, Snapshot)
        await view.untrack()
    with pytest.raises(ValueError, match="presence=True"):
        await WarehouseView("ws://plant", "token", "north").track()
    at_order = {"type": "presence", "event": "track", "payload": {"doing": "repair", "work_order": "WO-1"}}
    assert [frame[4] for frame in heard][1:] == [at_order, at_order]
    assert heard[0][3:] == ["presence", {"type": "presence", "event": "track", "payload": {"name": "Anna"}}]
    assert [join["presence"] for join in server.joins] == [True, {"meta": {"name": "Anna"}}]
