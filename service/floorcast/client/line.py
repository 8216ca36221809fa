"""The line to one topic: a socket that is opened when it is needed, kept while it is good, and given new tokens."""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from floorcast.client import ends
from floorcast.client.channel import Payload
from floorcast.client.client import FloorcastClient
from floorcast.client.subscription import Event, Subscription
from floorcast.errors import ClientError

Token = str | Callable[[], str | Awaitable[str]]
"""A token, or a function that makes a fresh one: asked for each connection, and before the one in use expires."""

_WAITING_FRAMES = 16
"""Frames that may wait for the consumer; beyond them the socket is not read, and the server sees that."""

_UNFIT = frozenset({"no_reply", "shutting_down", "bad_frame", "out_of_step", "topic_closed"})
"""Ends after which the socket is no place for another joining, though it may live."""


class Line:
    """At most one joining of one topic, on at most one socket."""

    def __init__(
        self,
        url: str,
        token: Token,
        topic: str,
        *,
        heartbeat_seconds: float,
        reply_seconds: float,
        parse_float: Callable[[str], Any] | None,
        random: Random,
    ) -> None:
        """Say where it leads; nothing is opened before the first `join`."""
        self._url = url
        self._token = token
        self._topic = topic
        self._heartbeat_seconds = heartbeat_seconds
        self._reply_seconds = reply_seconds
        self._parse_float = parse_float
        self._random = random
        # The server asked to go elsewhere; it has spread these goodbyes over time.
        self.sent_away = False
        # The socket, while there is one that may still be good; and those that have to be closed.
        self._client: FloorcastClient | None = None
        self._left: list[FloorcastClient] = []
        # The joining, while there is one.
        self._subscription: Subscription | None = None
        # The token of this socket ends soon; said once, perhaps before anything is joined.
        self._expiring = False
        # Asks for a fresh token while the old one still holds.
        self._renewal: asyncio.Task[None] | None = None
        # Leaves a gateway that is being stopped.
        self._departure: asyncio.TimerHandle | None = None

    @property
    def joined(self) -> bool:
        """Whether there is a joining, as far as was heard."""
        return self._subscription is not None

    @property
    def renewable(self) -> bool:
        """Whether an expired token can be replaced."""
        return callable(self._token)

    async def join(self, payload: Payload) -> Payload:
        """Join, on a new socket unless there is a good one; return the response.

        Raises:
            ClientError: it was refused, or nobody answered; call `end` with it.
        """
        if self._client is None:
            self._client = await self._connect()
        self._subscription = await self._client.join(self._topic, payload)
        self._begin_renewal()
        return self._subscription.response

    async def receive(self) -> Event:
        """Wait for the next event of the joining. May be cancelled.

        Raises:
            ClientError: the joining has ended; call `end` with it.
        """
        if self._renewal is not None and self._renewal.done() and not self._renewal.cancelled():
            renewal, self._renewal = self._renewal, None
            renewal.result()  # Whoever makes the tokens may have failed in a way that is not ours to mend.
        if self._subscription is None:
            raise ClientError("topic_failed", "there is no joining")
        try:
            return await anext(self._subscription)
        except StopAsyncIteration:
            raise ClientError("topic_closed", "the server ended this joining for good") from None

    async def push(self, event: str, payload: Payload) -> None:
        """Send something on the topic if it is joined; what is lost with the socket is not told here."""
        if self._client is not None and self._subscription is not None:
            with contextlib.suppress(ClientError):
                await self._client.push(self._topic, event, payload)

    def end(self, error: ClientError | None) -> None:
        """Give up the joining that ended with `error`, and the socket unless it can carry the next one.

        Without an error everything is given up. Sockets are closed by `settle`.
        """
        self._subscription = None
        if error is not None and error.code not in _UNFIT and self._client is not None and self._client.connected:
            return
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None
        if self._renewal is not None:
            self._renewal.cancel()
        self._expiring = self.sent_away = False
        if self._client is not None:
            self._left.append(self._client)
            self._client = None

    async def settle(self) -> None:
        """Close what was given up."""
        if self._renewal is not None and self._client is None:
            renewal, self._renewal = self._renewal, None
            await asyncio.gather(renewal, return_exceptions=True)
        while self._left:
            await self._left[-1].__aexit__(None, None, None)
            self._left.pop()

    async def _connect(self) -> FloorcastClient:
        client = FloorcastClient(
            self._url,
            await self._fresh_token(),
            heartbeat_seconds=self._heartbeat_seconds,
            reply_seconds=self._reply_seconds,
            queue_size=_WAITING_FRAMES,
            parse_float=self._parse_float,
            notice=self._notice,
        )
        return await client.__aenter__()

    def _notice(self, event: str, payload: Payload) -> None:
        """Hear what the server says about the whole socket."""
        if event == "token_expiring":
            self._expiring = True
            self._begin_renewal()
        elif event == "draining" and not self.sent_away:
            self.sent_away = True
            seconds = float(payload.get("after_ms") or 0) / 1000
            self._departure = asyncio.get_running_loop().call_later(seconds, self._depart)

    def _depart(self) -> None:
        if self._subscription is not None:
            detail = "the gateway is being stopped and asked to go elsewhere"
            self._subscription.end(ClientError("shutting_down", detail))

    def _begin_renewal(self) -> None:
        # A token is handed over on a joined topic.
        if self._expiring and self._subscription is not None and self.renewable:
            self._expiring = False
            if self._renewal is None or self._renewal.done():
                self._renewal = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        """Give the server a fresh token, however often it takes; without one it closes the socket in the end."""
        failures = 0
        while self._client is not None and self._subscription is not None:
            try:
                token = await self._fresh_token()
                await self._client.refresh_token(self._topic, token)
            except ClientError as error:
                await asyncio.sleep(ends.seconds_before_return(error, self._random.random(), failures))
                failures += 1
            else:
                return

    async def _fresh_token(self) -> str:
        """Return a token; raises ClientError(`token_unavailable`) when whoever makes them cannot be reached."""
        if isinstance(self._token, str):
            return self._token
        try:
            made = self._token()
            return await made if inspect.isawaitable(made) else made
        except OSError as error:
            raise ClientError("token_unavailable", f"no token could be had: {error}") from error
