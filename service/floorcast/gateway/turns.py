"""Turns of the loop, given out fairly: of work that a crowd brings at once, so much is done in each and no more.

What the loop is told together it does together: a page that a thousand errands waited for would wake a thousand, and a
thousand heads that arrive in one moment would be a thousand handshakes, before anybody who is live is sent a change.
So whoever is one of many asks for a turn before each step. Who asks first has the first, and while nobody else asks it
costs nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable


class Turns:
    """So many steps in each turn of the loop; whoever asks after that waits, in order."""

    def __init__(self, at_once: int) -> None:
        """Give `at_once` in each turn."""
        self._at_once = at_once
        self._left = at_once
        self._waiting: deque[Callable[[], object]] = deque()
        # It is looked at in the next turn whether somebody waits.
        self._counting = False
        # Of the turn of the loop, as far as any were asked for: a step that was given belongs to it alone.
        self.number = 0

    async def take(self) -> int:
        """Wait until a step may be taken; returns the `number` of the turn in which that is."""
        if not self._is_free():
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(lambda: _give(turn))
            await turn
        return self.number

    def soon(self, work: Callable[[], object]) -> None:
        """Do something as soon as it may be done: in this call, if others have left room for it."""
        if self._is_free():
            work()
        else:
            self._waiting.append(work)

    def _is_free(self) -> bool:
        """Take a step of this turn, if one is left and nobody was here before."""
        if self._waiting or not self._left:
            return False
        self._left -= 1
        self._count()
        return True

    def _count(self) -> None:
        if not self._counting:
            self._counting = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        """Begin another turn, with those who have waited longest."""
        self._counting = False
        self.number += 1
        self._left = self._at_once
        while self._waiting and self._left:
            self._left -= 1
            # By the loop: what goes wrong in one is not the next one's trouble.
            asyncio.get_running_loop().call_soon(self._waiting.popleft())
        if self._left < self._at_once:
            self._count()


def _give(turn: asyncio.Future[None]) -> None:
    # Whoever asked may have been cut off.
    if not turn.done():
        turn.set_result(None)
