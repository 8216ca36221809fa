"""The server's end of a socket, saying exactly what a test wants it to say."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import Request, Response, ServerConnection, serve

TOPIC = "warehouse:north"
Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The server's end of one connection."""

    def __init__(self, socket: ServerConnection) -> None:
        """Speak over `socket`."""
        self.socket = socket

    async def receive(self) -> list[Any]:
        """Return the next frame of the client."""
        frame = json.loads(await self.socket.recv())
        assert isinstance(frame, list)
        return frame

    async def reply(self, asked: list[Any], status: str = "ok", **response: object) -> None:
        """Answer a frame."""
        join_ref, ref, topic = asked[:3]
        payload = {"status": status, "response": response}
        await self.socket.send(json.dumps([join_ref, ref, topic, "phx_reply", payload]))

    async def push(self, event: str, **payload: object) -> None:
        """Send what a whole audience gets: without refs."""
        await self.socket.send(json.dumps([None, None, TOPIC, event, payload]))

    async def accept_join(self, **response: object) -> list[Any]:
        """Answer a join; return it."""
        asked = await self.receive()
        assert asked[3] == "phx_join"
        await self.reply(asked, **({"position": "5-0", "role": "technician"} | response))
        return asked

    async def end_topic(self, asked: list[Any], event: str) -> None:
        """End the joining that a join began, with `phx_close` or `phx_error`."""
        await self.socket.send(json.dumps([asked[0], asked[0], asked[2], event, {}]))


@asynccontextmanager
async def a_server(
    script: Script, check: Callable[[ServerConnection, Request], Response | None] | None = None
) -> AsyncIterator[str]:
    """Serve `script` to every connection; yield the address."""

    async def handle(socket: ServerConnection) -> None:
        await script(Peer(socket))

    async with serve(handle, "127.0.0.1", 0, process_request=check) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"
