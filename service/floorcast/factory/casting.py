"""Who plays what when history is replayed: which warehouse has which asset, and who does the work there. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from uuid import UUID, uuid5

from floorcast.errors import FactoryError
from floorcast.factory.history import TAKES_A_PART, TYPES, HistoricalOrder
from floorcast.factory.person import Person, Staff, Warehouse
from floorcast.factory.step import Step, command

SPARES_NUMBER = "REPLAY-SPARES"
"""Part number of what a replayed replacement takes; history does not say which part it was."""

RESTOCK = 10
"""How many spares a receipt brings when the replay has used up what it brought before."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Who does the work in one warehouse."""

    warehouse: Warehouse
    # Opens orders, assigns them, and adds machines.
    supervisor: Person
    # Take turns.
    technicians: tuple[Person, ...]
    # Books what comes in.
    clerk: Person


def spread(assets: Iterable[str], warehouses: Sequence[Warehouse]) -> Mapping[str, Warehouse]:
    """Give each asset a warehouse, in turns; the same assets always get the same ones."""
    return dict(zip(sorted(set(assets)), cycle(warehouses), strict=False))


def crew_of(warehouse: Warehouse, staff: Staff) -> Crew:
    """Choose who plays in a warehouse.

    Raises:
        FactoryError: nobody there may do some of the work; says what is missing.
    """
    supervisors = staff.of(warehouse.id, "supervisor", "manager", "admin")
    technicians = staff.of(warehouse.id, "technician")
    clerks = staff.of(warehouse.id, "inventory_clerk", "supervisor", "manager", "admin")
    for needed, people in (("supervisor", supervisors), ("technician", technicians)):
        if not people:
            raise FactoryError(
                f"Nobody is a {needed} in {warehouse.name}, so nobody there can play history. "
                f"Give somebody that role in user_warehouse_access."
            )
    return Crew(warehouse, supervisors[0], technicians, clerks[0])


@dataclass(slots=True)
class Script:
    """Turns the orders of one asset into steps, in order; remembers whose turn it is and what is on the shelf."""

    # Orders of this replay get ids of their own, so that a file can be played twice.
    run: UUID
    crew: Crew
    machine: UUID
    # What replacements take at this site.
    spares: UUID
    # How many of the spares that we brought are left for this asset.
    on_shelf: int = 0
    # How many orders were played: whose turn it is.
    played: int = 0

    def steps_of(self, order: HistoricalOrder) -> Sequence[Step]:
        """Return what the people do about an order; each step is one transaction."""
        technician = self.crew.technicians[self.played % len(self.crew.technicians)]
        self.played += 1
        key = uuid5(self.run, f"order/{order.line}")
        steps = [
            Step(
                self.crew.supervisor,
                (
                    command(
                        "report",
                        order=key,
                        warehouse=self.crew.warehouse.id,
                        machine=self.machine,
                        title=order.text,
                        type=TYPES[order.kind],
                        priority="high" if TYPES[order.kind] == "emergency" else "medium",
                        scheduled_start=order.begun,
                    ),
                ),
                "reporting it",
            ),
            Step(
                self.crew.supervisor,
                (
                    command("assign", order=key, warehouse=self.crew.warehouse.id, user=technician.id),
                    command("set_order_status", order=key, status="assigned"),
                ),
                "assigning it",
            ),
            Step(
                technician,
                (
                    command("set_machine_status", machine=self.machine, status="in_maintenance"),
                    command("start", order=key, at=order.begun),
                ),
                "starting it",
            ),
        ]
        if order.kind in TAKES_A_PART:
            steps += self._take_part(order, key, technician)
        steps.append(
            Step(
                technician,
                (
                    command("set_machine_status", machine=self.machine, status="operational"),
                    command("complete", order=key, notes=order.text, hours=None, cost=order.cost, at=order.begun),
                ),
                "completing it",
            )
        )
        return steps

    def _take_part(self, order: HistoricalOrder, key: UUID, technician: Person) -> Iterable[Step]:
        if self.on_shelf == 0:
            self.on_shelf = RESTOCK
            receipt = command(
                "receive",
                id=uuid5(self.run, f"receipt/{order.line}"),
                warehouse=self.crew.warehouse.id,
                item=self.spares,
                quantity=RESTOCK,
                reference="replay",
            )
            yield Step(self.crew.clerk, (receipt,), "receiving spares for it")
        self.on_shelf -= 1
        issue = command(
            "issue",
            id=uuid5(self.run, f"issue/{order.line}"),
            warehouse=self.crew.warehouse.id,
            item=self.spares,
            quantity=1,
            order=key,
        )
        yield Step(technician, (issue,), "taking a part for it")
