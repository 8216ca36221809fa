"""What waits for one socket: bounded in bytes, in order, and able to take back what nobody may see any more (pure).

While the kernel takes everything, a frame goes straight to the transport. The transport is told to pause us at its
first byte that the kernel did not take (write buffer limit 0), and from then on frames wait here and not there: only
here can they still be counted, dropped when access is withdrawn, or written together.

Who reads more slowly than changes arrive loses what waits for him, and it is noted where each topic was cut off: from
there he is brought to the present again, at his own pace.

One thing cannot be taken back: a write whose first bytes are in the kernel. Its rest, at most `CHUNK` bytes beyond one
frame, has to leave, because half a frame would break the socket for its other topics. Frames of other topics that lie
between dropped ones keep their order.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

CHUNK = 16_384
"""How many waiting bytes are written at once: few system calls, little that cannot be taken back."""


class Transport(Protocol):
    """The part of asyncio.Transport that an outbox needs."""

    def write(self, data: bytes, /) -> None:
        """Take bytes for the kernel; may call `Outbox.pause` before it returns."""
        ...

    def get_write_buffer_size(self) -> int:
        """Say how many bytes the kernel did not take yet."""
        ...


class Owner(Protocol):
    """Whoever has the socket."""

    def overflowed(self, waiting_bytes: int) -> None:
        """Take `Outbox.lagging` and go on from there, or close; later: frames are being handed out meanwhile."""
        ...


class Outbox:
    """The waiting frames of one socket."""

    __slots__ = (
        "_cut_off",
        "_on_room",
        "_several",
        "_straight",
        "_waiting",
        "limit",
        "overflown",
        "owner",
        "paused",
        "transport",
        "waiting_bytes",
    )

    def __init__(self, transport: Transport, limit: int, owner: Owner) -> None:
        """Let at most `limit` bytes wait behind the write that is under way.

        That write itself does not count: one large tick on a slow network is not yet a slow reader.
        """
        self.transport = transport
        self.limit = limit
        self.owner = owner
        # Nothing waits, nothing holds us back: the one thing that `put` asks.
        self._straight = True
        self.paused = False
        # The socket has several topics, so its frames of one loop turn are gathered into one write.
        self._several = False
        # (topic or None, the tick up to which its reader has everything before it, frame); None while nothing has ever
        # waited, to keep an idle socket small.
        self._waiting: deque[tuple[str | None, int | None, bytes]] | None = None
        # Topic → the tick up to which it was handed out, for those that were cut off and did not go on yet.
        self._cut_off: dict[str, int] | None = None
        # To be told, once, when there is room again.
        self._on_room: list[Callable[[], None]] | None = None
        self.waiting_bytes = 0
        # It was too much: nothing is sent any more but the close frame.
        self.overflown = False

    def put(self, frame: bytes, topic: str | None = None, after: int | None = 0) -> bool:
        """Send a frame, or let it wait. True when it waits for `release`, at the end of this loop turn.

        Args:
            frame: one frame, or several behind each other.
            topic: whose frame it is; such a one may be taken back. None for what has to be said in any case.
            after: the tick up to which its reader has everything, once he has what came before. None: it is no part of
                the topic's stream, which does not go back for its sake.
        """
        if self._straight:
            self.transport.write(frame)
            return False
        return self._wait(frame, topic, after)

    @property
    def has_room(self) -> bool:
        """Whether the kernel has taken everything but little."""
        return not self.paused and self.waiting_bytes < CHUNK

    def when_room(self, tell: Callable[[], None]) -> None:
        """Have somebody told, once, when `has_room` may be true again."""
        if self._on_room is None:
            self._on_room = []
        self._on_room.append(tell)

    def lagging(self) -> Mapping[str, int]:
        """Return the topics that were cut off, each with the tick up to which it was handed out; forget them."""
        cut_off, self._cut_off = self._cut_off, None
        self.release()
        return cut_off or {}

    def gather(self, *, several: bool) -> None:
        """Say whether the socket has several topics from now on."""
        self._several = several
        self.release()

    def release(self) -> None:
        """Write what waits, in few writes, as far as the kernel takes it."""
        waiting = self._waiting
        while waiting and not self.paused:
            frames, size = [], 0
            while waiting and size < CHUNK:
                frames.append(waiting.popleft()[2])
                size += len(frames[-1])
            self.waiting_bytes -= size
            # May pause us before it returns; then the rest waits on.
            self.transport.write(frames[0] if len(frames) == 1 else b"".join(frames))
        held_back = self.paused or self._several or self.overflown or self._cut_off is not None
        self._straight = not (waiting or held_back)

    def pause(self) -> None:
        """Hear from the transport that the kernel takes no more."""
        self.paused = True
        self._straight = False

    def resume(self) -> None:
        """Hear from the transport that everything it had is in the kernel."""
        self.paused = False
        self.release()
        if self._on_room is not None and self.has_room:
            told, self._on_room = self._on_room, None
            for tell in told:
                tell()

    def drop(self, topic: str) -> None:
        """Take back every waiting frame of a topic: whoever lost access gets none of them."""
        if self._cut_off is not None:
            self._cut_off.pop(topic, None)
        if not self._waiting:
            return
        kept = [entry for entry in self._waiting if entry[0] != topic]
        self._waiting.clear()
        self._waiting.extend(kept)
        self.waiting_bytes = sum(len(frame) for _, _, frame in kept)

    def take_back(self, topic: str) -> int | None:
        """Take back what waits of a topic's stream, and nothing else of it.

        Returns the tick up to which its reader has everything; None when nothing of it waited.
        """
        waiting = self._waiting or ()
        after = next((entry[1] for entry in waiting if entry[0] == topic and entry[1] is not None), None)
        if after is not None:
            self._waiting = deque(entry for entry in waiting if entry[0] != topic or entry[1] is None)
            self.waiting_bytes = sum(len(frame) for _, _, frame in self._waiting)
        return after

    @property
    def empty(self) -> bool:
        """Whether nothing waits, here or in the transport."""
        return not self.paused and not self._waiting

    @property
    def settled(self) -> bool:
        """Whether everything that was put is with the kernel, and nothing was left out."""
        return self.empty and not self.overflown and self._cut_off is None

    def finish(self, frame: bytes = b"") -> None:
        """Send a last frame behind what the transport already has; what waited is dropped, what comes is ignored."""
        self._clear()
        self.overflown = True
        self._straight = False
        self.transport.write(frame)

    def _wait(self, frame: bytes, topic: str | None, after: int | None) -> bool:
        if self.overflown:
            return False
        if self._cut_off is not None and topic is not None:
            # It will be told again, from where it was cut off.
            if after is not None:
                self._cut_off.setdefault(topic, after)
            return False
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append((topic, after, frame))
        self.waiting_bytes += len(frame)
        if not self.paused:
            # Gathered for one write. A turn that brings very much is written in between.
            if self.waiting_bytes < CHUNK:
                return True
            self.release()
            return False
        if self.waiting_bytes > self.limit:
            self._cut()
        return False

    def _cut(self) -> None:
        """Take back what topics have waiting here; what has to be said stays, unless that alone is too much."""
        waiting = self.waiting_bytes
        if self._cut_off is None:
            self._cut_off = {}
        kept: list[tuple[str | None, int | None, bytes]] = []
        for entry in self._waiting or ():
            if entry[0] is None:
                kept.append(entry)
            elif entry[1] is not None:
                self._cut_off.setdefault(entry[0], entry[1])
        self._waiting = deque(kept)
        self.waiting_bytes = sum(len(frame) for _, _, frame in kept)
        if self.waiting_bytes > self.limit:
            self._clear()
            self.overflown = True
        self.owner.overflowed(waiting)

    def _clear(self) -> None:
        if self._waiting:
            self._waiting.clear()
        self.waiting_bytes = 0
