"""What the files of `triggers/` make in a database, seen by its catalogue before and after each."""

from collections.abc import Iterable, Mapping

import psycopg

from floorcast.database.behaviour import BehaviourFile, RecordedFile, settle_ownership
from floorcast.database.exclusive import STATEMENTS
from floorcast.database.ledger import Connection

# What a file of triggers/ may make, in the order in which it is taken away: first what hangs on tables, then
# what is called.
_KINDS = ("trigger", "policy", "materialized view", "view", "aggregate", "procedure", "function")

Objects = Mapping[str, str]
"""Identity → version, as the statement `objects` has them."""


def present_objects(connection: Connection) -> Objects:
    """Every function, trigger, policy and view there is, with the place of its catalogue row."""
    return dict(connection.execute(STATEMENTS["objects"]).fetchall())


def recorded_files(connection: Connection) -> dict[str, RecordedFile]:
    """What the ledger remembers, by path."""
    rows = connection.execute(STATEMENTS["recorded_behaviour"]).fetchall()
    return {path: RecordedFile(path, checksum, frozenset(objects)) for path, checksum, objects in rows}


def record(connection: Connection, files: Iterable[BehaviourFile], made: Mapping[str, frozenset[str]]) -> None:
    """Replace the ledger of behaviour: `made` is what each file made in this application."""
    before = recorded_files(connection)
    owned = settle_ownership(made, before, frozenset(present_objects(connection)))
    checksums = {file.path: file.checksum for file in files}
    connection.execute(STATEMENTS["forget_behaviour"])
    for path, objects in owned.items():
        checksum = checksums[path] if path in checksums else before[path].checksum
        parameters = {"path": path, "checksum": checksum, "objects": sorted(objects)}
        connection.execute(STATEMENTS["record_behaviour"], parameters)


def made_between(before: Objects, after: Objects, owned: frozenset[str]) -> frozenset[str]:
    """What a file made: what is new, and what it replaced, if a file of ours made that before.

    An object that was there before any file of ours is not ours to take away, whoever replaced or granted it
    since.
    """
    touched = {identity for identity, version in after.items() if before.get(identity) != version}
    return frozenset(identity for identity in touched if identity not in before or identity in owned)


def withdraw(connection: Connection) -> tuple[str, ...]:
    """Take away everything that files of triggers/ made, and forget the files; returns what was there.

    `cascade` also takes what was made out of them later, as the triggers that an operator's own call of
    floorcast.track() generated. Tables stay: they are state, and belong to migrations.
    """
    recorded = frozenset[str]().union(*(file.objects for file in recorded_files(connection).values()))
    present = sorted(recorded & frozenset(present_objects(connection)))
    for kind in _KINDS:
        for identity in (name.removeprefix(f"{kind} ") for name in present if name.startswith(f"{kind} ")):
            try:
                with connection.transaction():
                    connection.execute(f"drop {kind} if exists {identity} cascade".encode())
            except psycopg.errors.InsufficientPrivilege:
                # One on a table of somebody else, who let us make it: it goes with the function that it calls.
                if kind != "trigger":
                    raise
    connection.execute(STATEMENTS["forget_behaviour"])
    return tuple(present)
