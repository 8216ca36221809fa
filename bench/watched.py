"""A gateway that says at its end how long it was away from its loop: nobody is sent a change meanwhile.

A task sleeps for two milliseconds again and again, and looks how late it wakes.

    python bench/watched.py          like `floorcast gateway`; prints the longest three, in milliseconds
"""

import asyncio
import contextlib
import heapq
import sys
import time
from typing import Any

from floorcast.cli import main
from floorcast.gateway.gateway import Gateway

_SLEEP_SECONDS = 0.002
_LONGEST = 3

_run = Gateway.run


async def _watched(self: Gateway[Any], stop: asyncio.Event) -> None:
    late = [0.0] * _LONGEST

    async def watch() -> None:
        while not stop.is_set():
            before = time.perf_counter()
            await asyncio.sleep(_SLEEP_SECONDS)
            heapq.heappushpop(late, time.perf_counter() - before - _SLEEP_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        await _run(self, stop)
    finally:
        watching.cancel()
        with contextlib.suppress(BrokenPipeError):
            print(" ".join(f"{seconds * 1e3:.0f}" for seconds in sorted(late, reverse=True)), flush=True)


if __name__ == "__main__":
    Gateway.run = _watched  # type: ignore[method-assign]
    sys.argv = ["floorcast", "gateway"]
    main()
