"""The heart of fan-out (pure): who has joined what, and which bytes a tick becomes for them.

Nothing here waits, and one thread runs it, so between two calls everything is exact for one tick: `position`. A tick is
applied in the order that the promise *Entitled* asks for:

    1. what it withdraws: those topics end, and frames that wait for them are dropped
    2. its changes, to those who were entitled before it and still are
    3. what it grants: nobody has joined by it yet, later joins are decided by it

Encoded frames are kept per audience and handed out together: many ticks in one loop turn are one write per socket.
"""

from collections.abc import Iterable, Iterator

from floorcast.access.law import UNCHANGED, Beginning, Law, Settlement
from floorcast.access.policy import View
from floorcast.gateway import wire
from floorcast.gateway.audience import Audience, Member, Selection, Subscriber
from floorcast.gateway.lens import Lens, look
from floorcast.gateway.outbox import CHUNK, Outbox
from floorcast.gateway.portion import Portion, Portions
from floorcast.observe import AccessWithdrawn, TopicsEnded, observe
from floorcast.operation import Operation


class Hub:
    """Audiences by warehouse, and the law they are held against."""

    def __init__(self, progress_seconds: float) -> None:
        """Begin not ready; every audience hears of progress about every `progress_seconds`."""
        self._progress_seconds = progress_seconds
        self._law = Law()
        # Warehouse → selection → audience; an audience without members is removed.
        self._warehouses: dict[str, dict[Selection, Audience]] = {}
        # Audiences with pending frames, in the order of their first.
        self._due: list[Audience] = []
        # Audiences that were handed something last; asked when the next should wait for slow readers.
        self._served: list[Audience] = []
        # The large tick under way: its number and time, and what it did to the law.
        self._large: tuple[int, str, Settlement] | None = None
        # Bytes of pending frames, each counted once.
        self.pending_bytes = 0
        # Joins are taken.
        self.ready = False
        # The last tick that every member has been given, or is being given.
        self.position = 0
        self.incarnation = ""

    def begin(self, beginning: Beginning) -> None:
        """Take joins from this tick on; nobody may be joined yet."""
        if self._warehouses:
            raise AssertionError("topics of another beginning are still joined")
        self._law = Law(beginning)
        self.incarnation, self.position = beginning.incarnation, beginning.tick
        self.ready = True

    def role(self, subscriber: Subscriber, warehouse: str) -> str | None:
        """Return the role in which somebody may join a warehouse now, None when not at all."""
        return self._law.role(subscriber.role, subscriber.user, warehouse)

    def view(self, role: str) -> View:
        """Return what somebody sees who joins in that role."""
        return self._law.view(role)

    def tables_for(self, view: View) -> frozenset[str]:
        """Return the tables that are sent to whoever has a view."""
        return self._law.tables_for(view)

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
        settlement = self._settle(operations)
        portions = Portions(tick)
        deliveries = 0
        for audiences, concerned in self._concerned(operations, settlement):
            cuts: dict[Lens, tuple[Portion, bytes]] = {}
            for selection, audience in tuple(audiences.items()):
                cut = cuts.get(selection.lens)
                if cut is None:
                    portion = portions.cut(selection.lens, concerned)
                    bodies = portion.bodies()
                    cut = cuts[selection.lens] = portion, wire.changes_payload(tick, at, bodies) if bodies else b""
                portion, payload = cut
                frame = wire.push(selection.version, selection.topic, "changes", payload) if payload else b""
                if portion.own:
                    deliveries += self._append_own(audience, portion, frame, (tick, at))
                elif payload:
                    self._append(audience, frame)
                    deliveries += len(audience.members)
        self.position = tick
        return deliveries

    def hand_out(self) -> None:
        """Give every pending frame to its members: the same bytes to each, and no waiting for anybody."""
        gathered: list[Outbox] = []
        for audience in self._due:
            pending, own, topic = audience.pending, audience.own, audience.selection.topic
            others = [outbox for outbox in audience.members if outbox not in own] if own else audience.members
            for frame in _together(pending):
                for outbox in others:
                    if outbox.put(frame, topic):
                        gathered.append(outbox)  # noqa: PERF401 — putting is the point, this is the exception
            for outbox, instead in own.items():
                if outbox in audience.members:
                    for frame in _together([instead.get(place, frame) for place, frame in enumerate(pending)]):
                        if outbox.put(frame, topic):
                            gathered.append(outbox)  # noqa: PERF401 — as above
            pending.clear()
            own.clear()
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

    def is_joined(self, places: Iterable[str]) -> bool:
        """Whether anybody has joined one of these places."""
        return any(self._law.where(place, self._warehouses) for place in places)

    # A tick that is too large to be held

    def begin_large(self, tick: int, at: str, access: Iterable[Operation]) -> None:
        """Begin a tick that comes in parts; `access` is everything in it that concerns access.

        Who joins from now on is live from after this tick and gets no part of it: it is durable, so the picture that
        he reads next has it.
        """
        settlement = self._settle(tuple(access))
        self.position = tick
        self._large = (tick, at, settlement)

    def part(self, operations: Iterable[Operation]) -> None:
        """Send the next operations of the large tick."""
        if self._large is None:
            raise AssertionError("no large tick is under way")
        tick, _, settlement = self._large
        self._served = []
        portions = Portions(tick)
        for audiences, concerned in self._concerned(operations, settlement):
            for audience in tuple(audiences.values()):
                portion = portions.cut(audience.selection.lens, concerned)
                if any(body is not None for body in portion.common) or self._owners(audience, portion):
                    self._send_part(audience, portion, end=False)

    def end_large(self) -> None:
        """Tell everybody who got parts that these were all."""
        for audiences in self._warehouses.values():
            for audience in audiences.values():
                if audience.parts:
                    self._send_part(audience, Portion((), {}), end=True)
                    audience.parts = 0
        self._large = None

    def _send_part(self, audience: Audience, portion: Portion, *, end: bool) -> None:
        """Send everybody the same number of parts: where only an owner is given something, others get an empty one."""
        if self._large is None:
            raise AssertionError("no large tick is under way")
        tick, at, _ = self._large
        selection = audience.selection
        audience.parts += 1

        def frame_of(bodies: Iterable[bytes]) -> bytes:
            payload = wire.changes_payload(tick, at, bodies, part=audience.parts, end=end)
            return wire.push(selection.version, selection.topic, "changes", payload)

        frame = frame_of(portion.bodies())
        own = {user: frame_of(portion.bodies_for(user)) for user in self._owners(audience, portion)}
        for outbox, member in audience.members.items():
            its = own.get(member.subscriber.user, frame) if own else frame
            if member.since < tick and outbox.put(its, selection.topic):
                outbox.release()
        self._served.append(audience)

    # The end of topics

    def revoke(self, member: Member) -> None:
        """End a joining whose access is gone: not a byte more of that warehouse, and he is told to forget."""
        observe(AccessWithdrawn(member.audience.selection.warehouse, member.subscriber.user))
        self._end(member, "revoked", wire.problem("revoked"), "phx_close")

    def look_again(self, member: Member) -> None:
        """End a joining if its subscriber is entitled to something else by now."""
        selection = member.audience.selection
        role = self.role(member.subscriber, selection.warehouse)
        if role is None:
            self.revoke(member)
        elif look(self.view(role), selection.lens.asked) != selection.lens:
            self._refetch(member)

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

    def _refetch(self, member: Member) -> None:
        """End a joining that goes on from another picture: what he holds has to be read again under other rules."""
        self._end(member, "must_refetch", wire.must_refetch_payload("policy"), "phx_error")

    def _settle(self, operations: tuple[Operation, ...]) -> Settlement:
        """Apply a tick's changes of access, withdrawals with their consequences first."""
        settlement = self._law.settle(operations)
        if settlement is not UNCHANGED:
            access = settlement.access
            named = {name for _, name in access.lost | access.changed} | access.closed | access.handed_over
            for warehouse in tuple(self._warehouses) if settlement.views_changed else named:
                for audience in tuple(self._warehouses.get(warehouse, {}).values()):
                    for member in tuple(audience.members.values()):
                        self._settle_member(member, warehouse, settlement)
        return settlement

    def _settle_member(self, member: Member, warehouse: str, settlement: Settlement) -> None:
        access = settlement.access
        changed = (member.subscriber.user, warehouse) in access.changed and member.subscriber.role == "authenticated"
        if self.role(member.subscriber, warehouse) is not None and (changed or warehouse in access.handed_over):
            self._refetch(member)
        else:
            self.look_again(member)

    def _concerned(
        self, operations: Iterable[Operation], settlement: Settlement
    ) -> Iterator[tuple[dict[Selection, Audience], list[Operation]]]:
        """Yield, for each warehouse that somebody has joined, its audiences and its operations, in order."""
        found: dict[str, list[Operation]] = {}
        for warehouse, operation in self._law.told(operations, self._warehouses, settlement):
            found.setdefault(warehouse, []).append(operation)
        for warehouse, concerned in found.items():
            yield self._warehouses[warehouse], concerned

    def _owners(self, audience: Audience, portion: Portion) -> set[str]:
        """Return the owners of a portion who are in an audience."""
        if not portion.own:
            return set()
        return portion.own.keys() & {member.subscriber.user for member in audience.members.values()}

    def _append_own(self, audience: Audience, portion: Portion, frame: bytes, tick: tuple[int, str]) -> int:
        """Append a frame for all, empty for none, with others in its place for those who own something in it."""
        selection, place = audience.selection, len(audience.pending)
        frames = {
            user: wire.push(
                selection.version,
                selection.topic,
                "changes",
                wire.changes_payload(*tick, portion.bodies_for(user)),
            )
            for user in self._owners(audience, portion)
        }
        if not frames and not frame:
            return 0
        owners = 0
        self._append(audience, frame)
        for outbox, member in audience.members.items():
            its = frames.get(member.subscriber.user)
            if its is not None:
                owners += 1
                audience.own.setdefault(outbox, {})[place] = its
        self.pending_bytes += sum(map(len, frames.values()))
        return len(audience.members) if frame else owners

    def _append(self, audience: Audience, frame: bytes) -> None:
        if not audience.pending:
            self._due.append(audience)
        audience.pending.append(frame)
        self.pending_bytes += len(frame)

    def _every_audience(self) -> Iterator[Audience]:
        for audiences in self._warehouses.values():
            yield from audiences.values()


def _together(pending: list[bytes]) -> tuple[bytes, ...]:
    """Return frames as they are written: at once, unless much of one write could not be taken back any more.

    Empty ones stand for what others are given.
    """
    if sum(map(len, pending)) <= CHUNK:
        joined = b"".join(pending)
        return (joined,) if joined else ()
    return tuple(filter(None, pending))
