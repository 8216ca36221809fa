"""What a warehouse was told, out of what happened by place (pure): the past as it would have been live.

Memory, logs and trail hold what happened in a warehouse, to an organization or to a person. Who was where at that tick
is known from now, and from what has changed since.
"""

from floorcast.access.chronicle import Chronicle
from floorcast.access.law import Law
from floorcast.gateway.memory import Memory
from floorcast.operation import ORGANIZATION, PERSON
from floorcast.past import Past, PastTick


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
