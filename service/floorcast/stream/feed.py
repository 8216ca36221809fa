"""The feed: the relay publishes ticks to it, gateways read it.

Contract. An entry `<t>-0` is there for every tick from where the feed begins, in order, without a gap: the script
publishes tick t only behind tick t-1 of the same history. A feed may begin anew at any tick, when Redis lost it; what
lies before is in Postgres. Publishing the same tick twice is refused and harmless.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from floorcast.errors import PublishRefused, StreamUnavailable
from floorcast.operation import EVERYWHERE
from floorcast.position import Position
from floorcast.stream import keys
from floorcast.stream.entry import FeedEntry, FeedTick, log_fields, read_entry, tick_fields

_PATIENCE_SECONDS = 5.0
"""How long an answer may take before Redis counts as away."""

_ENTRIES_PER_READ = 128

_LUA = resources.files("floorcast.stream").joinpath("lua")


@dataclass(frozen=True, slots=True)
class Newest:
    """How far a history is published."""

    incarnation: str
    tick: int
    seal: str


def open_redis(url: str, *, patience: float = _PATIENCE_SECONDS) -> redis.asyncio.Redis:
    """Open a client that fails within `patience` seconds and leaves trying again to its caller."""
    return redis.asyncio.Redis.from_url(
        url,
        protocol=3,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        socket_keepalive=True,
        # A publication that was sent twice in secret would be refused as our own rival's.
        retry=Retry(NoBackoff(), 0),
    )


class FeedPublisher:
    """The relay's end: publishes ticks, compares and sets."""

    def __init__(self, redis_url: str) -> None:
        """Connect lazily; nothing is sent before the first call."""
        # Shorter than the silence that costs a leader its lead: a Redis that hangs must not look like a dead relay.
        self._redis = open_redis(redis_url, patience=2.0)
        self._publish = self._redis.register_script(_LUA.joinpath("publish_tick.lua").read_text())
        self._progress = self._redis.register_script(_LUA.joinpath("publish_progress.lua").read_text())

    async def newest(self) -> Newest | None:
        """Return how far the current history is published; None when Redis holds none."""
        async with _as_unavailable():
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
        concerned = (operation.warehouse for operation in tick.operations)
        warehouses = [name for name in dict.fromkeys((*tick.warehouses, *concerned)) if name != EVERYWHERE]
        feed = tick_fields(tick)
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
        for warehouse in warehouses:
            log = log_fields(tick, warehouse)
            arguments += [len(log), *log]
        names = [
            keys.NEWEST,
            keys.feed_key(tick.incarnation),
            *(keys.log_key(tick.incarnation, warehouse) for warehouse in warehouses),
        ]
        async with _as_unavailable():
            answer = await self._publish(keys=names, args=arguments)
        _refused(answer)

    async def progress(self, after: Newest, at: str) -> None:
        """Say that all that committed before `at` is published; raises like `publish`."""
        names = [keys.NEWEST, keys.feed_key(after.incarnation)]
        async with _as_unavailable():
            answer = await self._progress(keys=names, args=[after.incarnation, after.tick, after.seal, at])
        _refused(answer)

    async def sweep(self, incarnation: str, floor: int) -> None:
        """Trim the logs of warehouses where nothing happens any more, and drop other histories."""
        async with _as_unavailable():
            async for log in self._redis.scan_iter(match=keys.log_pattern(incarnation), count=500):
                await self._redis.xtrim(log, minid=f"{floor}-0", approximate=False)
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
        async with _as_unavailable():
            return await _newest(self._redis)

    async def read(self, incarnation: str, after: Position, *, wait_seconds: float) -> list[FeedEntry]:
        """Return entries behind `after`, in order; wait for the first, empty when none came in time.

        It waits no longer than half of what an answer may take, or a quiet feed would be taken for one that is away.
        Redis keeps ids, not promises: the caller checks that ticks follow each other.
        """
        async with _as_unavailable():
            answer = await self._redis.xread(
                {keys.feed_key(incarnation): str(after)},
                count=_ENTRIES_PER_READ,
                block=max(1, int(min(wait_seconds, _PATIENCE_SECONDS / 2) * 1000)),
            )
        return [read_entry(identity, fields) for identity, fields in _entries(answer) if fields is not None]

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


def _entries(answer: Any) -> list[tuple[bytes, dict[bytes, bytes] | None]]:
    """Unwrap XREAD's answer of one stream: RESP3 maps streams to lists of batches, RESP2 nests lists."""
    if not answer:
        return []
    streams = answer.values() if isinstance(answer, dict) else (entries for _, entries in answer)
    found: list[tuple[bytes, dict[bytes, bytes] | None]] = []
    for entries in streams:
        for part in entries:
            if isinstance(part, list):
                found += part
            else:
                found.append(part)
    return found


def _refused(answer: Any) -> None:
    if answer[0] != 1:
        tick, seal = answer[1].decode(), answer[2].decode()
        raise PublishRefused(int(tick or 0), seal)


@asynccontextmanager
async def _as_unavailable() -> AsyncIterator[None]:
    """Turn whatever the client raises when Redis is away, slow or full into one error."""
    try:
        yield
    except (RedisError, OSError, asyncio.IncompleteReadError) as error:
        _heed_cancellation()
        raise StreamUnavailable(f"Redis does not answer: {type(error).__name__}: {error}") from error
    _heed_cancellation()


def _heed_cancellation() -> None:
    """Raise a cancellation again that the client swallowed: else a relay that was told to stop goes on leading.

    It waits with `asyncio.wait_for`, which before Python 3.12 drops one that arrives as the wait ends by itself.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
