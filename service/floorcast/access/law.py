"""What a tick means for whom (pure): who may join, what he sees there, and where a change belongs. As of one tick.

Three things that gateways follow, moved on together: grants, policy, and which tables are tracked. A fourth is looked
up and not followed: what the tracked tables look like. A table is sent when both are known of it, that it is tracked
and that it is protected by row level security.

Most changes belong to one warehouse. Two kinds name another place: what an organization has is seen in all its
warehouses, and what is about a person wherever that person may be.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from floorcast.access.arrivals import Arrivals
from floorcast.access.grants import CONCERNS_ACCESS, NO_DIFFERENCE, SERVICE_ROLE, AccessDifference, Grants
from floorcast.access.policy import EVERYTHING, Policy, View
from floorcast.change import GRANTS, TRACKED
from floorcast.operation import ORGANIZATION, PERSON, Operation, PersonTable, departure
from floorcast.shape import TableShape


class Beginning(Protocol):
    """Where a gateway begins: a tick and what it sees. `database.grants.Base` is one."""

    @property
    def incarnation(self) -> str:
        """The history that the tick belongs to."""
        ...

    @property
    def tick(self) -> int:
        """The tick."""
        ...

    @property
    def grants(self) -> Mapping[str, Mapping[str, str]]:
        """User → warehouse → role."""
        ...

    @property
    def warehouses(self) -> Mapping[str, str]:
        """Those that are in use → their organization."""
        ...

    @property
    def tables(self) -> frozenset[str]:
        """Tracked tables, without our own; those of them are sent that `shapes` says are protected."""
        ...

    @property
    def persons(self) -> Mapping[str, PersonTable]:
        """Those of `tables` whose rows are about a person."""
        ...

    @property
    def shapes(self) -> Mapping[str, TableShape]:
        """What the tracked tables look like; of a later moment than the tick, perhaps."""
        ...

    @property
    def published(self) -> frozenset[str] | None:
        """Those that `realtime:` topics are told of; None: all. As old as `shapes`."""
        ...

    @property
    def policy(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """The rules: name of the policy table, row."""
        ...


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a tick did to the law."""

    access: AccessDifference = NO_DIFFERENCE
    # Somebody's view may be another one now.
    views_changed: bool = False


UNCHANGED = Settlement()


class Law:
    """Grants, policy and tracked tables as of one tick."""

    def __init__(self, beginning: Beginning | None = None) -> None:
        """Begin with what a tick sees; with nothing, nobody may do anything."""
        # Those that are sent: tracked, looked at since, and found protected.
        self.tables: frozenset[str] = frozenset()
        self._tracked: frozenset[str] = frozenset() if beginning is None else beginning.tables
        self._protected: frozenset[str] = frozenset()
        # Tracked by a tick that no look at the catalogue has followed yet.
        self._unseen: frozenset[str] = frozenset()
        # Role → what it sees of what is sent: asked for at every join, and one object, which makes comparing quick.
        self._views: dict[str, View] = {}
        self._grants = Grants({}, {}) if beginning is None else Grants(beginning.grants, beginning.warehouses)
        self._policy = Policy(() if beginning is None else beginning.policy)
        self._persons: dict[str, PersonTable] = {} if beginning is None else dict(beginning.persons)
        if beginning is not None:
            self.see(beginning.shapes)

    def role(self, claims_role: str, user: str, warehouse: str) -> str | None:
        """Return the role in which somebody may join a warehouse, None when not at all; see `Grants.role`."""
        return self._grants.role(claims_role, user, warehouse)

    def view(self, role: str) -> View:
        """Return what somebody sees in that role, of what is sent: a rule may be older than its table."""
        if role == SERVICE_ROLE:
            return EVERYTHING
        found = self._views.get(role)
        if found is None:
            found = self._views[role] = self._policy.view(role).within(self.tables)
        return found

    def views_of(self, claims_role: str, user: str) -> Mapping[str, View]:
        """Return what somebody sees, by warehouse, wherever he may be."""
        if claims_role == SERVICE_ROLE:
            return dict.fromkeys(self._grants.warehouses, EVERYTHING)
        roles = {name: self._grants.role(claims_role, user, name) for name in self._grants.warehouses_of(user)}
        return {name: self.view(role) for name, role in roles.items() if role is not None}

    def tables_for(self, view: View) -> frozenset[str]:
        """Return the tables that are sent to whoever has this view; that there are others is not his to know."""
        return frozenset(table for table in self.tables if view.shows(table))

    def awaited(self, role: str) -> frozenset[str]:
        """Return the tables that may be sent to people of a role once the catalogue was looked at, in a moment."""
        if role == SERVICE_ROLE or not self._unseen:
            return self._unseen
        return frozenset(filter(self._policy.view(role).shows, self._unseen))

    def see(self, shapes: Mapping[str, TableShape]) -> None:
        """Take note of what a look at the catalogue found, one that was begun after the last tick of `settle`."""
        self._protected = frozenset(table for table, shape in shapes.items() if shape.is_protected)
        self._unseen = frozenset()
        self._decide()

    def settle(self, operations: Iterable[Operation]) -> Settlement:
        """Move on by one whole tick, given its operations in order; say what that changed, net.

        A table that is tracked since this tick is sent from the next `see` on.
        """
        access = [operation for operation in operations if operation.table in CONCERNS_ACCESS]
        if not access:
            return UNCHANGED
        for operation in access:
            if operation.table == TRACKED:
                self._follow(orjson.loads(operation.new or b"{}"))
        settlement = Settlement(self._grants.apply(access), self._policy.apply(access))
        if settlement.views_changed:
            self._views.clear()
        return settlement

    def told(
        self,
        operations: Iterable[Operation],
        joined: Collection[str],
        settlement: Settlement,
        arrivals: Arrivals | None = None,
    ) -> Iterator[tuple[str, Operation]]:
        """Yield what is told where, in order: (warehouse, operation) for each of `joined` that is concerned.

        Called after `settle`. A person's row is told where the person may be after the tick; where he may be no more,
        it leaves; and where he was let in by this very tick, its newest state alone is told.

        Args:
            operations: a whole tick, or a page of it.
            joined: the warehouses in question.
            settlement: what the whole tick did.
            arrivals: whom the tick let in, given with a page: what comes in a later one is not seen here.
        """
        operations = tuple(operations)
        if arrivals is None:
            arrivals = Arrivals(settlement.access.gained)
            arrivals.note(operations)
        for operation in operations:
            if operation.table in self.tables:
                for warehouse in self.where(operation.warehouse, joined):
                    if not arrivals.conceal(warehouse, operation):
                        yield warehouse, operation
            elif operation.table == GRANTS and settlement.access.lost and operation.warehouse in joined:
                for leaving in self._departures(operation, settlement.access):
                    yield operation.warehouse, leaving

    def where(self, place: str, joined: Collection[str]) -> Iterable[str]:
        """Return those of the `joined` warehouses in which what belongs to a place is seen."""
        if place in joined:
            return (place,)
        kind, separator, name = place.partition(":")
        if separator and kind == ORGANIZATION:
            return [warehouse for warehouse in joined if self._grants.organization_of(warehouse) == name]
        if separator and kind == PERSON:
            return [warehouse for warehouse in self._grants.warehouses_of(name) if warehouse in joined]
        return ()

    def organization_of(self, warehouse: str) -> str | None:
        """Return whose a warehouse is, None when nobody knows."""
        return self._grants.organization_of(warehouse)

    def people_of(self, warehouse: str) -> AbstractSet[str]:
        """Return who may be in a warehouse."""
        return self._grants.people_of(warehouse)

    def past(self, warehouse: str, people: Mapping[str, str | None]) -> "Law":
        """Return the law of one warehouse as it was: as it is, but that these people had these roles in it.

        For telling what happened there since; nobody's view is asked of it.
        """
        past = Law()
        past.tables, past._persons = self.tables, dict(self._persons)
        # A tick of the past may track a table: the others are sent on.
        past._tracked, past._protected = self.tables, self.tables
        past._grants = self._grants.past(warehouse, people)
        return past

    def _follow(self, body: Mapping[str, Any]) -> None:
        table = body["table"]
        self._tracked = self._tracked | {table} if body["tracked"] else self._tracked - {table}
        if not body["tracked"] or body.get("anew", True):
            # What was seen under this name may have been another table.
            self._protected -= {table}
            self._unseen = self._unseen | {table} if body["tracked"] else self._unseen - {table}
        self._decide()
        self._persons.pop(table, None)
        if body.get("person") is not None:
            self._persons[table] = PersonTable(*body["person"])

    def _decide(self) -> None:
        tables = self._tracked & self._protected
        if tables != self.tables:
            self.tables = tables
            self._views.clear()

    def _departures(self, grant: Operation, access: AccessDifference) -> Iterator[Operation]:
        """Make the leave of somebody's own rows from a warehouse that he may not be in any more.

        They did not change, so nobody else tells it; and a leave is the key alone, which is the person's.
        """
        body = orjson.loads(grant.new or b"{}")
        if body["role"] is None and (body["user"], grant.warehouse) in access.lost:
            for table, about in self._persons.items():
                if about.is_key and table in self.tables:
                    yield departure(grant, table, {about.column: body["user"]})
