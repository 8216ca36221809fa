"""A view on a real socket, against a server that says exactly what a test wants it to say."""

import asyncio

import pytest
from tests.fixtures.time import UNIT
from tests.unit.client.peer import Peer, Script
from tests.unit.client.scripted import AT, KEYS, Server, everything, next_of, picture, serving, tick

from floorcast.client import (
    Changes,
    ClientError,
    Forgotten,
    Joined,
    Progress,
    Snapshot,
)

WAITING = 20
"""More ticks than may wait for a program that does not read."""


async def test_a_view_begins_with_the_picture_and_follows() -> None:
    """Rows are those of the last event that was given out, not of the last that arrived."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer, 5, 1)
            await tick(peer, 6)
            await tick(peer, 7)
            await peer.push("progress", position="7-0", at=AT, cursor="c7")

        return (script,)

    async with serving(make) as server, server.view(tables=["work_orders"]) as view:
        events = [await anext(view) for _ in range(3)]
        assert list(view.rows("work_orders")) == [1, 6]
        assert view.cursor == "c6"
        await next_of(view, Progress)
        assert list(view.rows("work_orders")) == [1, 6, 7]
    assert server.joins == [{"from": "snapshot", "tables": ["work_orders"]}]
    assert [type(event) for event in events] == [Joined, Snapshot, Changes]
    assert view.tables == ("work_orders",)


@pytest.mark.parametrize("reason", ["trimmed", "policy", "a reason of a newer server"])
async def test_told_to_refetch_it_forgets_and_joins_again_on_the_same_socket(reason: str) -> None:
    """A thousand screens that are told so do not all connect again."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            asked = await server.accept(peer)
            await picture(peer, 5, 1)
            await peer.push("must_refetch", reason=reason, code="must_refetch", hint="Join again.")
            await peer.end_topic(asked, "phx_error")
            await server.accept(peer)
            await picture(peer, 3, 2)

        return (script,)

    async with serving(make) as server, server.view() as view:
        forgotten = await next_of(view, Forgotten)
        assert (forgotten.reason, forgotten.error.code, forgotten.final) == (reason, "must_refetch", False)
        assert dict(view.rows("work_orders")) == {}
        assert (await next_of(view, Snapshot)).tick == 3
        assert list(view.rows("work_orders")) == [2]
    assert [join["from"] for join in server.joins] == ["snapshot", "snapshot"]


async def test_a_cursor_that_is_refused_at_the_join_is_forgotten() -> None:
    """Away for too long: the same step as live."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer, 5, 1)
            await peer.socket.close(4400)

        async def second(peer: Peer) -> None:
            await server.refuse(peer, code="must_refetch", reason="trimmed")
            await server.accept(peer)
            await picture(peer, 50, 2)

        return first, second

    async with serving(make) as server, server.view() as view:
        assert (await next_of(view, Forgotten)).reason == "trimmed"
        await next_of(view, Snapshot)
    assert [join["from"] for join in server.joins] == ["snapshot", "c5", "snapshot"]


async def test_withdrawn_access_is_told_and_then_it_is_over() -> None:
    """Nothing is left, and the iteration ends as one that is complete."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            asked = await server.accept(peer)
            await picture(peer, 5, 1)
            await peer.push("revoked", code="revoked", reason="revoked: Withdrawn.")
            await peer.end_topic(asked, "phx_close")

        return (script,)

    async with serving(make) as server, server.view() as view:
        assert await everything(view) == ["Joined", "Snapshot", "Forgotten"]
        assert dict(view.rows("work_orders")) == {}
        assert await everything(view) == []


async def test_access_withdrawn_while_away_ends_in_the_same_way() -> None:
    """The join is refused, to one who was in."""

    def make(server: Server) -> tuple[Script, ...]:
        async def first(peer: Peer) -> None:
            await server.accept(peer)
            await picture(peer, 5, 1)
            await peer.socket.close(4402)

        async def second(peer: Peer) -> None:
            await server.refuse(peer, code="forbidden", reason="forbidden: no")

        return first, second

    async with serving(make) as server, server.view() as view:
        kinds = await everything(view)
    assert kinds == ["Joined", "Snapshot", "Waiting", "Forgotten"]


async def test_who_never_was_in_is_refused() -> None:
    """Trying again would only be noise; and it stays refused."""

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            await server.refuse(peer, code="forbidden", reason="forbidden: no")

        return (script,)

    async with serving(make) as server, server.view() as view:
        for _ in range(2):
            with pytest.raises(ClientError, match="forbidden"):
                await anext(view)
    assert len(server.joins) == 1


async def test_a_cancelled_wait_loses_nothing() -> None:
    """Neither while it connects nor while it listens: `asyncio.timeout` around `anext` is safe."""
    may_answer = asyncio.Event()

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            asked = await peer.receive()
            server.joins.append(asked[4])
            await may_answer.wait()
            await peer.reply(asked, position="5-0", tables=["work_orders"], keys=KEYS, cursor=None)
            await peer.receive()  # A second join would arrive here, and end the test.

        return (script,)

    async with serving(make) as server, server.view() as view:
        while not server.joins:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(view)
        may_answer.set()
        assert isinstance(await anext(view), Joined)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(view)
    assert len(server.joins) == 1


async def test_a_consumer_that_stops_reading_slows_the_server() -> None:
    """What waits is bounded; the socket is not read meanwhile, which the server sees, and nothing is lost."""
    sent = taken = 0
    full = asyncio.Event()

    def weigh(text: str) -> float:
        """Count the ticks that the client took from its socket: each has one such number."""
        nonlocal taken
        taken += 1
        if taken == WAITING // 2:
            full.set()
        return float(text)

    def make(server: Server) -> tuple[Script, ...]:
        async def script(peer: Peer) -> None:
            nonlocal sent
            await server.accept(peer)
            await picture(peer)
            for number in range(6, 300):
                await tick(peer, number, filler="x" * 100_000, weight=0.5)
                sent = number

        return (script,)

    async with serving(make) as server, server.view(parse_float=weigh) as view:
        await next_of(view, Joined)
        async with asyncio.timeout(20 * UNIT):
            await full.wait()
            for _ in range(2_000):
                # In each turn of the loop more could be sent, and taken.
                await asyncio.sleep(0)
            assert taken <= WAITING
            assert sent < 299
            async for event in view:
                if isinstance(event, Changes) and event.tick == 299:
                    break
        assert list(view.rows("work_orders")) == list(range(6, 300))
