"""A subscription: what arrives on one topic, in order, waiting in a bounded queue for whoever iterates."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self

from floorcast.client.channel import Payload
from floorcast.errors import ClientError


class Event(NamedTuple):
    """One event of a topic: `changes`, `progress`, `revoked`, …; `refused` answers what was pushed and not accepted."""

    name: str
    payload: Payload


class Subscription:
    """An async iterator over the events of one joined topic.

    It ends when the topic was left or closed by the server (`revoked` comes before that), and raises
    `ClientError` when the server ended it in a way that a new join can mend (`must_refetch`), or when the
    connection was lost. Whatever arrived before the end is given out first. Nothing is ever dropped: while
    the queue is full, the client stops reading from its socket, and a server that has to wait too long closes
    it as a slow reader.
    """

    def __init__(self, topic: str, queue_size: int, leave: Callable[[str], Awaitable[None]]) -> None:
        """Begin with an empty queue; `leave` is how the client leaves a topic."""
        self.topic = topic
        # The join's response: position, incarnation, role, tables. Set when the join was answered.
        self.response: Payload = {}
        # None marks the end; what it means is in `_failure`.
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(queue_size)
        # Why it ended, when it did not end well.
        self._failure: ClientError | None = None
        # The topic is over: nothing comes after what is in the queue.
        self._ended = False
        self._leave = leave

    def __aiter__(self) -> Self:
        """Return itself: one consumer per subscription."""
        return self

    async def __anext__(self) -> Event:
        """Wait for the next event."""
        event = None if self._ended and self._queue.empty() else await self._queue.get()
        if event is not None:
            return event
        if self._failure is not None:
            raise self._failure
        raise StopAsyncIteration

    async def leave(self) -> None:
        """Leave the topic; the iteration ends after what had arrived."""
        await self._leave(self.topic)

    async def deliver(self, event: Event) -> None:
        """Queue an event; waits while the queue is full."""
        if not self._ended:
            await self._queue.put(event)

    def end(self, failure: ClientError | None = None) -> None:
        """End the iteration after what is queued, with `failure` if given; later calls change nothing."""
        if self._ended:
            return
        self._ended = True
        self._failure = failure
        # A full queue needs no mark: __anext__ looks at `_ended` once it has emptied it.
        if not self._queue.full():
            self._queue.put_nowait(None)
