"""What a warehouse was told, out of what happened by place (pure): the past as it would have been live.

Memory, logs and trail hold what happened in a warehouse, to an organization or to a person. Who was where at that tick
is known from now, and from what has changed since.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from floorcast.access.arrivals import Arrivals
from floorcast.access.chronicle import Chronicle
from floorcast.access.law import Law, Settlement
from floorcast.gateway.memory import Memory
from floorcast.operation import ORGANIZATION, PERSON, Operation
from floorcast.past import Past, PastTick


@dataclass(frozen=True, slots=True)
class Settled:
    """What the law of a warehouse made of a large tick, before any page of it is told."""

    warehouse: str
    # The places of which the warehouse is told something.
    places: tuple[str, ...]
    law: Law
    settlement: Settlement
    # Whom the tick let into this warehouse; what the tick has of them is to be noted before anything is told.
    arrivals: Arrivals

    def tell(self, tick: PastTick, page: Sequence[Operation]) -> PastTick:
        """Return what the warehouse is told of a page of the tick."""
        told = self.law.told(page, (self.warehouse,), self.settlement, self.arrivals)
        return PastTick(tick.tick, tick.at, tuple(operation for _, operation in told))


class Hindsight:
    """Looks back from where the law stands."""

    def __init__(self, law: Law, chronicle: Chronicle, memory: Memory) -> None:
        """Take what moves on with the ticks: the law as it is, what happened to it, what happened at all."""
        self.law = law
        self.chronicle = chronicle
        self.memory = memory

    def places(self, warehouse: str, after: int) -> tuple[str, ...]:
        """Return the places of which a warehouse may have been told something since a tick."""
        organization = self.law.organization_of(warehouse)
        people = self.law.people_of(warehouse) | self.chronicle.people(warehouse, after).keys()
        shared = () if organization is None else (f"{ORGANIZATION}:{organization}",)
        return (warehouse, *shared, *sorted(f"{PERSON}:{user}" for user in people))

    def recall(self, warehouse: str, after: int, upto: int) -> Past | None:
        """Return what a warehouse was told after a tick, up to another or less; None when it is not remembered."""
        if after < self.chronicle.since:
            return None
        touched = set(self.memory.places_after(f"{PERSON}:", after))
        places = [
            place for place in self.places(warehouse, after) if place in touched or not place.startswith(f"{PERSON}:")
        ]
        past = self.memory.read(places, after, upto)
        return None if past is None else self.tell(warehouse, after, past)

    def settle(self, warehouse: str, before: int, access: Sequence[Operation]) -> Settled:
        """Return what the tick behind `before` did for a warehouse, given all that it did to access."""
        law = self.law.past(warehouse, self.chronicle.people(warehouse, before))
        settlement = law.settle(access)
        # Of other warehouses that law knows nobody, so that everybody would seem to be let in there.
        arrivals = Arrivals(each for each in settlement.access.gained if each[1] == warehouse)
        return Settled(warehouse, self.places(warehouse, before), law, settlement, arrivals)

    def tell(self, warehouse: str, after: int, past: Past) -> Past:
        """Return what a warehouse was told of what happened in its `places`, as it would have been live.

        Who was where then is known from now and from what has changed since. It ends with the first large tick, of
        which more has to be read.
        """
        law = self.law.past(warehouse, self.chronicle.people(warehouse, after))
        ticks: list[PastTick] = []
        for each in past.ticks:
            if each.large:
                return Past(each.tick, (*ticks, each))
            settlement = law.settle(each.operations)
            told = tuple(operation for _, operation in law.told(each.operations, (warehouse,), settlement))
            if told:
                ticks.append(PastTick(each.tick, each.at, told))
        return Past(past.upto, tuple(ticks))
