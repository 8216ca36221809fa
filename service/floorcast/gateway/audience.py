"""Audiences: the subscribers for whom a change has the same bytes (pure)."""

from dataclasses import dataclass, field
from typing import Protocol

from floorcast.gateway.lens import Lens
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.wire import Version


class Subscriber(Protocol):
    """The part of a session that an audience needs: whose it is, and how to reach it."""

    @property
    def user(self) -> str:
        """`sub` of the token."""
        ...

    @property
    def role(self) -> str:
        """`role` of the token."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Where its frames go."""
        ...

    def forget(self, member: "Member") -> None:
        """Hear that the hub ended a joining."""
        ...


@dataclass(slots=True, eq=False)
class Member:
    """One joining of one topic by one socket."""

    subscriber: Subscriber
    audience: "Audience"
    # The join's ref as JSON; names this joining in the frame that ends it.
    join_ref: bytes
    # Live from after this tick on.
    since: int


@dataclass(frozen=True, slots=True)
class Selection:
    """What makes the bytes of an audience: the topic as it was written, what is shown of which tables, the version.

    Not the role: those who see the same are one audience.
    """

    topic: str
    warehouse: str
    version: Version
    lens: Lens


@dataclass(slots=True, eq=False)
class Audience:
    """Everybody with one selection."""

    selection: Selection
    members: dict[Outbox, Member] = field(default_factory=dict)
    # Frames that are encoded and not yet handed out; empty between loop turns.
    pending: list[bytes] = field(default_factory=list)
    # Those who are given something of their own: by place in `pending`, the frame that they get there.
    own: dict[Outbox, dict[int, bytes]] = field(default_factory=dict)
    # How many parts of the large tick under way were sent; 0 outside of one.
    parts: int = 0
    # When it is to hear of progress again, on the loop's clock.
    progress_due: float = 0.0
