"""Who acts in a factory: people with a role in each of their warehouses, and what their token would say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import orjson

Role = Literal[
    "requester",
    "technician",
    "contractor",
    "inventory_clerk",
    "supervisor",
    "manager",
    "admin",
    "kiosk",
    "viewer",
]


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A site."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, or a device with a login; `id` is the `sub` of their token."""

    id: UUID
    name: str
    # Warehouse → role there; a person may have another role in each.
    roles: Mapping[UUID, Role]

    @property
    def claims(self) -> str:
        """What `request.jwt.claims` holds while this person's SQL runs."""
        return orjson.dumps({"sub": str(self.id), "role": "authenticated"}).decode()


@dataclass(frozen=True, slots=True)
class Staff:
    """The people of some warehouses, by what they do there."""

    people: tuple[Person, ...]

    def of(self, warehouse: UUID, *roles: Role) -> tuple[Person, ...]:
        """Return who has one of these roles in a warehouse: the first role that anybody has there wins.

        So `of(w, "inventory_clerk", "manager")` are the clerks, or the managers where there is no clerk.
        """
        for role in roles:
            found = tuple(person for person in self.people if person.roles.get(warehouse) == role)
            if found:
                return found
        return ()
