"""What was, as frames for one member (pure): cut once for all who see the same, encoded once for their audience.

A crowd that missed the same is sent the same. So what one is shown of a tick, of a piece of a large one, or of what was
folded, is kept for those behind him, within so many bytes; and forgotten when nobody is being told of the past.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from floorcast.cursor import Splice
from floorcast.gateway import wire
from floorcast.gateway.audience import History, Member
from floorcast.gateway.fold import Fold
from floorcast.gateway.frames import changes_frame
from floorcast.gateway.kept import Kept
from floorcast.gateway.lens import Lens
from floorcast.gateway.portion import Portion, Portions
from floorcast.operation import Operation
from floorcast.past import Past, PastTick

MOST_BYTES = 8_388_608
"""Of what was cut, and of what was encoded."""

ROWS_AT_ONCE = 256
"""After so many rows others have their turn."""

_OVERHEAD = 200
"""Bytes that something kept weighs beside its frames, about."""

Row = tuple[int, Operation]
"""A tick and what it brought, as `Fold.take` returns them."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What an audience is shown of something."""

    portion: Portion
    # For everybody who owns nothing of it.
    frames: tuple[bytes, ...]


class Replays:
    """Makes the frames of the past."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Keep so many bytes of what was cut, and as many of frames."""
        self._portions: Kept[Portion] = Kept(most_bytes, _weight)
        # With the portion, which lives as long as they do: what is owners' own is in no frame for all.
        self._shown: Kept[_Shown] = Kept(most_bytes, lambda each: _weight(each.portion) + sum(map(len, each.frames)))
        # Operations that were cut so far.
        self.made = 0

    def clear(self) -> None:
        """Keep nothing."""
        self._portions.clear()
        self._shown.clear()

    def tick_frame(self, member: Member, tick: PastTick, splice: Splice | None) -> bytes:
        """Return a tick as frames, empty where the member is shown nothing of it."""
        audience = member.audience

        def frames(bodies: Sequence[bytes]) -> tuple[bytes, ...]:
            return (changes_frame(audience, tick.tick, tick.at, bodies, splice),) if bodies else ()

        def cut(lens: Lens) -> Portion:
            return self._cut(lens, tick.tick, unseen(tick, splice))

        return b"".join(self._frames(member, (tick.tick, splice), cut, frames))

    def large_frames(
        self, member: Member, piece: PastTick, start: int, part: int, splice: Splice | None
    ) -> Sequence[bytes]:
        """Return a piece of a large tick as frames, none where the member is shown nothing of it.

        Args:
            member: who is sent them.
            piece: the tick, with some of its operations.
            start: names the piece: the place of its first operation in the tick.
            part: how many parts the member was sent before.
            splice: his picture, if he has one that may hold some of it.
        """
        selection = member.audience.selection

        def frames(bodies: Sequence[bytes]) -> tuple[bytes, ...]:
            payloads = (
                wire.changes_payload(piece.tick, piece.at, each, part=part + number, end=False)
                for number, each in enumerate(filter(None, wire.parts(bodies)), 1)
            )
            return tuple(wire.push(selection.version, selection.topic, "changes", payload) for payload in payloads)

        def cut(lens: Lens) -> Portion:
            return self._cut(lens, piece.tick, unseen(piece, splice))

        return self._frames(member, (piece.tick, start, splice), cut, frames, part)

    def frames_of(self, member: Member, after: int, told: Past, history: History) -> list[tuple[int, bytes]]:
        """Return everything that was told after a tick, each with the tick up to which he has all that was before."""
        if history == "every":
            return [(each.tick - 1, frame) for each in told.ticks if (frame := self.tick_frame(member, each, None))]
        fold = Fold()
        for each in told.ticks:
            for operation in each.operations:
                fold.add(each.tick, operation)
        at = told.ticks[-1].at if told.ticks else ""
        bodies = self.folded_bodies(member, fold.take())
        return [(after, frame) for frame in folded_frames(member, bodies, told.upto, at, None)]

    def folded_bodies(self, member: Member, rows: Sequence[Row]) -> list[bytes]:
        """Return what a member is shown of rows that were folded."""
        bodies: list[bytes] = []
        for tick, operation in rows:
            portion = self._cut(member.audience.selection.lens, tick, [operation])
            bodies += portion.bodies_for(member.subscriber.user)
        return bodies

    def _frames(
        self,
        member: Member,
        name: tuple[object, ...],
        cut: Callable[[Lens], Portion],
        encode: Callable[[Sequence[bytes]], tuple[bytes, ...]],
        part: int = 0,
    ) -> tuple[bytes, ...]:
        audience, user = member.audience, member.subscriber.user
        shown = self._shown.find((audience, name, part))
        if shown is None:
            selection = audience.selection
            whole = (selection.warehouse, selection.lens, name)
            portion = self._portions.find(whole)
            if portion is None:
                portion = self._portions.keep(whole, cut(selection.lens))
            shown = self._shown.keep((audience, name, part), _Shown(portion, encode(portion.bodies())))
        # What is somebody's own is his alone: others with his lens are not sent it, so it is joined for him.
        return encode(shown.portion.bodies_for(user)) if user in shown.portion.own else shown.frames

    def _cut(self, lens: Lens, tick: int, operations: Sequence[Operation]) -> Portion:
        self.made += len(operations)
        return Portions(tick).cut(lens, operations)


def unseen(tick: PastTick, splice: Splice | None) -> Sequence[Operation]:
    """Return what of a tick the picture does not contain already."""
    if splice is None or tick.tick > splice.until:
        return tick.operations
    return [operation for operation in tick.operations if not splice.snapshot.sees(operation.xid)]


def folded_frames(
    member: Member, bodies: Sequence[bytes], upto: int, at: str, splice: Splice | None
) -> Sequence[bytes]:
    """Return what a member is shown of the outcome of everything that was folded, up to a tick."""
    if not bodies:
        return ()
    selection, cursor = member.audience.selection, member.audience.cursor(upto, splice)
    payloads = wire.changes_payloads(upto, at, bodies, cursor, folded=True)
    return tuple(wire.push(selection.version, selection.topic, "changes", payload) for payload in payloads)


def _weight(portion: Portion) -> int:
    own = sum(_OVERHEAD + len(body) for bodies in portion.own.values() for body in bodies.values())
    return _OVERHEAD + own + sum(len(body) for body in portion.common if body is not None)
