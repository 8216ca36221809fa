"""Where channels of clients that remember nothing themselves have got to, in Redis, for as long as was asked.

Contract. Who enters is told the earliest place of all who were here with the same name and are not forgotten; he begins
there, too, until he is said to be further. Nothing is skipped: too many joinings of one name are folded into the
earlier place. That one was forgotten is said once, for an hour. What Redis loses is not remembered.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from redis.exceptions import RedisError

from floorcast.stream import keys
from floorcast.stream.connect import as_unavailable, open_redis

MOST_JOININGS = 32
MOST_NAMES = 100_000
TOLD_SECONDS = 3_600
"""For so long it is known that something was forgotten."""

_PATIENCE_SECONDS = 2.0
_SCRIPT = resources.files("floorcast.stream").joinpath("lua", "memory_enter.lua")


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to where one joining has everything."""

    # Names person, topic and bindings; no secret is in it.
    name: str
    joining: str
    incarnation: str
    tick: int
    # How long it is remembered.
    seconds: float


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is known of earlier joinings of the same name."""

    # One was forgotten already.
    forgotten: bool = False
    # No more can be remembered; this joining is not.
    full: bool = False
    # The earliest place of the others: incarnation and tick.
    place: tuple[str, int] | None = None


class ShortMemory:
    """A gateway's way to it. All methods raise StreamUnavailable."""

    def __init__(self, redis_url: str, *, most_joinings: int = MOST_JOININGS, most_names: int = MOST_NAMES) -> None:
        """Connect lazily; nothing is sent before the first call."""
        self._redis = open_redis(redis_url, patience=_PATIENCE_SECONDS)
        self._script = self._redis.register_script(_SCRIPT.read_text())
        self._most = most_joinings, most_names

    async def enter(self, mark: Mark) -> Recalled:
        """Note a joining that begins, at the earliest place of all others of its name; return what these are."""
        async with as_unavailable():
            answer: Any = await self._script(keys=_keys(mark), args=self._arguments(mark, begins=True))
        told = [part.decode() for part in answer]
        if told == ["full"]:
            return Recalled(full=True)
        forgotten, incarnation, tick = told or ("", "", "")
        return Recalled(forgotten == "old", place=(incarnation, int(tick)) if incarnation else None)

    async def keep(self, marks: Sequence[Mark]) -> None:
        """Note that joinings are further."""
        async with as_unavailable(), self._redis.pipeline(transaction=False) as all_:
            for mark in marks:
                await self._script(keys=_keys(mark), args=self._arguments(mark, begins=False), client=all_)
            await all_.execute()

    async def forget(self, name: str, joining: str) -> None:
        """Forget a joining: its client has left."""
        async with as_unavailable():
            await self._redis.hdel(keys.memory_key(name), joining)

    async def aclose(self) -> None:
        """Close the connection."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.aclose()

    def _arguments(self, mark: Mark, *, begins: bool) -> list[str | int]:
        times = (round(mark.seconds * 1000), TOLD_SECONDS * 1000)
        return [mark.joining, mark.incarnation, mark.tick, *times, *self._most, "1" if begins else ""]


def _keys(mark: Mark) -> list[str]:
    return [keys.memory_key(mark.name), keys.MEMORIES]
