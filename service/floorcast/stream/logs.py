"""The logs, one per place: what happened there lately, for whoever was away.

They are fast and may be anything; an answer is given only where it is proved to be complete (`chain.py`).
"""

import contextlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from redis.exceptions import RedisError

from floorcast.operation import EVERYWHERE
from floorcast.past import PAGE_BYTES, PAGE_OPERATIONS, Past
from floorcast.stream import keys
from floorcast.stream.chain import LogRead, LogsRead, proven
from floorcast.stream.connect import as_unavailable, open_redis
from floorcast.stream.entry import read_log_entry

_PATIENCE_SECONDS = 2.0
"""How long an answer may take: the same can be asked of Postgres."""


class LogReader:
    """A gateway's end: reads pages of the past, in any number of calls at a time."""

    def __init__(self, redis_url: str) -> None:
        """Connect lazily; nothing is sent before the first call."""
        self._redis = open_redis(redis_url, patience=_PATIENCE_SECONDS)
        script = resources.files("floorcast.stream").joinpath("lua", "read_logs.lua")
        self._read = self._redis.register_script(script.read_text())

    async def read(self, incarnation: str, places: Sequence[str], after: int, upto: int) -> Past | None:
        """Return what places had behind one tick and up to another, or a first part of it; None: it cannot be proved.

        Args:
            incarnation: the history that both ticks belong to.
            places: warehouses, `organization:<id>`, `user:<id>`. What concerns everybody is in no log.
            after: the tick that the reader holds.
            upto: a later one. What is not published yet is not in the answer.

        Raises:
            StreamUnavailable: Redis is away.
        """
        if EVERYWHERE in places:
            raise ValueError("what concerns every gateway is in no log")
        if upto <= after or not places:
            return Past(upto, ())
        places = tuple(dict.fromkeys(places))
        logs = (keys.log_key(incarnation, place) for place in places)
        names = [keys.NEWEST, keys.known_key(incarnation), *logs]
        arguments: list[str | int] = [incarnation, after, upto, PAGE_BYTES, PAGE_OPERATIONS, *places]
        async with as_unavailable():
            answer = await self._read(keys=names, args=arguments)
        return proven(_read_answer(answer), incarnation, after)

    async def aclose(self) -> None:
        """Close the connection."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.aclose()


def _read_answer(answer: Sequence[Any]) -> LogsRead:
    incarnation, tick, known_upto, known_behind, limit, logs = answer
    return LogsRead(
        incarnation.decode(),
        _number(tick),
        _number(known_behind),
        _number(known_upto),
        _number(limit) or 0,
        [
            LogRead(_number(newest), _number(beyond), [read_log_entry(*entry) for entry in entries])
            for newest, beyond, entries in logs
        ],
    )


def _number(text: bytes) -> int | None:
    return int(text) if text else None
