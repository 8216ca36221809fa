"""Where the body of a request ends (pure).

The front door decides it alone, for every request, and nobody behind it counts again: two who count differently would
take one person's bytes for another one's request. So whatever could be read in two ways is refused: two lengths, a
length beside chunks, a transfer coding that is not exactly `chunked`, lines that end or go on in another way than by
CR LF.
"""

import re
from collections.abc import Iterator
from typing import Literal

LONGEST_LINE = 256
"""Bytes of a line between chunks; nobody needs more for a number."""

SPARE_FRAMING = 16_384
"""Bytes that lines between chunks may take in all, and a quarter of the body more: a body of crumbs costs a processor
more than it brings."""

_LENGTH = re.compile(rb"[0-9]{1,19}")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n")
_TRAILER = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*\r\n")


class BodyRefused(Exception):  # noqa: N818 — not an error of ours but the answer that the caller gets
    """A body is not taken; `code` is a key of `errors.CODES`."""

    def __init__(self, code: str, detail: str) -> None:
        """Keep what the answer is made of."""
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Body:
    """A body that arrives in pieces; however it is cut, the same comes of it."""

    __slots__ = ("_expected", "_framing", "_left", "_line", "_most", "arrived", "complete", "size")

    def __init__(self, length: int | None, most: int) -> None:
        """Expect `length` bytes, or chunks of `most` bytes together where it is None."""
        self._most = most
        # Bytes of the body, or of the chunk, that are still to come. Where there are none, a line is expected.
        self._left = length or 0
        # Which one; None: there are no chunks.
        self._expected: Literal["size", "end", "trailer"] | None = "size" if length is None else None
        self._line = bytearray()
        self._framing = 0
        # Bytes of whatever kind, and those of the body itself.
        self.arrived = 0
        self.size = 0
        self.complete = length == 0

    def take(self, data: bytes | bytearray) -> tuple[bytes, bytes]:
        """Return what of the bytes is the body's own, and what lies behind it.

        Raises:
            BodyRefused: `body_too_large`, or `bad_request` where chunks are not well-formed.
        """
        data, at = bytes(data), 0
        pieces = []
        while at < len(data) and not self.complete:
            if not self._left:
                at = self._take_line(data, at)
                continue
            piece = data[at : at + self._left]
            pieces.append(piece)
            at += len(piece)
            self.size += len(piece)
            self._left -= len(piece)
            self.complete = self._expected is None and not self._left
        self.arrived += at
        return b"".join(pieces), data[at:]

    def _take_line(self, data: bytes, at: int) -> int:
        """Read on in a line between chunks; returns where it ends in these bytes."""
        most = at + LONGEST_LINE - len(self._line)
        end = data.find(b"\n", at, most) + 1
        self._line += data[at : end or most]
        if end:
            line = bytes(self._line)
            self._line.clear()
            self._framing += len(line)
            if self._framing > SPARE_FRAMING + self.size // 4:
                raise _malformed()
            self._read_line(line)
            return end
        if len(self._line) == LONGEST_LINE:
            raise _malformed()
        return len(data)

    def _read_line(self, line: bytes) -> None:
        if self._expected == "size":
            chunk = _CHUNK.fullmatch(line)
            if not chunk:
                raise _malformed()
            self._left = int(chunk[1], 16)
            if self.size + self._left > self._most:
                raise _too_large(self._most)
            self._expected = "end" if self._left else "trailer"
        elif self._expected == "end":
            if line != b"\r\n":
                raise _malformed()
            self._expected = "size"
        elif _TRAILER.fullmatch(line):
            # What a trailer says, nobody asked for.
            self.complete = line == b"\r\n"
        else:
            raise _malformed()


def expected_body(head: bytes, most: int) -> Body | None:
    """Return what follows a request's complete head, None where nothing does.

    Raises:
        BodyRefused: `body_too_large` for more than `most` bytes, `bad_request` where the head leaves a doubt.
    """
    if head.count(b"\r\n") != head.count(b"\n") or head.count(b"\r\n") != head.count(b"\r"):
        raise BodyRefused("bad_request", "Lines of a head end with CR LF, and neither stands elsewhere.")
    if b"\r\n " in head or b"\r\n\t" in head:
        raise BodyRefused("bad_request", "A header stands on one line.")
    lengths = [value for name, value in headers(head) if name == b"content-length"]
    codings = [value for name, value in headers(head) if name == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        raise BodyRefused("bad_request", "The length of a body is said once, by Content-Length or Transfer-Encoding.")
    if codings:
        if codings != [b"chunked"] or head.partition(b"\r\n")[0].endswith(b"HTTP/1.0"):
            raise BodyRefused("bad_request", "The only transfer coding here is chunked, in HTTP/1.1.")
        return Body(None, most)
    if not lengths:
        return None
    if not _LENGTH.fullmatch(lengths[0]):
        raise BodyRefused("bad_request", "Content-Length is no number.")
    length = int(lengths[0])
    if length > most:
        raise _too_large(most)
    return Body(length, most) if length else None


def headers(head: bytes | bytearray) -> Iterator[tuple[bytes, bytes]]:
    """Yield names and values, in lower case; whether the lines are well-formed is not judged."""
    for line in bytes(head).lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        yield name.strip(), value.strip()


def _malformed() -> BodyRefused:
    return BodyRefused("bad_request", "The body's chunks are not well-formed.")


def _too_large(most: int) -> BodyRefused:
    return BodyRefused("body_too_large", f"A body has {most} bytes at most (FLOORCAST_BODY_BYTES).")
