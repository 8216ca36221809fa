"""How much may be said by whom (pure): a bucket for each, which is kept as the time at which it is full again."""

from collections import OrderedDict

_MOST_KEYS = 20_000

_AT_ONCE_SECONDS = 5.0
"""How many seconds' worth may come at once."""


class Pace:
    """So many a second in the long run for each key."""

    def __init__(self, per_second: float) -> None:
        """Begin with full buckets."""
        self._interval = 1.0 / per_second
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """Return in how many seconds there is room again; 0 when there is."""
        return max(0.0, self._full_at.get(key, now) + self._interval - now - max(_AT_ONCE_SECONDS, self._interval))

    def take(self, key: str, count: int, now: float) -> None:
        """Count what is said; a whole batch may be, where there is room for one, and is paid for by waiting."""
        self._full_at[key] = max(self._full_at.get(key, now), now) + count * self._interval
        self._full_at.move_to_end(key)
        # Two for each that comes, so that a time of many is followed by one of few.
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now and len(self._full_at) <= _MOST_KEYS:
                break
            del self._full_at[oldest]
            if not self._full_at:
                break
