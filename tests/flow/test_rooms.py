"""Rooms of several gateways that share a real Redis, and private rooms under real policies."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.fixtures.gateway import NORTH, Open, Place, Stream, a_token
from tests.fixtures.guests import ROOM, Guest, a_message, as_object, enter, heard
from tests.fixtures.postgres import Database
from tests.fixtures.time import UNIT
from tests.sql.plant import connect

from floorcast.database.channel_messages import MessageReader
from floorcast.database.channel_rights import ChannelRightsReader
from floorcast.embedded.redis import EmbeddedRedis
from floorcast.gateway.channels.house import House
from floorcast.gateway.channels.rights import PolicyRights
from floorcast.observe import StreamLost, watch
from floorcast.stream.broadcasts import BroadcastLine

POLICIES = """
create policy reads on realtime.messages for select to authenticated
using (extension = 'broadcast' and auth.jwt() ->> 'sub' in ('anna', 'reader'));
create policy writes on realtime.messages for insert to authenticated
with check (extension = 'broadcast' and auth.jwt() ->> 'sub' in ('anna', 'writer'));
create policy raises on realtime.messages for select to authenticated
using (case auth.jwt() ->> 'sub' when 'raiser' then ('x' || realtime.topic())::int = 1 else false end)
"""


@pytest.fixture
def stream() -> Stream:
    """Nobody has to be anywhere to be in rooms."""
    return Stream().granting(anna={NORTH: "technician"})


@contextlib.asynccontextmanager
async def two(open_gateway: Open, stream: Stream, url: str) -> AsyncIterator[tuple[Place, Place]]:
    """Two gateways on one Redis."""
    async with contextlib.AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(contextlib.aclosing(BroadcastLine(url))) for _ in range(2)]
        one, other = [await open_gateway(stream, house=House(line=line)) for line in lines]
        yield one, other


@contextlib.contextmanager
def losing_redis() -> Iterator[asyncio.Event]:
    """Set when the rooms' way to other gateways is said to be lost."""
    said = asyncio.Event()
    unwatch = watch(
        lambda event: said.set() if isinstance(event, StreamLost) and event.component == "broadcasts" else None
    )
    try:
        yield said
    finally:
        unwatch()


async def hear_each_other(one: Guest, other: Guest) -> None:
    """Wait until what one says is heard by the other: gateways find each other in a moment."""
    while True:
        await one.say("hello", {})
        if not await other.phone.silent(0.1):
            return


async def test_people_of_two_gateways_hear_each_other_once(open_gateway: Open, stream: Stream, redis_url: str) -> None:
    """In the order of who speaks; text as text, frames as frames; and at the speaker's own gateway not twice."""
    async with (
        two(open_gateway, stream, redis_url) as (one, other),
        enter(one) as anna,
        enter(one, "bert") as near,
        enter(other, "carl") as far,
    ):
        await hear_each_other(anna, far)
        await anna.say("text", {"n": 1})
        await anna.say_frame("raw", b"\xff", binary=True)
        expected = [as_object("text", {"n": 1}), heard("raw", b"\xff", binary=True)]
        for guest in (near, far):
            told = [await guest.hear()]
            while told[0] == as_object("hello", {}):
                told = [await guest.hear()]
            assert [*told, await guest.hear()] == expected
            assert await guest.phone.silent(0.05)


async def test_while_redis_is_away_neighbours_hear_each_other_and_the_others_afterwards(
    open_gateway: Open, stream: Stream, own_redis: EmbeddedRedis
) -> None:
    """What waited is told in its order when it is back."""
    async with (
        two(open_gateway, stream, own_redis.url) as (one, other),
        enter(one) as anna,
        enter(one, "bert") as near,
        enter(other, "carl") as far,
    ):
        await hear_each_other(anna, far)
        with losing_redis() as lost:
            await asyncio.to_thread(own_redis.stop)
            await anna.say("a", {})
            async with asyncio.timeout(5 * UNIT):
                await lost.wait()
        await anna.say("b", {})
        while await near.hear() != as_object("b", {}):
            pass
        await asyncio.to_thread(own_redis.start)
        told = [await far.hear()]
        while told[-1] != as_object("b", {}):
            told.append(await far.hear())
        assert told[-2:] == [as_object("a", {}), as_object("b", {})]


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    """Rooms under policies: anna may do both, reader and writer one of the two."""
    with connect(database.owner_url) as owner:
        owner.execute(POLICIES.encode())
    policies, messages = ChannelRightsReader(database.service_url), MessageReader(database.service_url)
    await policies.open()
    await messages.open()
    yield House(rights=PolicyRights(policies), messages=messages)
    await policies.close()
    await messages.close()


async def test_policies_say_who_listens_and_who_speaks_in_private(
    open_gateway: Open, stream: Stream, house: House
) -> None:
    """Who may not speak is not heard, and told so only if he asks; who may not listen does not come in."""
    place = await open_gateway(stream, house=house)
    ack = {"ack": True}
    async with (
        enter(place, private=True) as anna,
        enter(place, "reader", private=True) as reader,
        enter(place, "reader", private=True, broadcast=ack) as asking,
        enter(place, "writer") as public,
    ):
        await reader.say("no", {})
        await asking.say("no", {})
        event, answer = await asking.hear()
        assert (event, answer["status"]) == ("phx_reply", "error")
        assert answer["response"]["reason"].startswith("Unauthorized: You do not have permissions to write")
        await anna.say("yes", {})
        assert [await reader.hear(), await asking.hear()] == [as_object("yes", {})] * 2
        assert await anna.phone.silent(0.05)
        assert await public.phone.silent(0.01)
    for user in ("writer", "raiser", "nobody"):
        async with place.phone(user) as phone:
            guest = Guest(phone, "2.0.0")
            await guest.tell("phx_join", {"config": {"private": True}}, "1")
            _, refused = await guest.hear()
            reason = "Unauthorized: You do not have permissions to read from this Channel topic: floor"
            assert refused["response"] == {"reason": reason}, user


async def test_a_newer_token_is_asked_for_what_it_may(open_gateway: Open, stream: Stream, house: House) -> None:
    """Who may not speak any more is not heard; who may not even listen is told so and closed."""
    place = await open_gateway(stream, house=house)
    async with enter(place, private=True) as anna, enter(place, private=True, broadcast={"ack": True}) as other:
        await other.tell("access_token", {"access_token": a_token("reader")})
        status = "ok"
        while status == "ok":
            # The token is taken in silence, a moment later.
            await other.say("e", {})
            status = (await other.hear())[1]["status"]
        await anna.tell("access_token", {"access_token": a_token("writer")})
        event, told = await anna.hear()
        while event == "broadcast":
            event, told = await anna.hear()
        assert told["message"] == "You no longer have permission to read from this Channel topic: floor"
        assert (await anna.hear())[0] == "phx_close"


async def test_who_joins_late_is_told_again_what_a_private_room_said(
    open_gateway: Open, stream: Stream, house: House, database: Database
) -> None:
    """After the answer, the newest so many, oldest first; and what comes live of it is not told twice."""
    place = await open_gateway(stream, house=house)
    with connect(database.owner_url) as owner:
        ids = [
            owner.execute(
                "insert into realtime.messages (topic, extension, event, payload, private)"
                " values ('floor', 'broadcast', %s, '{\"n\": 1.50}', true) returning id::text as id",
                [event],
            ).fetchone()
            for event in ("old", "a", "b")
        ]
    _, a, b = [row["id"] for row in ids if row is not None]
    replay = {"replay": {"since": 0, "limit": 2}}
    async with enter(place, private=True, broadcast=replay) as anna:
        assert [await anna.hear(), await anna.hear()] == [
            heard("a", b'{"n": 1.50}', b'{"id":"%b","replayed":true}' % a.encode()),
            heard("b", b'{"n": 1.50}', b'{"id":"%b","replayed":true}' % b.encode()),
        ]
        stream.close_tick(a_message(1, "b", "{}", "private:floor", id=b), a_message(2, "c", "{}", "private:floor"))
        assert await anna.hear() == heard("c", b"{}", b'{"id":"id-2"}')
    async with place.phone() as phone:
        guest = Guest(phone, "2.0.0")
        await guest.tell("phx_join", {"config": {"broadcast": replay}}, "1", ROOM)
        _, refused = await guest.hear()
        assert refused["response"]["reason"].startswith("UnableToReplayMessages: ")
