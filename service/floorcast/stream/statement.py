"""What gateways tell each other about who is present: as values, and as bytes in Redis (pure).

Each gateway speaks for its own sockets only, in numbered statements; together they are who is present. A room is any
name: what it stands for, and who may look into it, is not decided here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sys import intern

import orjson


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody present in a room, once: a person with two tabs has two."""

    room: str
    # Whose it is; entries with one key are shown together.
    key: str
    # Names this entry with this meta; changes with it. Unique among all gateways.
    ref: str
    # What is shown of it: a JSON object.
    meta: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """What a gateway has to say."""

    # The number that Redis must hold for it; None: say everything anew, whatever it holds.
    after: int | None
    # `after` itself: nothing changed, a sign of life only.
    number: int
    # Slot → who is there from now on, None for nobody any more.
    changes: Mapping[str, Entry | None]


@dataclass(frozen=True, slots=True)
class Said:
    """A gateway's statement, as the others hear it."""

    gateway: str
    number: int
    # None: everything anew, to be read as a whole.
    changes: Mapping[str, Entry | None] | None


@dataclass(frozen=True, slots=True)
class Gone:
    """A gateway is gone, and with it everybody who was present there."""

    gateway: str


Heard = Said | Gone


@dataclass(frozen=True, slots=True)
class Muster:
    """Which gateways Redis knows, as of one moment."""

    # Redis's clock.
    milliseconds: int
    # Id of the newest statement.
    newest: str
    # Gateway → its mark, which changes whenever it speaks.
    marks: Mapping[str, str]


def mark_number(mark: str) -> int:
    """Return the number of the last statement that a mark speaks of; 0: it has none that could be read."""
    return int(mark.partition(":")[0])


def mark_milliseconds(mark: str) -> int:
    """Return when its gateway last spoke, on Redis's clock."""
    return int(mark.partition(":")[2])


def statement_fields(statement: Statement) -> tuple[bytes, Sequence[str | bytes]]:
    """Write a statement: its changes as the others hear them, and slot and entry of each, one after the other."""
    written = {slot: b"" if entry is None else _entry_json(entry) for slot, entry in statement.changes.items()}
    fields = [part for change in written.items() for part in change]
    if statement.after is None:
        return b"", fields
    told = {slot: orjson.Fragment(text) if text else None for slot, text in written.items()}
    return orjson.dumps(told), fields


def read_heard(fields: Mapping[bytes, bytes]) -> Heard:
    """Read an entry of the stream of statements."""
    gateway = fields[b"gateway"].decode()
    if b"gone" in fields:
        return Gone(gateway)
    changes = orjson.loads(fields[b"changes"]) if fields[b"changes"] else None
    if changes is not None:
        changes = {slot: None if parts is None else _entry(parts) for slot, parts in changes.items()}
    return Said(gateway, int(fields[b"number"]), changes)


def read_entries(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, Entry]:
    """Read everybody who is present at a gateway, by slot."""
    return {slot.decode(): _entry(orjson.loads(text)) for slot, text in fields}


def _entry_json(entry: Entry) -> bytes:
    return orjson.dumps((entry.room, entry.key, entry.ref, orjson.Fragment(entry.meta)))


def _entry(parts: Sequence[str]) -> Entry:
    room, key, ref, meta = parts
    # Rooms and keys repeat a thousandfold; one copy of each is enough. orjson's bytes may hold a larger buffer.
    return Entry(intern(room), intern(key), ref, bytes(memoryview(orjson.dumps(meta))))
