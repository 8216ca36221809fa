"""The form that sockets are given, for programs (pure)."""

from dataclasses import dataclass

from floorcast.envelope.envelope import TickHead
from floorcast.operation import Act, Operation, told


@dataclass(frozen=True, slots=True)
class Native:
    """An `Envelope`: what `changes` of a `warehouse:` topic lists."""

    name: str = "native"
    media_type: str = "application/json"
    wants_old: bool = False

    def encode(self, head: TickHead, operation: Operation, *, op: Act, new: bytes | None, old: bytes | None) -> bytes:
        """Return the change."""
        return told(head.tick, operation, op=op, new=new, old=old)
