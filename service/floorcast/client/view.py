"""A live view of one warehouse: complete, in order, and back by itself after every loss.

The edge only: it connects, joins, waits and saves. What frames mean is decided in `replica.py`, what follows a loss in
`ends.py`. Whoever iterates drives it; beside that there are the socket's reader and heartbeat, and at times the renewal
of a token.
"""

import asyncio
import contextlib
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random, SystemRandom
from types import TracebackType
from typing import Any, Literal, Self

from floorcast.client import ends
from floorcast.client.asked import Asked, History, Slow
from floorcast.client.channel import Payload, socket_address
from floorcast.client.client import FloorcastClient
from floorcast.client.cursors import CursorStore, MemoryCursor
from floorcast.client.errand import Errand
from floorcast.client.events import Forgotten, Key, Metas, Refused, Row, ViewEvent, Waiting
from floorcast.client.presence import Shown
from floorcast.client.replica import Replica
from floorcast.client.subscription import Subscription
from floorcast.errors import ClientError

Token = str | Callable[[], str | Awaitable[str]]
"""A token, or a function that makes a fresh one: asked for each connection, and before the one in use expires."""

_WAITING_FRAMES = 16
"""Frames that may wait for the consumer; beyond them the socket is not read, and the server sees that."""


class WarehouseView:
    """An async iterator over what happens in a warehouse, and its rows as of the last event."""

    def __init__(
        self,
        url: str,
        token: Token,
        warehouse: str,
        *,
        tables: Sequence[str] | None = None,
        where: Mapping[str, str] | None = None,
        columns: Mapping[str, Sequence[str]] | None = None,
        recent: Mapping[str, tuple[str, int]] | None = None,
        history: History = "every",
        slow: Slow = "resume",
        presence: bool = False,
        start: str = "snapshot",
        keep_rows: bool = True,
        cursor: CursorStore | None = None,
        parse_float: Callable[[str], Any] | None = None,
        heartbeat_seconds: float = 20.0,
        reply_seconds: float = 30.0,
        random: Random | None = None,
    ) -> None:
        """Say where, as whom, and what of the warehouse; docs/client.md explains each option.

        Raises:
            ValueError: options that contradict each other.
        """
        if keep_rows and (start != "snapshot" or not (cursor is None or isinstance(cursor, MemoryCursor))):
            raise ValueError(
                "A view that keeps rows begins with the picture: `start` and a `cursor` that outlives the process need "
                "keep_rows=False, for a consumer who has a store of his own."
            )
        self._asked = Asked(
            socket_address(url),
            warehouse,
            tables,
            where,
            columns,
            recent,
            history,
            slow,
            presence,
        )
        self._url = url
        self._token = token
        self._parse_float = parse_float
        self._heartbeat_seconds = heartbeat_seconds
        self._reply_seconds = reply_seconds
        self._random = random or SystemRandom()
        self._store: CursorStore = cursor or MemoryCursor()
        self._replica = Replica(keep_rows)
        # Where to begin while there is no cursor: `snapshot`, but the very first time whatever was asked for.
        self._start = start
        # What others see of us.
        self._shown = Shown()
        # Events that have happened and were not given out yet. All that belong to one frame are of one moment.
        self._events: deque[ViewEvent] = deque()
        # What to save once the event given out last is done with: a cursor, "" to forget it, None for nothing.
        self._due: str | None = None
        # What a caller who was cancelled may have left behind half done.
        self._errand = Errand()
        # The socket, while there is one that may still be good; and those that have to be closed.
        self._client: FloorcastClient | None = None
        self._left: list[FloorcastClient] = []
        # The joining, while there is one.
        self._subscription: Subscription | None = None
        # On the loop's clock: not before this is another attempt made.
        self._not_before = 0.0
        # Losses in a row, without a step in between.
        self._failures = 0
        # Why there was a loss; told with the next joining.
        self._after: ClientError | None = None
        # It was joined at least once.
        self._was_joined = False
        # Nothing more will come; what is raised then, None for the end of the iteration.
        self._over = False
        self._failure: ClientError | None = None
        # The token of this socket ends soon; said once, perhaps before anything is joined.
        self._expiring = False
        # Asks for a fresh token while the old one still holds.
        self._renewal: asyncio.Task[None] | None = None
        # Leaves a gateway that is being stopped.
        self._departure: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        """Look where the stream was left; the connection is made when the first event is asked for."""
        if not self._replica.keep_rows:
            kept = await self._store.load(self._asked.binding)
            given = None if self._start in ("snapshot", "now") else self._start
            self._replica.cursor = kept or given
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the socket. The event given out last counts as not done with: see `save`."""
        await self._errand.abandon()
        self._leave()
        await self._close_left()

    def __aiter__(self) -> Self:
        """Return itself: one consumer per view. Leaving the loop and coming back loses nothing."""
        return self

    async def __anext__(self) -> ViewEvent:
        """Return what happened next; waits for it, and comes back after losses meanwhile. May be cancelled.

        Asking for it says that the event before is done with: its cursor is saved first.

        Raises:
            ClientError: coming back by itself cannot help (`forbidden`, `token_invalid`, …; see errors.CODES).
            OSError: the cursor's file cannot be written.
        """
        await self._errand.finish()
        await self.save()
        if self._renewal is not None and self._renewal.done() and not self._renewal.cancelled():
            self._renewal.result()  # Whoever makes the tokens may have failed in a way that is not ours to mend.
        while not self._events:
            if self._over:
                raise self._failure or StopAsyncIteration
            if self._subscription is None:
                await self._errand.run(self._come)
            else:
                await self._listen(self._subscription)
        event = self._events.popleft()
        if isinstance(event, Forgotten):
            self._due = "" if event.final else None
        else:
            self._due = getattr(event, "cursor", None)
        return event

    def rows(self, table: str) -> Mapping[Key, Row]:
        """Return a table's rows by key, as of the last event: always whole ticks. The next event changes it.

        Raises:
            KeyError: the table is not among those that were joined, or rows are not kept.
        """
        return self._replica.rows(table)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that come; none before the first `Joined`."""
        return self._replica.tables or ()

    @property
    def cursor(self) -> str | None:
        """Hands on the stream from after the last event; None before there is one."""
        return self._replica.cursor

    @property
    def present(self) -> Mapping[str, Metas]:
        """Who is here, by person; nobody unless the view was opened with `presence`."""
        return self._replica.presence.present

    async def track(self, meta: Mapping[str, Any] | None = None, *, work_order: str | None = None) -> None:
        """Be shown to the others in the warehouse, or at a work order, with `meta`; also in later joinings.

        What the server does not accept is told as `Refused`.

        Raises:
            ValueError: the view was opened without `presence`.
        """
        if not self._asked.presence:
            raise ValueError("Open the view with presence=True to be shown to others.")
        await self._say(self._shown.track(meta or {}, work_order))

    async def untrack(self, *, work_order: str | None = None) -> None:
        """Be shown no more at a work order; without one, nowhere."""
        await self._say(self._shown.untrack(work_order))

    async def save(self) -> None:
        """Save the cursor of the event given out last now: it is done with. Else asking for the next one does it."""
        if self._due is not None:
            await self._errand.run(self._save)

    async def _save(self) -> None:
        if self._due:
            await self._store.save(self._asked.binding, self._due)
        else:
            await self._store.forget(self._asked.binding)
        self._due = None

    async def _come(self) -> None:
        """Wait as long as was said, connect unless the socket is still good, and join."""
        await self._close_left()
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._not_before - loop.time()))
        cursor = self._replica.cursor
        origin: Literal["cursor", "snapshot", "now"] = "cursor"
        if cursor is None:
            origin = "now" if self._start == "now" else "snapshot"
        try:
            client = self._client or await self._connect()
            self._client = client
            subscription = await client.join(
                self._asked.topic, self._asked.join(cursor or origin, self._shown.at_joining)
            )
        except ClientError as error:
            self._lose(error, stay=error.code != "no_reply")
            return
        self._subscription = subscription
        self._was_joined = True
        self._start = "snapshot"
        self._events.append(self._replica.join(origin, subscription.response, self._after))
        self._begin_renewal()
        for said in self._shown.after_joining():
            await self._say(said)

    async def _say(self, presence: Payload) -> None:
        # Without a joining it goes with the next one.
        if self._client is not None and self._subscription is not None:
            with contextlib.suppress(ClientError):
                await self._client.push(self._asked.topic, "presence", presence)

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

    async def _listen(self, subscription: Subscription) -> None:
        """Take the next frame of the joining, or its end."""
        try:
            name, payload = await anext(subscription)
        except StopAsyncIteration:
            self._lose(ClientError("topic_closed", "the server ended this joining for good"), stay=False)
            return
        except ClientError as error:
            self._lose(error, stay=error.code not in ("shutting_down", "bad_frame"))
            return
        if name in ("must_refetch", "revoked"):
            self._lose(ends.refused_reply(payload, name), stay=True)
            return
        if name == "refused":
            self._events.append(Refused(ends.refused_reply(payload)))
            return
        try:
            event = self._replica.receive(name, payload)
        except ClientError as error:
            self._lose(error, stay=False)
            return
        if event is not None:
            self._failures = 0
            self._after = None
            self._events.append(event)

    def _lose(self, error: ClientError, *, stay: bool) -> None:
        """The joining is over, or there was none to be had; `stay` on the socket for the next, if it lives."""
        self._subscription = None
        self._replica.leave()
        # The server has spread these goodbyes over time already.
        sent_away = error.code == "shutting_down" and self._departure is not None
        known = ends.known(error.code)
        returning = ends.may_return(error, renewable=callable(self._token))
        if not known.cursor_holds and (self._was_joined or self._replica.cursor is not None):
            self._replica.forget()
            self._start = "snapshot"
            reason = error.reason if error.code == "must_refetch" else None
            self._events.append(Forgotten(reason or error.code, error, final=not returning))
            # Being told to forget is how it ends for who was in; who never was is refused.
            self._over, self._failure = not returning, None
        elif not returning:
            self._over, self._failure = True, error
        if not (returning and stay and self._client is not None and self._client.connected):
            self._leave()
        if returning:
            seconds = ends.seconds_before_return(error, self._random.random(), self._failures)
            seconds = 0.0 if sent_away else seconds
            self._failures += 1
            self._after = error
            self._not_before = asyncio.get_running_loop().time() + seconds
            self._events.append(Waiting(error, seconds))

    def _leave(self) -> None:
        """Give the socket up; it is closed where there is time to wait for that."""
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None
        if self._renewal is not None:
            self._renewal.cancel()
        self._expiring = False
        if self._client is not None:
            self._left.append(self._client)
            self._client = None

    async def _close_left(self) -> None:
        if self._renewal is not None and self._client is None:
            renewal, self._renewal = self._renewal, None
            await asyncio.gather(renewal, return_exceptions=True)
        while self._left:
            await self._left[-1].__aexit__(None, None, None)
            self._left.pop()

    def _notice(self, event: str, payload: Payload) -> None:
        """Hear what the server says about the whole socket."""
        match event:
            case "token_expiring":
                self._expiring = True
                self._begin_renewal()
            case "draining" if self._departure is None:
                seconds = float(payload.get("after_ms") or 0) / 1000
                self._departure = asyncio.get_running_loop().call_later(seconds, self._depart)
            case _:
                pass

    def _depart(self) -> None:
        if self._subscription is not None:
            detail = "the gateway is being stopped and asked to go elsewhere"
            self._subscription.end(ClientError("shutting_down", detail))

    def _begin_renewal(self) -> None:
        # A token is handed over on a joined topic.
        if self._expiring and self._subscription is not None and callable(self._token):
            self._expiring = False
            if self._renewal is not None and not self._renewal.done():
                return
            self._renewal = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        """Give the server a fresh token, however often it takes; without one it closes the socket in the end."""
        for failures in range(16):
            client, subscription = self._client, self._subscription
            if client is None or subscription is None:
                return
            try:
                await client.refresh_token(self._asked.topic, await self._fresh_token())
            except ClientError as error:
                await asyncio.sleep(ends.seconds_before_return(error, self._random.random(), failures))
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
