"""Output in pieces → whole lines, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_LINE = 65_536
"""Bytes; a longer one is passed on in parts."""


@dataclass(slots=True)
class Lines:
    """Collects what one process writes."""

    _rest: bytes = b""

    def feed(self, piece: bytes) -> Iterator[str]:
        """Yield the lines that ``piece`` completes, without their ends; what is no UTF-8 is shown as such."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            yield _text(line)
        if len(self._rest) > LONGEST_LINE:
            yield from self.end()

    def end(self) -> Iterator[str]:
        """Yield what was written after the last end of a line, if anything."""
        if self._rest:
            yield _text(self._rest)
            self._rest = b""


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode(errors="backslashreplace")
