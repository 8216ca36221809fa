"""Which history a gateway follows, by the seals of its newest ticks (pure)."""

from floorcast.cursor import Splice, encode_cursor, encode_place, seal_digest
from floorcast.tick import Anchor


class Seals:
    """The seals of the ticks that a gateway remembers; the newest is the anchor of every cursor that it gives out."""

    def __init__(self) -> None:
        """Begin before anything."""
        self.begin(0, "")

    def begin(self, tick: int, seal: str) -> None:
        """Forget everything; begin with a tick."""
        self.anchor = Anchor(tick, seal, origin=f"{tick} {seal}")
        # Tick → digest; ascending, without gaps.
        self._known: dict[int, bytes] = {}
        self._oldest = tick
        self._keep()

    def note(self, tick: int, seal: str) -> None:
        """Take the next tick, before anything of it is told."""
        self.anchor = Anchor(tick, seal, self.anchor.origin)
        self._keep()

    def forget_before(self, tick: int) -> None:
        """Forget the seals of older ticks."""
        while self._oldest < tick and len(self._known) > 1:
            self._known.pop(self._oldest, None)
            self._oldest += 1

    def agrees(self, tick: int, digest: bytes) -> bool | None:
        """Whether a tick has a seal with that digest here; None when that is not known."""
        known = self._known.get(tick)
        return None if known is None else known == digest

    def cursor(self, stem: str, tick: int, splice: Splice | None = None) -> str | None:
        """Return the cursor of whoever has applied everything up to a tick; None where there is none for a moment."""
        place = self._place if tick == self.anchor.tick else encode_place(tick, self.anchor)
        return encode_cursor(stem, place, tick, splice)

    def _keep(self) -> None:
        self._known[self.anchor.tick] = seal_digest(self.anchor.seal)
        self._place = encode_place(self.anchor.tick, self.anchor)
