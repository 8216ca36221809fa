"""How much a channel may say at once (pure)."""

from dataclasses import dataclass

PER_SECOND = 50.0
AT_ONCE = 100.0
"""Broadcasts of one channel; fewer than frames of one socket, which would end it."""


@dataclass(slots=True)
class Breath:
    """How much more a channel may say now: a token bucket."""

    allowance: float = AT_ONCE
    at: float = 0.0
    # It was told that something was dropped, and nothing was taken since.
    told: bool = False

    def take(self, now: float) -> bool:
        """Say one thing; false when it is too much."""
        self.allowance = min(AT_ONCE, self.allowance + (now - self.at) * PER_SECOND)
        self.at = now
        if self.allowance < 1.0:
            return False
        self.allowance -= 1.0
        self.told = False
        return True
