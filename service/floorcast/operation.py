"""A change becomes operations: what each warehouse concerned is told of it.

    insert                       enter  in its warehouse
    update                       update in its warehouse
    update that moved the row    leave  in the old warehouse (the key only), enter in the new one
    delete                       leave  in its warehouse, with the old row
    update that retired the row  leave  where it was (the key only)
    update that restored it      enter  where it is

A retired row (`deleted_at` is set) is kept and hidden: whatever else happens to it is told to nobody.

A warehouse that a row only passed through inside one transaction is told nothing: no committed state ever showed the
row there, so row level security never let its people read it.

Rows stay the JSON that Postgres wrote. An operation carries them beside each other; `told` splices them into what a
subscriber is sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import orjson

from floorcast.change import CANARY, GRANTS, POLICY, TRACKED, Change, DatabaseOperation, is_ours

Act = Literal["enter", "update", "leave"]
"""What happened to a row in the eyes of whoever is told."""

EVERYWHERE = ""
"""Stands for the warehouse of what concerns every gateway and no warehouse in particular."""

ORGANIZATION, PERSON = "organization", "user"
"""Kinds of places that stand for several warehouses, as in `user:<id>`. No id of a warehouse has a colon."""

CHANNEL = "channel"
"""A kind of place that is no warehouse: `channel:private:<name>` and `channel:public:<name>` are rooms."""


def has_log(place: str) -> bool:
    """Whether Redis keeps a log for a place: a room has none, since nobody resumes there from ticks."""
    return place != EVERYWHERE and not place.startswith(f"{CHANNEL}:")


class PersonTable(NamedTuple):
    """A tracked table whose rows are about a person, and seen wherever that person may be."""

    # The column that names the person.
    column: str
    # It alone is the primary key: a row is a person.
    is_key: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One change as one warehouse sees it.

    Of what gateways follow and send to nobody (grants, rules, which tables are tracked) it is a fact: `new` holds what
    they need to know, as `_grant_operation` and its neighbours write it, and the rest means nothing.
    """

    # Place of the change in its tick; the two operations of a move share it.
    n: int
    # The top-level transaction, 64 bits: says whether a picture's snapshot has seen it already.
    xid: int
    table: str
    # A warehouse; or `organization:<id>` or `user:<id>`, which gateways expand to the warehouses concerned.
    warehouse: str
    op: Act
    # What the statement did.
    by: DatabaseOperation
    # JSON object of the primary key's columns.
    key: bytes
    # The row after, as JSON; None for a leave.
    new: bytes | None
    # The row before, where it was seen here: says who owned it and which filters it passed. Of a leave that is no
    # delete it is sent to nobody.
    old: bytes | None
    # `sub` of the caller's claims, or `system:<role>`.
    actor: str
    # When the statement was captured, ISO 8601 in UTC.
    at: str

    @property
    def size(self) -> int:
        """Bytes of the rows that it carries."""
        return len(self.key) + len(self.new or b"") + len(self.old or b"")


def told(tick: int, operation: Operation, *, op: Act, new: bytes | None, old: bytes | None) -> bytes:
    """Return what subscribers are told of an operation, as finished JSON.

    Args:
        tick: the tick that it belongs to.
        operation: what happened.
        op: what it is for these subscribers; a row that leaves a filter leaves, though it is there.
        new: the row after, as they may see it; None for a leave.
        old: the row before, as they may see it; None where they are not told.
    """
    head = f'{{"position":"{tick}-{operation.n}","op":"{op}","by":"{operation.by}","table":'
    parts = [head.encode(), orjson.dumps(operation.table), b',"key":', operation.key]
    if new is not None:
        parts += [b',"new":', new]
    if old is not None:
        parts += [b',"old":', old]
    parts += [b',"actor":', orjson.dumps(operation.actor), b',"at":', orjson.dumps(operation.at), b"}"]
    return b"".join(parts)


def operations_in(changes: Sequence[Change]) -> Iterator[Operation]:
    """Yield what each warehouse concerned is told of some changes of a tick, in their order.

    `changes` hold each transaction whole, or a piece of one that is too large to be held; of such a one, a warehouse
    may be told of a row that passed through it, if it came and went in different pieces.
    """
    homes = _homes(changes)
    for change in changes:
        allowed = homes.get((change.xid, change.table, change.key))
        for operation in operations_of(change):
            if allowed is None or operation.warehouse in allowed:
                yield operation


def operations_of(change: Change) -> tuple[Operation, ...]:
    """Return what each warehouse concerned is told of one change; empty for a row that belongs to no warehouse."""
    if change.table == GRANTS:
        return (_grant_operation(change),)
    if change.table == TRACKED:
        return _tracked_operations(change)
    if change.table in POLICY:
        return (_rule_operation(change),)
    if change.table == CANARY and change.new is not None:
        return (_fact(change, EVERYWHERE, change.new.encode()),)
    if is_ours(change.table):
        return ()
    return tuple(_row_operations(change))


def _homes(changes: Sequence[Change]) -> dict[tuple[str, str, str], set[str | None]]:
    """Return where a row was seen before and after a transaction, for each that moved in it and changed repeatedly."""
    moved = {(change.xid, change.table, change.key) for change in changes if change.old_warehouse is not None}
    if not moved:
        return {}
    chains: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        name = (change.xid, change.table, change.key)
        if name in moved:
            chains.setdefault(name, []).append(change)
    return {
        name: {_place_before(chain[0]), _place_after(chain[-1])} for name, chain in chains.items() if len(chain) > 1
    }


def _place_before(change: Change) -> str | None:
    """Where people could see the row before; None for nowhere."""
    if change.op == "insert" or change.old_retired:
        return None
    return change.warehouse if change.old_warehouse is None else change.old_warehouse


def _place_after(change: Change) -> str | None:
    """Where people can see the row now; None for nowhere."""
    return None if change.op == "delete" or change.retired else change.warehouse


def _row_operations(change: Change) -> Iterator[Operation]:
    before, after = _place_before(change), _place_after(change)
    if before is not None and before != after:
        yield _operation(change, before, "leave", new=None, old=change.old)
    if after is not None and before == after:
        yield _operation(change, after, "update", new=change.new, old=change.old)
    elif after is not None:
        # What it was elsewhere is not the new side's business.
        yield _operation(change, after, "enter", new=change.new, old=None)


def _operation(change: Change, place: str, op: Act, *, new: str | None, old: str | None) -> Operation:
    return Operation(
        change.n,
        int(change.xid),
        change.table,
        place,
        op,
        change.op,
        change.key.encode(),
        None if new is None else new.encode(),
        None if old is None else old.encode(),
        change.actor,
        change.at,
    )


def _fact(change: Change, place: str, fact: bytes) -> Operation:
    return _operation(change, place, "update", new=fact.decode(), old=None)


def _grant_operation(change: Change) -> Operation:
    """Say who has which role after the change and had before; one whose key changed arrives as delete and insert."""
    before, after = (orjson.loads(text or "{}") for text in (change.old, change.new))
    row = after or before
    fact = {"user": row["user_id"], "role": after.get("role"), "was": before.get("role")}
    return _fact(change, row["warehouse"], orjson.dumps(fact))


def _tracked_operations(change: Change) -> tuple[Operation, ...]:
    """Say whether a table is followed from now on, and whether it is another one; of our own nobody is told."""
    table = orjson.loads(change.key)["table_name"]
    if is_ours(table):
        return ()
    before, after = (orjson.loads(text or "{}") for text in (change.old, change.new))
    person = person_table(after)
    fact = {
        "table": table,
        "tracked": change.new is not None,
        "person": None if person is None else tuple(person),
        # One that was dropped and made again is another: of a relation that is no more, Postgres writes the number.
        "anew": before.get("relation") != after.get("relation"),
    }
    return (_fact(change, EVERYWHERE, orjson.dumps(fact)),)


def _rule_operation(change: Change) -> Operation:
    """Say what a rule is from now on; every gateway decides by it."""
    return _fact(change, EVERYWHERE, b'{"key":%b,"new":%b}' % (change.key.encode(), (change.new or "null").encode()))


def person_table(tracked: Mapping[str, Any]) -> PersonTable | None:
    """Read a row of `floorcast.tracked`; None when that table's rows are not about a person."""
    if tracked.get("scope") != "person":
        return None
    column = tracked["warehouse_column"]
    return PersonTable(column, tracked["key_columns"] == [column])


def departure(grant: Operation, table: str, key: Mapping[str, str]) -> Operation:
    """Return the leave of a row that is not seen in a warehouse any more, because of a grant that was withdrawn."""
    return replace(grant, table=table, op="leave", by="update", key=orjson.dumps(key), new=None, old=None)
