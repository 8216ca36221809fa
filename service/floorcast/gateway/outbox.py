"""What waits for one socket: bounded in bytes, in order, and able to take back what nobody may see any more (pure).

While the kernel takes everything, a frame goes straight to the transport. The transport is told to pause us at its
first byte that the kernel did not take (write buffer limit 0), and from then on frames wait here and not there: only
here can they still be counted, dropped when access is withdrawn, or written together.

One thing cannot be taken back: a write whose first bytes are in the kernel. Its rest, at most `CHUNK` bytes beyond one
frame, has to leave, because half a frame would break the socket for its other topics. Frames of other topics that lie
between dropped ones keep their order.
"""

from collections import deque
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
    """Whoever closes the socket."""

    def overflowed(self, waiting_bytes: int) -> None:
        """Close it as a slow reader, later: this is called while frames are being handed out."""
        ...


class Outbox:
    """The waiting frames of one socket."""

    __slots__ = (
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
        # (topic or None, frame); None while nothing has ever waited, to keep an idle socket small.
        self._waiting: deque[tuple[str | None, bytes]] | None = None
        self.waiting_bytes = 0
        # It was too much: nothing is sent any more but the close frame.
        self.overflown = False

    def put(self, frame: bytes, topic: str | None = None) -> bool:
        """Send a frame, or let it wait. True when it waits for `release`, at the end of this loop turn."""
        if self._straight:
            self.transport.write(frame)
            return False
        return self._wait(frame, topic)

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
                frames.append(waiting.popleft()[1])
                size += len(frames[-1])
            self.waiting_bytes -= size
            # May pause us before it returns; then the rest waits on.
            self.transport.write(frames[0] if len(frames) == 1 else b"".join(frames))
        self._straight = not (waiting or self.paused or self._several or self.overflown)

    def pause(self) -> None:
        """Hear from the transport that the kernel takes no more."""
        self.paused = True
        self._straight = False

    def resume(self) -> None:
        """Hear from the transport that everything it had is in the kernel."""
        self.paused = False
        self.release()

    def drop(self, topic: str) -> None:
        """Take back every waiting frame of a topic: whoever lost access gets none of them."""
        if not self._waiting:
            return
        kept = [entry for entry in self._waiting if entry[0] != topic]
        self._waiting.clear()
        self._waiting.extend(kept)
        self.waiting_bytes = sum(len(frame) for _, frame in kept)

    @property
    def empty(self) -> bool:
        """Whether nothing waits, here or in the transport."""
        return not self.paused and not self._waiting

    @property
    def stuck(self) -> bool:
        """Whether the kernel has yet to take something, and we still hope that it does."""
        return self.paused and not self.overflown

    def give_up(self) -> None:
        """Drop what waits: this is a slow reader. Its owner closes it."""
        waiting = self.waiting_bytes + self.transport.get_write_buffer_size()
        self._clear()
        self.overflown = True
        self.owner.overflowed(waiting)

    def finish(self, frame: bytes = b"") -> None:
        """Send a last frame behind what the transport already has; what waited is dropped, what comes is ignored."""
        self._clear()
        self.overflown = True
        self._straight = False
        self.transport.write(frame)

    def _wait(self, frame: bytes, topic: str | None) -> bool:
        if self.overflown:
            return False
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append((topic, frame))
        self.waiting_bytes += len(frame)
        if not self.paused:
            # Gathered for one write. A turn that brings very much is written in between.
            if self.waiting_bytes < CHUNK:
                return True
            self.release()
            return False
        if self.waiting_bytes > self.limit:
            self.give_up()
        return False

    def _clear(self) -> None:
        if self._waiting:
            self._waiting.clear()
        self.waiting_bytes = 0
