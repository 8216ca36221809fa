"""What happened to access lately (pure).

Enough to say who was where at a tick, and whether somebody's access is still what it was then. A client that comes back
with a cursor is told what happened meanwhile only if nothing happened to what he may see: else he could be told values
that he could not read when they were written.
"""

from collections.abc import Iterable, Mapping, Sequence

import orjson

from floorcast.access.grants import SERVICE_ROLE, WAREHOUSES
from floorcast.change import GRANTS, POLICY, TRACKED
from floorcast.operation import Operation

MOST = 100_000
"""Changes of grants that are remembered; past it the older half is forgotten, and read back by who needs it."""


class Chronicle:
    """Knows every change of access after tick `since`."""

    def __init__(self, tick: int) -> None:
        """Begin at a tick, knowing nothing of what was before."""
        self.since = tick
        # (tick, user, warehouse, role before), ascending; net of each tick.
        self._grants: list[tuple[int, str, str, str | None]] = []
        # The last tick that changed a warehouse's organization, or made or ended it.
        self._warehouses: dict[str, int] = {}
        # The last ticks that changed a rule, and which tables are tracked.
        self.rules_changed = 0
        self.tracked_changed = 0

    def note(self, tick: int, operations: Iterable[Operation]) -> None:
        """Move on by a tick that has operations which concern access."""
        self._take(self._grants, tick, operations)
        if len(self._grants) > MOST:
            kept = self._grants[MOST // 2 :]
            self.since = max(self.since, kept[0][0])
            self._grants = [each for each in kept if each[0] > self.since]

    def precede(self, since: int, earlier: Sequence[tuple[int, Sequence[Operation]]]) -> None:
        """Learn what happened before: everything after tick `since` up to where the knowledge began, ascending."""
        if since >= self.since:
            return
        grants: list[tuple[int, str, str, str | None]] = []
        for tick, operations in earlier:
            if since < tick <= self.since:
                self._take(grants, tick, operations)
        self._grants[:0] = grants
        self.since = since

    def access_changed(self, claims_role: str, user: str, warehouse: str, after: int) -> bool:
        """Whether somebody's access to a warehouse, or what it means, was ever another one since tick `after`.

        Only to be asked for an `after` that is not before `since`.
        """
        if self.rules_changed > after or self._warehouses.get(warehouse, 0) > after:
            return True
        if claims_role == SERVICE_ROLE:
            return False
        return any(each[1:3] == (user, warehouse) for each in self._later(after))

    def changed_at(self, claims_role: str, user: str, warehouse: str) -> int:
        """Return the last tick that changed somebody's access to a warehouse, as far as is known; 0 for none."""
        latest = max(self.rules_changed, self._warehouses.get(warehouse, 0))
        if claims_role == SERVICE_ROLE:
            return latest
        mine = (tick for tick, who, where, _ in reversed(self._grants) if (who, where) == (user, warehouse))
        return max(latest, next(mine, 0))

    def people(self, warehouse: str, after: int) -> Mapping[str, str | None]:
        """Return who was let in or out, or changed roles, since tick `after`, each with the role that he had then."""
        found: dict[str, str | None] = {}
        for _, user, where, was in self._later(after):
            if where == warehouse:
                found.setdefault(user, was)
        return found

    def _later(self, after: int) -> Iterable[tuple[int, str, str, str | None]]:
        for place in range(len(self._grants) - 1, -1, -1):
            if self._grants[place][0] <= after:
                return self._grants[place + 1 :]
        return self._grants

    def _take(self, grants: list[tuple[int, str, str, str | None]], tick: int, operations: Iterable[Operation]) -> None:
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
        grants += [(tick, *pair, was) for pair, was in before.items() if was != after[pair]]


def _organization(row: bytes | None) -> str | None:
    return None if row is None else orjson.loads(row).get("organization_id")
