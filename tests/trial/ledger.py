"""Exact accounting of those who come back: their pictures and all that they applied, against the trail and SELECT.

- A picture is what the trail makes of the ticks up to its own, and of whole transactions behind it that the stream
  then leaves out: nothing is missing at the seam, and nothing is there twice.
- Behind it, every other change that the person may see was applied once, in order, as it was written.
- What the whole trail makes is what SELECT gives that person; so is, therefore, what each of them holds.
"""

from ast import literal_eval
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from tests.trial.line import read_json
from tests.trial.regular import Life, Regular
from tests.trial.trail import Trail

_FEW = 3

_COLUMNS = "select table_name, column_name from information_schema.columns where table_schema = 'visible'"

Rows = dict[str, dict[str, Any]]
"""Table → key → row."""


class Ledger:
    """One accounting, at a quiet moment."""

    def __init__(self, trail: Trail, incarnation: str, *, fork: int | None = None) -> None:
        """`incarnation` is the present one; of others, what lies behind the tick `fork` is lost and not looked at."""
        self._trail = trail
        self._incarnation = incarnation
        self._fork = trail.last if fork is None else fork
        self._histories: dict[tuple[str, str], dict[int, list[dict[str, Any]]]] = {}
        # Equal things are mostly the same object: frames are read once for all who get them.
        self._same: dict[tuple[tuple[int, ...], tuple[str, str], int], bool] = {}
        self._right: dict[tuple[Any, ...], list[str]] = {}

    def audit(self, regulars: Iterable[Regular]) -> list[str]:
        """Return every fault, and forget what was found to be right; everybody must have heard everything."""
        found = []
        for regular in regulars:
            who = f"{regular.reader.name} in {regular.warehouse[:8]}"
            found += regular.faults
            regular.faults = []
            for life in regular.lives:
                found += [f"{who}: {fault}" for fault in self._audit(regular, life)]
            present = regular.lives[-1]
            if present.ended is not None or present.incarnation != self._incarnation:
                found.append(f"{who}: holds what ended with {present.ended}")
            regular.lives = [present]
        return found

    def compare_with_tables(self, owner_url: str) -> list[str]:
        """Return where what was audited is not what SELECT gives."""
        found = []
        for user, warehouse in self._histories:
            found += self._compare_with_tables(user, warehouse, owner_url)
        return found

    def _audit(self, regular: Regular, life: Life) -> list[str]:
        user, warehouse = str(regular.reader.id), regular.warehouse
        history = self._history(user, warehouse)
        last = self._trail.last if life.ended is None else max((tick for tick, _ in life.applied), default=life.tick)
        if life.incarnation != self._incarnation:
            last = min(last, self._fork)
            if life.ended is None:
                return [f"goes on in a history that ended at tick {self._fork}"]
        heard = {tick: payloads for tick, payloads in life.applied if tick <= last}
        due = {tick for tick in history if life.tick < tick <= last}
        every = sorted(due | heard.keys())
        unlike = [tick for tick in every if not self._is_right(tick, heard.get(tick, ()), user, warehouse)]
        if not life.picture:
            # Looked at before; this is what has come since.
            skipped: list[dict[str, Any]] = []
            faults = [self._say(tick, heard.get(tick, ()), history.get(tick, [])) for tick in unlike[:_FEW]]
        else:
            skipped, faults = self._left_out(unlike, heard, history)
            faults += self._audit_picture(life, (user, warehouse), skipped)
        if not faults:
            life.picture = []
            life.applied = []
            life.tick = last
        return faults

    def _is_right(self, tick: int, payloads: tuple[Any, ...], user: str, warehouse: str) -> bool:
        name = (tuple(id(payload) for payload in payloads), (user, warehouse), tick)
        known = self._same.get(name)
        if known is None:
            known = self._same[name] = _operations(payloads) == self._history(user, warehouse).get(tick, [])
        return known

    def _left_out(
        self, unlike: Sequence[int], heard: Mapping[int, tuple[Any, ...]], history: Mapping[int, list[dict[str, Any]]]
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """What the stream left out behind a picture has to be whole transactions, and the rest as it was written."""
        skipped: list[dict[str, Any]] = []
        faults = []
        for tick in unlike:
            ours, theirs = _operations(heard.get(tick, ())), history.get(tick, [])
            positions = {operation["position"] for operation in ours}
            missing = [operation for operation in theirs if operation["position"] not in positions]
            if [operation for operation in theirs if operation["position"] in positions] != ours:
                faults.append(self._say(tick, heard.get(tick, ()), theirs))
            heard_xids = {self._xid(operation) for operation in ours}
            if any(self._xid(operation) in heard_xids for operation in missing):
                faults.append(f"tick {tick} has a part of a transaction only")
            skipped += missing
        return skipped, faults[:_FEW]

    def _audit_picture(self, life: Life, whose: tuple[str, str], skipped: Sequence[dict[str, Any]]) -> list[str]:
        name = (*whose, life.tick, *(each["position"] for each in skipped), *(id(part) for part in life.picture))
        found = self._right.get(name)
        if found is None:
            rows: Rows = defaultdict(dict)
            for tick, operations in self._history(*whose).items():
                if tick <= life.tick:
                    _apply(rows, operations)
            _apply(rows, skipped)
            shown: Rows = defaultdict(dict)
            for part in life.picture:
                for table, bodies in part["rows"].items():
                    shown[table] |= {_key({name: body[name] for name in life.keys[table]}): body for body in bodies}
            found = _unlike(shown, rows, f"the picture of tick {life.tick}")
            if found and skipped:
                found.append(f"left out behind it: {[each['position'] for each in skipped][:9]}")
            self._right[name] = found
        return found

    def _compare_with_tables(self, user: str, warehouse: str, owner_url: str) -> list[str]:
        rows: Rows = defaultdict(dict)
        for operations in self._history(user, warehouse).values():
            _apply(rows, operations)
        found = []
        with psycopg.connect(owner_url) as connection:
            connection.execute("set timezone to 'UTC'; set intervalstyle to 'iso_8601'")
            columns: dict[str, set[str]] = defaultdict(set)
            for table, column in connection.execute(_COLUMNS):
                columns[table].add(column)
            claims = f'{{"sub": "{user}", "role": "authenticated"}}'
            connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
            connection.execute("set role authenticated")
            for table, keyed in rows.items():
                # What belongs to organizations and persons has a rule of its own; pictures have been compared.
                if table != "users" and "warehouse_id" in columns[table]:
                    retired = "and deleted_at is null" if "deleted_at" in columns[table] else ""
                    text = f"select row_to_json(t)::text from visible.{table} as t where warehouse_id = %s {retired}"
                    names = next(iter(keyed), "[]")
                    bodies = [read_json(body) for (body,) in connection.execute(text.encode(), [warehouse])]
                    key = [name for name, _ in literal_eval(names)]
                    selected = {_key({name: body[name] for name in key}): body for body in bodies} if key else {}
                    found += _unlike({table: selected}, {table: keyed}, f"{user[:8]} in {warehouse[:8]}, by SELECT")
        return found

    def _history(self, user: str, warehouse: str) -> dict[int, list[dict[str, Any]]]:
        found = self._histories.get((user, warehouse))
        if found is None:
            found = self._histories[user, warehouse] = self._trail.history(user, warehouse)
        return found

    def _xid(self, operation: Mapping[str, Any]) -> int:
        tick, n = map(int, operation["position"].split("-"))
        return self._trail.ticks[tick].rows[n - 1].xid

    def _say(self, tick: int, payloads: tuple[Any, ...], expected: Sequence[Any]) -> str:
        ours = _operations(payloads)
        places = [operation["position"] for operation in ours]
        due = [operation["position"] for operation in expected]
        if places != due:
            return f"tick {tick}: {len(places)} changes heard, {len(due)} due: {places[:_FEW]} … for {due[:_FEW]} …"
        pairs = zip(ours, expected, strict=True)
        return f"tick {tick}: {next(f'heard {our}, expected {their}' for our, their in pairs if our != their)}"


def _operations(payloads: Iterable[Any]) -> list[dict[str, Any]]:
    return [operation for payload in payloads for operation in payload["changes"]]


def _key(key: Mapping[str, Any]) -> str:
    return str(sorted(key.items()))


def _apply(rows: Rows, operations: Iterable[Mapping[str, Any]]) -> None:
    for operation in operations:
        if operation["op"] == "leave":
            rows[operation["table"]].pop(_key(operation["key"]), None)
        else:
            rows[operation["table"]][_key(operation["key"])] = operation["new"]


def _unlike(found: Rows, expected: Rows, what: str) -> list[str]:
    faults = []
    for table in sorted(found.keys() | expected.keys()):
        ours, theirs = found.get(table, {}), expected.get(table, {})
        if ours != theirs:
            lacks, has = theirs.keys() - ours.keys(), ours.keys() - theirs.keys()
            other = [
                f"{ours[key]} for {theirs[key]}" for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]
            ]
            faults.append(
                f"{what}: {table} lacks {len(lacks)} {sorted(lacks)[:1]}, has {len(has)} too many {sorted(has)[:1]}, "
                f"{len(other)} unlike {other[:1]}"[:1500]
            )
    return faults
