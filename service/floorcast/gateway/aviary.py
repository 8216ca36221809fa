"""Keeps the canary: writes one when it is due, and sees them come."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

import orjson

from floorcast.change import CANARY
from floorcast.errors import DatabaseUnavailable
from floorcast.gateway.canary import Canary
from floorcast.observe import CanaryCame, CanaryMissing, CanaryRound, observe
from floorcast.operation import Operation

_LOOK_SECONDS = 0.5

Touch = Callable[[float], Awaitable[tuple[int, bool]]]
"""Writes a canary unless the newest is younger than so many seconds; `database.lookout.Lookout.touch_canary`."""


class Aviary:
    """One gateway's canary and its keeper; told what every tick brought."""

    def __init__(self, canary: Canary, touch: Touch, is_fresh: Callable[[], bool]) -> None:
        """`touch` raises DatabaseUnavailable; `is_fresh` says whether signs of progress come."""
        self._canary = canary
        self._touch = touch
        self._is_fresh = is_fresh

    def begin(self) -> None:
        """The gateway begins to follow the stream, or begins anew."""
        self._canary.begin(time.monotonic())

    def notice(self, operations: Iterable[Operation]) -> None:
        """Look for canaries among what a tick brought."""
        for operation in operations:
            if operation.table == CANARY and operation.new is not None:
                beat = orjson.loads(operation.new)["beat"]
                observe(CanaryCame(beat))
                self._measured(beat, self._canary.came(beat, time.monotonic()))

    def notice_large(self, places: Sequence[str]) -> None:
        """Look for none: a canary is what its tick brings to gateways, whatever else that brings."""

    def verdict(self) -> tuple[bool, str]:
        """Say whether the way of a change is open, and in half a sentence what is known of it."""
        return self._canary.verdict(time.monotonic(), fresh=self._is_fresh())

    async def run(self, stop: asyncio.Event) -> None:
        """Write canaries when they are due, until `stop` is set."""
        was_open = True
        while not stop.is_set():
            wait = self._canary.wait(time.monotonic())
            if wait <= 0:
                await self._write()
            is_open, reason = self.verdict()
            if was_open and not is_open:
                observe(CanaryMissing(reason))
            was_open = is_open
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(max(wait, _LOOK_SECONDS / 10), _LOOK_SECONDS)):
                    await stop.wait()

    async def _write(self) -> None:
        self._canary.writing(time.monotonic())
        try:
            # Where the feed has stopped, all gateways ask again and again, and one of them writes.
            beat, by_us = await self._touch(self._canary.every / 2)
        except DatabaseUnavailable as error:
            self._canary.failed(str(error), time.monotonic())
        else:
            self._measured(beat, self._canary.wrote(beat, time.monotonic(), by_us=by_us))

    def _measured(self, beat: int, seconds: float | None) -> None:
        if seconds is not None:
            observe(CanaryRound(beat, seconds))
