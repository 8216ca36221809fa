"""How a tick is written into a stream entry and read back. Pure: bytes in, values out.

An entry is a flat list of fields. `tick` holds the header; every other field holds one operation: its name is a JSON
array `[i, n, xid, table, warehouse, op, by, actor, at, key, new, old]` (i makes it unique; the last three are lengths
in bytes, -1 for none), its value the three texts behind each other, which are never parsed on the way. An entry of a
log has `behind` as well; the script that publishes it adds that.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from floorcast.operation import Operation, has_log
from floorcast.position import Position

_HEADER = b"tick"
_BEHIND = b"behind"
_PROGRESS = b"progress"


@dataclass(frozen=True, slots=True)
class FeedTick:
    """A tick as the feed carries it."""

    tick: int
    seal: str
    previous_seal: str
    at: str
    incarnation: str
    count: int
    # A marker: the operations are not here but in Postgres.
    large: bool
    operations: tuple[Operation, ...]
    # The places whose logs get a marker when it is large; only its publisher needs to know.
    warehouses: tuple[str, ...] = ()

    @property
    def position(self) -> Position:
        """Where the feed goes on after it."""
        return Position(self.tick)


@dataclass(frozen=True, slots=True)
class FeedProgress:
    """Everything that committed before `at` is in the ticks up to `tick`."""

    tick: int
    k: int
    at: str

    @property
    def position(self) -> Position:
        """Where the feed goes on after it."""
        return Position(self.tick, self.k)


FeedEntry = FeedTick | FeedProgress


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A tick as the log of one place carries it."""

    tick: int
    # Between that tick and this one the place had nothing; None when nobody knows.
    behind: int | None
    at: str
    # A marker: the operations are not here but in Postgres.
    large: bool
    # The operations, as they are written.
    fields: Mapping[bytes, bytes]

    @property
    def operations(self) -> Iterator[Operation]:
        """The operations, in order."""
        return (_operation(orjson.loads(name), texts) for name, texts in self.fields.items())


def tick_fields(tick: FeedTick) -> list[bytes]:
    """Write the fields and values of a tick's feed entry."""
    header = {
        "tick": tick.tick,
        "seal": tick.seal,
        "previous": tick.previous_seal,
        "at": tick.at,
        "incarnation": tick.incarnation,
        "count": tick.count,
        "large": tick.large,
    }
    return [_HEADER, orjson.dumps(header), *_operation_fields(tick.operations)]


def log_fields(tick: FeedTick) -> Mapping[str, list[bytes]]:
    """Write the fields and values of a tick's entry in the log of each place that it concerns."""
    told: dict[str, list[Operation]] = {place: [] for place in tick.warehouses}
    for operation in tick.operations:
        if has_log(operation.warehouse):
            told.setdefault(operation.warehouse, []).append(operation)
    header = orjson.dumps({"at": tick.at, "large": tick.large})
    return {place: [_HEADER, header, *_operation_fields(operations)] for place, operations in told.items()}


def read_entry(identity: bytes, fields: Mapping[bytes, bytes]) -> FeedEntry:
    """Read one entry of the feed."""
    position = Position.parse(identity.decode())
    if _PROGRESS in fields:
        return FeedProgress(position.tick, position.n, fields[_PROGRESS].decode())
    header = orjson.loads(fields[_HEADER])
    operations = tuple(_operation(orjson.loads(name), texts) for name, texts in fields.items() if name != _HEADER)
    return FeedTick(
        header["tick"],
        header["seal"],
        header["previous"],
        header["at"],
        header["incarnation"],
        header["count"],
        header["large"],
        operations,
    )


def read_log_entry(identity: bytes, fields: Sequence[bytes]) -> LogEntry:
    """Read one entry of a log, its fields and values in a flat list."""
    found = dict(zip(fields[::2], fields[1::2], strict=True))
    # One that an earlier version wrote does not say behind which tick it comes; it proves nothing.
    behind = found.pop(_BEHIND, None)
    header = orjson.loads(found.pop(_HEADER))
    return LogEntry(
        Position.parse(identity.decode()).tick,
        None if behind is None else int(behind),
        header["at"],
        header["large"],
        found,
    )


def _operation_fields(operations: Iterable[Operation]) -> Sequence[bytes]:
    fields: list[bytes] = []
    for i, each in enumerate(operations):
        facts = (i, each.n, each.xid, each.table, each.warehouse, each.op, each.by, each.actor, each.at)
        fields.append(orjson.dumps((*facts, len(each.key), _length(each.new), _length(each.old))))
        fields.append(b"".join((each.key, each.new or b"", each.old or b"")))
    return fields


def _length(text: bytes | None) -> int:
    return -1 if text is None else len(text)


def _operation(name: Sequence[Any], texts: bytes) -> Operation:
    _, n, xid, table, warehouse, op, by, actor, at, key, new, old = name
    after = key + max(new, 0)
    return Operation(
        n,
        xid,
        table,
        warehouse,
        op,
        by,
        texts[:key],
        None if new < 0 else texts[key:after],
        None if old < 0 else texts[after:],
        actor,
        at,
    )
