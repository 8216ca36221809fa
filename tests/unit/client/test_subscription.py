"""Subscriptions: what arrived is given out, in order, before the end is told."""

import asyncio

import pytest

from floorcast.client.subscription import Event, Subscription
from floorcast.errors import ClientError


async def _no_leave(_topic: str) -> None:
    """Stand in for the client's leave."""


def a_subscription(size: int = 4) -> Subscription:
    """Return an empty subscription."""
    return Subscription("warehouse:north", size, _no_leave)


async def test_what_arrived_before_the_end_comes_first() -> None:
    """An end does not overtake events."""
    subscription = a_subscription()
    await subscription.deliver(Event("changes", {"tick": 1}))
    await subscription.deliver(Event("revoked", {}))
    subscription.end()
    assert [event.name async for event in subscription] == ["changes", "revoked"]


async def test_a_full_queue_still_ends() -> None:
    """There is no room for a mark, and none is needed."""
    subscription = a_subscription(size=2)
    for tick in (1, 2):
        await subscription.deliver(Event("changes", {"tick": tick}))
    subscription.end(ClientError("must_refetch", "trimmed"))
    assert [(await anext(subscription)).payload["tick"] for _ in range(2)] == [1, 2]
    with pytest.raises(ClientError, match="must_refetch"):
        await anext(subscription)


async def test_a_full_queue_makes_the_reader_wait() -> None:
    """Nothing is dropped; the server sees that we do not read."""
    subscription = a_subscription(size=1)
    await subscription.deliver(Event("changes", {"tick": 1}))
    second = asyncio.create_task(subscription.deliver(Event("changes", {"tick": 2})))
    await asyncio.sleep(0)
    assert not second.done()
    assert (await anext(subscription)).payload == {"tick": 1}
    await second
    assert (await anext(subscription)).payload == {"tick": 2}


async def test_an_ended_subscription_stays_ended() -> None:
    """Asking again says the same thing again, and the first reason stays the reason."""
    subscription = a_subscription()
    subscription.end()
    subscription.end(ClientError("connection_lost", "later"))
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(subscription)


async def test_a_waiting_consumer_is_woken_by_the_end() -> None:
    """It does not wait for an event that will never come."""
    subscription = a_subscription()
    consumer = asyncio.ensure_future(anext(subscription, None))
    await asyncio.sleep(0)
    subscription.end()
    assert await consumer is None
