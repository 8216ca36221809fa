"""The edge: one WebSocket, its reader and its heartbeat. What frames mean is decided in `channel.py`."""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from floorcast.client import ends
from floorcast.client.channel import ChannelProtocol, Ended, Payload, Pushed, Received, Reply, socket_address
from floorcast.client.subscription import Event, Subscription
from floorcast.errors import ClientError
from floorcast.topic import HEARTBEAT

_PROMPT_SECONDS = 10.0
"""How long a handshake or the answer to a heartbeat may take at most."""

_CLOSE_SECONDS = 2.0
"""How long a server may take to close its side; one that is gone takes all of it."""


class FloorcastClient:
    """One socket to a gateway; joins as many topics as the server allows."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        heartbeat_seconds: float = 20.0,
        reply_seconds: float = 10.0,
        queue_size: int = 1024,
        parse_float: Callable[[str], Any] | None = None,
        notice: Callable[[str, Payload], None] | None = None,
    ) -> None:
        """Say where to connect and as whom; `parse_float=decimal.Decimal` keeps every digit of a number.

        `queue_size` is how many events may wait per subscription. `notice` is called with event and payload of what
        the server says about the whole socket (`token_expiring`, `draining`).
        """
        self._url = socket_address(url)
        self._token = token
        self._heartbeat_seconds = heartbeat_seconds
        self._reply_seconds = reply_seconds
        # What needs no work of the server takes less.
        self._prompt_seconds = min(reply_seconds, _PROMPT_SECONDS)
        self._queue_size = queue_size
        self._notice = notice
        self._protocol = ChannelProtocol(parse_float)
        # Set while connected.
        self._socket: ClientConnection | None = None
        # Reader and heartbeat; ended and awaited by __aexit__.
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        # Ref → whoever waits for the reply to it.
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        # Topic → its subscription, from the moment the join is sent.
        self._subscriptions: dict[str, Subscription] = {}
        # Topic → code and reason of the newest `must_refetch` or `revoked`, for the end that follows it.
        self._last_words: dict[str, ClientError] = {}
        # Why the connection ended; None while it lives.
        self._failure: ClientError | None = None

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            ClientError: with the server's code when it refused, or `unreachable` when nobody answered.
        """
        try:
            self._socket = await connect(
                self._url,
                additional_headers={"Authorization": f"Bearer {self._token}"},
                compression=None,
                # Phoenix heartbeats are the sign of life in both directions.
                ping_interval=None,
                max_size=None,
                open_timeout=self._prompt_seconds,
                close_timeout=_CLOSE_SECONDS,
            )
        except InvalidStatus as refused:
            answer = refused.response
            raise ends.refused_handshake(answer.status_code, answer.headers, answer.body) from None
        except (OSError, TimeoutError, InvalidHandshake, EOFError) as error:
            said = str(error) or "in time"
            raise ClientError("unreachable", f"{self._url} did not answer: {said}") from error
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._beat()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the socket and end every subscription."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        self._end(ClientError("closed", "this client was closed"), subscriptions_fail=False)

    @property
    def connected(self) -> bool:
        """Whether the socket lives, as far as can be known."""
        return self._socket is not None and self._failure is None

    async def join(self, topic: str, payload: Payload | None = None) -> Subscription:
        """Join a topic and return its subscription, live from `subscription.response["position"]` on.

        Raises:
            ClientError: with the server's code when it refused; `no_reply`; or what ended the connection.
        """
        subscription = Subscription(topic, self._queue_size, self._leave)
        # Before the join is sent: the first push may arrive in the same read as the reply.
        previous = self._subscriptions.get(topic)
        self._subscriptions[topic] = subscription
        if previous is not None:
            previous.end()
        try:
            reply = await self._ask(self._protocol.join(topic, payload or {}))
        except BaseException:
            self._drop(topic, subscription)
            raise
        if not reply.ok:
            self._drop(topic, subscription)
            raise ends.refused_reply(reply.response)
        subscription.response = reply.response
        return subscription

    async def refresh_token(self, topic: str, token: str) -> None:
        """Give the server a newer token for this topic, and remember it."""
        self._token = token
        await self.push(topic, "access_token", {"access_token": token})

    async def push(self, topic: str, event: str, payload: Payload) -> None:
        """Send something on a joined topic; if it is refused, its subscription hears an event `refused`."""
        await self._send(self._protocol.push(topic, event, payload)[1])

    async def _leave(self, topic: str) -> None:
        with contextlib.suppress(ClientError):
            await self._ask(self._protocol.push(topic, "phx_leave", {}))
        subscription = self._subscriptions.pop(topic, None)
        self._protocol.forget(topic)
        if subscription is not None:
            subscription.end()

    def _drop(self, topic: str, subscription: Subscription) -> None:
        if self._subscriptions.get(topic) is subscription:
            del self._subscriptions[topic]
            self._protocol.forget(topic)

    async def _ask(self, asked: tuple[str, str]) -> Reply:
        ref, text = asked
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[ref] = future
        try:
            await self._send(text)
            async with asyncio.timeout(self._reply_seconds):
                return await future
        except TimeoutError:
            raise ClientError("no_reply", f"no reply came within {self._reply_seconds:g} s") from None
        finally:
            self._waiting.pop(ref, None)

    async def _send(self, text: str) -> None:
        if self._failure is not None or self._socket is None:
            raise self._failure or ClientError("closed", "this client is not connected")
        try:
            await self._socket.send(text)
        except ConnectionClosed as closed:
            raise _closure(closed) from None

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            try:
                await self._send(self._protocol.heartbeat()[1])
            except ClientError:
                return  # The reader sees the same end and says why.

    async def _read(self) -> None:
        failure = ClientError("connection_lost", "the connection ended")
        try:
            while True:
                received = self._protocol.receive(await self._next_frame())
                if received is not None:
                    await self._handle(received)
        except ClientError as error:
            failure = error
        except ValueError as error:
            failure = ClientError("bad_frame", f"the server sent what cannot be understood: {error}")
        finally:
            self._end(failure, subscriptions_fail=True)

    async def _next_frame(self) -> str | bytes:
        if self._socket is None:
            raise ClientError("closed", "this client is not connected")
        try:
            # Heartbeats are answered, so silence over two of them means that nobody is there. Time in which
            # we ourselves did not read (a full queue) does not count: it is not spent here.
            async with asyncio.timeout(2 * self._heartbeat_seconds + self._prompt_seconds):
                return await self._socket.recv()
        except TimeoutError:
            raise ClientError("connection_lost", "the server has fallen silent") from None
        except ConnectionClosed as closed:
            raise _closure(closed) from None

    async def _handle(self, received: Received) -> None:
        match received:
            case Reply(ref=ref, topic=topic):
                future = self._waiting.get(ref)
                if future is not None and not future.done():
                    future.set_result(received)
                elif not received.ok and topic in self._subscriptions:
                    await self._subscriptions[topic].deliver(Event("refused", received.response))
            case Pushed(topic=topic, event=event, payload=payload) if topic == HEARTBEAT:
                if self._notice is not None:
                    self._notice(event, payload)
            case Pushed():
                await self._handle_push(received)
            case Ended(topic=topic, how=how):
                said = self._last_words.pop(topic, None)
                subscription = self._subscriptions.pop(topic, None)
                if subscription is not None:
                    lost = said or ClientError("topic_failed", "the server ended this topic; join it again")
                    subscription.end(lost if how == "failed" else None)

    async def _handle_push(self, pushed: Pushed) -> None:
        if pushed.event in ("must_refetch", "revoked"):
            self._last_words[pushed.topic] = ends.refused_reply(pushed.payload, pushed.event)
        subscription = self._subscriptions.get(pushed.topic)
        if subscription is not None:
            await subscription.deliver(Event(pushed.event, pushed.payload))

    def _end(self, failure: ClientError, *, subscriptions_fail: bool) -> None:
        if self._failure is None:
            self._failure = failure
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(failure)
        for subscription in self._subscriptions.values():
            subscription.end(failure if subscriptions_fail else None)
        self._subscriptions.clear()


def _closure(closed: ConnectionClosed) -> ClientError:
    received = closed.rcvd
    return ends.closed_socket(None, "") if received is None else ends.closed_socket(received.code, received.reason)
