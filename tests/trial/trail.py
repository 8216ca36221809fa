"""What everybody should have been told, worked out from the tables by rules of our own: no code of Floorcast is used.

A change belongs to the first tick whose snapshot sees its transaction. Inside a tick, transactions are whole and in
the order of their last `seq`, then come their changes by `seq`; the place counts from 1. Who may see a tick had access
in the tick before and has it in this one.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from tests.trial.line import read_json

GRANTS = "floorcast.grants"

_TICKS = """
select t.tick, t.snapshot::text, encode(t.seal, 'hex'), coalesce(encode(p.seal, 'hex'), ''), t.count
from floorcast.tick as t left join floorcast.tick as p on p.tick = t.tick - 1
order by t.tick
"""

_CHANGES = """
select
    xid::text::bigint, seq, table_name, op, key::text, warehouse, old_warehouse, actor,
    to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), old::text, new::text
from floorcast.change
"""

# Postgres is the judge of what a snapshot sees: every transaction is new in the tick where we put it.
_JUDGE = """
select coalesce(array_agg(x.xid), '{}')
from unnest(%s::bigint[], %s::bigint[]) as x (xid, tick)
join floorcast.tick as t on t.tick = x.tick
left join floorcast.tick as p on p.tick = x.tick - 1
where not pg_visible_in_snapshot(x.xid::text::xid8, t.snapshot)
    or pg_visible_in_snapshot(x.xid::text::xid8, p.snapshot)
"""


class Row(NamedTuple):
    """One row of `floorcast.change`; texts as Postgres has them."""

    xid: int
    seq: int
    table: str
    op: str
    key: str
    warehouse: str | None
    old_warehouse: str | None
    actor: str
    at: str
    old: str | None
    new: str | None


class Placed(NamedTuple):
    """An operation that one warehouse is told, with its place."""

    n: int
    table: str
    operation: dict[str, Any]


@dataclass
class Tick:
    """A tick and the changes that belong to it, in order."""

    number: int
    seal: str
    previous_seal: str
    count: int
    rows: list[Row] = field(default_factory=list)


class Snapshot(NamedTuple):
    """Which transactions had ended: `xmin:xmax:xip,…`."""

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def read(cls, text: str) -> "Snapshot":
        """Read Postgres' text form."""
        xmin, xmax, running = text.split(":")
        return cls(int(xmin), int(xmax), frozenset(int(xid) for xid in running.split(",") if xid))

    def sees(self, xid: int) -> bool:
        """Whether the transaction had ended when it was taken."""
        return xid < self.xmax and xid not in self.running


@dataclass
class Expected:
    """What one listener should have heard on one topic from a position on."""

    operations: list[dict[str, Any]]
    # The tick that ended it and how: `revoked` or `must_refetch`; None when it goes on.
    ended: tuple[int, str] | None


class Trail:
    """Ticks with their changes, as one snapshot of the database has them."""

    def __init__(self, ticks: list[Tick], waiting: int) -> None:
        """`waiting` changes are in no tick yet."""
        self.ticks = ticks
        self.waiting = waiting
        # (user, warehouse) → [(tick, role or None)], ascending.
        self._grants: dict[tuple[str, str], list[tuple[int, str | None]]] = defaultdict(list)
        # Warehouse → [(tick, its operations)], ascending.
        self._told: dict[str, list[tuple[int, list[Placed]]]] = defaultdict(list)
        for tick in ticks:
            self._take(tick)

    @property
    def last(self) -> int:
        """The newest tick."""
        return self.ticks[-1].number

    @property
    def changes(self) -> int:
        """How many changes there are."""
        return sum(len(tick.rows) for tick in self.ticks)

    @property
    def warehouses(self) -> list[str]:
        """Those that were told anything."""
        return list(self._told)

    def role(self, user: str, warehouse: str, tick: int) -> str | None:
        """Somebody's role as a tick sees it."""
        role = None
        for since, then in self._grants.get((user, warehouse), ()):
            if since > tick:
                break
            role = then
        return role

    def told(self, warehouse: str, after: int) -> Iterator[tuple[int, list[Placed]]]:
        """Yield what a warehouse is told after a tick, tick by tick."""
        for number, placed in self._told.get(warehouse, ()):
            if number > after:
                yield number, placed

    def expected(self, user: str, warehouse: str, after: int) -> Expected:
        """What somebody who joined at a position has to hear, up to the newest tick or the loss of access."""
        end: tuple[int, str] | None = None
        had = self.role(user, warehouse, after)
        assert had is not None, f"{user} had no access to {warehouse} at tick {after} and could join"
        for since, role in self._grants[user, warehouse]:
            if since > after and role != had:
                end = (since, "revoked" if role is None else "must_refetch")
                break
        operations = []
        for number, placed in self.told(warehouse, after):
            # A changed role: he is told to read again, and what the tick brought is in what he reads.
            if end is not None and number >= end[0]:
                break
            operations += [each.operation for each in placed]
        return Expected(operations, end)

    def broken_chains(self) -> list[str]:
        """Rows whose changes, in the order of the ticks, do not lead from old to new: an effect before its cause."""
        state: dict[tuple[str, str], str | None] = {}
        faults = []
        for tick in self.ticks:
            for row in tick.rows:
                name = (row.table, row.key)
                if name in state and state[name] != row.old:
                    faults.append(f"tick {tick.number}: {row.op} of {row.table} {row.key} does not follow")
                state[name] = row.new
        return faults

    def _take(self, tick: Tick) -> None:
        told: dict[str, list[Placed]] = defaultdict(list)
        changed: dict[tuple[str, str], str | None] = {}
        for n, row in enumerate(tick.rows, start=1):
            for warehouse in dict.fromkeys((row.old_warehouse, row.warehouse)):
                if warehouse is None:
                    continue
                if row.table == GRANTS:
                    body = read_json(row.new or row.old or "")
                    changed[body["user_id"], warehouse] = body["role"] if row.new else None
                else:
                    told[warehouse].append(Placed(n, row.table, operation_of(tick.number, n, row, warehouse)))
        for pair, role in changed.items():
            self._grants[pair].append((tick.number, role))
        for warehouse, placed in told.items():
            self._told[warehouse].append((tick.number, placed))


def operation_of(tick: int, n: int, row: Row, warehouse: str) -> dict[str, Any]:
    """One change as a warehouse should be told of it."""
    body = {
        "position": f"{tick}-{n}",
        "by": row.op,
        "table": row.table,
        "key": read_json(row.key),
        "actor": row.actor,
        "at": row.at,
    }
    if row.old_warehouse == warehouse:
        return body | {"op": "leave"}
    if row.op == "delete":
        return body | {"op": "leave", "old": read_json(row.old or "")}
    entered = row.op == "insert" or row.old_warehouse is not None
    return body | {"op": "enter" if entered else "update", "new": read_json(row.new or "")}


def read_trail(owner_url: str) -> Trail:
    """Read ticks and changes in one snapshot and put each change where it belongs.

    Raises:
        AssertionError: ticks are not dense, or Postgres does not agree on what a tick sees.
    """
    with psycopg.connect(owner_url) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        headers = connection.execute(_TICKS).fetchall()
        rows = [Row(*row) for row in connection.execute(_CHANGES)]
        assert [header[0] for header in headers] == list(range(len(headers))), "ticks are not dense"
        snapshots = [Snapshot.read(header[1]) for header in headers]
        transactions: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            transactions[row.xid].append(row)
        where = {xid: bisect_left(snapshots, True, key=lambda snapshot: snapshot.sees(xid)) for xid in transactions}
        placed = {xid: tick for xid, tick in where.items() if tick < len(headers)}
        answer = connection.execute(_JUDGE, [list(placed), list(placed.values())]).fetchone()
    assert answer == ([],), f"Postgres does not see these transactions where we do: {answer}"
    ticks = [Tick(number, seal, previous, count) for number, _, seal, previous, count in headers]
    in_order = sorted(placed, key=lambda xid: max(row.seq for row in transactions[xid]))
    for xid in in_order:
        ticks[placed[xid]].rows += sorted(transactions[xid], key=lambda row: row.seq)
    for tick in ticks:
        assert len(tick.rows) == tick.count, f"tick {tick.number} says {tick.count} changes and has {len(tick.rows)}"
    return Trail(ticks, sum(len(rows) for xid, rows in transactions.items() if xid not in placed))
