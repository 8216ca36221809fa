"""Positions: a tick, or a change in it, written `<tick>-<n>`.

The same two numbers are a Redis stream id, the coordinate in Postgres and what a client hands back.
`<tick>-0` names the whole tick.
"""

import re
from dataclasses import dataclass
from typing import Self

_FORM = re.compile(r"(0|[1-9][0-9]{0,18})-(0|[1-9][0-9]{0,18})")

_LARGEST = 2**63 - 1
"""Ticks are bigint in Postgres; Redis allows 2^64-1, so the smaller bound holds for both."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A point in the stream; ordered first by tick, then by place in the tick."""

    tick: int
    n: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `<tick>-<n>`; raises ValueError with the text for anything else, leading zeros included."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"not a position: {text[:64]!r} (expected <tick>-<n>, for example 12-3)")
        tick, n = int(match[1]), int(match[2])
        if max(tick, n) > _LARGEST:
            raise ValueError(f"not a position: {text!r} is larger than any tick can be")
        return cls(tick, n)

    def __str__(self) -> str:
        """Return `<tick>-<n>`, the form that `parse` reads."""
        return f"{self.tick}-{self.n}"
