"""When a token's end is announced, and when it is the end (pure).

    accepted ─────────────────────── announced ──── expired ──── closed
                                      ╰─ notice ─────╯╰── grace ──╯

The notice is a minute, or a tenth of what the token had left when it was accepted, whichever is less. The grace is for
clocks that are not ours: a token that has just expired is accepted during it as well, and then not announced any more.
"""

from typing import Literal

_LONGEST_NOTICE = 60.0
"""Seconds; one object for all sockets with usual tokens."""

Due = Literal["announce", "close"]


def notice_for(left: float) -> float:
    """Return how many seconds before its end a token is announced that is accepted with `left` seconds to go."""
    return min(_LONGEST_NOTICE, max(0.0, left / 10))


def due(left: float, notice: float, grace: float) -> Due | None:
    """Say what is due when a token has `left` seconds to go; `notice` is 0 once it was announced."""
    if left <= -grace:
        return "close"
    return "announce" if notice and left <= notice else None


def next_look(left: float, notice: float, grace: float) -> float:
    """Return in how many seconds something will be due."""
    return left - notice if notice else left + grace
