"""The heart of fan-out (pure): who has joined what, and which bytes a tick becomes for them.

Nothing here waits, and one thread runs it, so between two calls everything is exact for one tick: `position`. A tick is
applied in the order that the promise *Entitled* asks for:

    1. what it withdraws: those topics end, and frames that wait for them are dropped
    2. its changes, to those who were entitled before it and still are
    3. what it grants: nobody has joined by it yet, later joins are decided by it

Encoded frames are kept per audience and handed out together: many ticks in one loop turn are one write per socket.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import orjson

from floorcast.access.grants import CONCERNS_ACCESS, AccessDifference, Grants
from floorcast.change import TRACKED
from floorcast.gateway import wire
from floorcast.gateway.audience import Audience, Member, Selection, Subscriber
from floorcast.gateway.outbox import CHUNK, Outbox
from floorcast.observe import AccessWithdrawn, TopicsEnded, observe
from floorcast.operation import Operation


class Beginning(Protocol):
    """Where a hub begins: a tick and what it sees. `database.grants.Base` is one."""

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
    def warehouses(self) -> frozenset[str]:
        """Those that exist."""
        ...

    @property
    def tables(self) -> frozenset[str]:
        """Tracked tables that may be sent."""
        ...


class Hub:
    """Audiences by warehouse, and the law they are held against."""

    def __init__(self, progress_seconds: float) -> None:
        """Begin not ready; every audience hears of progress about every `progress_seconds`."""
        self._progress_seconds = progress_seconds
        self._grants = Grants({}, ())
        # Warehouse → selection → audience; an audience without members is removed.
        self._warehouses: dict[str, dict[Selection, Audience]] = {}
        # Audiences with pending frames, in the order of their first.
        self._due: list[Audience] = []
        # Audiences that were handed something last; asked when the next should wait for slow readers.
        self._served: list[Audience] = []
        # (tick, at) of the large tick under way.
        self._large: tuple[int, str] | None = None
        # Bytes of pending frames, each counted once.
        self.pending_bytes = 0
        # Joins are taken.
        self.ready = False
        # The last tick that every member has been given, or is being given.
        self.position = 0
        self.incarnation = ""
        self.tables: frozenset[str] = frozenset()

    def begin(self, beginning: Beginning) -> None:
        """Take joins from this tick on; nobody may be joined yet."""
        if self._warehouses:
            raise AssertionError("topics of another beginning are still joined")
        self._grants = Grants(beginning.grants, beginning.warehouses)
        self.incarnation, self.position = beginning.incarnation, beginning.tick
        self.tables = beginning.tables
        self.ready = True

    def role(self, subscriber: Subscriber, warehouse: str) -> str | None:
        """Return the role in which somebody may join a warehouse now, None when not at all."""
        return self._grants.role(subscriber.role, subscriber.user, warehouse)

    def join(self, subscriber: Subscriber, selection: Selection, join_ref: bytes) -> Member:
        """Make somebody a member, live from after `position`; whether he may is the caller's question to `role`."""
        audiences = self._warehouses.setdefault(selection.warehouse, {})
        audience = audiences.get(selection)
        if audience is None:
            audience = audiences[selection] = Audience(selection)
        if audience.pending:
            # These are of ticks up to `position`, and not for whoever is live only after it.
            self.hand_out()
        member = Member(subscriber, audience, join_ref, self.position)
        audience.members[subscriber.outbox] = member
        return member

    def leave(self, member: Member) -> None:
        """End a joining without a word."""
        selection = member.audience.selection
        member.audience.members.pop(member.subscriber.outbox, None)
        if not member.audience.members:
            audiences = self._warehouses.get(selection.warehouse, {})
            if audiences.get(selection) is member.audience:
                del audiences[selection]
            if not audiences:
                self._warehouses.pop(selection.warehouse, None)

    # A tick

    def deliver(self, tick: int, at: str, operations: Iterable[Operation]) -> int:
        """Apply a whole tick; its frames wait for `hand_out`. Returns for how many members."""
        operations = tuple(operations)
        self._settle(operations)
        deliveries = 0
        for audiences, concerned in self._concerned(operations):
            payloads: dict[frozenset[str] | None, bytes] = {}
            for selection, audience in audiences.items():
                payload = payloads.get(selection.tables)
                if payload is None:
                    bodies = tuple(audience.select(concerned))
                    payload = wire.changes_payload(tick, at, bodies) if bodies else b""
                    payloads[selection.tables] = payload
                if payload:
                    self._append(audience, wire.push(selection.version, selection.topic, "changes", payload))
                    deliveries += len(audience.members)
        self.position = tick
        return deliveries

    def hand_out(self) -> None:
        """Give every pending frame to its members: the same bytes to each, and no waiting for anybody."""
        gathered: list[Outbox] = []
        for audience in self._due:
            pending = audience.pending
            # One write for all, unless it would be so large that much of it could not be taken back any more.
            frames = [b"".join(pending)] if sum(map(len, pending)) <= CHUNK else tuple(pending)
            topic = audience.selection.topic
            for frame in frames:
                for outbox in audience.members:
                    if outbox.put(frame, topic):
                        gathered.append(outbox)  # noqa: PERF401 — putting is the point, this is the exception
            pending.clear()
        for outbox in gathered:
            outbox.release()
        self._served, self._due = self._due, []
        self.pending_bytes = 0

    def progress(self, tick: int, at: str, now: float) -> None:
        """Tell the audiences whose turn it is that everything before `at` is in ticks up to `tick`."""
        if self._large is not None or tick != self.position:
            return
        payload = wire.progress_payload(tick, at)
        for audiences in self._warehouses.values():
            for selection, audience in audiences.items():
                if now >= audience.progress_due:
                    # Each keeps a rhythm of its own, so that not all screens are told in one loop turn.
                    share = 0.8 + (hash(selection) % 1024) / 5120
                    audience.progress_due = now + self._progress_seconds * share
                    self._append(audience, wire.push(selection.version, selection.topic, "progress", payload))
        self.hand_out()

    def crowded(self) -> bool:
        """Whether somebody's kernel has not yet taken everything of what was handed out last."""
        return any(outbox.stuck for audience in self._served for outbox in audience.members)

    def shed(self) -> None:
        """Give up those for whom `crowded` is true: they are closed as slow readers, and delay nobody any more."""
        for audience in self._served:
            for outbox in audience.members:
                if outbox.stuck:
                    outbox.give_up()

    def is_joined(self, warehouses: Iterable[str]) -> bool:
        """Whether anybody has joined one of these."""
        return any(warehouse in self._warehouses for warehouse in warehouses)

    # A tick that is too large to be held

    def begin_large(self, tick: int, at: str, access: Iterable[Operation]) -> None:
        """Begin a tick that comes in parts; `access` is everything in it that concerns access.

        Who joins from now on is live from after this tick and gets no part of it: it is durable, so the picture that
        he reads next has it.
        """
        self._settle(tuple(access))
        self.position = tick
        self._large = (tick, at)

    def part(self, operations: Iterable[Operation]) -> None:
        """Send the next operations of the large tick."""
        if self._large is None:
            raise AssertionError("no large tick is under way")
        self._served = []
        for audiences, concerned in self._concerned(operations):
            for audience in audiences.values():
                bodies = tuple(audience.select(concerned))
                if bodies:
                    self._send_part(audience, bodies, end=False)

    def end_large(self) -> None:
        """Tell everybody who got parts that these were all."""
        for audiences in self._warehouses.values():
            for audience in audiences.values():
                if audience.parts:
                    self._send_part(audience, (), end=True)
                    audience.parts = 0
        self._large = None

    def _send_part(self, audience: Audience, bodies: Iterable[bytes], *, end: bool) -> None:
        if self._large is None:
            raise AssertionError("no large tick is under way")
        tick, at = self._large
        selection = audience.selection
        audience.parts += 1
        payload = wire.changes_payload(tick, at, bodies, part=audience.parts, end=end)
        frame = wire.push(selection.version, selection.topic, "changes", payload)
        for outbox, member in audience.members.items():
            if member.since < tick and outbox.put(frame, selection.topic):
                outbox.release()
        self._served.append(audience)

    # The end of topics

    def revoke(self, member: Member) -> None:
        """End a joining whose access is gone: not a byte more of that warehouse, and he is told to forget."""
        observe(AccessWithdrawn(member.audience.selection.warehouse, member.subscriber.user))
        self._end(member, "revoked", wire.problem("revoked"), "phx_close")

    def end_all(self, reason: str) -> None:
        """End every joining because the stream cannot go on exactly; no joins are taken until `begin`."""
        self.ready = False
        self._large = None
        self._due, self._served, self.pending_bytes = [], [], 0
        members = [member for audience in self._every_audience() for member in audience.members.values()]
        payload = wire.must_refetch_payload(reason)
        for member in members:
            self._end(member, "must_refetch", payload, "phx_error")
        observe(TopicsEnded(reason, len(members)))

    def _end(self, member: Member, event: str, payload: bytes, ending: wire.Ending) -> None:
        selection, outbox = member.audience.selection, member.subscriber.outbox
        self.leave(member)
        outbox.drop(selection.topic)
        told = wire.push(selection.version, selection.topic, event, payload)
        outbox.put(told + wire.ended(selection.version, member.join_ref, selection.topic, ending))
        member.subscriber.forget(member)

    def _settle(self, operations: tuple[Operation, ...]) -> None:
        """Apply a tick's changes of access, withdrawals with their consequences first."""
        access = [operation for operation in operations if operation.table in CONCERNS_ACCESS]
        if access:
            self._follow_tables(access)
            difference = self._grants.apply(access)
            for warehouse in {name for _, name in difference.lost | difference.changed} | difference.closed:
                for audience in tuple(self._warehouses.get(warehouse, {}).values()):
                    for member in tuple(audience.members.values()):
                        self._settle_member(member, warehouse, difference)

    def _follow_tables(self, access: Iterable[Operation]) -> None:
        for operation in access:
            if operation.table == TRACKED:
                body = orjson.loads(operation.body)
                self.tables = self.tables | {body["table"]} if body["tracked"] else self.tables - {body["table"]}

    def _settle_member(self, member: Member, warehouse: str, difference: AccessDifference) -> None:
        pair = (member.subscriber.user, warehouse)
        if self.role(member.subscriber, warehouse) is None:
            self.revoke(member)
        elif pair in difference.changed and member.subscriber.role == "authenticated":
            # Another role may see other columns: what he holds has to be read again under it.
            self._end(member, "must_refetch", wire.must_refetch_payload("policy"), "phx_error")

    def _concerned(
        self, operations: Iterable[Operation]
    ) -> Iterator[tuple[dict[Selection, Audience], list[Operation]]]:
        """Yield, for each warehouse that somebody has joined, its audiences and its operations, in order."""
        warehouses = self._warehouses
        found: dict[str, list[Operation]] = {}
        for operation in operations:
            if operation.warehouse in warehouses and operation.table in self.tables:
                found.setdefault(operation.warehouse, []).append(operation)
        for warehouse, concerned in found.items():
            yield warehouses[warehouse], concerned

    def _append(self, audience: Audience, frame: bytes) -> None:
        if not audience.pending:
            self._due.append(audience)
        audience.pending.append(frame)
        self.pending_bytes += len(frame)

    def _every_audience(self) -> Iterator[Audience]:
        for audiences in self._warehouses.values():
            yield from audiences.values()
