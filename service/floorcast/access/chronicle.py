"""What happened to access lately (pure).

Enough to say who was where at a tick, and whether somebody's access is still what it was then. A client that comes back
with a cursor is told what happened meanwhile only if nothing happened to what he may see: else he could be told values
that he could not read when they were written.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from floorcast.access.grants import SERVICE_ROLE, WAREHOUSES
from floorcast.change import GRANTS, POLICY, TRACKED
from floorcast.operation import Operation

MOST = 100_000
"""Changes of grants that are remembered; past it the older half is forgotten, and read back by who needs it."""


class _Turn(NamedTuple):
    """A change of somebody's grant in a warehouse, net of its tick."""

    tick: int
    user: str
    # The role before, None for none.
    was: str | None


class Chronicle:
    """Knows every change of access after tick `since`."""

    def __init__(self, tick: int) -> None:
        """Begin at a tick, knowing nothing of what was before."""
        self.since = tick
        # Warehouse → changes of grants, ascending.
        self._grants: dict[str, list[_Turn]] = {}
        self._count = 0
        # (user, warehouse) → the last tick that changed it.
        self._latest: dict[tuple[str, str], int] = {}
        # The last tick that changed a warehouse's organization, or made or ended it.
        self._warehouses: dict[str, int] = {}
        # The last ticks that changed a rule, and which tables are tracked.
        self.rules_changed = 0
        self.tracked_changed = 0

    def note(self, tick: int, operations: Iterable[Operation]) -> None:
        """Move on by a tick that has operations which concern access."""
        for warehouse, turns in self._read(tick, operations).items():
            self._grants.setdefault(warehouse, []).extend(turns)
            self._count += len(turns)
        if self._count > MOST:
            self._forget()

    def precede(self, since: int, earlier: Sequence[tuple[int, Sequence[Operation]]]) -> None:
        """Learn what happened before: everything after tick `since` up to where the knowledge began, ascending."""
        if since >= self.since:
            return
        found: dict[str, list[_Turn]] = {}
        for tick, operations in earlier:
            if since < tick <= self.since:
                for warehouse, turns in self._read(tick, operations).items():
                    found.setdefault(warehouse, []).extend(turns)
        for warehouse, turns in found.items():
            self._grants[warehouse] = [*turns, *self._grants.get(warehouse, ())]
            self._count += len(turns)
        self.since = since

    def access_changed(self, claims_role: str, user: str, warehouse: str, after: int) -> bool:
        """Whether somebody's access to a warehouse, or what it means, was ever another one since tick `after`.

        Only to be asked for an `after` that is not before `since`.
        """
        return self.changed_at(claims_role, user, warehouse) > after

    def changed_at(self, claims_role: str, user: str, warehouse: str) -> int:
        """Return the last tick that changed somebody's access to a warehouse, as far as is known; 0 for none."""
        latest = max(self.rules_changed, self._warehouses.get(warehouse, 0))
        return latest if claims_role == SERVICE_ROLE else max(latest, self._latest.get((user, warehouse), 0))

    def people(self, warehouse: str, after: int) -> Mapping[str, str | None]:
        """Return who was let in or out, or changed roles, since tick `after`, each with the role that he had then."""
        found: dict[str, str | None] = {}
        # From the newest on, so that the earliest after the tick has the last word.
        for turn in reversed(self._grants.get(warehouse, ())):
            if turn.tick <= after:
                break
            found[turn.user] = turn.was
        return found

    def _read(self, tick: int, operations: Iterable[Operation]) -> dict[str, list[_Turn]]:
        before: dict[tuple[str, str], str | None] = {}
        after: dict[tuple[str, str], str | None] = {}
        for operation in operations:
            if operation.table == GRANTS:
                fact = orjson.loads(operation.new or b"{}")
                pair = fact["user"], operation.warehouse
                before.setdefault(pair, fact.get("was"))
                after[pair] = fact["role"]
            elif operation.table == WAREHOUSES:
                if operation.op != "update" or _organization(operation.old) != _organization(operation.new):
                    self._warehouses[operation.warehouse] = max(tick, self._warehouses.get(operation.warehouse, 0))
            elif operation.table in POLICY:
                self.rules_changed = max(tick, self.rules_changed)
            elif operation.table == TRACKED:
                self.tracked_changed = max(tick, self.tracked_changed)
        turns: dict[str, list[_Turn]] = {}
        for (user, warehouse), was in before.items():
            if was != after[user, warehouse]:
                turns.setdefault(warehouse, []).append(_Turn(tick, user, was))
                self._latest[user, warehouse] = max(tick, self._latest.get((user, warehouse), 0))
        return turns

    def _forget(self) -> None:
        """Forget the older half."""
        ticks = sorted(turn.tick for turns in self._grants.values() for turn in turns)
        self.since = max(self.since, ticks[len(ticks) // 2])
        kept = {name: [turn for turn in turns if turn.tick > self.since] for name, turns in self._grants.items()}
        self._grants = {name: turns for name, turns in kept.items() if turns}
        self._count = sum(map(len, self._grants.values()))
        self._latest = {pair: tick for pair, tick in self._latest.items() if tick > self.since}


def _organization(row: bytes | None) -> str | None:
    return None if row is None else orjson.loads(row).get("organization_id")
