"""A server that plays a script for each connection, and what views of it are asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from tests.fixtures.time import UNIT
from tests.unit.client.peer import Peer, Script, a_server

from floorcast.client import (
    ViewEvent,
    WarehouseView,
)

AT = "2026-11-23T10:11:12.345678+00:00"
KEYS = {"work_orders": ["id"]}


class AtOnce(Random):
    """Draws the shortest wait, always."""

    def random(self) -> float:
        """Return the smallest share."""
        return 0.0


class Server:
    """Plays one script for each connection in turn, and keeps every join."""

    def __init__(self, *scripts: Script) -> None:
        """Hold the scripts ready; the last one is played again and again."""
        self.scripts = list(scripts)
        self.joins: list[dict[str, Any]] = []
        # Where nobody is, until it serves.
        self.url = "ws://127.0.0.1:9"

    async def play(self, peer: Peer) -> None:
        """Play the next script, then wait for the client to go."""
        await (self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0])(peer)
        await peer.socket.wait_closed()

    async def accept(self, peer: Peer, cursor: str | None = None) -> list[Any]:
        """Take a join."""
        asked = await peer.accept_join(tables=["work_orders"], keys=KEYS, cursor=cursor, incarnation="first")
        self.joins.append(asked[4])
        return asked

    async def refuse(self, peer: Peer, **response: object) -> None:
        """Refuse a join."""
        asked = await peer.receive()
        self.joins.append(asked[4])
        await peer.reply(asked, "error", **response)

    def view(self, **options: Any) -> WarehouseView:
        """Return a view of it that never waits long."""
        token = options.pop("token", "token")
        usual: dict[str, Any] = {"random": AtOnce(), "reply_seconds": 5 * UNIT}
        return WarehouseView(self.url, token, "north", **(usual | options))


@asynccontextmanager
async def serving(make: Callable[[Server], tuple[Script, ...]], check: Any = None) -> AsyncIterator[Server]:
    """Serve the scripts that `make` returns."""
    server = Server()
    server.scripts = list(make(server))
    async with a_server(server.play, check) as url:
        server.url = url
        yield server


async def picture(peer: Peer, tick: int = 5, *ids: int) -> None:
    """Send a picture of work orders, whole."""
    rows = {"work_orders": [{"id": each} for each in ids]}
    await peer.push("snapshot", tick=tick, at=AT, part=1, end=True, rows=rows, cursor=f"c{tick}")


async def tick(peer: Peer, number: int, **more: object) -> None:
    """Send a tick in which the work order of that number enters."""
    change = {"position": f"{number}-1", "op": "enter", "by": "insert", "table": "work_orders", "at": AT}
    change |= {"actor": "anna", "key": {"id": number}, "new": {"id": number}}
    await peer.push("changes", **({"tick": number, "at": AT, "changes": [change], "cursor": f"c{number}"} | more))


async def next_of(view: WarehouseView, kind: type[ViewEvent]) -> Any:
    """Return the next event of a kind."""
    async with asyncio.timeout(5 * UNIT):
        async for event in view:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the view ended before a {kind.__name__}")


async def everything(view: WarehouseView) -> list[str]:
    """Return the kinds of all events up to the end."""
    async with asyncio.timeout(5 * UNIT):
        return [type(event).__name__ async for event in view]
