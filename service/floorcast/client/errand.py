"""Work that outlives whoever waits for it: a caller who is cancelled finds it again, instead of half of it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Errand:
    """At most one piece of work at a time."""

    def __init__(self) -> None:
        """Begin with none."""
        self._task: asyncio.Task[None] | None = None

    async def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Finish what is left of earlier work, then do this; raises what it raises.

        Who is cancelled here leaves the work running.
        """
        await self.finish()
        self._task = asyncio.get_running_loop().create_task(work())
        await self.finish()

    async def finish(self) -> None:
        """Wait for work that was left running, if any; raises what it raised."""
        if self._task is not None:
            await asyncio.wait({self._task})
            task, self._task = self._task, None
            task.result()

    async def abandon(self) -> None:
        """Cancel what is left running, and wait until it has ended."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
