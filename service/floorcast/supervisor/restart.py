"""When a process that died is started again."""

from dataclasses import dataclass, field
from random import Random

from floorcast.backoff import Backoff

HEALTHY_SECONDS = 60.0
"""Having run so long, a process has proved itself: its next death is a first one."""


@dataclass(slots=True)
class Restarts:
    """The memory of one process's deaths."""

    random: Random
    _backoff: Backoff = field(init=False)

    def __post_init__(self) -> None:
        """Begin without a death."""
        self._backoff = Backoff(self.random, first_seconds=0.5, largest_seconds=30.0)

    def delay_after(self, uptime_seconds: float) -> float:
        """Seconds to wait before starting it again, when it died after running for ``uptime_seconds``."""
        if uptime_seconds >= HEALTHY_SECONDS:
            self._backoff.reset()
        return self._backoff.next_seconds()
