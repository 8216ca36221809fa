"""The end of a gateway: everybody is sent elsewhere, a few at a time, and what was decided for them is sent first.

    stop ── hints, spread ──── closes, spread ──── the slow ones' last frames ──── whoever does not go is dropped
            ╰─ half of the time ─╯╰─ half of the time ─╯╰─ at most two seconds ──╯╰─ three seconds later

The time is shorter for few sockets. Ticks go on arriving and being handed out until the last socket is closed.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence

from floorcast.gateway.shared import OpenSocket, Shared

_SOCKETS_PER_SECOND = 500
"""Few enough sockets need no more time than this; the gateways that take them in are not asked for more at once."""

_AT_ONCE = 50
"""Sockets that are spoken to in one turn of the loop, so that the others' changes do not wait: a few milliseconds."""

_FLUSH_SECONDS = 2.0
_FAREWELL_SECONDS = 3.0
_LOOK_SECONDS = 0.02


async def drain(shared: Shared, seconds: float, others: Callable[[], int] = lambda: 0) -> None:
    """Close every socket with a code that says to come back, within about `seconds`; nobody may be let in any more.

    `others` counts connections that are still being answered; they are waited for as long as sockets are.
    """
    leaving = tuple(shared.open_sockets)
    half = min(seconds, len(leaving) / _SOCKETS_PER_SECOND) / 2
    async for group in _spread(leaving, half):
        for socket in group:
            # It goes before it is closed, if it goes when it is told.
            socket.hint_leaving(half / 2)
    slow: list[OpenSocket] = []
    async for group in _spread(leaving, half):
        for socket in group:
            if socket.flushed:
                socket.close("shutting_down")
            else:
                slow.append(socket)
    await _until(shared, _FLUSH_SECONDS, lambda: _flush(slow))
    async for group in _spread(tuple(shared.open_sockets), 0):
        for socket in group:
            socket.close("shutting_down")
    await _until(shared, _FAREWELL_SECONDS, lambda: not shared.open_sockets and not others())
    for socket in tuple(shared.open_sockets):
        socket.abort()


def _flush(slow: list[OpenSocket]) -> bool:
    """Close those whose last frames are sent; whether nobody is left."""
    for socket in tuple(slow):
        if socket.flushed:
            slow.remove(socket)
            socket.close("shutting_down")
    return not slow


async def _spread(sockets: Sequence[OpenSocket], seconds: float) -> AsyncIterator[Sequence[OpenSocket]]:
    """Yield groups of sockets, spread over a time; the loop has a turn between any two."""
    groups = max(1, math.ceil(len(sockets) / _AT_ONCE))
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(groups):
        yield sockets[number::groups]
        await asyncio.sleep(max(0.0, began + seconds * (number + 1) / groups - loop.time()))


async def _until(shared: Shared, seconds: float, over: Callable[[], bool]) -> None:
    """Look again and again, for so long at most: an event would cost every connection."""
    deadline = shared.loop.time() + seconds
    while not over() and shared.loop.time() < deadline:  # noqa: ASYNC110 — as above
        await asyncio.sleep(_LOOK_SECONDS)
