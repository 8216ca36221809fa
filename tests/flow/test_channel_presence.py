"""Who is present in the rooms of `realtime:` topics, at real sockets of two gateways that share a Redis."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.fixtures.gateway import Open, Phone, Place, Stream, a_token
from tests.fixtures.present import fold, metas
from tests.fixtures.scripts import Run, Script
from tests.fixtures.time import UNIT

from floorcast.errors import StreamUnavailable
from floorcast.stream.presence import PresenceBoard
from floorcast.stream.statement import Muster, Statement

ROOM = "realtime:floor"
LEASE = 1.0
KEY = a_token(role="anon", sub=None, aud=None)
"""A project's: of nobody in particular."""


class MortalBoard(PresenceBoard):
    """One whose gateway can fall silent, as one that was killed."""

    dead = False

    async def speak(self, gateway: str, statement: Statement) -> Muster | None:
        """Say it while it lives."""
        self._live()
        return await super().speak(gateway, statement)

    async def bury(self, gateway: str, mark: str = "") -> None:
        """Bury while it lives."""
        self._live()
        await super().bury(gateway, mark)

    def _live(self) -> None:
        if self.dead:
            raise StreamUnavailable("the test has killed this gateway")


@pytest.fixture
async def boards(redis_url: str) -> AsyncIterator[tuple[MortalBoard, ...]]:
    """Two ends of one Redis, closed after whoever speaks there has ended."""
    async with contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(contextlib.aclosing(MortalBoard(redis_url))) for _ in range(2)]
        yield tuple(opened)


@pytest.fixture
async def gateways(boards: tuple[MortalBoard, ...], open_gateway: Open) -> tuple[Place, Place]:
    """Two gateways."""
    first, second = [await open_gateway(Stream(), board=board) for board in boards]
    return first, second


class Guest:
    """Somebody in the room, and whom he is shown."""

    def __init__(self, phone: Phone, *, old: bool) -> None:
        """Nobody is known; an old one speaks vsn 1.0.0."""
        self._phone = phone
        self._old = old
        self.frames: list[list[Any]] = []

    async def say(self, event: str, payload: object) -> None:
        """Send a message."""
        frame: object = ["1", "2", ROOM, event, payload]
        if self._old:
            frame = {"topic": ROOM, "event": event, "payload": payload, "ref": "2"}
        await self._phone.ws.send(json.dumps(frame))

    async def track(self, **meta: object) -> None:
        """Say with what to be shown."""
        await self.say("presence", {"type": "presence", "event": "track", "payload": meta})

    async def until(self, expected: dict[str, list[Any]]) -> None:
        """Wait until exactly these are shown."""
        try:
            async with asyncio.timeout(5 * UNIT):
                while metas(fold(self.frames)) != expected:
                    frame = json.loads(await self._phone.ws.recv())
                    if self._old:
                        frame = [None, *(frame[name] for name in ("ref", "topic", "event", "payload"))]
                    self.frames.append(frame)
        except TimeoutError:
            raise AssertionError(f"shown: {metas(fold(self.frames))}") from None

    async def close(self) -> None:
        """Close the socket."""
        await self._phone.ws.close()


@contextlib.asynccontextmanager
async def _come(place: Place, key: str, *, old: bool = False) -> AsyncIterator[Guest]:
    """Join with a project's key, as nobody in particular."""
    vsn = "1.0.0" if old else "2.0.0"
    async with place.phone(token=KEY, vsn=vsn) as phone:
        guest = Guest(phone, old=old)
        await guest.say("phx_join", {"config": {"presence": {"key": key, "enabled": True}}})
        yield guest


async def test_people_of_two_gateways_see_each_other_in_a_room(gateways: tuple[Place, Place]) -> None:
    """Whichever version they speak; two tabs of one are together, and one of them is closed."""
    one, two = gateways
    async with _come(one, "anna") as anna, _come(two, "bert", old=True) as bert, _come(two, "anna") as tab:
        await anna.track(on="board")
        await bert.until({"anna": [{"on": "board"}]})
        await bert.track(on="stock")
        await tab.track(on="tab")
        everybody = {"anna": [{"on": "board"}, {"on": "tab"}], "bert": [{"on": "stock"}]}
        for guest in (anna, bert, tab):
            await guest.until(everybody)
        await tab.close()
        await anna.track(on="orders")
        await bert.until({"anna": [{"on": "orders"}], "bert": [{"on": "stock"}]})
        [meta] = fold(bert.frames)["anna"]
        assert meta["phx_ref_prev"] in str(bert.frames[:-1])
        await bert.say("phx_leave", {})
        await anna.until({"anna": [{"on": "orders"}]})


async def test_people_of_a_gateway_that_died_are_gone_when_its_lease_ends(
    boards: tuple[MortalBoard, ...], open_gateway: Open
) -> None:
    """It can say nothing of them any more."""
    one, two = [await open_gateway(Stream(), board=board, presence_lease_seconds=LEASE) for board in boards]
    async with _come(one, "anna") as anna, _come(two, "bert") as bert:
        await bert.track()
        await anna.until({"bert": [{}]})
        boards[1].dead = True
        await anna.until({})


def _shown(said: dict[str, Any]) -> dict[str, list[Any]]:
    """Return whom a client was shown, without refs, which clients name after their own taste."""
    return {key: sorted(({"on": meta["on"]} for meta in its), key=str) for key, its in sorted(said["people"].items())}


async def _until_shown(script: Script, expected: dict[str, list[Any]]) -> None:
    while _shown(await script.until("sync")) != expected:
        pass


async def _see_each_other(script: Script, other: Place) -> None:
    """Have a client of Supabase meet somebody at another gateway, who comes, changes and goes."""
    await script.say(do="subscribe", topic="floor", key="anna")
    await script.until("status")
    await script.say(do="track", meta={"on": "board"})
    await _until_shown(script, {"anna": [{"on": "board"}]})
    async with _come(other, "bert") as bert:
        await bert.until({"anna": [{"on": "board"}]})
        await bert.track(on="stock")
        joined = await script.until("join", key="bert")
        assert [meta["on"] for meta in joined["metas"]] == ["stock"]
        await bert.track(on="orders")
        await _until_shown(script, {"anna": [{"on": "board"}], "bert": [{"on": "orders"}]})
        await script.say(do="track", meta={"on": "desk"})
        await bert.until({"anna": [{"on": "desk"}], "bert": [{"on": "orders"}]})
        await bert.close()
        while [meta["on"] for meta in (await script.until("leave", key="bert"))["metas"]] != ["orders"]:
            pass
    assert await script.end() == 0


@pytest.mark.parametrize("package", ["@supabase/realtime-js", "realtime-js-old"])
async def test_realtime_js_shows_who_is_present(gateways: tuple[Place, Place], node: Run, package: str) -> None:
    """Today's, which speaks vsn 2.0.0, and a year-old one, which speaks 1.0.0; both unmodified."""
    one, two = gateways
    script = await node("presence.js", package, one.url.removesuffix("/websocket"), KEY)
    await _see_each_other(script, two)


@pytest.mark.parametrize("which", ["today", "old"])
async def test_the_python_client_shows_who_is_present(
    gateways: tuple[Place, Place], python_client: Run, which: str
) -> None:
    """It checks every message against its own model, and drops what does not fit."""
    one, two = gateways
    script = await python_client("presence.py", which, one.url.removesuffix("/websocket"), KEY)
    await _see_each_other(script, two)
