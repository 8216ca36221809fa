"""What everybody should have been told, worked out from the tables by rules of our own: no code of Floorcast is used.

A change belongs to the first tick whose snapshot sees its transaction. Inside a tick, transactions are whole and in
the order of their last `seq`, then come their changes by `seq`; the place counts from 1. Who may see a tick had access
in the tick before and has it in this one. A row belongs to a warehouse; or to an organization, and is told in all its
warehouses; or to a person, and is told where that person may be when the tick is over.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from tests.trial.law import Law, read_law
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
    to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), old::text, new::text, retired, old_retired
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
    retired: bool = False
    old_retired: bool = False


class Placed(NamedTuple):
    """An operation that one place is told, with its place in the tick, as whoever sees everything is told it."""

    n: int
    table: str
    operation: dict[str, Any]
    # The row that it is about, also where the operation has its key only.
    row: Any


class Grant(NamedTuple):
    """What a tick did to one person's access to one warehouse."""

    tick: int
    # From now on; None for no access.
    role: str | None
    # The leave of that person's own row; only told when access was lost.
    leave: Placed


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

    def __init__(self, ticks: list[Tick], waiting: int, law: Law | None = None) -> None:
        """`waiting` changes are in no tick yet."""
        self.ticks = ticks
        self.waiting = waiting
        self._law = law or Law()
        # (user, warehouse) → what became of it, ascending.
        self._grants: dict[tuple[str, str], list[Grant]] = defaultdict(list)
        # Place → [(tick, its operations)], ascending.
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
    def places(self) -> list[str]:
        """Those that were told anything: warehouses, organizations, persons."""
        return list(self._told)

    def role(self, user: str, warehouse: str, tick: int) -> str | None:
        """Somebody's role as a tick sees it."""
        role = None
        for grant in self._grants.get((user, warehouse), ()):
            if grant.tick > tick:
                break
            role = grant.role
        return role

    def told(self, place: str, after: int) -> Iterator[tuple[int, list[Placed]]]:
        """Yield what a place is told after a tick, tick by tick."""
        for number, placed in self._told.get(place, ()):
            if number > after:
                yield number, placed

    def expected(self, user: str, warehouse: str, after: int) -> Expected:
        """What somebody who joined at a position has to hear, up to the newest tick or the loss of access."""
        end: tuple[int, str] | None = None
        had = self.role(user, warehouse, after)
        assert had is not None, f"{user} had no access to {warehouse} at tick {after} and could join"
        for grant in self._grants[user, warehouse]:
            if grant.tick > after and grant.role != had:
                end = (grant.tick, "revoked" if grant.role is None else "must_refetch")
                break
        operations = []
        for number, placed in sorted(self._seen_in(warehouse, after).items()):
            # A changed role: he is told to read again, and what the tick brought is in what he reads.
            if end is not None and number >= end[0]:
                break
            for each in sorted(placed, key=lambda each: each.n):
                shown = self._law.shown(each.table, each.operation, each.row, user, had)
                operations += [] if shown is None else [shown]
        return Expected(operations, end)

    def history(self, user: str, warehouse: str) -> dict[int, list[dict[str, Any]]]:
        """What all ticks since the first would tell somebody in his present role, by tick."""
        role = self.role(user, warehouse, self.last)
        assert role is not None, f"{user} has no access to {warehouse}"
        found = {}
        for number, placed in sorted(self._seen_in(warehouse, -1).items()):
            in_order = sorted(placed, key=lambda each: each.n)
            shown = [self._law.shown(each.table, each.operation, each.row, user, role) for each in in_order]
            if operations := [each for each in shown if each is not None]:
                found[number] = operations
        return found

    def _seen_in(self, warehouse: str, after: int) -> dict[int, list[Placed]]:
        """Everything that belongs to a warehouse after a tick, by tick."""
        found: dict[int, list[Placed]] = defaultdict(list)
        for place in (warehouse, f"organization:{self._law.organizations.get(warehouse)}"):
            for number, placed in self.told(place, after):
                found[number] += placed
        for place in self._told:
            kind, _, user = place.partition(":")
            if kind == "user":
                for number, placed in self.told(place, after):
                    if self.role(user, warehouse, number) is not None:
                        was_there = self.role(user, warehouse, number - 1) is not None
                        found[number] += placed if was_there else _newest(placed)
        for number, leave in self._lost(warehouse):
            if number > after:
                found[number].append(leave)
        return found

    def _lost(self, warehouse: str) -> Iterator[tuple[int, Placed]]:
        """Yield who may not be in a warehouse any more: the tick, and the leave of that person's own row."""
        for (user, where), grants in self._grants.items():
            for grant in grants:
                if where == warehouse and grant.role is None and self.role(user, where, grant.tick - 1) is not None:
                    yield grant.tick, grant.leave

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
        changed: dict[tuple[str, str], Grant] = {}
        for n, row in enumerate(tick.rows, start=1):
            if row.table == GRANTS:
                body = read_json(row.new or row.old or "")
                key = {"id": body["user_id"]}
                leave = {"position": f"{tick.number}-{n}", "by": "update", "table": "users", "key": key, "op": "leave"}
                placed = Placed(n, "users", leave | {"actor": row.actor, "at": row.at}, key)
                role = body["role"] if row.new else None
                changed[body["user_id"], row.warehouse or ""] = Grant(tick.number, role, placed)
                continue
            for place, operation in operations_of(tick.number, n, row):
                told[place].append(Placed(n, row.table, operation, read_json(row.new or row.old or "")))
        for pair, grant in changed.items():
            self._grants[pair].append(grant)
        for warehouse, placed in told.items():
            self._told[warehouse].append((tick.number, placed))


def _newest(placed: list[Placed]) -> list[Placed]:
    """Of each row the last operation: who was just let in is shown as the tick leaves him."""
    return list({(each.table, str(each.operation["key"])): each for each in placed}.values())


def operations_of(tick: int, n: int, row: Row) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each place should be told of one change: the one that the row left, then the one that it is in.

    A retired row is nowhere.
    """
    before = None if row.op == "insert" or row.old_retired else row.old_warehouse or row.warehouse
    after = None if row.op == "delete" or row.retired else row.warehouse
    body = {
        "position": f"{tick}-{n}",
        "by": row.op,
        "table": row.table,
        "key": read_json(row.key),
        "actor": row.actor,
        "at": row.at,
    }
    if before is not None and before != after:
        old = {"old": read_json(row.old or "")} if row.op == "delete" else {}
        yield before, body | {"op": "leave"} | old
    if after is not None:
        yield after, body | {"op": "update" if before == after else "enter", "new": read_json(row.new or "")}


def read_trail(owner_url: str) -> Trail:
    """Read ticks and changes in one snapshot and put each change where it belongs.

    Raises:
        AssertionError: ticks are not dense, or Postgres does not agree on what a tick sees.
    """
    with psycopg.connect(owner_url) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        headers = connection.execute(_TICKS).fetchall()
        rows = [Row(*row) for row in connection.execute(_CHANGES)]
        law = read_law(connection)
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
    return Trail(ticks, sum(len(rows) for xid, rows in transactions.items() if xid not in placed), law)
