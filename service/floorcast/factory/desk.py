"""Writes what happens in a busy factory as steps: who does it, and which statements that is. Pure."""

from decimal import Decimal
from random import Random
from uuid import UUID

from floorcast.factory import phrases
from floorcast.factory.floor import Floor, Item, Machine, Order
from floorcast.factory.person import Person, Role
from floorcast.factory.step import Command, Step, command, fresh_id

_WORKERS: tuple[Role, ...] = ("technician", "supervisor", "manager", "admin")
_DIRECTORS: tuple[Role, ...] = ("supervisor", "manager", "admin")
_CLERKS: tuple[Role, ...] = ("inventory_clerk", *_DIRECTORS)


class Desk:
    """Writes steps about one floor. A method returns None when nobody, or nothing, is there for it."""

    def __init__(self, floor: Floor, random: Random) -> None:
        """Write about this floor; choices of people and words come from `random`."""
        self._floor = floor
        self._random = random

    def break_down(self, machine: Machine) -> Step | None:
        """A machine stops, and the order to repair it is written in the same breath."""
        person = self._somebody(machine.warehouse, "requester", *_WORKERS)
        # A requester may report what he may not set: then somebody who works there sets it with the report.
        person = person if person and self._may_set(person, machine) else self._somebody(machine.warehouse, *_WORKERS)
        title = self._random.choice(phrases.BREAKDOWNS)
        down = command("set_machine_status", machine=machine.id, status="down")
        kind, priority = ("emergency", "emergency" if machine.criticality == "critical" else "critical")
        return self._step(
            person, (down, self._report(machine, title, kind, priority)), f"{machine.name} is down: {title}"
        )

    def report(self, machine: Machine) -> Step | None:
        """Somebody notices something small, and writes an order about it."""
        title, kind, priority = self._random.choice(phrases.SMALL_JOBS)
        reporters: tuple[Role, ...] = self._random.choice((("requester", *_WORKERS), _WORKERS, _DIRECTORS))
        person = self._somebody(machine.warehouse, *reporters)
        commands: tuple[Command, ...] = (self._report(machine, title, kind, priority),)
        if kind == "corrective" and machine.status == "operational" and person and self._may_set(person, machine):
            commands = (command("set_machine_status", machine=machine.id, status="degraded"), *commands)
        return self._step(person, commands, f"{machine.name}: {title}")

    def assign(self, order: Order) -> Step | None:
        """A supervisor gives an order to a technician."""
        technician = self._somebody(order.warehouse, "technician")
        if technician is None:
            return None
        commands: tuple[Command, ...] = (
            command("assign", order=order.id, warehouse=order.warehouse, user=technician.id),
            command("set_order_status", order=order.id, status="assigned"),
        )
        if technician.id in order.assignees:
            commands = commands[1:]
        return self._step(
            self._somebody(order.warehouse, *_DIRECTORS), commands, f"{order.number} goes to {technician.name}"
        )

    def start(self, order: Order) -> Step | None:
        """Work begins; a machine that was not well is taken out of service for it."""
        begin = command("start", order=order.id, at=None)
        machine = self._floor.machine(order)
        commands: tuple[Command, ...] = (begin,)
        if machine.status in ("down", "degraded"):
            commands = (command("set_machine_status", machine=machine.id, status="in_maintenance"), begin)
        return self._step(self._worker(order), commands, f"{order.number} is started")

    def hold(self, order: Order) -> Step | None:
        """Work stops for now."""
        return self._status(order, "on_hold", self._worker(order))

    def resume(self, order: Order) -> Step | None:
        """Work goes on."""
        return self._status(order, "in_progress", self._worker(order))

    def verify(self, order: Order) -> Step | None:
        """A supervisor has looked at the work."""
        return self._status(order, "verified", self._somebody(order.warehouse, *_DIRECTORS))

    def close(self, order: Order) -> Step | None:
        """The order is done with."""
        return self._status(order, "closed", self._somebody(order.warehouse, *_DIRECTORS))

    def reopen(self, order: Order) -> Step | None:
        """The fault is back, or the work was not good: it is open again."""
        return self._status(order, "open", self._somebody(order.warehouse, *_DIRECTORS))

    def complete(self, order: Order) -> Step | None:
        """Work is done, with notes, hours and cost; the machine runs again."""
        machine = self._floor.machine(order)
        done = command(
            "complete",
            order=order.id,
            notes=self._random.choice(phrases.NOTES),
            hours=Decimal(self._random.randint(1, 32)) / 4,
            cost=Decimal(self._random.randint(500, 90_000)) / 100,
            at=None,
        )
        others = [other for other in self._floor.orders_in("in_progress") if other.machine == machine.id]
        commands: tuple[Command, ...] = (done,)
        # The machine runs again when nobody else is at it.
        if machine.status not in ("operational", "standby") and len(others) == 1:
            commands = (command("set_machine_status", machine=machine.id, status="operational"), done)
        return self._step(self._worker(order), commands, f"{order.number} is completed")

    def take_part(self, order: Order) -> Step | None:
        """A part from stock is used for an order."""
        kept = [item for item in self._floor.items if item.warehouse == order.warehouse and item.available > 0]
        if not kept:
            return None
        item = self._random.choice(kept)
        issue = command(
            "issue",
            id=fresh_id(self._random),
            warehouse=order.warehouse,
            item=item.id,
            quantity=self._random.randint(1, min(4, item.available)),
            order=order.id,
        )
        return self._step(self._worker(order), (issue,), f"{order.number} takes {item.name}")

    def comment(self, order: Order) -> Step | None:
        """Somebody says something about an order."""
        text = self._random.choice(phrases.COMMENTS)
        say = command("comment", id=fresh_id(self._random), warehouse=order.warehouse, order=order.id, text=text)
        return self._step(self._somebody(order.warehouse, *_WORKERS), (say,), f"{order.number}: {text}")

    def change_priority(self, order: Order) -> Step | None:
        """A supervisor sees it differently now."""
        others = [each for each in ("low", "medium", "high", "critical") if each != order.priority]
        priority = self._random.choice(others)
        change = command("set_priority", order=order.id, priority=priority)
        return self._step(self._somebody(order.warehouse, *_DIRECTORS), (change,), f"{order.number} is {priority} now")

    def receive(self, item: Item) -> Step | None:
        """What was ordered arrives."""
        receipt = command(
            "receive",
            id=fresh_id(self._random),
            warehouse=item.warehouse,
            item=item.id,
            quantity=max(1, item.reorder_quantity),
            reference=f"delivery {self._random.randint(10_000, 99_999)}",
        )
        return self._step(self._somebody(item.warehouse, *_CLERKS), (receipt,), f"{item.name} arrives")

    def count_stock(self, item: Item) -> Step | None:
        """A stock take finds more or less than the books say."""
        difference = self._random.choice([each for each in (-3, -2, -1, 1, 2, 3) if item.available + each >= 0])
        take = command(
            "adjust",
            id=fresh_id(self._random),
            warehouse=item.warehouse,
            item=item.id,
            quantity=difference,
            reason=self._random.choice(phrases.COUNTS),
        )
        return self._step(self._somebody(item.warehouse, *_CLERKS), (take,), f"{item.name} is counted: {difference:+d}")

    def transfer(self, item: Item) -> Step | None:
        """Parts go to another warehouse: out here and in there, at once."""
        elsewhere = [
            other
            for other in self._floor.items
            if other.part_number == item.part_number and other.warehouse != item.warehouse
        ]
        if not elsewhere or item.available < 2:  # noqa: PLR2004 — one stays where it is
            return None
        other = self._random.choice(elsewhere)
        move = command(
            "transfer",
            out_id=fresh_id(self._random),
            in_id=fresh_id(self._random),
            transfer=fresh_id(self._random),
            from_warehouse=item.warehouse,
            from_item=item.id,
            to_warehouse=other.warehouse,
            to_item=other.id,
            quantity=self._random.randint(1, max(1, item.available // 3)),
        )
        person = self._in_both(item.warehouse, other.warehouse)
        return self._step(person, (move,), f"{item.name} goes to {self._name(other.warehouse)}")

    def move(self, machine: Machine) -> Step | None:
        """A machine goes to another warehouse, and its history with it."""
        elsewhere = [site for site in self._floor.warehouses if site.id != machine.warehouse]
        if not elsewhere:
            return None
        site = self._random.choice(elsewhere)
        move = command("move_machine", machine=machine.id, warehouse=site.id)
        return self._step(self._in_both(machine.warehouse, site.id), (move,), f"{machine.name} goes to {site.name}")

    def _report(self, machine: Machine, title: str, kind: str, priority: str) -> Command:
        return command(
            "report",
            order=fresh_id(self._random),
            warehouse=machine.warehouse,
            machine=machine.id,
            title=title,
            type=kind,
            priority=priority,
            scheduled_start=None,
        )

    def _status(self, order: Order, status: str, person: Person | None) -> Step | None:
        change = command("set_order_status", order=order.id, status=status)
        return self._step(person, (change,), f"{order.number} is {status.replace('_', ' ')}")

    def _somebody(self, warehouse: UUID, *roles: Role) -> Person | None:
        people = self._floor.staff.of(warehouse, *roles)
        return self._random.choice(people) if people else None

    def _worker(self, order: Order) -> Person | None:
        """Whoever the order was given to, if he still works there; it may have moved with its machine."""
        mine = [
            person
            for person in self._floor.staff.people
            if person.id in order.assignees and person.roles.get(order.warehouse) in _WORKERS
        ]
        return mine[0] if mine else self._somebody(order.warehouse, *_WORKERS)

    def _in_both(self, one: UUID, other: UUID) -> Person | None:
        people = [
            person
            for person in self._floor.staff.people
            if person.roles.get(one) in _DIRECTORS and person.roles.get(other) in _DIRECTORS
        ]
        return self._random.choice(people) if people else None

    def _may_set(self, person: Person, machine: Machine) -> bool:
        return person.roles.get(machine.warehouse) in _WORKERS

    def _name(self, warehouse: UUID) -> str:
        return next((site.name for site in self._floor.warehouses if site.id == warehouse), "another site")

    @staticmethod
    def _step(person: Person | None, commands: tuple[Command, ...], says: str) -> Step | None:
        return None if person is None else Step(person, commands, says)
