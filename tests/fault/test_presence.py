"""Gateways that share a Redis, and what happens to either: in the end all show the same people, and no ghost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
import redis.asyncio
from tests.fixtures.observed import Observed
from tests.fixtures.outboxes import Listening
from tests.fixtures.present import fold
from tests.fixtures.proxy import OpenLink
from tests.fixtures.time import UNIT

from floorcast.embedded.redis import EmbeddedRedis
from floorcast.gateway.appearance import PresenceWish, Track
from floorcast.gateway.attendance import Attendance
from floorcast.gateway.presence import Visitor
from floorcast.observe import GatewaySilent, PresenceRetold, StreamBack, StreamLost
from floorcast.stream import keys
from floorcast.stream.presence import PresenceBoard

LEASE = 1 * UNIT
NORTH = "warehouse:north"


class Gateway:
    """One gateway's presence, with people who see all of it."""

    def __init__(self, url: str) -> None:
        """Connect lazily."""
        self.board = PresenceBoard(url)
        # Added to its clock.
        self.later = 0.0
        clock = asyncio.get_running_loop().time
        self.attendance = Attendance(self.board, lease_seconds=LEASE, clock=lambda: clock() + self.later)
        self.people: dict[str, Listening] = {}
        self.running = asyncio.create_task(self.attendance.run())

    def come(self, *names: str) -> None:
        """Have people join the warehouse."""
        for name in names:
            listening = self.people[name] = Listening(name, limit=10_000_000)
            visitor = Visitor.of_warehouse(name, listening.outbox, NORTH, 2, "north", orders=True)
            assert self.attendance.presence.join(visitor, PresenceWish(Track("", {"n": 0}))) is None

    def change(self, name: str, n: int) -> None:
        """Have somebody say something else."""
        payload = {"event": "track", "payload": {"n": n}}
        self.attendance.presence.hear(self.people[name].outbox, NORTH, payload)

    def go(self, name: str) -> None:
        """Have somebody leave."""
        self.attendance.presence.leave(self.people.pop(name).outbox, NORTH)

    def shown(self) -> list[Mapping[str, int]]:
        """For each of its people, whom they are shown and with what: every frame so far, folded."""
        folded = [fold(listening.frames) for listening in self.people.values()]
        return [{key: meta["n"] for key, [meta] in people.items()} for people in folded]

    def frames(self) -> int:
        """How many frames its people got."""
        return sum(len(listening.frames) for listening in self.people.values())

    async def crash(self) -> None:
        """End without a word."""
        self.running.cancel()
        await asyncio.wait({self.running})
        await self.board.aclose()


async def until_shown(expected: Mapping[str, int], *gateways: Gateway) -> None:
    """Wait until everybody at these gateways is shown exactly that."""
    try:
        async with asyncio.timeout(20 * UNIT):
            while any(shown != expected for gateway in gateways for shown in gateway.shown()):  # noqa: ASYNC110 — no signal
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError([gateway.shown() for gateway in gateways]) from None


Open = Callable[..., Awaitable[Gateway]]


@pytest.fixture
async def open_gateway() -> AsyncIterator[Open]:
    """Open a gateway on a Redis, with these people."""
    opened: list[Gateway] = []

    async def start(url: str, *names: str) -> Gateway:
        gateway = Gateway(url)
        opened.append(gateway)
        gateway.come(*names)
        return gateway

    yield start
    for gateway in opened:
        await gateway.crash()


async def test_all_gateways_show_the_same_people(open_gateway: Open, redis_url: str) -> None:
    """Those who come, change and go, at each; a gateway that ends in order takes its people along at once."""
    one, two = await open_gateway(redis_url, "anna"), await open_gateway(redis_url, "bert")
    await until_shown({"anna": 0, "bert": 0}, one, two)
    three = await open_gateway(redis_url, "carl", "dora")
    one.change("anna", 1)
    await until_shown({"anna": 1, "bert": 0, "carl": 0, "dora": 0}, one, two, three)
    three.go("carl")
    one.change("anna", 2)
    await until_shown({"anna": 2, "bert": 0, "dora": 0}, one, two, three)
    three.running.cancel()
    await three.attendance.retire()
    await until_shown({"anna": 2, "bert": 0}, one, two)


async def test_people_of_a_gateway_that_crashed_leave_when_its_lease_ends(
    open_gateway: Open, redis_url: str, observed: Observed
) -> None:
    """It had no time to say so; a newcomer never shows them."""
    one, two = await open_gateway(redis_url, "anna"), await open_gateway(redis_url, "bert")
    await until_shown({"anna": 0, "bert": 0}, one, two)
    await two.crash()
    await observed.wait_for(GatewaySilent)
    await until_shown({"anna": 0}, one)
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.hlen(keys.PRESENCE_GATEWAYS) == 1


async def test_a_redis_that_is_emptied_is_filled_again_and_nobody_flickers(
    open_gateway: Open, redis_url: str, observed: Observed
) -> None:
    """What it held is in the gateways; who died meanwhile is no ghost."""
    one, two = await open_gateway(redis_url, "anna"), await open_gateway(redis_url, "bert")
    dying = await open_gateway(redis_url, "carl")
    await until_shown({"anna": 0, "bert": 0, "carl": 0}, one, two, dying)
    before = one.frames(), two.frames()
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await dying.crash()
        await client.flushdb()
        for _ in range(2):
            await observed.wait_for(PresenceRetold)
        assert (one.frames(), two.frames()) == before
        await until_shown({"anna": 0, "bert": 0}, one, two)
        one.change("anna", 1)
        await until_shown({"anna": 1, "bert": 0}, one, two)
        assert await client.hlen(keys.PRESENCE_GATEWAYS) == 2


async def test_a_redis_that_comes_back_as_it_was_earlier_brings_no_ghost(
    open_gateway: Open, redis_url: str, observed: Observed
) -> None:
    """People who left since, and gateways that are gone since, are in the old copy."""
    one, two = await open_gateway(redis_url, "anna", "carl"), await open_gateway(redis_url, "bert")
    gone = await open_gateway(redis_url, "dora")
    await until_shown(dict.fromkeys(("anna", "bert", "carl", "dora"), 0), one, two, gone)
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        copy = {key: await client.dump(key) for key in await client.keys("*")}
        await gone.crash()
        await gone.attendance.retire()
        one.go("carl")
        await until_shown({"anna": 0, "bert": 0}, one, two)
        await client.flushdb()
        for key, value in copy.items():
            await client.restore(key, 0, value)
        one.change("anna", 1)
        await observed.wait_for(PresenceRetold)
        late = await open_gateway(redis_url, "emil")
        expected = {"anna": 1, "bert": 0, "emil": 0}
        await until_shown(expected, one, two, late)
        await observed.wait_for(GatewaySilent)
        await until_shown(expected, one, two, late)


async def test_a_redis_whose_clock_went_back_when_it_was_lost_is_listened_to(
    open_gateway: Open, redis_url: str
) -> None:
    """Ids of statements are times: what is said from then on looks older than what was heard."""
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.xadd(keys.PRESENCE_STATEMENTS, {"gateway": "nobody", "gone": "1"}, id="9999999999999-0")
        one, two = await open_gateway(redis_url, "anna"), await open_gateway(redis_url, "bert")
        await until_shown({"anna": 0, "bert": 0}, one, two)
        await client.flushdb()
        for n in range(1, 4):
            one.change("anna", n)
            await until_shown({"anna": n, "bert": 0}, one, two)


async def test_a_gateway_that_cannot_reach_redis_is_missed_and_comes_back(
    open_gateway: Open, redis_url: str, proxy: OpenLink, observed: Observed
) -> None:
    """Its own people go on seeing each other, and those of the others as they were; then everything is compared."""
    link = await proxy(redis_url)
    apart, one = await open_gateway(link.url, "anna"), await open_gateway(redis_url, "bert")
    await until_shown({"anna": 0, "bert": 0}, apart, one)
    link.freeze()
    await observed.wait_for(GatewaySilent)
    await until_shown({"bert": 0}, one)
    apart.come("carl")
    one.change("bert", 1)
    await until_shown({"anna": 0, "carl": 0, "bert": 0}, apart)
    await link.heal()
    await until_shown({"anna": 0, "carl": 0, "bert": 1}, apart, one)


async def test_a_redis_that_is_restarted_empty_makes_nobody_leave(
    open_gateway: Open, own_redis: EmbeddedRedis, observed: Observed
) -> None:
    """However long it was away: nobody could say that he lives."""
    one, two = await open_gateway(own_redis.url, "anna"), await open_gateway(own_redis.url, "bert")
    await until_shown({"anna": 0, "bert": 0}, one, two)
    before = one.frames(), two.frames()
    await asyncio.to_thread(own_redis.stop)
    for _ in range(2):
        await observed.wait_for(StreamLost)
    one.later = two.later = 100 * LEASE
    await asyncio.to_thread(own_redis.start)
    for _ in range(2):
        await observed.wait_for(StreamBack)
    assert (one.frames(), two.frames()) == before
    two.change("bert", 1)
    await until_shown({"anna": 0, "bert": 1}, one, two)


async def test_a_storm_of_comings_and_goings_costs_few_frames(open_gateway: Open, redis_url: str) -> None:
    """Three hundred people in one warehouse come at once, at two gateways; what each is sent is no storm."""
    one, two = await open_gateway(redis_url, "anna"), await open_gateway(redis_url, "bert")
    await until_shown({"anna": 0, "bert": 0}, one, two)
    before = len(one.people["anna"].frames)
    one.come(*(f"one{n}" for n in range(150)))
    two.come(*(f"two{n}" for n in range(150)))
    everybody = {name: 0 for gateway in (one, two) for name in gateway.people}
    await until_shown(everybody, one, two)
    assert len(one.people["anna"].frames) - before < 150
