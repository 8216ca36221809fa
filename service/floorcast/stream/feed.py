"""The feed: the relay publishes ticks to it, gateways read it.

Contract. An entry `<t>-0` is there for every tick from where the feed begins, in order, without a gap: the script
publishes tick t only behind tick t-1 of the same history. A feed may begin anew at any tick, when Redis lost it; what
lies before is in Postgres. Publishing the same tick twice is refused and harmless.
"""

import contextlib
from dataclasses import dataclass
from importlib import resources
from typing import Any

import redis.asyncio
from redis.exceptions import RedisError

from floorcast.errors import PublishRefused
from floorcast.position import Position
from floorcast.stream import keys
from floorcast.stream.connect import PATIENCE_SECONDS, as_unavailable, open_redis, stream_entries
from floorcast.stream.entry import FeedEntry, FeedTick, log_fields, read_entry, tick_fields

_ENTRIES_PER_READ = 128

_PLACES_PER_CALL = 500

_LUA = resources.files("floorcast.stream").joinpath("lua")


@dataclass(frozen=True, slots=True)
class Newest:
    """How far a history is published."""

    incarnation: str
    tick: int
    seal: str


class FeedPublisher:
    """The relay's end: publishes ticks, compares and sets."""

    def __init__(self, redis_url: str) -> None:
        """Connect lazily; nothing is sent before the first call."""
        # Shorter than the silence that costs a leader its lead: a Redis that hangs must not look like a dead relay.
        self._redis = open_redis(redis_url, patience=2.0)
        self._publish = self._redis.register_script(_LUA.joinpath("publish_tick.lua").read_text())
        self._progress = self._redis.register_script(_LUA.joinpath("publish_progress.lua").read_text())
        self._trim = self._redis.register_script(_LUA.joinpath("trim_logs.lua").read_text())

    async def newest(self) -> Newest | None:
        """Return how far the current history is published; None when Redis holds none."""
        async with as_unavailable():
            return await _newest(self._redis)

    async def publish(self, tick: FeedTick, *, after: Newest | None, anew: bool = False, floor: int = 0) -> None:
        """Publish a tick behind `after`; `anew` begins the feed at this tick.

        Args:
            tick: a large one carries no operations and becomes a marker.
            after: what the caller believes is published now, of whatever incarnation; None for nothing.
            anew: drop what the feed holds; gateways read what lies between from Postgres.
            floor: entries of ticks below this one may be trimmed.

        Raises:
            PublishRefused: something else is published; nothing was changed.
            StreamUnavailable: no answer; it may or may not have been published.
        """
        feed, logs = tick_fields(tick), log_fields(tick)
        arguments: list[Any] = [
            *(("", "", "") if after is None else (after.incarnation, after.tick, after.seal)),
            int(anew),
            tick.incarnation,
            tick.tick,
            tick.seal,
            floor,
            len(feed),
            *feed,
        ]
        for place, log in logs.items():
            arguments += [place, len(log), *log]
        names = [
            keys.NEWEST,
            keys.feed_key(tick.incarnation),
            keys.known_key(tick.incarnation),
            *(keys.log_key(tick.incarnation, place) for place in logs),
        ]
        async with as_unavailable():
            answer = await self._publish(keys=names, args=arguments)
        _refused(answer)

    async def progress(self, after: Newest, at: str) -> None:
        """Say that all that committed before `at` is published; raises like `publish`."""
        names = [keys.NEWEST, keys.feed_key(after.incarnation)]
        async with as_unavailable():
            answer = await self._progress(keys=names, args=[after.incarnation, after.tick, after.seal, at])
        _refused(answer)

    async def sweep(self, incarnation: str, floor: int) -> None:
        """Trim logs, those of places where nothing happens any more as well, and drop other histories."""
        async with as_unavailable():
            known, log = keys.known_key(incarnation), keys.log_key(incarnation, "")
            logs = self._redis.scan_iter(match=keys.log_pattern(incarnation), count=500)
            places = [key.decode().removeprefix(log) async for key in logs]
            for some in (places[i : i + _PLACES_PER_CALL] for i in range(0, len(places), _PLACES_PER_CALL)):
                await self._trim(keys=[known, *(log + place for place in some)], args=[floor, *some])
            for pattern in keys.HISTORIES:
                async for key in self._redis.scan_iter(match=pattern, count=500):
                    if incarnation.encode() not in key:
                        await self._redis.unlink(key)

    async def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.aclose()


class FeedReader:
    """A gateway's end: reads the feed in order from a position on."""

    def __init__(self, redis_url: str) -> None:
        """Connect lazily; nothing is sent before the first call."""
        self._redis = open_redis(redis_url)

    async def newest(self) -> Newest | None:
        """Return how far the current history is published; None when Redis holds none."""
        async with as_unavailable():
            return await _newest(self._redis)

    async def read(self, incarnation: str, after: Position, *, wait_seconds: float) -> list[FeedEntry]:
        """Return entries behind `after`, in order; wait for the first, empty when none came in time.

        It waits no longer than half of what an answer may take, or a quiet feed would be taken for one that is away.
        Redis keeps ids, not promises: the caller checks that ticks follow each other.
        """
        async with as_unavailable():
            answer = await self._redis.xread(
                {keys.feed_key(incarnation): str(after)},
                count=_ENTRIES_PER_READ,
                block=max(1, int(min(wait_seconds, PATIENCE_SECONDS / 2) * 1000)),
            )
        return [read_entry(identity, fields) for identity, fields in stream_entries(answer) if fields is not None]

    async def aclose(self) -> None:
        """Close the connection."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.aclose()


async def _newest(client: redis.asyncio.Redis) -> Newest | None:
    answer: Any = await client.hmget(keys.NEWEST, ["incarnation", "tick", "seal"])
    if None in answer:
        return None
    incarnation, tick, seal = answer
    return Newest(incarnation.decode(), int(tick), seal.decode())


def _refused(answer: Any) -> None:
    if answer[0] != 1:
        tick, seal = answer[1].decode(), answer[2].decode()
        raise PublishRefused(int(tick or 0), seal)
