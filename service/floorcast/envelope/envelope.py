"""What a form of a change is, whatever it looks like (pure)."""

from dataclasses import dataclass
from typing import Protocol

from floorcast.operation import Act, Operation


@dataclass(frozen=True, slots=True)
class TickHead:
    """The tick that a change belongs to, as far as envelopes tell of it."""

    # The history that its number belongs to.
    incarnation: str
    tick: int
    # When it was closed, ISO 8601 in UTC.
    at: str


class Envelope(Protocol):
    """One form; holds nothing of any stream, so that one may serve all."""

    @property
    def name(self) -> str:
        """What requests and consumers call it."""
        ...

    @property
    def media_type(self) -> str:
        """Of one encoded change."""
        ...

    @property
    def wants_old(self) -> bool:
        """Whether an update is to be given the row before, as far as its reader sees it."""
        ...

    def encode(self, head: TickHead, operation: Operation, *, op: Act, new: bytes | None, old: bytes | None) -> bytes:
        """Return a change as one JSON object without a line break; rows in it are spliced, digit for digit.

        Args:
            head: the tick that it belongs to.
            operation: what happened.
            op: what it is for this reader; a row that leaves a filter leaves, though it is there.
            new: the row after, as he may see it; None for a leave.
            old: the row before, as he may see it; None where he is not told.
        """
        ...
