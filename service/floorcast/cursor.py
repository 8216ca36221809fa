"""Cursors: what a client hands back to go on from where it was (pure).

A cursor says which tick of which history its holder has applied, and what that was computed under, so that a stream
under other terms is not taken for the same one. It grants nothing: whatever it says, access is decided anew.

    f1.<32 letters: history, what was asked for, view, schema><11 letters: tick>[.<splice>]

The first 32 letters are the same for everybody who is sent the same bytes, so that a frame's cursor is made once.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

from floorcast.snapshot import Snapshot

_PREFIX = "f1."
_HISTORY, _PART = 9, 5
_TERMS_LETTERS, _TICK_LETTERS = 32, 11
_LARGEST_TICK = 2**63 - 1

LONGEST = 4_096
"""Characters. A snapshot with hundreds of running transactions is longer; then there is no cursor for a moment."""


def digest(text: bytes) -> bytes:
    """Return what stands for a text in a cursor."""
    return hashlib.blake2b(text, digest_size=_PART).digest()


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
    splice: Splice | None = None


def encode_cursor(terms: str, tick: int, splice: Splice | None = None) -> str | None:
    """Return a cursor, given what `Terms.encode` returned; None for one that would be too long."""
    text = terms + _letters(tick.to_bytes(8))
    if splice is not None and tick < splice.until:
        seen = splice.snapshot
        running = ",".join(map(str, sorted(seen.running)))
        text += "." + _letters(f"{splice.until};{seen.xmin}:{seen.xmax}:{running}".encode())
    return text if len(text) <= LONGEST else None


def parse_cursor(text: str) -> Cursor:
    """Read a cursor; raises ValueError for what is none of ours."""
    if len(text) > LONGEST or not text.startswith(_PREFIX):
        raise ValueError("not a cursor of this protocol")
    head, _, spliced = text.removeprefix(_PREFIX).partition(".")
    if len(head) != _TERMS_LETTERS + _TICK_LETTERS:
        raise ValueError("not a cursor: its length is wrong")
    try:
        terms, number = _bytes(head[:_TERMS_LETTERS]), _bytes(head[_TERMS_LETTERS:])
        splice = _parse_splice(_bytes(spliced).decode()) if spliced else None
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("not a cursor: it was damaged on the way") from error
    tick = int.from_bytes(number)
    if tick > _LARGEST_TICK:
        raise ValueError("not a cursor: no tick is so large")
    parts = (terms[start : start + _PART] for start in range(_HISTORY, len(terms), _PART))
    return Cursor(Terms(terms[:_HISTORY], *parts), tick, splice)


def _parse_splice(text: str) -> Splice:
    until, _, snapshot = text.partition(";")
    if not until.isdecimal():
        raise ValueError("not a cursor: its splice cannot be read")
    return Splice(Snapshot.parse(snapshot), int(until))


def _letters(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
