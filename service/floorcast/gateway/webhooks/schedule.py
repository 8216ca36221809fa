"""When to try again (pure)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random

from floorcast.backoff import Backoff

LONGEST_ASKED_SECONDS = 86_400.0
"""A receiver may ask for a day; whoever wants more answers 410 or removes the consumer."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait between attempts, and when to stop trying for a while."""

    first_seconds: float = 1.0
    largest_seconds: float = 300.0
    # Failures in a row, of all that a consumer is sent, after which its circuit opens.
    failures: int = 5
    # How long it stays open: doubled each time that the trial fails.
    open_seconds: float = 30.0
    longest_open_seconds: float = 600.0
    # How long a lease is left alone while waiting; well below what leases last.
    hold_seconds: float = 5.0

    def backoff(self, random: Random) -> Backoff:
        """Return the delays of one message."""
        return Backoff(random, self.first_seconds, self.largest_seconds)


def asked_seconds(retry_after: str, now: datetime) -> float | None:
    """Return how long `Retry-After` asks to wait (RFC 9110 §10.2.3), None when it says nothing that is understood.

    Args:
        retry_after: seconds, or a date.
        now: with a zone.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        # Cut first: what has a thousand digits is no number that a float can hold.
        return min(LONGEST_ASKED_SECONDS, float(text[:12]) if len(text) <= 12 else LONGEST_ASKED_SECONDS)  # noqa: PLR2004 — see above
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(LONGEST_ASKED_SECONDS, max(0.0, (moment - now).total_seconds()))
