"""What a gateway's /readyz looks at: Postgres, Redis, and whether the feed is fresh."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from floorcast.errors import FloorcastError
from floorcast.http.health import Check

_PATIENCE_SECONDS = 2.5
"""Of those that answer; who asks has given up on his own before that."""

Verdict = Callable[[], tuple[bool, str]]
"""Says whether something holds, and how it stands in half a sentence."""

Ping = Callable[[], Awaitable[object]]
"""Returns when the other side answered; raises a FloorcastError when it did not."""


class Standing(Protocol):
    """How a gateway says that it stands."""

    @property
    def ready(self) -> bool:
        """Whether it takes joins."""
        ...

    @property
    def tick(self) -> int:
        """The last tick that was delivered."""
        ...

    @property
    def fresh_at(self) -> float | None:
        """`time.monotonic` of the last sign of progress; None before the first."""
        ...

    @property
    def waiting_for(self) -> str:
        """What it waits for, in a sentence; empty when for nothing."""
        ...


class GatewayHealth:
    """Looks at everything that a gateway needs, side by side; takes two seconds at most."""

    def __init__(
        self, standing: Standing, *, postgres: Ping, redis: Ping, canary: Verdict, stale_seconds: float
    ) -> None:
        """`stale_seconds`: how long the feed may bring no sign of progress."""
        self._canary = canary
        self._standing = standing
        self._postgres = postgres
        self._redis = redis
        self._stale_seconds = stale_seconds

    async def checks(self) -> Sequence[Check]:
        """Return the checks; never raises for what they find."""
        postgres, redis = await asyncio.gather(_answers("postgres", self._postgres), _answers("redis", self._redis))
        feed = feed_check(self._standing, time.monotonic(), self._stale_seconds)
        return postgres, redis, feed, Check("canary", *self._canary())


def feed_check(standing: Standing, now: float, stale_seconds: float) -> Check:
    """Judge the feed at a time of `time.monotonic`."""
    if not standing.ready or standing.fresh_at is None:
        return Check("feed", ok=False, reason=f"waiting for {standing.waiting_for or 'a first sign of progress'}")
    age = now - standing.fresh_at
    if age > stale_seconds:
        waiting = f"; waiting for {standing.waiting_for}" if standing.waiting_for else ""
        return Check("feed", ok=False, reason=f"no sign of progress for {age:.1f} s, is a relay running?{waiting}")
    return Check("feed", ok=True, reason=f"at tick {standing.tick}, sign of progress {age:.1f} s ago")


async def _answers(name: str, ping: Ping) -> Check:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await ping()
    except TimeoutError:
        return Check(name, ok=False, reason=f"did not answer within {_PATIENCE_SECONDS:g} s")
    except FloorcastError as error:
        return Check(name, ok=False, reason=str(error))
    return Check(name, ok=True, reason="answers")
