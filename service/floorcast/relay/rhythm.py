"""When to wait for the bell and when to read by itself. Pure.

Like a network card under load: interrupts while it is quiet, polling while it is busy. Ringing costs writers a lock
that is held across their flush; reading every few milliseconds costs the relay a little work. So the bell is for quiet
times, and the reading for busy ones.
"""

from collections import deque

BELLS_TO_BUSY = 6
"""So many bells within the window and it is cheaper for everybody to read without being rung for."""

WINDOW_SECONDS = 0.05

READING_SHARE = 0.5
"""Nor is waiting worth it when the reads that bells ask for fill so much of the time, however few they are: where a
flush takes 20 ms, ringing alone keeps writers below 50 commits a second."""

QUIET_SECONDS = 0.15
"""A busy relay that has found nothing for so long tries to fall asleep."""

TICK_SECONDS = 0.004
"""Least distance between ticks while busy: each costs a flush and a transaction id."""

REST = 1.0
"""Busy, it rests at least so many times as long as the last read took: writers need the machine more than it does."""

REST_SECONDS = 0.02
"""But no longer: after a tick of a million rows it would say nothing for as long as that took, and lose the lead."""

DRAIN_SECONDS = (0.004, 0.02)
"""Between looks at the silence lock: at first, and at most. A silent writer may stay open for an hour."""

BUSY_MILLISECONDS = 1_000
"""How long the bell may stay silent unless this is renewed: what a relay that died can cost in latency."""

RENEW_SECONDS = 0.3


class Rhythm:
    """Watches bells and finds, and says what they mean."""

    def __init__(self, *, adaptive: bool = True) -> None:
        """Without `adaptive` it never becomes busy, so every writer rings."""
        self.adaptive = adaptive
        # When each of the last bells was heard, and how long the read took that it asked for.
        self._bells: deque[tuple[float, float]] = deque(maxlen=BELLS_TO_BUSY)
        self._last_find = float("-inf")
        self._drain_pause = DRAIN_SECONDS[0]

    def rung(self, now: float, reading: float) -> bool:
        """Note a bell and the seconds of the read that followed; true when it is time to become busy.

        `now` is monotonic, in seconds, after the read.
        """
        self._bells.append((now - reading, reading))
        if not self.adaptive or len(self._bells) < BELLS_TO_BUSY:
            return False
        elapsed = now - self._bells[0][0]
        return elapsed <= WINDOW_SECONDS or sum(seconds for _, seconds in self._bells) >= READING_SHARE * elapsed

    def became_busy(self, now: float) -> None:
        """Begin a busy time; its quiet is counted from here."""
        self._bells.clear()
        self._last_find = now

    def found(self, changes: int, now: float) -> None:
        """Note what a read while busy brought."""
        if changes:
            self._last_find = now

    def is_quiet(self, now: float) -> bool:
        """Say whether a busy relay has found nothing for long enough to try to fall asleep."""
        return now - self._last_find > QUIET_SECONDS

    def busy_pause(self, took: float) -> float:
        """Seconds to rest before the next read while busy, after one that took so long."""
        return max(TICK_SECONDS - took, min(took * REST, REST_SECONDS))

    def began_draining(self) -> None:
        """Begin to wait for silent writers."""
        self._drain_pause = DRAIN_SECONDS[0]

    def drain_pause(self) -> float:
        """Seconds to the next look at the silence lock; grows while a silent writer stays open."""
        pause = self._drain_pause
        self._drain_pause = min(pause * 1.5, DRAIN_SECONDS[1])
        return pause
