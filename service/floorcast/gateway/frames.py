"""What an audience is sent, as finished frames with the cursor of whoever has them (pure)."""

from collections.abc import Iterable, Sequence

from floorcast.cursor import Splice
from floorcast.gateway import wire
from floorcast.gateway.audience import Audience
from floorcast.gateway.outbox import CHUNK
from floorcast.gateway.upstream import Shown


def changes_frame(
    audience: Audience, tick: int, at: str, bodies: Iterable[bytes], splice: Splice | None = None
) -> bytes:
    """Return a tick for an audience: one frame, or several behind each other where one would be very large."""
    selection = audience.selection
    payloads = wire.changes_payloads(tick, at, bodies, audience.cursor(tick, splice))
    return b"".join(wire.push(selection.version, selection.topic, "changes", payload) for payload in payloads)


def progress_frame(audience: Audience, position: int, at: str) -> bytes:
    """Return the frame that tells an audience how far it is current."""
    selection = audience.selection
    payload = wire.progress_payload(position, at, audience.cursor(position))
    return wire.push(selection.version, selection.topic, "progress", payload)


def picture_frame(
    audience: Audience, shown: Shown, part: int, rows: bytes, *, end: bool = False, cursor: str | None = None
) -> bytes:
    """Return one part of a picture."""
    selection = audience.selection
    payload = wire.snapshot_payload(shown.tick, shown.at, part, rows, end=end, cursor=cursor)
    return wire.push(selection.version, selection.topic, "snapshot", payload)


def writes_of(pending: Sequence[tuple[int, bytes]]) -> tuple[tuple[int, bytes], ...]:
    """Return frames as they are written: at once, unless much of one write could not be taken back any more.

    Each with the tick up to which whoever gets it had everything before it.

    Empty ones stand for what others are given.
    """
    if sum(len(frame) for _, frame in pending) <= CHUNK:
        joined = b"".join(frame for _, frame in pending)
        return ((pending[0][0], joined),) if joined else ()
    return tuple(each for each in pending if each[1])
