"""How long to wait before trying again: doubling, bounded, and never at the same moment as everybody else."""

from dataclasses import dataclass
from random import Random


@dataclass(slots=True)
class Backoff:
    """Delays of one who keeps trying; `reset` after a success."""

    random: Random
    first_seconds: float = 0.25
    largest_seconds: float = 15.0
    # How often in a row it failed.
    _failures: int = 0

    def reset(self) -> None:
        """It worked: begin with short delays again."""
        self._failures = 0

    def next_seconds(self) -> float:
        """Return the next delay: between half of a doubling bound and the bound itself.

        The random half keeps a thousand screens from coming back in the same millisecond after a restart.
        """
        bound = min(self.largest_seconds, self.first_seconds * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return bound * (0.5 + self.random.random() / 2)
