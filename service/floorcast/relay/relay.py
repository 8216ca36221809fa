"""The relay: waits for the bell or reads by itself, closes ticks, publishes them.

    draining ── silence lock taken, one last read ──▶ idle ── bells come fast ──▶ busy ── quiet ──▶ draining
        ╰──────────────────────── a bell while draining ────────────────────────▶╯

Every step is needed: leave out the last read, the wait for silent writers, or clear the bell after reading instead of
before, and there is an order of events in which a change waits for the safety look.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any

import psycopg

from floorcast.database.connect import connect
from floorcast.database.doorbell import Bell, give_silence_back, set_busy, set_idle, take_silence
from floorcast.database.queries import load_queries
from floorcast.database.ticks import close_tick
from floorcast.database.vigil import vigil
from floorcast.errors import FloorcastError, StreamUnavailable
from floorcast.observe import (
    DoorbellSet,
    LeadershipLost,
    LeadershipTaken,
    StreamBack,
    StreamLost,
    TickClosed,
    observe,
)
from floorcast.relay.leadership import sign_of_life, take_lead
from floorcast.relay.plan import Retention
from floorcast.relay.publication import Publication
from floorcast.relay.rhythm import BUSY_MILLISECONDS, RENEW_SECONDS, Rhythm
from floorcast.stream.feed import FeedPublisher

SAFETY_SECONDS = 1.0
"""Idle, it looks by itself this often: a bell that was lost costs this much latency and no change."""

SIGN_SECONDS = 1.0
"""How often it gives a sign of life and progress."""

_RETRY_SECONDS = 0.5
_QUERIES = load_queries("queries.sql")
_EXTEND_SECONDS = 600.0


class Relay:
    """One relay process. `run` leads whenever it may and stands by otherwise, until it is cancelled."""

    def __init__(
        self, database_url: str, publisher: Callable[[], FeedPublisher], *, adaptive: bool, feed_bytes: int
    ) -> None:
        """`publisher` makes a connection to the feed for each time of leading."""
        self._database_url = database_url
        self._publisher = publisher
        self._adaptive = adaptive
        self._feed_bytes = feed_bytes

    async def run(self) -> None:
        """Lead, or stand by for it; after any loss begin again from what Postgres says."""
        while True:
            try:
                await self._lead_once()
            except (psycopg.Error, FloorcastError, OSError) as error:
                observe(LeadershipLost(f"{type(error).__name__}: {error}"))
            await asyncio.sleep(_RETRY_SECONDS)

    async def _lead_once(self) -> None:
        connection = await connect(self._database_url, role="floorcast_relay", application="floorcast relay")
        try:
            # A standby that hangs would never take the lead, and a leader that hangs needs a standby to lose it.
            async with vigil(self._database_url, connection):
                await self._lead_with(connection)
        finally:
            await connection.close()

    async def _lead_with(self, connection: psycopg.AsyncConnection[Any]) -> None:
        await take_lead(connection)
        # LISTEN before anything is read: what commits from here on rings, what did before is read at once.
        bell = await Bell.listen(self._database_url)
        publisher = self._publisher()
        try:
            publication = Publication(connection, publisher, Retention(self._feed_bytes))
            await Leader(connection, bell, publication, Rhythm(adaptive=self._adaptive)).lead()
        finally:
            await publisher.close()
            await bell.close()


class Leader:
    """One time of leading, from the lock to whatever ends it."""

    def __init__(
        self, connection: psycopg.AsyncConnection[Any], bell: Bell, publication: Publication, rhythm: Rhythm
    ) -> None:
        """`connection` holds the leader's lock; `bell` listens already."""
        self._connection = connection
        self._bell = bell
        self._publication = publication
        self._rhythm = rhythm
        # Monotonic times of the last sign of life, extension of the trail, and try to reach a Redis that is away.
        self._signed = self._extended = self._tried = float("-inf")
        # Redis did not answer last time.
        self._stream_lost = False

    async def lead(self) -> None:
        """Go round draining, idle and busy until something ends it."""
        await self._publish(self._publication.catch_up())
        published = self._publication.published
        observe(LeadershipTaken(0 if published is None else published.tick))
        while True:
            asleep = await self._drain()
            if asleep:
                await self._idle()
            if self._rhythm.adaptive:
                await self._busy(asleep=asleep)

    async def _drain(self) -> bool:
        """Try to fall asleep; false when a bell rings meanwhile.

        It means that a silent writer stays open while others ring for everything they do: better busy than that.
        """
        await set_idle(self._connection)
        self._rhythm.began_draining()
        observe(DoorbellSet("draining"))
        while not await take_silence(self._connection):
            await self._read()
            if self._bell.clear():
                return False
            await asyncio.sleep(self._rhythm.drain_pause())
        # What a silent writer committed just before the lock was had, nobody rings for.
        await self._read()
        return True

    async def _idle(self) -> None:
        """Wait for bells, until they come so fast that reading without them is better."""
        observe(DoorbellSet("idle"))
        while True:
            await self._bell.wait(SAFETY_SECONDS)
            # Clear, then read: a bell that rings from here on may mean a change that this read does not see.
            rung = self._bell.clear()
            begun = time.monotonic()
            await self._read()
            now = time.monotonic()
            if rung and self._rhythm.rung(now, now - begun):
                return

    async def _busy(self, *, asleep: bool) -> None:
        """Read every few milliseconds, until nothing has come for a while; `asleep`: holds the silence lock."""
        await set_busy(self._connection, BUSY_MILLISECONDS)
        renewed = time.monotonic()
        if asleep:
            await give_silence_back(self._connection)
        observe(DoorbellSet("busy"))
        self._rhythm.became_busy(renewed)
        while not self._rhythm.is_quiet(time.monotonic()):
            begun = time.monotonic()
            if begun - renewed > RENEW_SECONDS:
                await set_busy(self._connection, BUSY_MILLISECONDS)
                renewed = begun
            self._rhythm.found(await self._read(), time.monotonic())
            await asyncio.sleep(self._rhythm.busy_pause(time.monotonic() - begun))

    async def _read(self) -> int:
        """Close a tick if there is anything new, and publish it; return how many changes it has.

        Now and then, a sign of life before and progress after: all that had committed at the time of the sign is
        published.
        """
        now = time.monotonic()
        at = None
        if now - self._signed >= SIGN_SECONDS:
            at = await sign_of_life(self._connection)
            self._signed = now
            await self._bell.prove(self._connection)
        if now - self._extended >= _EXTEND_SECONDS:
            await self._extend_trail()
            self._extended = now
        closed = await close_tick(self._connection)
        if closed is not None:
            observe(TickClosed(closed.header.tick, closed.header.count))
            await self._publish(self._publication.tick(closed.header, closed.changes))
        # After a tick too: one warehouse may be quiet while another is never, and its screens must not seem stale.
        if at is not None:
            await self._publish(self._publication.progress(at))
        return 0 if closed is None else closed.header.count

    async def _publish(self, action: Coroutine[Any, Any, None]) -> None:
        """Do it unless Redis was found away a moment ago; ticks are durable, and publication catches up later."""
        now = time.monotonic()
        if self._stream_lost and now - self._tried < _RETRY_SECONDS:
            action.close()
            return
        self._tried = now
        try:
            await action
        except StreamUnavailable as error:
            if not self._stream_lost:
                observe(StreamLost("relay", str(error)))
            self._stream_lost = True
            # A Redis that hangs takes its time to fail; ticks go on in between.
            self._tried = time.monotonic()
        else:
            if self._stream_lost:
                observe(StreamBack("relay"))
            self._stream_lost = False

    async def _extend_trail(self) -> None:
        # Somebody else's lock on the trail can make this fail; there is a partition to spare, and a default one.
        with contextlib.suppress(psycopg.errors.LockNotAvailable):
            await self._connection.execute(_QUERIES["extend_trail"])
