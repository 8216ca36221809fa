"""Cursors: what a client hands back to go on from where it was (pure).

A cursor says which tick of which history its holder has applied, and what that was computed under, so that a stream
under other terms is not taken for the same one. It grants nothing: whatever it says, access is decided anew.

    f2.<32 letters: history, what was asked for, view, schema><24 letters: tick, anchor>[.<splice>]

A history's name is copied with its database, and numbers repeat after a restore; seals do not. So a cursor names an
anchor, the newest tick that its maker knew, by how far it lies ahead and by its seal: where that tick is, the cursor's
tick is the one that was applied.

The first 32 letters are the same for everybody who is sent the same bytes, and the next 24 for everybody who is live,
so that a frame's cursor is made once. Cursors without an anchor (`f1.`) were given out before; believing them would
leave the door open that anchors close, so they are of no history.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

from floorcast.snapshot import Snapshot
from floorcast.tick import Anchor

_PREFIX, _UNSEALED = "f2.", "f1."
_HISTORY, _PART = 9, 5
_TICK, _AHEAD, _SEAL = 8, 4, 6
_TERMS_LETTERS, _PLACE_LETTERS = 32, 24
_LARGEST_TICK = 2**63 - 1

LONGEST = 4_096
"""Characters. A snapshot with hundreds of running transactions is longer; then there is no cursor for a moment."""


def digest(text: bytes) -> bytes:
    """Return what stands for a text in a cursor."""
    return hashlib.blake2b(text, digest_size=_PART).digest()


def seal_digest(seal: str) -> bytes:
    """Return what stands for a seal in a cursor."""
    return hashlib.blake2b(seal.encode(), digest_size=_SEAL).digest()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a stream was computed under."""

    # Of the incarnation's name.
    history: bytes
    # Digests: tables, filters and columns of the join; what was to be seen of them; what the tables looked like.
    asked: bytes
    view: bytes
    schema: bytes

    @classmethod
    def of(cls, incarnation: str, asked: bytes, view: bytes, schema: bytes) -> Self:
        """Describe a stream; the last three are digests."""
        return cls(hashlib.blake2b(incarnation.encode(), digest_size=_HISTORY).digest(), asked, view, schema)

    def encode(self) -> str:
        """Return the beginning of every cursor under these terms."""
        return _PREFIX + _letters(self.history + self.asked + self.view + self.schema)


@dataclass(frozen=True, slots=True)
class Splice:
    """A picture that holds some of what the next ticks bring: what its snapshot sees is not told again up to a tick."""

    snapshot: Snapshot
    # The second tick behind the picture was cut after the snapshot was taken, so it sees whatever that one saw.
    until: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """A cursor that was read."""

    terms: Terms
    tick: int
    # The tick by which its history is told, not before `tick`, and the digest of its seal.
    anchor: int = 0
    seal: bytes = b""
    splice: Splice | None = None


def encode_place(tick: int, anchor: Anchor) -> str | None:
    """Return where a cursor stands, for `encode_cursor`; None where its anchor is too far away."""
    ahead = anchor.tick - tick
    if not 0 <= ahead < 256**_AHEAD:
        return None
    return _letters(tick.to_bytes(_TICK) + ahead.to_bytes(_AHEAD) + seal_digest(anchor.seal))


def encode_cursor(terms: str, place: str | None, tick: int, splice: Splice | None = None) -> str | None:
    """Return a cursor, given what `Terms.encode` and `encode_place` returned; None for one that would be too long."""
    if place is None:
        return None
    text = terms + place
    if splice is not None and tick < splice.until:
        seen = splice.snapshot
        running = ",".join(map(str, sorted(seen.running)))
        text += "." + _letters(f"{splice.until};{seen.xmin}:{seen.xmax}:{running}".encode())
    return text if len(text) <= LONGEST else None


def parse_cursor(text: str) -> Cursor:
    """Read a cursor; raises ValueError for what is none of ours."""
    if text.startswith(_UNSEALED):
        return Cursor(Terms(b"", b"", b"", b""), 0)
    if len(text) > LONGEST or not text.startswith(_PREFIX):
        raise ValueError("not a cursor of this protocol")
    head, _, spliced = text.removeprefix(_PREFIX).partition(".")
    if len(head) != _TERMS_LETTERS + _PLACE_LETTERS:
        raise ValueError("not a cursor: its length is wrong")
    try:
        terms, place = _bytes(head[:_TERMS_LETTERS]), _bytes(head[_TERMS_LETTERS:])
        splice = _parse_splice(_bytes(spliced).decode()) if spliced else None
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("not a cursor: it was damaged on the way") from error
    tick, ahead = int.from_bytes(place[:_TICK]), int.from_bytes(place[_TICK:-_SEAL])
    if tick + ahead > _LARGEST_TICK:
        raise ValueError("not a cursor: no tick is so large")
    parts = (terms[start : start + _PART] for start in range(_HISTORY, len(terms), _PART))
    return Cursor(Terms(terms[:_HISTORY], *parts), tick, tick + ahead, place[-_SEAL:], splice)


def _parse_splice(text: str) -> Splice:
    until, _, snapshot = text.partition(";")
    if not until.isdecimal():
        raise ValueError("not a cursor: its splice cannot be read")
    return Splice(Snapshot.parse(snapshot), int(until))


def _letters(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
