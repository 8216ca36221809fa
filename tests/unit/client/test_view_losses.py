"""When a connection ends, does not begin or makes no sense, a view waits, says so and goes on where it was."""

from random import Random

import pytest
from tests.unit.client.peer import Peer, Script
from tests.unit.client.scripted import AT, Server, next_of, picture, serving, tick

from floorcast.client import (
    Changes,
    Joined,
    Snapshot,
    Waiting,
)


async def test_after_a_loss_it_goes_on_with_its_cursor() -> None:
    """From the last whole tick, and it says what happened."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer)
            await tick(peer, 6)
            await tick(peer, 7, part=1, end=False)
            await peer.socket.close(1012)

        async def second(peer: Peer) -> None:
            await server.accept(peer)
            await tick(peer, 7)

        return first, second

    async with serving(make) as server, server.view() as view:
        waiting = await next_of(view, Waiting)
        assert (waiting.error.code, waiting.seconds) == ("shutting_down", 0)
        joined = await next_of(view, Joined)
        assert (joined.origin, joined.after) == ("cursor", waiting.error)
        assert (await next_of(view, Changes)).tick == 7
        assert list(view.rows("work_orders")) == [6, 7]
    assert [join["from"] for join in server.joins] == ["snapshot", "c6"]


async def test_a_loss_during_the_picture_begins_with_a_new_one() -> None:
    """There is no cursor before its end."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await peer.push("snapshot", tick=5, at=AT, part=1, end=False, rows={"work_orders": [{"id": 1}]})
            await peer.socket.close(4400)

        async def second(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer, 6, 2)

        return first, second

    async with serving(make) as server, server.view() as view:
        await next_of(view, Snapshot)
        assert list(view.rows("work_orders")) == [2]
    assert [join["from"] for join in server.joins] == ["snapshot", "snapshot"]


async def test_a_refusal_that_passes_is_waited_for_as_long_as_it_says() -> None:
    """On the same socket."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await server.refuse(peer, code="too_many_joins", reason="too_many_joins: Later.", retry_after_ms=5)
            await server.accept(peer)
            await picture(peer)

        return (script,)

    async with serving(make) as server, server.view() as view:
        waiting = await anext(view)
        assert isinstance(waiting, Waiting)
        assert (waiting.error.code, waiting.seconds) == ("too_many_joins", 0.005)
        await next_of(view, Snapshot)


async def test_nobody_at_the_address_is_tried_again() -> None:
    """A gateway that is being restarted is not there for a moment."""
    async with Server().view() as view:
        codes = [(await next_of(view, Waiting)).error.code for _ in range(3)]
    assert codes == ["unreachable"] * 3


async def test_waits_grow_with_each_failure_and_begin_anew_after_a_step() -> None:
    """A server that is down for an hour is not asked ten times a second."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            for _ in range(2):
                await server.refuse(peer, code="not_ready", reason="not_ready: no")
            await server.accept(peer)
            await picture(peer)
            await peer.socket.close()

        async def second(peer: Peer) -> None:
            await server.refuse(peer, code="not_ready", reason="not_ready: no")

        return first, second

    class Little(Random):
        """Draws short waits."""

        def random(self) -> float:
            """Return what makes a thousandth of the longest wait."""
            return 0.001

    waits = []
    async with serving(make) as server, server.view(random=Little()) as view:
        while len(waits) < 4:
            waits.append(round((await next_of(view, Waiting)).seconds * 1000))
    assert waits == [3, 6, 1, 6]


async def test_what_does_not_follow_is_asked_for_again() -> None:
    """A part is missing: rather a new joining than a gap."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer)
            await tick(peer, 6, part=2, end=True)

        async def second(peer: Peer) -> None:
            await server.accept(peer)
            await tick(peer, 6)

        return first, second

    async with serving(make) as server, server.view() as view:
        assert (await next_of(view, Waiting)).error.code == "out_of_step"
        assert (await next_of(view, Changes)).tick == 6
    assert [join["from"] for join in server.joins] == ["snapshot", "c5"]


@pytest.mark.parametrize("after", [20, 100_000])
async def test_a_gateway_that_drains_is_left_when_it_says(after: int) -> None:
    """Or when it closes the socket before; what was sent is told first, the cursor goes along."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer)
            await peer.socket.send(f'[null,null,"phoenix","draining",{{"after_ms":{after}}}]')
            await tick(peer, 6)
            if after > 1000:
                await peer.socket.close(1012)

        async def second(peer: Peer) -> None:
            await server.accept(peer)
            await tick(peer, 7)

        return first, second

    async with serving(make) as server, server.view(random=Random(1)) as view:
        waiting = await next_of(view, Waiting)
        assert (waiting.error.code, waiting.seconds) == ("shutting_down", 0)
        assert (await next_of(view, Changes)).tick == 7
    assert [join["from"] for join in server.joins] == ["snapshot", "c6"]
