"""What people say in rooms, from gateway to gateway: one Redis stream that all read.

Contract. Who reads on behind an id that the stream still has misses nothing. It keeps what was said lately and not
more: so many entries, so many bytes, so many seconds. An entry that was sent twice has the same number, by which
readers know it.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from floorcast.broadcast import Broadcast, Room
from floorcast.stream import keys
from floorcast.stream.connect import as_unavailable, open_redis, stream_entries

MOST_KEPT = 1_000
KEPT_SECONDS = 60
LARGEST_KEPT = 67_108_864
"""Bytes of payloads, were all of them as large as the newest."""

_PATIENCE_SECONDS = 2.0
_ENTRIES_PER_READ = 256
_TRIM_EVERY_MS = 10_000
_BEGINNING = "0-0"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Something said, and by which gateway's people."""

    # A gateway's name for one life of its process.
    origin: str
    # Counts what it says, from 1.
    number: int
    broadcast: Broadcast


class BroadcastLine:
    """A gateway's two ends of it: one connection to speak, one to listen. All methods raise StreamUnavailable."""

    def __init__(self, redis_url: str) -> None:
        """Connect lazily; nothing is sent before the first call."""
        self._mouth = open_redis(redis_url, patience=_PATIENCE_SECONDS)
        self._ear = open_redis(redis_url, patience=2 * _PATIENCE_SECONDS)
        # When it was trimmed by age, by Redis's clock.
        self._trimmed_at = 0

    async def say(self, envelopes: Sequence[Envelope]) -> None:
        """Have others hear these, in their order; after an error some may have been said."""
        async with as_unavailable(), self._mouth.pipeline(transaction=False) as all_:
            for envelope in envelopes:
                kept = min(MOST_KEPT, 1 + LARGEST_KEPT // (1 + len(envelope.broadcast.payload)))
                all_.xadd(keys.BROADCASTS, _fields(envelope), maxlen=kept, approximate=True)
            all_.expire(keys.BROADCASTS, KEPT_SECONDS)
            answers = await all_.execute()
            now = _milliseconds(answers[0])
            # Not the difference alone: that clock may be set back.
            if not 0 <= now - self._trimmed_at < _TRIM_EVERY_MS:
                self._trimmed_at = now
                await self._mouth.xtrim(keys.BROADCASTS, minid=now - KEPT_SECONDS * 1000, approximate=False)

    async def newest(self) -> str:
        """Return the newest entry's id, or one before all."""
        async with as_unavailable():
            found: Any = await self._ear.xrevrange(keys.BROADCASTS, count=1)
        return found[0][0].decode() if found else _BEGINNING

    async def hear(self, after: str, *, wait_seconds: float) -> list[tuple[str, Envelope]]:
        """Return what was said behind an id, each with its own id; wait for the first, empty when none came in time."""
        async with as_unavailable():
            answer = await self._ear.xread(
                {keys.BROADCASTS: after},
                count=_ENTRIES_PER_READ,
                block=max(1, int(min(wait_seconds, _PATIENCE_SECONDS) * 1000)),
            )
        return [
            (identity.decode(), _envelope(fields)) for identity, fields in stream_entries(answer) if fields is not None
        ]

    async def aclose(self) -> None:
        """Close both connections."""
        for client in (self._mouth, self._ear):
            with contextlib.suppress(RedisError, OSError):
                await client.aclose()


def _fields(envelope: Envelope) -> dict[Any, Any]:
    said = envelope.broadcast
    flags = "".join(
        letter
        for letter, is_so in (
            ("p", said.room.private),
            ("b", said.binary),
            ("t", said.text),
            ("m", said.meta is not None),
        )
        if is_so
    )
    return {
        "origin": envelope.origin,
        "number": envelope.number,
        "room": said.room.name,
        "event": said.event,
        "flags": flags,
        "payload": said.payload,
        "meta": said.meta or b"",
    }


def _envelope(fields: Mapping[bytes, bytes]) -> Envelope:
    flags = fields[b"flags"].decode()
    said = Broadcast(
        Room(fields[b"room"].decode(), "p" in flags),
        fields[b"event"].decode(),
        fields[b"payload"],
        "b" in flags,
        "t" in flags,
        fields[b"meta"] if "m" in flags else None,
    )
    return Envelope(fields[b"origin"].decode(), int(fields[b"number"]), said)


def _milliseconds(identity: bytes) -> int:
    return int(identity.partition(b"-")[0])
