"""One channel: a joining of a `realtime:` topic by one socket (pure), and those who are sent the same bytes."""

from dataclasses import dataclass, field
from typing import Protocol

import orjson

from floorcast.access.claims import Claims
from floorcast.broadcast import Room
from floorcast.gateway.channels.binding import Binding, Bound
from floorcast.gateway.channels.breath import Breath
from floorcast.gateway.channels.config import Config
from floorcast.gateway.channels.sight import Sight
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.wire import Version

PREFIX = "realtime:"


class Owner(Protocol):
    """The socket's side of its channels."""

    def forget(self, channel: "Channel") -> None:
        """Hear that a channel was ended."""
        ...


class Errand(Protocol):
    """Somebody who brings a channel to the present; an `asyncio.Task` is one."""

    def cancel(self) -> object:
        """Stop: the channel has ended."""
        ...


@dataclass(frozen=True, slots=True)
class Person:
    """Whose a channel is: what its token says, kept small."""

    # `sub`; "" for nobody in particular.
    user: str
    role: str
    # Every claim as JSON, as Postgres is told them.
    claims: str
    # Unix seconds.
    expires_at: float

    @classmethod
    def of(cls, claims: Claims) -> "Person":
        """Return whom a verified token names."""
        return cls(claims.user, claims.role, orjson.dumps(claims.raw).decode(), claims.expires_at)


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do in a room."""

    hears: bool = True
    speaks: bool = True
    sees_present: bool = True
    is_present: bool = True

    @property
    def may_read(self) -> bool:
        """Whether there is anything for him here."""
        return self.hears or self.sees_present


PUBLIC = Rights()
"""In a public room everybody may do everything."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What makes the bytes of changes: topic, version, what is asked for, and what is seen of that."""

    topic: str
    version: Version
    bindings: tuple[Binding, ...]
    leaves: bool
    sight: Sight
    # Only where somebody sees more of rows that are his own, else "".
    user: str


@dataclass(slots=True, eq=False)
class Channel:
    """One joining."""

    owner: Owner
    outbox: Outbox
    # As it was written.
    topic: str
    version: Version
    # As JSON; names this joining in what ends it.
    join_ref: bytes
    config: Config
    # By the newest of its tokens.
    person: Person
    # How its bindings are understood now.
    bound: Bound
    # Everything that its person sees.
    sight: Sight
    rights: Rights = PUBLIC
    breath: Breath = field(default_factory=Breath)
    audience: "ChannelAudience | None" = None
    # Live: from after this tick on. Else: everything up to it was sent.
    since: int = 0
    live: bool = True
    over: bool = False
    # While it is not live.
    errand: Errand | None = None
    # For so many seconds it is remembered how far its client got; 0 when nobody asked for that.
    remember: int = 0
    # Names this joining among all that are remembered.
    joining: str = ""
    # While it is not live: up to this tick, what is seen now was not all seen yet; and what was.
    narrowed: tuple[int, Sight] | None = None

    def sight_at(self, tick: int) -> Sight:
        """Return what of a tick of the past may be told."""
        return self.sight if self.narrowed is None or tick > self.narrowed[0] else self.narrowed[1]

    @property
    def room(self) -> Room:
        """Where its broadcasts are heard."""
        return Room(self.name, self.config.private)

    @property
    def name(self) -> str:
        """The topic without `realtime:`."""
        return self.topic.removeprefix(PREFIX)

    def outlook(self, sight: Sight) -> Outlook | None:
        """Return what it is told of changes with such a sight; None when it asks for none."""
        bindings = self.bound.bindings
        if not bindings:
            return None
        named = {binding.table for binding in bindings}
        part = sight if any(binding.schema_wide for binding in bindings) else sight.within(named)
        user = self.person.user if part.is_personal else ""
        return Outlook(self.topic, self.version, bindings, self.config.leaves, part, user)


@dataclass(slots=True, eq=False)
class ChannelAudience:
    """Everybody with one outlook."""

    outlook: Outlook
    # Those who are live.
    members: dict[Outbox, Channel] = field(default_factory=dict)
    # How many are being brought to the present with it.
    behind: int = 0
    # Frames that are encoded and not yet handed out, each with the tick up to which whoever gets it had everything.
    pending: list[tuple[int, bytes]] = field(default_factory=list)
