"""Where a gateway stands in the stream, and what the next thing it hears means for it (pure).

The feed is fast, and may be anything: complete, empty, yesterday's, another history's. So an entry is believed only
when it continues exactly from where we stand, by number and by seal. Everything else is a doubt, and doubts are settled
by the ticks in Postgres: either they go on from ours, and what is missing is delivered from there; or they do not, and
every topic ends with a reason. Never is a tick skipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

MOST_MISSING = 1_000
"""Ticks that are read back from Postgres one by one; past it, reading the picture again is less work for everybody."""

Step = Literal["deliver", "ignore", "read", "consult"]
"""`read`: the feed should have more. `consult`: ask Postgres."""

Reason = Literal["incarnation", "trimmed"]
"""Why the stream cannot go on exactly: it is another history, or what is missing is gone (or too much)."""


class Link(Protocol):
    """A tick, by what chains it to the one before."""

    @property
    def tick(self) -> int:
        """Its number."""
        ...

    @property
    def seal(self) -> str:
        """Hash over its rows and the seal before."""
        ...

    @property
    def previous_seal(self) -> str:
        """The seal before."""
        ...


class Sign(Protocol):
    """A sign of progress: what had committed before a time is in the ticks up to one."""

    @property
    def tick(self) -> int:
        """That tick."""
        ...

    @property
    def k(self) -> int:
        """Its place among the signs of this tick, as Redis counts them."""
        ...

    @property
    def at(self) -> str:
        """That time by the server's clock, as text of one form: compares as times do."""
        ...


HeaderT = TypeVar("HeaderT", bound=Link)


def is_news(sign: Sign, last: Sign | None) -> bool:
    """Whether a sign of progress of our tick is another than those that were heard before; `last` is the last of them.

    A Redis that was emptied counts anew, and one that was restored repeats what it said; a clock that was set back says
    earlier times. Each alone must not silence the rest, so a sign is old only where both say so.
    """
    return last is None or sign.tick != last.tick or sign.k > last.k or sign.at > last.at


@dataclass(frozen=True, slots=True)
class Course:
    """The last tick that was delivered, and the history that it belongs to."""

    incarnation: str
    tick: int
    seal: str

    def after(self, link: Link) -> "Course":
        """Stand at a later tick of the same history."""
        return Course(self.incarnation, link.tick, link.seal)

    def hear_tick(self, link: Link, incarnation: str) -> Step:
        """Decide about a tick of the feed."""
        if incarnation != self.incarnation:
            return "consult"
        if link.tick == self.tick + 1:
            return "deliver" if link.previous_seal == self.seal else "consult"
        if link.tick == self.tick:
            return "ignore" if link.seal == self.seal else "consult"
        return "ignore" if link.tick < self.tick else "consult"

    def hear_progress(self, tick: int) -> Step:
        """Decide about a sign of progress: it speaks of everything up to a tick, so that tick must be ours."""
        if tick == self.tick:
            return "deliver"
        return "ignore" if tick < self.tick else "consult"

    def hear_newest(self, incarnation: str, tick: int, seal: str) -> Step:
        """Decide about the feed's newest tick, looked at when nothing comes: ours, one to read up to, or a doubt."""
        if incarnation == self.incarnation and tick > self.tick:
            return "read"
        return "ignore" if (incarnation, tick, seal) == (self.incarnation, self.tick, self.seal) else "consult"

    def missing(self, incarnation: str, headers: Sequence[HeaderT]) -> Sequence[HeaderT] | Reason:
        """Settle a doubt by what Postgres has.

        Args:
            incarnation: the current one.
            headers: ticks from ours on, ours included, ascending; one more than `MOST_MISSING` after it will do.

        Returns:
            The ticks that come after ours, none if we have them all; or why we cannot go on.
        """
        if incarnation != self.incarnation or not headers:
            return "incarnation"
        if headers[0].tick != self.tick or len(headers) > MOST_MISSING + 1:
            return "trimmed"
        if headers[0].seal != self.seal:
            return "incarnation"
        before: Link = headers[0]
        for header in headers[1:]:
            if header.tick != before.tick + 1:
                return "trimmed"
            if header.previous_seal != before.seal:
                return "incarnation"
            before = header
        return headers[1:]
