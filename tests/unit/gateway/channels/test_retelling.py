"""A channel on its way to the present."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.fixtures.errands import Counter, a_counter, turns
from tests.fixtures.gateway import NORTH, SOUTH, Stream, a_grant, an_operation
from tests.fixtures.outboxes import Listening

from floorcast.gateway.channels.binding import bind
from floorcast.gateway.channels.channel import Channel, Person
from floorcast.gateway.channels.config import Config
from floorcast.gateway.channels.retelling import Retelling
from floorcast.position import Position


class Owner:
    """A socket that does not mind."""

    def forget(self, channel: Channel) -> None:
        """See `channel.Owner`."""


@pytest.fixture
async def counter() -> AsyncIterator[Counter]:
    """Anna may be in north and south."""
    stream = Stream().granting(anna={NORTH: "technician", SOUTH: "technician"})
    async with a_counter(stream) as counter:
        yield counter


@pytest.fixture
async def retelling(counter: Counter) -> AsyncIterator[Retelling]:
    """Brings channels to the present."""
    retelling = Retelling(counter.hub.channels, counter.catch_ups.sources)
    counter.catch_ups.others_wait = lambda: retelling.waiting
    yield retelling
    await retelling.aclose()


def _join(counter: Counter, listening: Listening) -> Channel:
    """Have Anna's channel joined, and not yet told anything."""
    channels = counter.hub.channels
    config = Config(({"event": "*", "schema": "public", "table": "work_orders"},))
    channel = Channel(
        owner=Owner(),
        outbox=listening.outbox,
        topic="realtime:floor",
        version=2,
        join_ref=b'"1"',
        config=config,
        person=Person("anna", "authenticated", "{}", 9e9),
        bound=bind(config.bindings, channels.catalogue),
        sight=channels.sight_of("authenticated", "anna"),
    )
    channels.join(channel, live=False)
    return channel


def _texts(listening: Listening) -> list[Any]:
    return [frame[4]["data"]["record"]["text"] for frame in listening.frames if frame[3] == "postgres_changes"]


@pytest.mark.parametrize("large", [False, True])
async def test_access_that_is_withdrawn_while_a_reader_is_waited_for_counts(
    counter: Counter, retelling: Retelling, *, large: bool
) -> None:
    """What he is told is what he may see when it leaves, and not when somebody thought of telling it."""
    counter.tick(an_operation(1, text="north"), an_operation(2, SOUTH, text="south"), large=large)
    listening = Listening()
    channel = _join(counter, listening)
    listening.transport.room = 0
    listening.outbox.put(b"\x81\x02[]")
    retelling.tell(channel, Position(0))
    await turns()
    counter.tick(a_grant("anna", SOUTH, None, was="technician"))
    listening.transport.take()
    await turns()
    frames = listening.transport.stream.removeprefix(b"\x81\x02[]")
    assert b"south" not in frames
    assert b"north" in frames
    assert channel.live


@pytest.mark.parametrize(("place", "goes_on"), [("elsewhere", True), (NORTH, False)])
async def test_a_large_tick_sends_behind_only_whom_it_concerns(
    counter: Counter, retelling: Retelling, place: str, *, goes_on: bool
) -> None:
    """Whoever sees nothing of its warehouses stays live: it has nothing to be told."""
    channel = _join(counter, Listening())
    retelling.tell(channel, Position(0))
    await turns()
    assert channel.live
    counter.tick(an_operation(1, place), large=True)
    assert channel.live == goes_on


async def test_access_that_is_withdrawn_while_a_tick_is_cut_counts(
    counter: Counter, retelling: Retelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long tick is cut in several turns of the loop; what was cut before is cut again."""
    rows = [an_operation(n, SOUTH if n % 2 else NORTH, text=f"{(n % 2 and 'south') or 'north'}") for n in range(1, 601)]
    counter.tick(*rows)
    take, taken = counter.catch_ups.sources.turns.take, 0

    async def withdraw() -> int:
        nonlocal taken
        taken += 1
        if taken == 2:
            counter.tick(a_grant("anna", SOUTH, None, was="technician"))
        return await take()

    monkeypatch.setattr(counter.catch_ups.sources.turns, "take", withdraw)
    listening = Listening()
    channel = _join(counter, listening)
    retelling.tell(channel, Position(0))
    await turns()
    assert _texts(listening) == ["north"] * 300
    assert channel.live


async def test_another_persons_token_does_not_go_on_with_what_the_first_one_missed(
    counter: Counter, retelling: Retelling
) -> None:
    """Nobody has looked what he could see then: the client joins again, as himself."""
    counter.tick(an_operation(1, text="hers"))
    listening = Listening()
    channel = _join(counter, listening)
    listening.transport.room = 0
    listening.outbox.put(b"\x81\x02[]")
    retelling.tell(channel, Position(0))
    await turns()
    counter.hub.channels.refresh(channel, Person("bert", "authenticated", "{}", 9e9))
    listening.transport.take()
    await turns()
    assert channel.over
    assert b"hers" not in listening.transport.stream
    assert b"phx_error" in listening.transport.stream
