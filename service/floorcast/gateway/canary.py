"""When a canary is due, how long its round took, and which leg is silent when none comes (pure).

A canary is a change that only tells that changes arrive: trigger → doorbell → tick → Redis → gateway. All gateways see
each of them, and whoever has not seen one for a while writes the next. Progress says that the way from the leader is
open; the canary says that what is written gets as far as the leader.

All times are of one monotonic clock, in seconds.
"""

from random import Random

_SPREAD = 0.25
"""A gateway waits up to so much longer than it must, so that of many one writes, and the others see it come."""

_PATIENCE_SECONDS = 5.0
"""A canary that was written and has not come by then is missing; as long as progress may be silent."""

_AGAIN_SECONDS = 2.0
"""A write that failed is tried again so soon, or sooner where canaries are due sooner."""

_NEVER = float("inf")


class Canary:
    """What one gateway knows of the canaries."""

    def __init__(self, every: float, chance: Random) -> None:
        """`every`: how long there may be none; 0: none is ever written or missed."""
        self.every = every
        self._chance = chance
        # The newest that came, and when; at the beginning nothing has come, and the silence is counted from there.
        self._beat, self._came_at = -1, _NEVER
        # When to write the next one unless one comes before.
        self._due_at = _NEVER
        # Since when one is being written; None while none is.
        self._writing_since: float | None = None
        # The first that is known to be written and has not come, and since when.
        self._missing: tuple[int, float] | None = None
        # The last that this gateway wrote and that has not come, and since when.
        self._ours: tuple[int, float] | None = None
        # What the last write failed with; empty when it did not.
        self._failure = ""
        # How long the last measured round took.
        self._round: float | None = None

    def begin(self, now: float) -> None:
        """Begin to follow the stream, or begin anew: what was written before is not missed."""
        self._beat, self._came_at = -1, now
        self._missing = self._ours = None
        if self.every:
            # Gateways that are started together do not write together.
            self._due_at = now + self.every * self._chance.random()

    def wait(self, now: float) -> float:
        """Return the seconds until one is to be written, infinity before the beginning."""
        return max(0.0, self._due_at - now)

    def writing(self, now: float) -> None:
        """Note that one is being written."""
        self._writing_since = now

    def wrote(self, beat: int, now: float, *, by_us: bool) -> float | None:
        """Note the newest that is written; return how long its round took, if it is over and was of this gateway."""
        since = now if self._writing_since is None else self._writing_since
        self._writing_since, self._failure = None, ""
        self._due_at = now + self._pause()
        if beat > self._beat:
            self._missing = self._missing or (beat, since)
            self._ours = (beat, since) if by_us else self._ours
            return None
        # The feed was faster than the answer.
        return self._measure(self._came_at - since) if by_us and beat == self._beat else None

    def failed(self, reason: str, now: float) -> None:
        """Note that it could not be written."""
        self._writing_since, self._failure = None, reason
        self._due_at = now + min(_AGAIN_SECONDS, self._pause())

    def came(self, beat: int, now: float) -> float | None:
        """Note one that came through the feed; return how long its round took, if this gateway wrote it."""
        self._beat, self._came_at = beat, now
        if self.every:
            self._due_at = now + self._pause()
        if self._missing is not None and beat >= self._missing[0]:
            self._missing = None
        if self._ours is None or beat != self._ours[0]:
            return None
        _, since = self._ours
        self._ours = None
        return self._measure(now - since)

    def verdict(self, now: float, *, fresh: bool) -> tuple[bool, str]:
        """Say whether the way is open, and in half a sentence how one knows, or which leg of it is silent.

        `fresh`: progress comes, so the way from the leader to here is open.
        """
        if not self.every:
            return True, "switched off by FLOORCAST_CANARY_SECONDS=0"
        silence = now - self._came_at
        is_late = silence > self.every * (1 + _SPREAD) + _PATIENCE_SECONDS
        if self._missing is not None and (is_late or now - self._missing[1] > _PATIENCE_SECONDS):
            return False, f"written {now - self._missing[1]:.1f} s ago and did not come, {_leg_behind(fresh=fresh)}"
        if is_late:
            why = self._failure or "Postgres does not answer"
            return False, f"did not come for {silence:.1f} s and could not be written: {why}"
        if self._beat < 0:
            return True, "did not come yet, is not late"
        took = "" if self._round is None else f", the last one of this gateway within {self._round * 1000:.0f} ms"
        return True, f"came {silence:.1f} s ago{took}"

    def _pause(self) -> float:
        return self.every * (1 + _SPREAD * self._chance.random())

    def _measure(self, seconds: float) -> float:
        self._round = max(0.0, seconds)
        return self._round


def _leg_behind(*, fresh: bool) -> str:
    if fresh:
        return "while signs of progress do: it was not captured (see floorcast.track), or the relay does not read it"
    return "nor do signs of progress: relay or Redis are silent"
