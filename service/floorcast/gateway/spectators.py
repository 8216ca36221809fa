"""Those who are shown who is present: each is given the state once, then every difference (pure).

Nothing is sent when something changes, only at the next `hand_out`, to all at once: a storm of comings and goings costs
a frame for each turn and spectator, and one encoding for all who see the same. Whoever comes is given the state at the
next turn, with everything that the turn brought. Whoever does not read is given no differences, but the state again
once he reads: at most one frame of presence waits for him.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from floorcast.gateway import wire
from floorcast.gateway.guestbook import Difference, Guestbook, shown, shown_difference
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.wire import Version


@dataclass(frozen=True, slots=True)
class Outlook:
    """What makes the bytes that a spectator is sent."""

    topic: str
    version: Version
    rooms: tuple[str, ...]


class Spectator(Protocol):
    """A joining, as far as it matters here."""

    @property
    def outbox(self) -> Outbox:
        """Where its frames go."""
        ...

    @property
    def join_ref(self) -> bytes:
        """What names it, as JSON, in the state that it is given; null where clients need no name."""
        ...

    @property
    def listens(self) -> bool:
        """Whether it can be shown something now; else it is given the state once it can."""
        ...


@dataclass(slots=True)
class Spectators:
    """Who looks into which rooms."""

    guestbook: Guestbook
    # Those who were given the state.
    _following: dict[Outlook, dict[Spectator, None]] = field(default_factory=dict)
    # Those who are to be given it.
    _waiting: dict[Spectator, Outlook] = field(default_factory=dict)
    _outlooks: dict[str, set[Outlook]] = field(default_factory=dict)

    @property
    def waiting(self) -> bool:
        """Whether somebody is to be given the state."""
        return bool(self._waiting)

    def add(self, spectator: Spectator, outlook: Outlook) -> None:
        """Show somebody who is present, from the next turn on."""
        self._waiting[spectator] = outlook

    def remove(self, spectator: Spectator, outlook: Outlook) -> None:
        """Show him nothing any more."""
        self._waiting.pop(spectator, None)
        following = self._following.get(outlook)
        if following is not None:
            following.pop(spectator, None)
            if not following:
                del self._following[outlook]
                for room in outlook.rooms:
                    self._outlooks[room].discard(outlook)
                    if not self._outlooks[room]:
                        del self._outlooks[room]

    def all_again(self) -> None:
        """Give everybody the state once more."""
        for outlook, following in tuple(self._following.items()):
            for spectator in tuple(following):
                self.remove(spectator, outlook)
                self.add(spectator, outlook)

    def hand_out(self) -> None:
        """Tell everybody what changed since the last time."""
        gathered: list[Outbox] = []
        self._tell_differences(self.guestbook.turn(), gathered)
        self._tell_states(gathered)
        for outbox in gathered:
            outbox.release()

    def _tell_differences(self, turn: Mapping[str, Difference], gathered: list[Outbox]) -> None:
        concerned = {outlook: None for room in turn for outlook in self._outlooks.get(room, ())}
        payloads: dict[tuple[str, ...], bytes] = {}
        for outlook in concerned:
            payload = payloads.get(outlook.rooms)
            if payload is None:
                payload = shown_difference(turn[room] for room in outlook.rooms if room in turn)
                payloads[outlook.rooms] = payload
            frame = wire.push(outlook.version, outlook.topic, "presence_diff", payload)
            for spectator in tuple(self._following[outlook]):
                if not spectator.listens:
                    self.remove(spectator, outlook)
                    self.add(spectator, outlook)
                elif spectator.outbox.put(frame, outlook.topic, None):
                    gathered.append(spectator.outbox)

    def _tell_states(self, gathered: list[Outbox]) -> None:
        payloads: dict[tuple[str, ...], bytes] = {}
        frames: dict[tuple[Outlook, bytes], bytes] = {}
        for spectator, outlook in tuple(self._waiting.items()):
            if spectator.listens:
                join_ref = spectator.join_ref
                frame = frames.get((outlook, join_ref))
                if frame is None:
                    payload = payloads.get(outlook.rooms)
                    if payload is None:
                        payload = shown(entry for room in outlook.rooms for entry in self.guestbook.entries(room))
                        payloads[outlook.rooms] = payload
                    refs = (join_ref, wire.NULL)
                    frame = wire.encode(outlook.version, refs, outlook.topic, "presence_state", payload)
                    frames[outlook, join_ref] = frame
                del self._waiting[spectator]
                self._following.setdefault(outlook, {})[spectator] = None
                for room in outlook.rooms:
                    self._outlooks.setdefault(room, set()).add(outlook)
                if spectator.outbox.put(frame, outlook.topic, None):
                    gathered.append(spectator.outbox)
