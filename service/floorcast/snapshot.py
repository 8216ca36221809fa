"""A PostgreSQL snapshot as text, `xmin:xmax:xip,xip…` (pure): which transactions somebody has seen already."""

import re
from dataclasses import dataclass
from typing import Self

_FORM = re.compile(r"([0-9]{1,20}):([0-9]{1,20}):((?:[0-9]{1,20})(?:,[0-9]{1,20})*)?")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What `pg_snapshot` says: which top-level transactions had committed, or rolled back, when it was taken."""

    xmin: int
    xmax: int
    # Still running then.
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what PostgreSQL wrote; raises ValueError for anything else."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError("not a snapshot: expected xmin:xmax:xip,…")
        return cls(int(match[1]), int(match[2]), frozenset(map(int, match[3].split(","))) if match[3] else frozenset())

    def sees(self, xid: int) -> bool:
        """Whether what a transaction wrote is visible in this snapshot, if it committed."""
        return xid < self.xmin or (xid < self.xmax and xid not in self.running)
