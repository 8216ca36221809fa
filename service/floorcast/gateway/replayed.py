"""What was, as frames for one member (pure)."""

from collections.abc import Iterable, Sequence

from floorcast.cursor import Splice
from floorcast.gateway import wire
from floorcast.gateway.audience import History, Member
from floorcast.gateway.fold import Fold
from floorcast.gateway.frames import changes_frame
from floorcast.gateway.portion import Portions
from floorcast.operation import Operation
from floorcast.past import Past, PastTick


def unseen(tick: PastTick, splice: Splice | None) -> Sequence[Operation]:
    """Return what of a tick the picture does not contain already."""
    if splice is None or tick.tick > splice.until:
        return tick.operations
    return [operation for operation in tick.operations if not splice.snapshot.sees(operation.xid)]


def bodies_of(member: Member, tick: int, operations: Sequence[Operation]) -> tuple[bytes, ...]:
    """Return what a member is shown of some operations of a tick, each as finished JSON."""
    return Portions(tick).cut(member.audience.selection.lens, operations).bodies_for(member.subscriber.user)


def tick_frame(member: Member, tick: PastTick, splice: Splice | None) -> bytes:
    """Return a tick as frames, empty where the member is shown nothing of it."""
    bodies = bodies_of(member, tick.tick, unseen(tick, splice))
    return changes_frame(member.audience, tick.tick, tick.at, bodies, splice) if bodies else b""


def folded_frames(
    member: Member, bodies: Sequence[bytes], upto: int, at: str, splice: Splice | None
) -> Iterable[bytes]:
    """Yield what a member is shown of the outcome of everything that was folded, up to a tick."""
    if bodies:
        selection, cursor = member.audience.selection, member.audience.cursor(upto, splice)
        for payload in wire.changes_payloads(upto, at, bodies, cursor, folded=True):
            yield wire.push(selection.version, selection.topic, "changes", payload)


def frames_of(member: Member, after: int, told: Past, history: History) -> list[tuple[int, bytes]]:
    """Return everything that was told after a tick, each with the tick up to which he has all that was before."""
    if history == "every":
        return [(each.tick - 1, frame) for each in told.ticks if (frame := tick_frame(member, each, None))]
    fold = Fold()
    for each in told.ticks:
        for operation in each.operations:
            fold.add(each.tick, operation)
    bodies = [body for tick, operation in fold.take() for body in bodies_of(member, tick, [operation])]
    at = told.ticks[-1].at if told.ticks else ""
    return [(after, frame) for frame in folded_frames(member, bodies, told.upto, at, None)]
