"""Audiences: the subscribers for whom a change has the same bytes (pure)."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from floorcast.cursor import Splice, Terms
from floorcast.gateway.lens import Lens
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.seals import Seals
from floorcast.gateway.wire import Version

History = Literal["every", "newest"]
"""How the past is told: each change, or the newest state of each row."""

WhenSlow = Literal["resume", "newest", "close"]
"""What becomes of a reader who cannot keep up: told every change later, the newest state later, or closed."""


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
    def claims(self) -> str:
        """Every claim of the token, as JSON."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Where its frames go."""
        ...

    def forget(self, member: "Member") -> None:
        """Hear that the hub ended a joining."""
        ...


class Errand(Protocol):
    """Somebody who brings a joining to the present; an `asyncio.Task` is one."""

    def cancel(self) -> object:
        """Stop: the joining has ended."""
        ...


class Asking(Protocol):
    """A join that was not answered yet; `joining.Joining` is one."""

    def refused(self, code: str, detail: str = "") -> bytes:
        """Return the answer that says no."""
        ...

    def refetch(self, reason: str) -> bytes:
        """Return the answer that says to begin with a picture."""
        ...


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody wants to be told what he missed."""

    history: History = "every"
    when_slow: WhenSlow = "resume"


@dataclass(slots=True, eq=False)
class Member:
    """One joining of one topic by one socket."""

    subscriber: Subscriber
    audience: "Audience"
    # The join's ref as JSON; names this joining in the frame that ends it.
    join_ref: bytes
    # Live: from after this tick on. Else: everything up to it was sent.
    since: int
    manner: Manner
    # It is given every tick as it comes; else somebody is bringing it to the present.
    live: bool = True
    over: bool = False
    # Until the join is answered.
    asking: Asking | None = None
    # While it is not live.
    errand: Errand | None = None
    # What its picture has seen of the ticks that follow; None once that is behind it.
    splice: Splice | None = None


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
    # What its stream is computed under.
    terms: Terms
    # The beginning of its cursors.
    stem: str
    # Where they are anchored; the same for all audiences of a gateway.
    seals: Seals
    # Those who are live.
    members: dict[Outbox, Member] = field(default_factory=dict)
    # Those who are being brought to the present.
    behind: dict[Outbox, Member] = field(default_factory=dict)
    # Frames that are encoded and not yet handed out, each with the tick up to which whoever gets it had everything;
    # empty between loop turns.
    pending: list[tuple[int, bytes]] = field(default_factory=list)
    # Those who are given something of their own: by place in `pending`, the frame that they get there.
    own: dict[Outbox, dict[int, bytes]] = field(default_factory=dict)
    # When it is to hear of progress again, on the loop's clock.
    progress_due: float = 0.0

    def cursor(self, tick: int, splice: Splice | None = None) -> str | None:
        """Return the cursor of whoever has applied everything up to a tick; None where there is none for a moment."""
        return self.seals.cursor(self.stem, tick, splice)
