"""Brings ticks from Postgres into the feed, in order, whatever Redis remembers."""

import contextlib
from typing import Any

import psycopg

from floorcast.change import Change
from floorcast.database.queries import load_queries
from floorcast.database.ticks import newest_tick, read_changes, read_headers, seal_of, warehouses_of
from floorcast.errors import PublishRefused
from floorcast.observe import FeedRepaired, FeedRestarted, IncarnationBegan, TickPublished, observe
from floorcast.relay.leadership import sign_of_life
from floorcast.relay.plan import Retention, feed_tick
from floorcast.stream.feed import FeedPublisher, Newest
from floorcast.tick import TickHeader

REPAIR_TICKS = 1_000
"""How far behind a feed is caught up tick by tick; past it the feed begins anew, and gateways read from Postgres."""

_SWEEP_TICKS = 5_000

_TICKS_PER_SIGN = 25
"""How many ticks are repaired between two signs of life: the largest take some twenty milliseconds each."""

_QUERIES = load_queries("queries.sql")


class Publication:
    """Knows how far the feed is published; publishes the next tick, or repairs until it can.

    One per leadership: what it believes is checked by the script with every call, so a belief that is wrong costs a
    repair and never a wrong feed.
    """

    def __init__(
        self, connection: psycopg.AsyncConnection[Any], publisher: FeedPublisher, retention: Retention
    ) -> None:
        """`connection` is the leader's session."""
        self._connection = connection
        self._publisher = publisher
        self._retention = retention
        # The history that is published; known after the first repair.
        self._incarnation = ""
        # What Redis holds as far as we know; None for nothing, and before the first repair.
        self._published: Newest | None = None
        # False until a repair has compared Redis with Postgres, and after any refusal or silence.
        self._in_step = False
        self._swept = 0

    @property
    def published(self) -> Newest | None:
        """How far the feed is published, as far as we know."""
        return self._published

    async def tick(self, header: TickHeader, changes: tuple[Change, ...]) -> None:
        """Publish a tick that has just been closed, and before it whatever Redis lacks.

        Raises:
            StreamUnavailable: Redis is away; the tick is durable, and the next call catches up.
        """
        if self._in_step and self._published is not None and self._published.tick == header.tick - 1:
            # Out of step until the answer is here: after silence nobody knows whether it was published.
            self._in_step = False
            with contextlib.suppress(PublishRefused):
                await self._publish(header, changes)
                self._in_step = True
                return
        await self.catch_up()

    async def progress(self, at: str) -> None:
        """Say that all that committed before `at` is published; catches up instead where it is not.

        To be called when a tick was closed since `at`, or nothing was new.
        """
        # Not only ours: a leader that lost its lock and not its session finds nothing new where a rival closed a tick,
        # and the rival may have died before it published it.
        newest = await newest_tick(self._connection)
        published = self._published
        if (
            self._in_step
            and published is not None
            and published == Newest(newest.incarnation, newest.tick, newest.seal)
        ):
            self._in_step = False
            with contextlib.suppress(PublishRefused):
                await self._publisher.progress(published, at)
                self._in_step = True
                return
        await self.catch_up()

    async def catch_up(self) -> None:
        """Compare Redis with Postgres and publish what is missing.

        Redis empty: the feed begins at the newest tick. Redis at a tick that Postgres knows by the same seal: go on
        from there. Anything else is another history under the same numbers: a new incarnation begins.
        """
        self._in_step = False
        # Redis first: a history that another leader begins between the two reads is then seen by the second one.
        seen = await self._publisher.newest()
        newest = await newest_tick(self._connection)
        self._incarnation = newest.incarnation
        if seen is None:
            await self._begin_feed(newest.tick, None, "Redis held nothing")
        elif not await self._is_ours(seen):
            await self._begin_incarnation(seen)
        elif seen.incarnation != newest.incarnation:
            await self._begin_feed(newest.tick, seen, "the incarnation had begun, its feed had not")
        elif newest.tick - seen.tick > REPAIR_TICKS:
            await self._begin_feed(newest.tick, seen, f"Redis was {newest.tick - seen.tick} ticks behind")
        else:
            self._published = seen
            await self._repair(newest.tick)
        self._in_step = True

    async def _repair(self, upto: int) -> None:
        first = None if self._published is None else self._published.tick + 1
        while self._published is not None and self._published.tick < upto:
            # A long repair is work, not silence: a standby would take the lead and begin the same repair.
            await sign_of_life(self._connection)
            for header in await read_headers(self._connection, self._published.tick, limit=_TICKS_PER_SIGN):
                changes = () if header.large else await read_changes(self._connection, header)
                await self._publish(header, changes)
        if first is not None and first <= upto:
            observe(FeedRepaired(first, upto))

    async def _is_ours(self, seen: Newest) -> bool:
        """Whether what Redis holds lies on our history.

        It does not when Postgres was restored to an earlier time or replaced by a copy: then its tick is unknown here
        or sealed otherwise, or its incarnation began after the point that was restored.
        """
        cursor = await self._connection.execute(_QUERIES["knows_incarnation"], {"incarnation": seen.incarnation})
        row = await cursor.fetchone()
        known = row is not None and bool(row[0])
        return known and await seal_of(self._connection, seen.tick) == seen.seal

    async def _begin_incarnation(self, seen: Newest) -> None:
        reason = f"Redis held tick {seen.tick} of {seen.incarnation}, which is not on the history that Postgres has"
        cursor = await self._connection.execute(_QUERIES["begin_incarnation"], {"reason": reason})
        row = await cursor.fetchone()
        if row is None:
            raise AssertionError("tick 0 exists, so the insert returns a row")
        self._incarnation = row[0]
        observe(IncarnationBegan(self._incarnation, reason))
        newest = await newest_tick(self._connection)
        await self._begin_feed(newest.tick, seen, "a new incarnation began")

    async def _begin_feed(self, tick: int, seen: Newest | None, reason: str) -> None:
        """Begin the feed anew at a tick, in place of `seen`; gateways read what they lack from Postgres."""
        (header,) = await read_headers(self._connection, tick - 1, limit=1)
        changes = () if header.large else await read_changes(self._connection, header)
        await self._publish(header, changes, anew=True, after=seen)
        observe(FeedRestarted(tick, reason))

    async def _publish(
        self,
        header: TickHeader,
        changes: tuple[Change, ...],
        *,
        anew: bool = False,
        after: Newest | None = None,
    ) -> None:
        concerned = await warehouses_of(self._connection, header.tick) if header.large else ()
        tick = feed_tick(self._incarnation, header, changes, concerned)
        floor = self._retention.floor
        await self._publisher.publish(tick, after=after if anew else self._published, anew=anew, floor=floor)
        # Counted only now: what was tried in vain takes no room in Redis.
        self._retention.published(tick)
        self._published = Newest(self._incarnation, header.tick, header.seal)
        observe(TickPublished(header.tick, tick.large))
        if header.tick - self._swept >= _SWEEP_TICKS:
            self._swept = header.tick
            await self._publisher.sweep(self._incarnation, floor)
