"""A change becomes operations: what each warehouse concerned is told of it.

    insert                       enter  in its warehouse
    update                       update in its warehouse
    update that moved the row    leave  in the old warehouse (the key only), enter in the new one
    delete                       leave  in its warehouse, with the old row

The body of an operation is finished JSON: relay and gateway splice it and never look inside.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from floorcast.change import GRANTS, Change


@dataclass(frozen=True, slots=True)
class Operation:
    """One change as one warehouse sees it."""

    # Place of the change in its tick; the two operations of a move share it.
    n: int
    table: str
    warehouse: str
    # JSON object, UTF-8. For the grants table: {"user", "role"}, role null when withdrawn.
    body: bytes


def operations_of(tick: int, change: Change) -> tuple[Operation, ...]:
    """Return what each warehouse concerned is told; empty for a row that belongs to no warehouse."""
    if change.table == GRANTS:
        return tuple(_grant_operations(change))
    return tuple(_row_operations(tick, change))


def _row_operations(tick: int, change: Change) -> Iterator[Operation]:
    moved = change.old_warehouse is not None
    if moved and change.old_warehouse is not None:
        body = _body(tick, change, "leave", old=None, new=None)
        yield Operation(change.n, change.table, change.old_warehouse, body)
    if change.warehouse is None:
        return
    if change.op == "delete":
        body = _body(tick, change, "leave", old=change.old, new=None)
    elif change.op == "insert" or moved:
        body = _body(tick, change, "enter", old=None, new=change.new)
    else:
        body = _body(tick, change, "update", old=None, new=change.new)
    yield Operation(change.n, change.table, change.warehouse, body)


def _body(tick: int, change: Change, op: str, *, old: str | None, new: str | None) -> bytes:
    head = f'{{"position":"{tick}-{change.n}","op":"{op}","by":"{change.op}","table":'
    parts = [head.encode(), orjson.dumps(change.table), b',"key":', change.key.encode()]
    if new is not None:
        parts += [b',"new":', new.encode()]
    if old is not None:
        parts += [b',"old":', old.encode()]
    parts += [b',"actor":', orjson.dumps(change.actor), b',"at":', orjson.dumps(change.at), b"}"]
    return b"".join(parts)


def _grant_operations(change: Change) -> Iterator[Operation]:
    """Say who has which role after the change; a grant whose key changed arrives as delete and insert."""
    row = orjson.loads(change.new if change.new is not None else change.old or "{}")
    role = row["role"] if change.new is not None else None
    body = orjson.dumps({"user": row["user_id"], "role": role})
    yield Operation(change.n, GRANTS, row["warehouse"], body)
