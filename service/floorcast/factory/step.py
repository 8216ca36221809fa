"""A step: what one person does in one transaction. Pure; `session.py` performs it, `steps.sql` holds the SQL.

A step can be performed twice without harm, because a connection may be lost between the commit and its
answer: new rows bring their own ids, and updates say what shall be, not by how much.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from uuid import UUID

from floorcast.factory.person import Person


@dataclass(frozen=True, slots=True)
class Command:
    """One statement of `steps.sql`, by name; it must touch a row, or the step is refused as a whole."""

    name: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """What one person does, whole or not at all."""

    person: Person
    # Machines come before orders: a machine that moves locks them in this order too, so nobody deadlocks with
    # it.
    commands: tuple[Command, ...]
    # For people who watch: what happens, in words.
    says: str


def command(name: str, /, **parameters: object) -> Command:
    """Return a command; reads like the call that it is."""
    return Command(name, parameters)


def fresh_id(random: Random) -> UUID:
    """Return an id for a new row; the same generator gives the same ids."""
    return UUID(int=random.getrandbits(128), version=4)
