"""Whether a receiver is to be tried at all (pure): one circuit for all that a consumer is sent.

Closed, everything is posted. After so many failures in a row it opens: nothing is. When its time is over, one message
is let through as a trial; if that is taken the circuit closes, and if not it stays open for twice as long. So a
receiver that is down is asked once in a while and not by every share at once, and one that comes back is not flooded.

A receiver that answers `Retry-After` has opened it himself, for as long as he asked.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from floorcast.gateway.webhooks.schedule import Patience

State = Literal["closed", "open", "trying"]


@dataclass(slots=True)
class Breaker:
    """The circuit of one consumer; `now` is seconds of one clock that never goes back."""

    patience: Patience
    random: Random
    state: State = "closed"
    # In a row, whoever failed.
    failures: int = 0
    # Not before this moment.
    open_until: float = 0.0
    # How often it opened since something was taken.
    _openings: int = field(default=0)

    def enter(self, now: float) -> float:
        """Ask to post: 0 when one may, and then has to say how it went; else in how many seconds to ask again."""
        if self.state == "trying":
            # Somebody else's message is under way; how long that takes nobody knows.
            return self.patience.first_seconds
        if now < self.open_until:
            return self.open_until - now
        if self.state == "open":
            self.state = "trying"
        return 0.0

    def taken(self) -> bool:
        """Note that a message was taken; returns whether this closed the circuit."""
        closed = self.state != "closed"
        self.state = "closed"
        self.failures = self._openings = 0
        self.open_until = 0.0
        return closed

    def failed(self, now: float, asked_seconds: float | None = None) -> float | None:
        """Note that one was not; returns for how long the circuit is open now, if this opened it.

        Args:
            now: the moment.
            asked_seconds: what the receiver asks for.
        """
        self.failures += 1
        opens = self.state == "trying" or (self.state == "closed" and self.failures >= self.patience.failures)
        seconds = asked_seconds or 0.0
        if opens:
            bound = min(self.patience.longest_open_seconds, self.patience.open_seconds * 2.0 ** min(self._openings, 16))
            # Many consumers at one receiver: their trials should not come together.
            seconds = max(seconds, bound * (0.5 + self.random.random() / 2))
            self._openings += 1
        # What was under way when it opened and fails now says nothing new, unless it asks for more time.
        if seconds <= 0.0 or (self.state == "open" and self.open_until >= now + seconds):
            return None
        self.state = "open"
        self.open_until = now + seconds
        return seconds

    def gave_up(self) -> None:
        """Note that nobody knows how it went: whoever tried was stopped. The next one tries."""
        if self.state == "trying":
            self.state = "open"
