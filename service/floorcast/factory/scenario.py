"""Decides what happens next in a busy factory: given the floor and a random generator, the next step. Pure.

The weights regulate themselves: every order that waits pulls somebody to it, and new ones are reported only while there
is room. So the factory never stands still and never drowns, however long it runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from floorcast.factory.desk import Desk
from floorcast.factory.floor import Floor, Machine
from floorcast.factory.step import Step

MOST_UNFINISHED = 10
"""Orders per warehouse that wait or are worked on; with so many nobody reports another."""

ThingT = TypeVar("ThingT")

_UNFINISHED = ("open", "assigned", "in_progress", "on_hold")
_MOBILE = frozenset({"forklift", "vehicle", "generator"})
"""Types of machines that are moved between warehouses."""


@dataclass(frozen=True, slots=True)
class _Offer:
    """Something that could happen next, and how much it presses."""

    weight: float
    # Returns None when nobody is there to do it.
    make: Callable[[], Step | None]


def choose(floor: Floor, random: Random) -> Step | None:
    """Return what happens next; None when nothing can (an empty factory, or nobody in it)."""
    offers = [offer for offer in _offers(floor, random) if offer.weight > 0]
    while offers:
        (chosen,) = random.choices(offers, weights=[offer.weight for offer in offers])
        step = chosen.make()
        if step is not None:
            return step
        offers.remove(chosen)
    return None


def _offers(floor: Floor, random: Random) -> Sequence[_Offer]:
    desk = Desk(floor, random)
    waiting, assigned = floor.orders_in("open"), floor.orders_in("assigned")
    active, held = floor.orders_in("in_progress"), floor.orders_in("on_hold")
    completed, verified = floor.orders_in("completed"), floor.orders_in("verified")
    closed = floor.orders_in("closed")
    low = [item for item in floor.items if item.available <= item.reorder_point]
    free = _machines_with_room(floor)
    running = [machine for machine in free if machine.status in ("operational", "degraded")]
    mobile = [machine for machine in floor.machines if machine.type in _MOBILE and _is_idle(machine, floor)]

    def about(things: Sequence[ThingT], weight: float, make: Callable[[ThingT], Step | None]) -> _Offer:
        return _Offer(weight * bool(things), lambda: make(random.choice(things)))

    return [
        about(running, 1.0, desk.break_down),
        about(free, 1.5, desk.report),
        about(waiting, 1.0 * len(waiting), desk.assign),
        about(assigned, 1.0 * len(assigned), desk.start),
        about(active, 0.6 * len(active), desk.take_part),
        about(active, 1.0 * len(active), desk.complete),
        about(active, 0.15 * len(active), desk.hold),
        about(held, 1.0 * len(held), desk.resume),
        about(completed, 1.0 * len(completed), desk.verify),
        about(completed, 0.05 * len(completed), desk.reopen),
        about(verified, 1.0 * len(verified), desk.close),
        about(closed, 0.05, desk.reopen),
        about([*waiting, *assigned, *active, *held], 0.8, desk.comment),
        about(waiting, 0.3, desk.change_priority),
        about(low, 2.0 * len(low), desk.receive),
        about(floor.items, 0.5, desk.count_stock),
        about(floor.items, 0.4, desk.transfer),
        about(mobile, 0.1, desk.move),
    ]


def _machines_with_room(floor: Floor) -> Sequence[Machine]:
    unfinished = [order.warehouse for order in floor.orders_in(*_UNFINISHED)]
    return [machine for machine in floor.machines if unfinished.count(machine.warehouse) < MOST_UNFINISHED]


def _is_idle(machine: Machine, floor: Floor) -> bool:
    return machine.status in ("operational", "standby") and not any(
        order.machine == machine.id for order in floor.orders_in(*_UNFINISHED)
    )
