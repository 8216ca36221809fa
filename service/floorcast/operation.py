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

The body of an operation is finished JSON: relay and gateway splice it and never look inside.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from floorcast.change import GRANTS, POLICY, TRACKED, Change, is_ours

EVERYWHERE = ""
"""Stands for the warehouse of what concerns every gateway and no warehouse in particular."""

ORGANIZATION, PERSON = "organization", "user"
"""Kinds of places that stand for several warehouses, as in `user:<id>`. No id of a warehouse has a colon."""


class PersonTable(NamedTuple):
    """A tracked table whose rows are about a person, and seen wherever that person may be."""

    # The column that names the person.
    column: str
    # It alone is the primary key: a row is a person.
    is_key: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One change as one warehouse sees it."""

    # Place of the change in its tick; the two operations of a move share it.
    n: int
    table: str
    # A warehouse; or `organization:<id>` or `user:<id>`, which gateways expand to the warehouses concerned.
    warehouse: str
    # JSON object, UTF-8. For the grants table: {"user", "role", "actor", "at"}, role null when withdrawn. For the table
    # of tracked tables: {"table", "tracked", "person"}, person null or a `PersonTable`. For a policy table: {"key",
    # "new"}, new null when the rule is gone.
    body: bytes


def operations_in(tick: int, changes: Sequence[Change]) -> Iterator[Operation]:
    """Yield what each warehouse concerned is told of some changes of a tick, in their order.

    `changes` hold each transaction whole, or a piece of one that is too large to be held; of such a one, a warehouse
    may be told of a row that passed through it, if it came and went in different pieces.
    """
    homes = _homes(changes)
    for change in changes:
        allowed = homes.get((change.xid, change.table, change.key))
        for operation in operations_of(tick, change):
            if allowed is None or operation.warehouse in allowed:
                yield operation


def operations_of(tick: int, change: Change) -> tuple[Operation, ...]:
    """Return what each warehouse concerned is told of one change; empty for a row that belongs to no warehouse."""
    if change.table == GRANTS:
        return tuple(_grant_operations(change))
    if change.table == TRACKED:
        return _tracked_operations(change)
    if change.table in POLICY:
        return (_rule_operation(change),)
    if is_ours(change.table):
        return ()
    return tuple(_row_operations(tick, change))


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


def _row_operations(tick: int, change: Change) -> Iterator[Operation]:
    before, after = _place_before(change), _place_after(change)
    if before is not None and before != after:
        # A row that moved or was retired still is: what it became is not the old side's business.
        body = _body(tick, change, "leave", old=change.old if change.op == "delete" else None, new=None)
        yield Operation(change.n, change.table, before, body)
    if after is not None:
        body = _body(tick, change, "update" if before == after else "enter", old=None, new=change.new)
        yield Operation(change.n, change.table, after, body)


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
    body = orjson.dumps({"user": row["user_id"], "role": role, "actor": change.actor, "at": change.at})
    yield Operation(change.n, GRANTS, row["warehouse"], body)


def _tracked_operations(change: Change) -> tuple[Operation, ...]:
    """Say whether a table may be sent from now on; of our own nobody is told."""
    table = orjson.loads(change.key)["table_name"]
    if is_ours(table):
        return ()
    person = None if change.new is None else person_table(orjson.loads(change.new))
    told = {"table": table, "tracked": change.new is not None, "person": None if person is None else tuple(person)}
    return (Operation(change.n, TRACKED, EVERYWHERE, orjson.dumps(told)),)


def _rule_operation(change: Change) -> Operation:
    """Say what a rule is from now on; every gateway decides by it."""
    body = b'{"key":%b,"new":%b}' % (change.key.encode(), (change.new or "null").encode())
    return Operation(change.n, change.table, EVERYWHERE, body)


def person_table(tracked: Mapping[str, Any]) -> PersonTable | None:
    """Read a row of `floorcast.tracked`; None when that table's rows are not about a person."""
    if tracked.get("scope") != "person":
        return None
    column = tracked["warehouse_column"]
    return PersonTable(column, tracked["key_columns"] == [column])


def departure(tick: int, grant: Operation, table: str, key: Mapping[str, str]) -> Operation:
    """Return the leave of a row that is not seen in a warehouse any more, because of a grant that was withdrawn."""
    cause = orjson.loads(grant.body)
    body = {
        "position": f"{tick}-{grant.n}",
        "op": "leave",
        "by": "update",
        "table": table,
        "key": key,
        "actor": cause["actor"],
        "at": cause["at"],
    }
    return Operation(grant.n, table, grant.warehouse, orjson.dumps(body))
