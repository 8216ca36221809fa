"""The `data` of a change of a table, in the form of Supabase's `postgres_changes` (pure).

    {"schema", "table", "commit_timestamp", "type", "columns": [{"name", "type"}], "record", "old_record", "errors"}

and `position`, by which a client goes on after a loss. Rows stay the text that Postgres wrote.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson

from floorcast.access.masking import mask, pick
from floorcast.filter.row import Row, read_row
from floorcast.gateway.channels.binding import Kind, schema_of
from floorcast.gateway.channels.seen import Seen, Side
from floorcast.operation import Operation
from floorcast.shape import TableShape

LARGEST_DATA = 1_048_576
"""Bytes; clients in Python close the socket at a frame of a megabyte. Of a larger change only short values are told."""

_SHORT_VALUE = 64
_ROOM_FOR_THE_REST = 4_096
_TOO_LARGE = b'["Error 413: Payload Too Large"]'


@dataclass(slots=True)
class Messages:
    """The messages of one tick, each made once for all who see the same of a change."""

    tick: int
    # When it was closed, ISO 8601 in UTC.
    at: str
    shapes: Mapping[str, TableShape]
    _cut: dict[tuple[int, frozenset[str], frozenset[str] | None], bytes] = field(default_factory=dict)
    _read: dict[int, Row] = field(default_factory=dict)
    _made: dict[tuple[object, ...], bytes] = field(default_factory=dict)
    _rows: list[bytes] = field(default_factory=list)

    def reading(self, row: bytes) -> Row:
        """Return a row's values; raises RowMismatch."""
        read = self._read.get(id(row))
        if read is None:
            read = self._read[id(row)] = read_row(row)
        return read

    def seen_values(self, side: Side) -> Row:
        """Return a row's values as they may be seen; raises RowMismatch."""
        read = self.reading(side.row)
        if not side.hidden:
            return read
        return Row({name: None if name in side.hidden else value for name, value in read.items()})

    def data(self, seen: Seen, columns: frozenset[str] | None) -> bytes:
        """Return the message's `data` as JSON, with these columns; None for all."""
        old = b""
        if seen.kind != "INSERT":
            # Of a row that was not in sight before, the key alone.
            old = seen.operation.key if seen.old is None else self._row(seen.old, columns)
        new = b"" if seen.new is None else self._row(seen.new, columns)
        return self._data(seen.operation, seen.kind, columns, new, old)

    def left(self, seen: Seen, columns: frozenset[str] | None) -> bytes:
        """Return the `data` of a row that left, as if it was deleted: of one that goes on elsewhere, the key alone."""
        return self._data(seen.operation, "DELETE", columns, b"", seen.operation.key)

    def _data(self, operation: Operation, kind: Kind, columns: frozenset[str] | None, new: bytes, old: bytes) -> bytes:
        name = (id(operation), kind, columns, id(new), id(old))
        data = self._made.get(name)
        if data is None:
            data = self._make(operation, kind, columns, new, old)
            # The rows are kept beside it: else another one might come to bear the same identity.
            self._made[name] = data
            self._rows += (new, old)
        return data

    def _make(self, operation: Operation, kind: Kind, columns: frozenset[str] | None, new: bytes, old: bytes) -> bytes:
        errors = b"null"
        if len(new) + len(old) > LARGEST_DATA - _ROOM_FOR_THE_REST:
            errors = _TOO_LARGE
            new, old = (row and _short(row) for row in (new, old))
        schema, table = schema_of(operation.table), operation.table.rpartition(".")[2]
        parts = [
            b'{"schema":%b,"table":%b,"commit_timestamp":"%b","type":"%b","columns":%b'
            % (
                orjson.dumps(schema),
                orjson.dumps(table),
                in_milliseconds(self.at).encode(),
                kind.encode(),
                _columns(self.shapes.get(operation.table), columns),
            )
        ]
        if new:
            parts.append(b',"record":%b' % new)
        if old:
            parts.append(b',"old_record":%b' % old)
        parts.append(b',"errors":%b,"position":"%d-%d"}' % (errors, self.tick, operation.n))
        return b"".join(parts)

    def _row(self, side: Side, columns: frozenset[str] | None) -> bytes:
        if not side.hidden and columns is None:
            return side.row
        name = (id(side.row), side.hidden, columns)
        cut = self._cut.get(name)
        if cut is None:
            cut = side.row if columns is None else pick(side.row, columns)
            cut = self._cut[name] = mask(cut, side.hidden) if side.hidden else cut
        return cut


def in_milliseconds(at: str) -> str:
    """Return a time as Supabase writes it: milliseconds and `Z`; any other text as it is."""
    whole, point, fraction = at.removesuffix("Z").removesuffix("+00:00").partition(".")
    return f"{whole}.{(fraction + '000')[:3]}Z" if point or "T" in whole else at


def payload(ids: Iterable[int], data: bytes) -> bytes:
    """Return the payload of `postgres_changes` for the bindings with these ids."""
    return b'{"ids":[%b],"data":%b}' % (b",".join(b"%d" % each for each in ids), data)


def _columns(shape: TableShape | None, columns: frozenset[str] | None) -> bytes:
    if shape is None:
        return b"[]"
    shown = [
        {"name": name, "type": type_} for name, type_ in shape.columns.items() if columns is None or name in columns
    ]
    return orjson.dumps(shown)


def _short(row: bytes) -> bytes:
    """Return a row with its short values alone."""
    read = orjson.loads(row)
    short = frozenset(name for name, value in read.items() if len(orjson.dumps(value)) <= _SHORT_VALUE)
    return pick(row, short)
