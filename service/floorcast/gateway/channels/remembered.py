"""What a socket's remembered channels have, proved by pings that come back (pure)."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

import orjson

from floorcast.gateway.channels.channel import Channel

MOST_SECONDS = 600
"""So long a channel is remembered at most."""

_MOST_PROOFS = 4
_SHORTEST, _LONGEST = 0.25, 5.0


class Proofs:
    """Pings on their way, each with what its echo proves."""

    __slots__ = ("_number", "_waiting")

    def __init__(self) -> None:
        """Nothing is on its way."""
        self._number = 0
        # Number → channel → the tick up to which everything was written before it.
        self._waiting: dict[int, Mapping[Channel, int]] = {}

    def begin(self, ticks: Mapping[Channel, int]) -> bytes:
        """Return what a ping has to say that is written behind everything up to these ticks."""
        self._number += 1
        self._waiting[self._number] = ticks
        while len(self._waiting) > _MOST_PROOFS:
            del self._waiting[next(iter(self._waiting))]
        return b"%d" % self._number

    def end(self, echo: bytes) -> Mapping[Channel, int]:
        """Return what an echo proves, empty for nothing; earlier pings need not come back any more."""
        number = int(echo) if echo.isdigit() and len(echo) < 20 else 0  # noqa: PLR2004 — a number of ours is short
        proved = self._waiting.get(number, {})
        if proved:
            self._waiting = {each: ticks for each, ticks in self._waiting.items() if each > number}
        return proved


def memory_of(channel: Channel) -> str:
    """Return the name under which a channel is remembered: whoever asks for the same, as the same person, has it."""
    config = channel.config
    asked = [channel.person.user, channel.person.role, channel.topic, config.private, config.leaves]
    return sha256(orjson.dumps([*asked, list(config.bindings)], option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def pause_between(channels: Iterable[Channel]) -> float | None:
    """Return how many seconds pass between pings; None where nobody is remembered."""
    seconds = min((channel.remember for channel in channels if channel.remember), default=0)
    return min(_LONGEST, max(_SHORTEST, seconds / 12)) if seconds else None


def asked_seconds(text: str | None, default: int) -> int:
    """Read the URL's parameter `remember`; what is no number was not said."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 6:  # noqa: PLR2004 — more than days
        return default
    return min(int(text), MOST_SECONDS)
