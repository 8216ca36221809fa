"""Clients that remember nothing themselves, and are told what they missed all the same, where that was asked for."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.fixtures.gateway import NORTH, SOUTH, Open, Phone, Place, Stream, a_grant, a_token, an_operation
from tests.fixtures.proxy import OpenLink
from tests.fixtures.scripts import Run, Script
from tests.fixtures.time import UNIT

from floorcast.gateway.channels.house import House
from floorcast.stream.memory import ShortMemory

BINDING = {"event": "*", "schema": "public", "table": "work_orders"}
ROOM = "realtime:floor"


@pytest.fixture
def stream() -> Stream:
    """Bert is the manager of both."""
    return Stream().granting(bert={NORTH: "manager", SOUTH: "manager"})


@pytest.fixture
async def memory(redis_url: str) -> AsyncIterator[ShortMemory]:
    """In a Redis of one's own; closed after whoever uses it."""
    async with contextlib.aclosing(ShortMemory(redis_url)) as opened:
        yield opened


@pytest.fixture
async def place(memory: ShortMemory, open_gateway: Open, stream: Stream) -> Place:
    """A gateway that remembers who asks for it."""
    return await open_gateway(stream, house=House(memory=memory))


@pytest.mark.parametrize("package", ["@supabase/realtime-js", "realtime-js-old", "@supabase/supabase-js"])
async def test_an_unmodified_client_is_told_what_it_missed_when_it_joins_again(
    place: Place, stream: Stream, node: Run, proxy: OpenLink, package: str
) -> None:
    """The line is cut twice while changes are written. What it had may come again; nothing is missing."""
    link = await proxy(place.url)
    script = await node(
        "changes.js", package, link.url.removesuffix("/websocket"), a_token("bert"), a_token("bert"), "remembered"
    )
    await script.say(do="subscribe", topic="floor", bindings=[BINDING])
    await script.until("status", status="SUBSCRIBED")
    stream.close_tick(an_operation(1))
    await _until_told(script, 1)
    for cut in (1, 2):
        await link.cut()
        await place.delivered(stream.close_tick(an_operation(10 * cut), an_operation(10 * cut + 1, SOUTH)))
        await link.heal()
        missed = await _until_told(script, 10 * cut + 1)
        assert {10 * cut, 10 * cut + 1} <= set(missed)
    assert await script.end() == 0


async def _until_told(script: Script, number: int) -> list[int]:
    """Return the changes that a client is told, up to one."""
    told: list[int] = []
    while not told or told[-1] != number:
        told.append((await script.until("change"))["payload"]["new"]["id"])
    return told


class _Tab:
    """A browser's tab, which has nothing but its socket."""

    def __init__(self, phone: Phone) -> None:
        """Nothing is joined."""
        self.phone = phone

    async def join(self, **config: object) -> None:
        """Join the floor."""
        payload = {"config": {"postgres_changes": [BINDING], **config}}
        await self.phone.ws.send(json.dumps(["1", "1", ROOM, "phx_join", payload]))
        event, answer = await self.hear()
        assert (event, answer["status"]) == ("phx_reply", "ok")

    async def hear(self) -> tuple[str, Any]:
        """Return event and payload of the next frame."""
        async with asyncio.timeout(5 * UNIT):
            frame = json.loads(await self.phone.ws.recv())
        return frame[3], frame[4]

    async def until(self, number: int) -> list[Any]:
        """Return the numbers of changes up to one, and what Floorcast says of the channel."""
        told: list[Any] = []
        while not told or told[-1] != number:
            event, payload = await self.hear()
            if event == "postgres_changes":
                told.append(payload["data"]["record"]["id"])
            elif payload.get("extension") == "floorcast":
                told.append(payload["message"])
        return told

    def vanish(self) -> None:
        """Be gone without a word."""
        self.phone.ws.transport.abort()


@contextlib.asynccontextmanager
async def _tab(place: Place, remember: str = "60") -> AsyncIterator[_Tab]:
    async with place.phone(token=f"{a_token('bert')}&remember={remember}") as phone:
        yield _Tab(phone)


async def _write(place: Place, number: int) -> None:
    await place.delivered(place.stream.close_tick(an_operation(number)))


async def test_what_a_ping_has_proved_is_not_told_again(place: Place, redis_url: str) -> None:
    """Else whoever was here for an hour would be told all of it."""
    async with _tab(place, "2") as tab:
        await tab.join()
        await _write(place, 1)
        assert await tab.until(1) == [1]
        # Whoever is remembered for two seconds is asked every quarter of one.
        async with asyncio.timeout(5 * UNIT), Redis.from_url(redis_url) as redis:
            await _until_proved(redis, 1)
        tab.vanish()
    async with _tab(place, "2") as tab:
        await tab.join()
        await _write(place, 2)
        assert await tab.until(2) == [2]


async def _until_proved(redis: Redis, tick: int) -> None:
    """Look until the one joining that is remembered has everything up to a tick."""
    while True:
        async for key in redis.scan_iter("*:memory:*"):
            if [value.split()[-1] for value in await redis.hvals(key)] == [b"%d" % tick]:
                return
        await asyncio.sleep(0.02)


async def test_another_tab_takes_nothing_away(place: Place) -> None:
    """Of two with the same person, topic and bindings, one vanishes and the other goes on."""
    async with _tab(place) as gone, _tab(place) as here:
        await gone.join()
        await here.join()
        gone.vanish()
        await _write(place, 1)
        assert await here.until(1) == [1]
        async with _tab(place) as third:
            # One that is new has its own place, and does not move the other's.
            await third.join()
            async with _tab(place) as back:
                await back.join()
                await _write(place, 2)
                assert await back.until(2) == [1, 2]


async def test_who_leaves_is_forgotten_and_who_did_not_ask_was_never_remembered(place: Place) -> None:
    """A page that is opened anew begins with what there is."""
    for remember, leaves in (("60", True), ("0", False), ("x", False)):
        async with _tab(place, remember) as tab:
            await tab.join()
            if leaves:
                await tab.phone.send(ROOM, "phx_leave")
            else:
                tab.vanish()
        await _write(place, 1)
        # What was left is forgotten in a moment.
        while True:
            async with _tab(place) as again:
                await again.join()
                await _write(place, 2)
                told = await again.until(2)
                await again.phone.send(ROOM, "phx_leave")
            if told == [2] or not leaves:
                break
        assert told == [2], remember


async def test_what_is_remembered_opens_nothing(place: Place, stream: Stream) -> None:
    """Access is decided when he joins again: of what was withdrawn meanwhile he is told nothing."""
    async with _tab(place) as tab:
        await tab.join()
        tab.vanish()
    await place.delivered(
        stream.close_tick(an_operation(1, SOUTH), a_grant("bert", SOUTH, None, 2, was="manager"), an_operation(3))
    )
    async with _tab(place) as tab:
        await tab.join()
        await _write(place, 4)
        assert await tab.until(4) == [3, 4]


async def test_who_comes_back_too_late_is_told_that_there_is_a_gap(place: Place) -> None:
    """As long as it is known that he was here."""
    async with _tab(place, "1") as tab:
        await tab.join()
        tab.vanish()
    async with asyncio.timeout(10 * UNIT):
        while True:
            async with _tab(place, "1") as tab:
                await tab.join(private=False)
                await _write(place, 1)
                told = await tab.until(1)
                if len(told) == 2 and isinstance(told[0], str):
                    break
                await tab.phone.send(ROOM, "phx_leave")
                await asyncio.sleep(0.2)
    assert told == ["Changes may be missing (memory): read again what you show.", 1]
