"""Gathers the facts about Redis that `diagnosis` judges. It changes nothing."""

from typing import Any

from redis.exceptions import RedisError

from floorcast.errors import StreamUnavailable
from floorcast.facts import Reached, StreamFacts
from floorcast.stream.connect import open_redis
from floorcast.stream.feed import FeedReader


async def inspect_stream(url: str) -> StreamFacts:
    """Gather facts with INFO, which managed servers allow where they refuse CONFIG.

    Raises:
        StreamUnavailable: it cannot be reached, or does not let us in.
    """
    client = open_redis(url)
    reader = FeedReader(url)
    try:
        info: dict[str, Any] = await client.info()
        newest = await reader.newest()
    except (RedisError, OSError) as error:
        raise StreamUnavailable(f"Redis cannot be reached with REDIS_URL: {error}") from error
    finally:
        await reader.aclose()
        await client.aclose()
    return StreamFacts(
        version=str(info.get("redis_version", "0")),
        policy=str(info.get("maxmemory_policy", "unknown")),
        memory_limit=int(info.get("maxmemory", 0)),
        memory_used=int(info.get("used_memory", 0)),
        role=str(info.get("role", "master")),
        newest=None if newest is None else Reached(newest.incarnation, newest.tick, newest.seal),
    )
