"""The relay's own steps around the bell. No safety look here: a wake-up that is lost stays lost, and the test ends red.

The sabotages of the doorbell's model are named where they would be found: NOLAST, NOWAIT, LATECLEAR.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.fixtures.cells import scribble
from tests.fixtures.observed import Observed
from tests.fixtures.relay import Stream, running
from tests.fixtures.time import UNIT

from floorcast.database.doorbell import Bell, set_busy, take_silence
from floorcast.observe import DoorbellSet, TickClosed
from floorcast.relay import relay as module

Step = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def no_safety_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour: whatever is not rung for, or read by a busy relay, is not seen."""
    monkeypatch.setattr(module, "SAFETY_SECONDS", 3600.0)


def around(monkeypatch: pytest.MonkeyPatch, name: str, step: Callable[[Step], Step]) -> None:
    """Put a step of the relay into one of ours."""
    monkeypatch.setattr(module, name, step(getattr(module, name)))


async def is_state(observed: Observed, state: str) -> None:
    """Wait until the doorbell is set so."""
    await observed.wait_for(DoorbellSet, lambda event: event.state == state, within=10 * UNIT)


async def test_an_idle_relay_hears_each_change(stream: Stream, observed: Observed) -> None:
    """One bell, one read."""
    async with running(stream.relay()):
        await is_state(observed, "idle")
        for key in range(5):
            await stream.cells.put(key)
            await observed.wait_for(TickClosed, within=5 * UNIT)
    assert {event.state for event in observed.of(DoorbellSet)} == {"draining", "idle"}


async def test_many_writers_make_it_busy_and_nothing_waits(stream: Stream, observed: Observed) -> None:
    """Eight tasks at once, then quiet: idle, busy, idle; every change arrives, and none by the safety look."""
    receiver = await stream.receiver()
    async with running(stream.relay()):
        await is_state(observed, "idle")
        writers = [scribble(await stream.cells.session(), random.Random(seed), 120) for seed in range(8)]
        following = asyncio.create_task(receiver.until(2**62, within=60 * UNIT))
        await asyncio.gather(*writers)
        await is_state(observed, "busy")
        # Quiet again: it drains, and falls asleep.
        await is_state(observed, "idle")
        following.cancel()
        await asyncio.wait({following})
        await stream.cells.put(1)
        await stream.drained(receiver, within=10 * UNIT)
    await stream.check_receiver(receiver)
    await stream.check_feed()
    states = [event.state for event in observed.of(DoorbellSet)]
    assert states.count("idle") >= 2


async def test_a_busy_relay_lets_writers_be_silent(stream: Stream, observed: Observed) -> None:
    """It gave the lock back; else they would ring on, one after the other, for one who reads anyway."""
    async with running(stream.relay()):
        await is_state(observed, "idle")
        sessions = [await stream.cells.session() for _ in range(4)]
        writing = [asyncio.create_task(scribble(session, random.Random(3), 10_000)) for session in sessions]
        await is_state(observed, "busy")
        cursor = await stream.connection.execute("select pg_try_advisory_xact_lock_shared(floorcast.silence_lock())")
        assert await cursor.fetchone() == (True,)
        for task in writing:
            task.cancel()
        await asyncio.wait(writing)


async def test_random_writers_with_pauses_lose_no_wake_up(stream: Stream, observed: Observed) -> None:
    """Around the edges between idle, busy and draining, again and again: bursts, each followed by one lonely change."""
    receiver = await stream.receiver()
    chance = random.Random(5)
    sessions = [await stream.cells.session() for _ in range(4)]
    async with running(stream.relay()):
        await is_state(observed, "idle")
        for _ in range(12):
            bursts = [scribble(session, random.Random(chance.random()), chance.randint(1, 12)) for session in sessions]
            await asyncio.gather(*bursts)
            await asyncio.sleep(chance.choice((0, 0.01, 0.14, 0.16, 0.18)))
            await stream.cells.put(chance.randrange(10), chance.randrange(10**6))
            await stream.drained(receiver, within=5 * UNIT)
    await stream.check_receiver(receiver)


async def test_a_silent_commit_just_before_the_lock_is_read(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NOLAST: the relay looked and found nothing; the silent writer commits; the lock is free; nobody rings."""
    writer = await stream.cells.session()
    await set_busy(stream.connection, 60_000)
    await writer.execute("begin")
    await stream.cells.put(1, connection=writer)

    def commit_before(step: Step) -> Step:
        async def commit_and_take(connection: Any) -> bool:
            # Twice it finds the writer open and reads; before the third look the writer commits.
            commit_and_take.looks += 1  # type: ignore[attr-defined]
            if commit_and_take.looks == 3:  # type: ignore[attr-defined]
                await writer.execute("commit")
            return bool(await step(connection))

        commit_and_take.looks = 0  # type: ignore[attr-defined]
        return commit_and_take

    around(monkeypatch, "take_silence", commit_before)
    async with running(stream.relay()):
        await observed.wait_for(TickClosed, within=5 * UNIT)


async def test_the_relay_waits_for_a_silent_writer_before_it_sleeps(stream: Stream, observed: Observed) -> None:
    """NOWAIT: asleep, it would never hear of a change for which nobody rings."""
    writer = await stream.cells.session()
    await set_busy(stream.connection, 60_000)
    await writer.execute("begin")
    await stream.cells.put(1, connection=writer)
    async with running(stream.relay()):
        await is_state(observed, "draining")
        assert not await take_silence(stream.connection)
        assert "idle" not in {event.state for event in observed.of(DoorbellSet)}
        await writer.execute("commit")
        await observed.wait_for(TickClosed, within=5 * UNIT)
        await is_state(observed, "idle")


async def test_bells_during_the_wait_for_a_silent_writer_make_it_busy_again(stream: Stream, observed: Observed) -> None:
    """Else every writer would ring, and hold the others up, until that one transaction ends."""
    writer = await stream.cells.session()
    await set_busy(stream.connection, 60_000)
    await writer.execute("begin")
    await stream.cells.put(1, connection=writer)
    async with running(stream.relay()):
        await is_state(observed, "draining")
        await stream.cells.put(2)
        await is_state(observed, "busy")
        await stream.cells.put(3)
        await writer.execute("commit")
        await is_state(observed, "idle")
        receiver = await stream.receiver()
        await stream.drained(receiver, within=5 * UNIT)
    await stream.check_receiver(receiver)


async def test_a_bell_that_rings_while_the_relay_reads_makes_it_read_again(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LATECLEAR: that bell is for a change which this read did not see, and must not be cleared with the others."""
    bells: list[Bell] = []
    listen = Bell.listen

    async def listen_and_tell(url: str) -> Bell:
        bells.append(await listen(url))
        return bells[-1]

    monkeypatch.setattr(Bell, "listen", listen_and_tell)
    late = iter([2])

    def write_after(step: Step) -> Step:
        async def close_and_write(connection: Any) -> Any:
            closed = await step(connection)
            if closed is not None and (key := next(late, None)) is not None:
                await stream.cells.put(key)
                # Its bell has arrived before this read returns.
                await bells[-1].wait(10 * UNIT)
            return closed

        return close_and_write

    around(monkeypatch, "close_tick", write_after)
    async with running(stream.relay()):
        await is_state(observed, "idle")
        await stream.cells.put(1)
        await observed.wait_for(TickClosed, lambda event: event.tick == 2, within=5 * UNIT)


async def test_a_change_between_the_first_read_and_sleep_is_not_missed(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state is still what the last leader left: that writer rings or holds the lock, and is read either way."""

    def write_before(step: Step) -> Step:
        async def write_and_set(connection: Any) -> None:
            await stream.cells.put(7)
            await step(connection)

        return write_and_set

    around(monkeypatch, "set_idle", write_before)
    async with running(stream.relay()):
        await observed.wait_for(TickClosed, within=5 * UNIT)


async def test_always_rings_for_every_transaction_and_is_never_busy(stream: Stream, observed: Observed) -> None:
    """FLOORCAST_DOORBELL=always, for sites with listeners of their own."""
    listener = await stream.cells.session()
    await listener.execute("listen floorcast")
    receiver = await stream.receiver()
    async with running(stream.relay(adaptive=False)):
        await is_state(observed, "idle")

        async def write(start: int) -> None:
            session = await stream.cells.session()
            for key in range(start, start + 40):
                await stream.cells.put(key, connection=session)

        await asyncio.gather(*(write(start * 100) for start in range(5)))
        await listener.execute("notify floorcast, 'end'")
        heard: Counter[str] = Counter()
        async for notification in listener.notifies(timeout=10 * UNIT):
            heard[notification.payload] += 1
            if notification.payload == "end":
                break
        await stream.drained(receiver)
    assert heard["cells"] == 200
    assert "busy" not in {event.state for event in observed.of(DoorbellSet)}
    await stream.check_receiver(receiver)


async def test_a_relay_that_is_idle_lets_others_hear_every_family(stream: Stream, observed: Observed) -> None:
    """While it is quiet, LISTEN floorcast in psql shows what happens."""
    listener = await stream.cells.session()
    await listener.execute("listen floorcast")
    async with running(stream.relay()):
        await is_state(observed, "idle")
        await stream.cells.owner.execute(
            "with o as (insert into organizations (name) values ('Quarry') returning id),"
            " w as (insert into warehouses (organization_id, name) select id, 'North' from o returning id)"
            " insert into equipment (warehouse_id, name) select id, 'Crusher' from w"
        )
        await stream.cells.owner.execute(
            "insert into work_orders (warehouse_id, title) select id, 'Grease' from warehouses"
        )
        await stream.cells.owner.execute(
            "with i as (insert into inventory_items (warehouse_id, name, quantity)"
            " select id, 'Bearing', 5 from warehouses returning id) select from i"
        )
        await stream.cells.owner.execute(
            "insert into inventory_transactions (item_id, transaction_type, quantity)"
            " select id, 'issue', 1 from inventory_items"
        )
        await listener.execute("notify floorcast, 'end'")
        heard = set()
        async for notification in listener.notifies(timeout=10 * UNIT):
            if notification.payload == "end":
                break
            heard.add(notification.payload)
    assert heard >= {"work_order_timeline", "inventory_transactions", "equipment"}
