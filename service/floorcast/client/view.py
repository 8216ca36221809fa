"""A live view of one warehouse: complete, in order, and back by itself after every loss.

It joins, waits and saves. What frames mean is decided in `replica.py`, what follows a loss in `ends.py`; `line.py` has
the socket. Whoever iterates drives it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from random import Random, SystemRandom
from types import TracebackType
from typing import Any, Literal, Self

from floorcast.client import ends
from floorcast.client.asked import Asked, History, Slow
from floorcast.client.channel import socket_address
from floorcast.client.cursors import CursorStore, MemoryCursor
from floorcast.client.errand import Errand
from floorcast.client.events import Changes, Forgotten, Key, Metas, Progress, Refused, Row, Snapshot, ViewEvent, Waiting
from floorcast.client.line import Line, Token
from floorcast.client.presence import Shown
from floorcast.client.replica import Replica
from floorcast.errors import ClientError


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
        self._random = random or SystemRandom()
        self._line = Line(
            url,
            token,
            self._asked.topic,
            heartbeat_seconds=heartbeat_seconds,
            reply_seconds=reply_seconds,
            parse_float=parse_float,
            random=self._random,
        )
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
        self._line.end(None)
        await self._line.settle()

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
        while not self._events:
            if self._over:
                raise self._failure or StopAsyncIteration
            if self._line.joined:
                await self._listen()
            else:
                await self._errand.run(self._come)
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
    def keys(self) -> Mapping[str, tuple[str, ...]]:
        """Table → the columns of its key; nothing before the first `Joined`."""
        return self._replica.keys

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
        await self._line.push("presence", self._shown.track(meta or {}, work_order))

    async def untrack(self, *, work_order: str | None = None) -> None:
        """Be shown no more at a work order; without one, nowhere."""
        await self._line.push("presence", self._shown.untrack(work_order))

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
        """Wait as long as was said, and join."""
        await self._line.settle()
        await asyncio.sleep(max(0.0, self._not_before - asyncio.get_running_loop().time()))
        cursor = self._replica.cursor
        origin: Literal["cursor", "snapshot", "now"] = "cursor"
        if cursor is None:
            origin = "now" if self._start == "now" else "snapshot"
        try:
            response = await self._line.join(self._asked.join(cursor or origin, self._shown.at_joining))
        except ClientError as error:
            self._lose(error)
            return
        self._was_joined = True
        self._start = "snapshot"
        self._events.append(self._replica.join(origin, response, self._after))
        hidden = ends.refused_presence(response)
        if hidden is not None:
            self._events.append(Refused(hidden))
        for said in self._shown.after_joining():
            await self._line.push("presence", said)

    async def _listen(self) -> None:
        """Take the next frame of the joining, or its end."""
        try:
            name, payload = await self._line.receive()
            if name in ("must_refetch", "revoked"):
                raise ends.refused_reply(payload, name)
            event = Refused(ends.refused_reply(payload)) if name == "refused" else self._replica.receive(name, payload)
        except ClientError as error:
            self._lose(error)
            return
        if isinstance(event, Snapshot | Changes | Progress):
            self._failures = 0
            self._after = None
        if event is not None:
            self._events.append(event)

    def _lose(self, error: ClientError) -> None:
        """Decide what follows: the joining is over, or there was none to be had."""
        seconds = ends.seconds_before_return(error, self._random.random(), self._failures)
        if error.code == "shutting_down" and self._line.sent_away:
            seconds = 0.0
        returning = ends.may_return(error, renewable=self._line.renewable)
        self._line.end(error if returning else None)
        self._replica.leave()
        if not ends.known(error.code).cursor_holds and (self._was_joined or self._replica.cursor is not None):
            self._replica.forget()
            self._start = "snapshot"
            reason = error.reason if error.code == "must_refetch" else None
            self._events.append(Forgotten(reason or error.code, error, final=not returning))
            # Being told to forget is how it ends for who was in; who never was is refused.
            self._over = not returning
        elif not returning:
            self._over, self._failure = True, error
        if returning:
            self._failures += 1
            self._after = error
            self._not_before = asyncio.get_running_loop().time() + seconds
            self._events.append(Waiting(error, seconds))
