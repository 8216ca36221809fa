"""What is going on in a factory at a moment, as far as deciding what happens next needs it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from floorcast.factory.person import Staff, Warehouse


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as it stands there."""

    id: UUID
    warehouse: UUID
    name: str
    type: str
    criticality: str
    status: str


@dataclass(frozen=True, slots=True)
class Order:
    """A work order that somebody may have something to do with."""

    id: UUID
    warehouse: UUID
    machine: UUID
    number: str
    title: str
    status: str
    priority: str
    # users.id, the first assigned first.
    assignees: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Item:
    """A part in a warehouse; quantities in whole units."""

    id: UUID
    warehouse: UUID
    part_number: str
    name: str
    # On hand and not promised to anybody.
    available: int
    reorder_point: int
    reorder_quantity: int


@dataclass(frozen=True, slots=True)
class Floor:
    """The factory at a moment."""

    warehouses: Sequence[Warehouse]
    staff: Staff
    machines: Sequence[Machine]
    orders: Sequence[Order]
    items: Sequence[Item]

    def machine(self, order: Order) -> Machine:
        """Return the machine that an order is about."""
        return next(machine for machine in self.machines if machine.id == order.machine)

    def orders_in(self, *statuses: str) -> Sequence[Order]:
        """Return the orders that have one of these statuses."""
        return [order for order in self.orders if order.status in statuses]

    def only(self, warehouses: frozenset[UUID]) -> "Floor":
        """Return the part of the factory that is in these warehouses."""
        return replace(
            self,
            warehouses=[site for site in self.warehouses if site.id in warehouses],
            machines=[machine for machine in self.machines if machine.warehouse in warehouses],
            orders=[order for order in self.orders if order.warehouse in warehouses],
            items=[item for item in self.items if item.warehouse in warehouses],
        )
