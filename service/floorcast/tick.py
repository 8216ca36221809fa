"""A tick by its header: what names it, what it follows, and how much there is in it."""

from dataclasses import dataclass

LARGE_COUNT = 2_000
LARGE_BYTES = 1_048_576
"""A tick past either bound is large: never held in memory whole, announced by a marker, read in pages."""


@dataclass(frozen=True, slots=True)
class TickHeader:
    """A tick without its changes."""

    tick: int
    # sha256 as hexadecimal text; names this tick of this history.
    seal: str
    previous_seal: str
    # When it was closed, ISO 8601 in UTC.
    at: str
    count: int
    # Row texts, old and new, together.
    bytes: int

    @property
    def large(self) -> bool:
        """Whether its changes are read in pages."""
        return is_large(self.count, self.bytes)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A tick by its seal. Where it is to be found, everything up to it is of one history, whatever the numbers say."""

    tick: int
    seal: str
    # The same for all anchors of which a gateway knows that they are of one history: what was read under one of them
    # holds under the others.
    origin: str = ""


def is_large(count: int, size: int) -> bool:
    """Whether a tick of so many changes and bytes is read in pages."""
    return count > LARGE_COUNT or size > LARGE_BYTES
