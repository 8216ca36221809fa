"""Questions that many ask at the same time are asked once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from floorcast.errors import DatabaseUnavailable

NameT = TypeVar("NameT", bound=Hashable)
AnswerT = TypeVar("AnswerT")


class Together(Generic[NameT, AnswerT]):
    """Asks, and lets everybody wait for the same answer who asks for the same meanwhile."""

    def __init__(self) -> None:
        """Begin with no question."""
        self._asked: dict[NameT, asyncio.Task[AnswerT]] = {}

    async def ask(self, name: NameT, question: Callable[[], Coroutine[Any, Any, AnswerT]]) -> AnswerT:
        """Return the answer to what is asked under a name, or raise what it raises.

        It goes on when whoever asked is cut off, since others may wait for it.
        """
        asked = self._asked.get(name)
        if asked is None:
            asked = self._asked[name] = asyncio.create_task(question(), name="shared question")
            asked.add_done_callback(lambda done: self._answered(name, done))
        await asyncio.wait({asked})
        if asked.cancelled():
            raise DatabaseUnavailable("This gateway is being stopped.")
        return asked.result()

    async def aclose(self) -> None:
        """Cut off what is being asked."""
        asked = set(self._asked.values())
        for each in asked:
            each.cancel()
        if asked:
            await asyncio.wait(asked)

    def _answered(self, name: NameT, done: asyncio.Task[AnswerT]) -> None:
        if self._asked.get(name) is done:
            del self._asked[name]
        if not done.cancelled():
            # Everybody who waited may have been cut off; then nobody else would look at it.
            done.exception()
