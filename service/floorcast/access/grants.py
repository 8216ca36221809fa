"""Who may join what, as of a tick (pure).

A gateway loads the grants once and then follows the rows of `floorcast.grants` and `warehouses` through the stream, so
an answer is always exact for one tick: no cache that expires, no question to the database per subscriber.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from floorcast.change import GRANTS, TRACKED
from floorcast.operation import Operation

WAREHOUSES = "warehouses"
"""Its rows say which warehouses exist; a trusted server may join any of those, and only those."""

SERVICE_ROLE = "service_role"


@dataclass(frozen=True, slots=True)
class AccessDifference:
    """What a whole tick did to access; pairs are (user, warehouse).

    Net: granted and withdrawn inside one tick, or withdrawn and granted again with the same role, is no difference,
    because entitlement is asked before and after the tick and nowhere between.
    """

    lost: frozenset[tuple[str, str]] = frozenset()
    gained: frozenset[tuple[str, str]] = frozenset()
    # Had and has access, under another role.
    changed: frozenset[tuple[str, str]] = frozenset()
    # Warehouses that are no more: trusted servers lose them too.
    closed: frozenset[str] = frozenset()


NO_DIFFERENCE = AccessDifference()


CONCERNS_ACCESS = frozenset({GRANTS, WAREHOUSES, TRACKED})
"""Tables whose changes a gateway settles before it delivers anything of their tick."""


class Grants:
    """The law as of one tick: user → warehouse → role, and the warehouses that exist."""

    def __init__(self, grants: Mapping[str, Mapping[str, str]], warehouses: Iterable[str]) -> None:
        """Begin with what a tick sees; the arguments are copied."""
        self._grants = {user: dict(roles) for user, roles in grants.items()}
        self._warehouses = set(warehouses)

    def role(self, claims_role: str, user: str, warehouse: str) -> str | None:
        """Return the role in which somebody may join a warehouse, None when not at all.

        Args:
            claims_role: `role` of the token. `service_role` may join whatever exists; `anon` nothing.
            user: `sub` of the token.
            warehouse: id, as the trail writes it.
        """
        if claims_role == SERVICE_ROLE:
            return SERVICE_ROLE if warehouse in self._warehouses else None
        if claims_role == "authenticated":
            return self._grants.get(user, {}).get(warehouse)
        return None

    def apply(self, operations: Iterable[Operation]) -> AccessDifference:
        """Move on by one whole tick, given its operations in order; say what that changed, net."""
        before: dict[tuple[str, str], str | None] = {}
        existed: dict[str, bool] = {}
        for operation in operations:
            if operation.table == GRANTS:
                self._set_grant(operation, before)
            elif operation.table == WAREHOUSES:
                self._set_warehouse(operation, existed)
        if not before and not existed:
            return NO_DIFFERENCE
        after = {pair: self._grants.get(pair[0], {}).get(pair[1]) for pair in before}
        return AccessDifference(
            lost=frozenset(pair for pair, role in before.items() if role and not after[pair]),
            gained=frozenset(pair for pair, role in before.items() if not role and after[pair]),
            changed=frozenset(pair for pair, role in before.items() if role and after[pair] and role != after[pair]),
            closed=frozenset(name for name, was in existed.items() if was and name not in self._warehouses),
        )

    def _set_grant(self, operation: Operation, before: dict[tuple[str, str], str | None]) -> None:
        body = orjson.loads(operation.body)
        user, role, warehouse = body["user"], body["role"], operation.warehouse
        roles = self._grants.setdefault(user, {})
        # Only the first touch in a tick knows what was so before it.
        before.setdefault((user, warehouse), roles.get(warehouse))
        if role is None:
            roles.pop(warehouse, None)
            if not roles:
                del self._grants[user]
        else:
            roles[warehouse] = role

    def _set_warehouse(self, operation: Operation, existed: dict[str, bool]) -> None:
        name = operation.warehouse
        existed.setdefault(name, name in self._warehouses)
        if orjson.loads(operation.body)["op"] == "leave":
            self._warehouses.discard(name)
        else:
            self._warehouses.add(name)
