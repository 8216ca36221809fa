"""Who may join what, as of a tick (pure).

A gateway loads the grants once and then follows the rows of `floorcast.grants` and `warehouses` through the stream, so
an answer is always exact for one tick: no cache that expires, no question to the database per subscriber.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import orjson

from floorcast.change import CANARY, GRANTS, POLICY, TRACKED
from floorcast.operation import Operation

WAREHOUSES = "warehouses"
"""Its rows say which warehouses exist; a trusted server may join any of those, and only those."""

SERVICE_ROLE = "service_role"

_NOBODY: AbstractSet[str] = frozenset()


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
    # Warehouses that had an organization and have another.
    handed_over: frozenset[str] = frozenset()


NO_DIFFERENCE = AccessDifference()


CONCERNS_ACCESS = frozenset({GRANTS, WAREHOUSES, TRACKED}) | POLICY
"""Tables whose changes a gateway settles before it delivers anything of their tick."""

FOLLOWED = CONCERNS_ACCESS | {CANARY}
"""Tables that a gateway follows for itself, in a tick of any size."""


class Grants:
    """The law as of one tick: user → warehouse → role, and the warehouses that are in use."""

    def __init__(self, grants: Mapping[str, Mapping[str, str]], warehouses: Mapping[str, str]) -> None:
        """Begin with what a tick sees; `warehouses` are warehouse → its organization. The arguments are copied."""
        self._grants = {user: dict(roles) for user, roles in grants.items()}
        self._organizations = dict(warehouses)
        # Warehouse → who has a role there.
        self._people: dict[str, set[str]] = {}
        for user, roles in grants.items():
            for warehouse in roles:
                self._people.setdefault(warehouse, set()).add(user)

    def role(self, claims_role: str, user: str, warehouse: str) -> str | None:
        """Return the role in which somebody may join a warehouse, None when not at all.

        Args:
            claims_role: `role` of the token. `service_role` may join whatever exists; `anon` nothing.
            user: `sub` of the token.
            warehouse: id, as the trail writes it.
        """
        if claims_role == SERVICE_ROLE:
            return SERVICE_ROLE if warehouse in self._organizations else None
        if claims_role == "authenticated":
            return self._grants.get(user, {}).get(warehouse)
        return None

    @property
    def warehouses(self) -> Iterable[str]:
        """Every warehouse that is in use."""
        return self._organizations.keys()

    def warehouses_of(self, user: str) -> Iterable[str]:
        """Return the warehouses in which somebody has a role."""
        return self._grants.get(user, {}).keys()

    def people_of(self, warehouse: str) -> AbstractSet[str]:
        """Return who has a role in a warehouse."""
        return self._people.get(warehouse, _NOBODY)

    def past(self, warehouse: str, people: Mapping[str, str | None]) -> "Grants":
        """Return who had a role in one warehouse: as now, but for these people, who had these, or None."""
        roles = {user: self._grants[user][warehouse] for user in self.people_of(warehouse)}
        roles |= {user: role for user, role in people.items() if role is not None}
        present = {user: {warehouse: role} for user, role in roles.items() if people.get(user, role) is not None}
        organization = self._organizations.get(warehouse)
        return Grants(present, {} if organization is None else {warehouse: organization})

    def organization_of(self, warehouse: str) -> str | None:
        """Return whose a warehouse is, None when nobody knows."""
        return self._organizations.get(warehouse)

    def apply(self, operations: Iterable[Operation]) -> AccessDifference:
        """Move on by one whole tick, given its operations in order; say what that changed, net."""
        before: dict[tuple[str, str], str | None] = {}
        belonged: dict[str, str | None] = {}
        for operation in operations:
            if operation.table == GRANTS:
                self._set_grant(operation, before)
            elif operation.table == WAREHOUSES:
                self._set_warehouse(operation, belonged)
        if not before and not belonged:
            return NO_DIFFERENCE
        after = {pair: self._grants.get(pair[0], {}).get(pair[1]) for pair in before}
        return AccessDifference(
            lost=frozenset(pair for pair, role in before.items() if role and not after[pair]),
            gained=frozenset(pair for pair, role in before.items() if not role and after[pair]),
            changed=frozenset(pair for pair, role in before.items() if role and after[pair] and role != after[pair]),
            closed=frozenset(name for name, was in belonged.items() if was and name not in self._organizations),
            handed_over=frozenset(
                name for name, was in belonged.items() if was and self._organizations.get(name, was) != was
            ),
        )

    def _set_grant(self, operation: Operation, before: dict[tuple[str, str], str | None]) -> None:
        fact = orjson.loads(operation.new or b"{}")
        user, role, warehouse = fact["user"], fact["role"], operation.warehouse
        roles = self._grants.setdefault(user, {})
        # Only the first touch in a tick knows what was so before it.
        before.setdefault((user, warehouse), roles.get(warehouse))
        if role is None:
            roles.pop(warehouse, None)
            self._people.get(warehouse, set()).discard(user)
            if not roles:
                del self._grants[user]
        else:
            roles[warehouse] = role
            self._people.setdefault(warehouse, set()).add(user)

    def _set_warehouse(self, operation: Operation, belonged: dict[str, str | None]) -> None:
        name = operation.warehouse
        belonged.setdefault(name, self._organizations.get(name))
        if operation.new is None:
            self._organizations.pop(name, None)
        else:
            self._organizations[name] = orjson.loads(operation.new)["organization_id"]
