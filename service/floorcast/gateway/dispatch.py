"""Frames on their way to audiences (pure): gathered while a loop turn lasts, then handed out.

The same bytes go to every member of an audience, many ticks of one turn in one write; whoever owns something in a tick
is given a frame of his own in its place.
"""

from floorcast.gateway.audience import Audience
from floorcast.gateway.frames import changes_frame, writes_of
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.portion import Portion


class Dispatch:
    """What waits to be handed out."""

    def __init__(self) -> None:
        """Nothing waits."""
        # Audiences with pending frames, in the order of their first.
        self._due: list[Audience] = []
        # Each frame counted once, however many are sent it.
        self.pending_bytes = 0

    def append(self, audience: Audience, after: int, frame: bytes) -> None:
        """Let a frame wait; whoever gets it has everything up to a tick before it."""
        if not audience.pending:
            self._due.append(audience)
        audience.pending.append((after, frame))
        self.pending_bytes += len(frame)

    def append_portion(self, audience: Audience, portion: Portion, tick: int, at: str) -> int:
        """Let a tick's frame for all wait, empty for none, with others in its place for those who own something in it.

        Returns for how many members.
        """
        if not audience.members:
            return 0
        bodies = portion.bodies()
        frame = changes_frame(audience, tick, at, bodies) if bodies else b""
        if not portion.own:
            if frame:
                self.append(audience, tick - 1, frame)
                return len(audience.members)
            return 0
        present = {member.subscriber.user for member in audience.members.values()}
        frames = {
            user: changes_frame(audience, tick, at, portion.bodies_for(user)) for user in portion.own.keys() & present
        }
        if not frames and not frame:
            return 0
        place, owners = len(audience.pending), 0
        self.append(audience, tick - 1, frame)
        for outbox, member in audience.members.items():
            its = frames.get(member.subscriber.user)
            if its is not None:
                owners += 1
                audience.own.setdefault(outbox, {})[place] = its
        self.pending_bytes += sum(map(len, frames.values()))
        return len(audience.members) if frame else owners

    def hand_out(self) -> None:
        """Give every pending frame to its members: no waiting for anybody."""
        gathered: list[Outbox] = []
        for audience in self._due:
            pending, own, topic = audience.pending, audience.own, audience.selection.topic
            others = [outbox for outbox in audience.members if outbox not in own] if own else audience.members
            for after, frame in writes_of(pending):
                for outbox in others:
                    if outbox.put(frame, topic, after):
                        gathered.append(outbox)  # noqa: PERF401 — putting is the point, this is the exception
            for outbox, instead in own.items():
                if outbox in audience.members:
                    mixed = [(after, instead.get(place, frame)) for place, (after, frame) in enumerate(pending)]
                    for after, frame in writes_of(mixed):
                        if outbox.put(frame, topic, after):
                            gathered.append(outbox)
            pending.clear()
            own.clear()
        for outbox in gathered:
            outbox.release()
        self._due = []
        self.pending_bytes = 0

    def discard(self) -> None:
        """Forget what waits: those topics end."""
        self._due, self.pending_bytes = [], 0
