"""Connections to Redis: what they do when it is away, and how its streams read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from floorcast.errors import StreamUnavailable

PATIENCE_SECONDS = 3.0
"""How long an answer may take before Redis counts as away."""


def open_redis(url: str, *, patience: float = PATIENCE_SECONDS) -> redis.asyncio.Redis:
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


@asynccontextmanager
async def as_unavailable() -> AsyncIterator[None]:
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


def stream_entries(answer: Any) -> list[tuple[bytes, dict[bytes, bytes] | None]]:
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
