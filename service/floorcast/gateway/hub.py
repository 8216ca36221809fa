"""The heart of fan-out (pure): who has joined what, and which bytes a tick becomes for them.

Nothing here waits, and one thread runs it, so between two calls everything is exact for one tick: `position`. A tick is
applied in the order that the promise *Entitled* asks for:

    1. what it withdraws: those topics end, and frames that wait for them are dropped
    2. its changes, to those who were entitled before it and still are
    3. what it grants: nobody has joined by it yet, later joins are decided by it

Who has joined is live, and given every tick as it comes; or is behind, and being brought to the present by an errand.
Both lose their topic when access is withdrawn. Encoded frames are kept per audience and handed out together: many ticks
in one loop turn are one write per socket.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from floorcast.access.chronicle import Chronicle
from floorcast.access.law import UNCHANGED, Law, Settlement
from floorcast.access.policy import View
from floorcast.change import MESSAGES
from floorcast.cursor import Cursor, Terms, digest
from floorcast.filter.row import RowMismatch
from floorcast.gateway import wire
from floorcast.gateway.audience import Asking, Audience, Manner, Member, Selection, Subscriber
from floorcast.gateway.channels.channels import Channels
from floorcast.gateway.dispatch import Dispatch
from floorcast.gateway.frames import progress_frame
from floorcast.gateway.hindsight import Hindsight
from floorcast.gateway.lens import Lens
from floorcast.gateway.memory import Memory
from floorcast.gateway.portion import Portion, Portions
from floorcast.gateway.room import Room
from floorcast.gateway.seals import Seals
from floorcast.gateway.upstream import Start
from floorcast.observe import AccessWithdrawn, TopicsEnded, observe
from floorcast.operation import Operation
from floorcast.shape import TableShape

USUAL = Manner()


class Hub:
    """Audiences by warehouse, and the law they are held against."""

    def __init__(self, progress_seconds: float, memory_bytes: int = 16_777_216) -> None:
        """Begin not ready; every audience hears of progress about every `progress_seconds`."""
        self._progress_seconds = progress_seconds
        self.law = Law()
        self.chronicle = Chronicle(0)
        self.memory = Memory(memory_bytes)
        # By which this history is told from others, as far back as `memory`.
        self.seals = Seals()
        # What warehouses were told, of what these three know.
        self.hindsight = Hindsight(self.law, self.chronicle, self.memory)
        # What tracked tables look like now.
        self.shapes: Mapping[str, TableShape] = {}
        # Warehouse → who has joined it; a room without audiences is removed.
        self._warehouses: dict[str, Room] = {}
        # Frames that wait for the end of the loop turn.
        self._dispatch = Dispatch()
        # `realtime:` topics; they are given the same ticks.
        self.channels = Channels()
        # Joins are taken.
        self.ready = False
        # The last tick that every live member has been given, or is being given.
        self.position = 0
        # The time last heard of before which everything that committed is in ticks up to `position`; empty before any.
        self.progress_at = ""
        # How often progress was heard of.
        self.news = 0
        self.incarnation = ""
        # Told of a member that is not live any more, to bring it to the present; set by whoever does that.
        self.fell_behind: Callable[[Member], None] = _nobody
        # Told of a member that has left, and whether it may come back at once; set by whoever knows who is present.
        self.left: Callable[[Member, bool], None] = _nobody_left
        # Told when `position` or `progress_at` has moved, and everything was handed out.
        self.moved: Callable[[], None] = _nothing

    def begin(self, beginning: Start) -> None:
        """Take joins from this tick on; nobody may be joined yet."""
        if self._warehouses:
            raise AssertionError("topics of another beginning are still joined")
        self.law = Law(beginning)
        self.shapes = beginning.shapes
        self.incarnation, self.position, self.progress_at = beginning.incarnation, beginning.tick, ""
        self.chronicle = Chronicle(beginning.tick)
        self.memory.begin(beginning.tick)
        self.seals.begin(beginning.tick, beginning.seal)
        self.hindsight = Hindsight(self.law, self.chronicle, self.memory)
        self.channels.begin(self.law, beginning.shapes, beginning.published, beginning.incarnation, beginning.tick)
        self.ready = True

    @property
    def pending_bytes(self) -> int:
        """Bytes of frames that wait for `hand_out`, each counted once."""
        return self._dispatch.pending_bytes + self.channels.pending_bytes

    def role(self, subscriber: Subscriber, warehouse: str) -> str | None:
        """Return the role in which somebody may join a warehouse now, None when not at all."""
        return self.law.role(subscriber.role, subscriber.user, warehouse)

    def view(self, role: str) -> View:
        """Return what somebody sees who joins in that role."""
        return self.law.view(role)

    def tables_for(self, view: View) -> frozenset[str]:
        """Return the tables that are sent to whoever has a view."""
        return self.law.tables_for(view)

    def awaited(self, role: str) -> frozenset[str]:
        """Return the tables of which it is known in a moment whether they are sent to people of a role."""
        return self.law.awaited(role)

    # Joining

    def join(
        self,
        subscriber: Subscriber,
        selection: Selection,
        join_ref: bytes,
        manner: Manner = USUAL,
        asking: Asking | None = None,
    ) -> Member:
        """Make somebody a member; whether he may is the caller's question to `role`.

        Live from after `position`; or, where he is still `asking`, behind until `answer` and `go_live`.
        """
        audience = self._audience(selection)
        if audience.pending:
            # These are of ticks up to `position`, and not for whoever is live only after it.
            self.hand_out()
        member = Member(subscriber, audience, join_ref, self.position, manner, asking is None, asking=asking)
        (audience.members if member.live else audience.behind)[subscriber.outbox] = member
        return member

    def go_live(self, member: Member) -> bool:
        """Make a member live that was sent everything up to `since`; false when that is not the present."""
        audience = member.audience
        if member.over or member.since != self.position or audience.behind.get(member.subscriber.outbox) is not member:
            return False
        if audience.pending:
            self.hand_out()
        del audience.behind[member.subscriber.outbox]
        audience.members[member.subscriber.outbox] = member
        member.live, member.errand = True, None
        return True

    def fall_behind(self, member: Member, since: int) -> None:
        """Give a live member no more ticks: it was sent everything up to one, and has to be brought to the present."""
        audience = member.audience
        if audience.members.pop(member.subscriber.outbox, None) is None:
            return
        audience.behind[member.subscriber.outbox] = member
        member.live, member.since = False, since
        self.fell_behind(member)

    def cut_off(self, member: Member, since: int) -> None:
        """Go on with a member whose frames were taken back: it was sent everything up to a tick, live or not."""
        if since < 0:
            # In the middle of a picture, which is not kept for those who do not read it.
            self.refetch(member, "trimmed")
        elif member.live:
            self.fall_behind(member, since)
        else:
            if member.errand is not None:
                member.errand.cancel()
            member.since = since
            self.fell_behind(member)

    def leave(self, member: Member, *, returns: bool = False) -> None:
        """End a joining without a word; `returns`: it may be joined again at once."""
        audience, outbox = member.audience, member.subscriber.outbox
        if not member.over:
            member.over = True
            self.left(member, returns)
            (audience.members if member.live else audience.behind).pop(outbox, None)
            if member.errand is not None:
                member.errand.cancel()
                member.errand = None
        warehouse = audience.selection.warehouse
        room = self._warehouses.get(warehouse)
        if room is not None and not audience.members and not audience.behind:
            if room.get(audience.selection) is audience:
                room.remove(audience)
            if not room:
                del self._warehouses[warehouse]

    # Cursors

    def examine(self, member: Member, cursor: Cursor) -> str | None:
        """Return why somebody cannot go on from a cursor, None when he can; `chronicle` has to reach back to it.

        Where `seals` do not, its anchor has to be looked up as well.
        The reason is one of `codes.REFETCH_REASONS`.
        """
        terms, selection = member.audience.terms, member.audience.selection
        for differs, reason in (
            (cursor.terms.history != terms.history, "incarnation"),
            (cursor.anchor > self.position, "future"),
            (self.seals.agrees(cursor.anchor, cursor.seal) is False, "incarnation"),
            (self.chronicle.tracked_changed > cursor.tick, "schema"),
            (cursor.terms.asked != terms.asked, "filter"),
            (cursor.terms.view != terms.view, "policy"),
            (cursor.terms.schema != terms.schema, "schema"),
        ):
            if differs:
                return reason
        who = member.subscriber
        changed = self.chronicle.access_changed(who.role, who.user, selection.warehouse, cursor.tick)
        return "policy" if changed else None

    def terms(self, lens: Lens, tables: Iterable[str]) -> Terms:
        """Return what a stream of these tables is computed under now."""
        return Terms.of(self.incarnation, lens.asked.digest, lens.view.digest, self._schema_digest(tables))

    # A tick

    def deliver(self, tick: int, at: str, operations: Iterable[Operation], seal: str) -> int:
        """Apply a whole tick; its frames wait for `hand_out`. Returns for how many members."""
        operations = tuple(operations)
        self.seals.note(tick, seal)
        settlement = self._settle(tick, operations)
        self.memory.note(tick, at, operations)
        self.seals.forget_before(self.memory.since)
        portions = Portions(tick)
        deliveries = 0
        told = self._told(operations, settlement)
        for room, concerned in self._concerned(told):
            cuts: dict[Lens, Portion] = {}
            for audience in tuple(room.plain.values()):
                portion = cuts.get(audience.selection.lens)
                if portion is None:
                    portion = cuts[audience.selection.lens] = portions.cut(audience.selection.lens, concerned)
                deliveries += self._dispatch.append_portion(audience, portion, tick, at)
            try:
                filtered = _cut_filtered(room, concerned, portions)
            except RowMismatch:
                # The table was altered a moment ago; nobody can say who asked for this row. Others go on.
                self._refetch_those(room.filtering(operation.table for operation in concerned), "schema")
                filtered = _cut_filtered(room, concerned, portions)
            for audience, portion in filtered:
                deliveries += self._dispatch.append_portion(audience, portion, tick, at)
        self.position = tick
        deliveries += self.channels.deliver(tick, at, told)
        if not self.channels.rooms.empty:
            messages = [operation for operation in operations if operation.table == MESSAGES]
            if messages:
                # Who hears of something has been told of the changes that were committed with it.
                self.channels.hand_out()
                self.channels.rooms.hear(messages)
        return deliveries

    def deliver_large(self, tick: int, at: str, access: Iterable[Operation], places: Iterable[str], seal: str) -> None:
        """Apply a tick that is too large to be held: whom it concerns reads it from the past, each at his own pace.

        Args:
            tick: its number.
            at: when it was closed.
            access: everything in it that concerns access; takes effect before anybody reads a row of it.
            places: all that it concerns.
            seal: what tells it from the ticks of its number in other histories.
        """
        places = tuple(places)
        self.hand_out()
        self.seals.note(tick, seal)
        self._settle(tick, tuple(access))
        self.memory.note_large(tick, at, places)
        self.seals.forget_before(self.memory.since)
        self.position = tick
        seen = self.channels.warehouses
        self.channels.deliver_large(tick, {name for place in places for name in self.law.where(place, seen)})
        self.channels.rooms.hear_large(tick, places)
        for warehouse in {name for place in places for name in self.law.where(place, self._warehouses)}:
            for audience in tuple(self._warehouses[warehouse]):
                for member in tuple(audience.members.values()):
                    self.fall_behind(member, tick - 1)

    def hand_out(self) -> None:
        """Give every pending frame to its members, and say that the hub has moved."""
        self._dispatch.hand_out()
        self.channels.hand_out()
        self.moved()

    def progress(self, tick: int, at: str, now: float) -> None:
        """Tell the audiences whose turn it is that everything before `at` is in ticks up to `tick`."""
        if tick != self.position:
            return
        self.news += 1
        self.progress_at = at
        for audience in self._every_audience():
            if now >= audience.progress_due and audience.members:
                # Each keeps a rhythm of its own, so that not all screens are told in one loop turn.
                share = 0.8 + (hash(audience.selection) % 1024) / 5120
                audience.progress_due = now + self._progress_seconds * share
                self._dispatch.append(audience, tick, self.progress_frame(audience))
        self.hand_out()

    def progress_frame(self, audience: Audience) -> bytes:
        """Return the frame that tells an audience how far it is current."""
        return progress_frame(audience, self.position, self.progress_at)

    # The end of topics

    def revoke(self, member: Member) -> None:
        """End a joining whose access is gone: not a byte more of that warehouse, and he is told to forget."""
        observe(AccessWithdrawn(member.audience.selection.warehouse, member.subscriber.user))
        if member.asking is not None:
            self.refuse(member, member.asking.refused("forbidden"))
        else:
            self._end(member, "revoked", wire.problem("revoked"), "phx_close")

    def refetch(self, member: Member, reason: str) -> None:
        """End a joining that cannot go on exactly: what he holds has to be read again."""
        if member.asking is not None:
            self.refuse(member, member.asking.refetch(reason), returns=True)
        else:
            self._end(member, "must_refetch", wire.must_refetch_payload(reason), "phx_error")

    def refuse(self, member: Member, answer: bytes, *, returns: bool = False) -> None:
        """Answer a join that was waiting for its answer with a no."""
        member.asking = None
        self.leave(member, returns=returns)
        member.subscriber.outbox.put(answer)
        member.subscriber.outbox.release()
        member.subscriber.forget(member)

    def look_again(self, member: Member) -> None:
        """End a joining if its subscriber is entitled to something else by now."""
        selection = member.audience.selection
        role = self.role(member.subscriber, selection.warehouse)
        if role is None:
            self.revoke(member)
        elif self.view(role).within(selection.lens.asked.tables) != selection.lens.view:
            self.refetch(member, "policy")

    def reshape(self, shapes: Mapping[str, TableShape], published: frozenset[str] | None = None) -> None:
        """Take note of what tracked tables look like now; who looks at one that changed has to read it again.

        With it tables begin to be sent that ticks said are tracked: only now can it be said under which terms.
        """
        before, known = self.law.tables, self.shapes
        self.law.see(shapes)
        self.shapes = shapes
        self.channels.reshape(shapes, published)
        lasting = before & self.law.tables
        self._reread((before ^ self.law.tables) | {name for name in lasting if _differs(known.get(name), shapes[name])})

    def end_all(self, reason: str) -> None:
        """End every joining because the stream cannot go on exactly; no joins are taken until `begin`."""
        self.ready = False
        self._dispatch.discard()
        self.channels.end_all(reason)
        members = [member for audience in self._every_audience() for member in _everybody(audience)]
        for member in members:
            self.refetch(member, reason)
        observe(TopicsEnded(reason, len(members)))

    def _end(self, member: Member, event: str, payload: bytes, ending: wire.Ending) -> None:
        selection, outbox = member.audience.selection, member.subscriber.outbox
        self.leave(member, returns=ending == "phx_error")
        outbox.drop(selection.topic)
        told = wire.push(selection.version, selection.topic, event, payload)
        outbox.put(told + wire.ended(selection.version, member.join_ref, selection.topic, ending))
        outbox.release()
        member.subscriber.forget(member)

    # Inside

    def _refetch_those(self, audiences: Iterable[Audience], reason: str) -> None:
        for audience in audiences:
            for member in _everybody(audience):
                self.refetch(member, reason)

    def _settle(self, tick: int, operations: tuple[Operation, ...]) -> Settlement:
        """Apply a tick's changes of access, withdrawals with their consequences first."""
        tables = self.law.tables
        settlement = self.law.settle(operations)
        if settlement is not UNCHANGED:
            self.chronicle.note(tick, operations)
            access = settlement.access
            named = {name for _, name in access.lost | access.changed} | access.closed | access.handed_over
            for warehouse in tuple(self._warehouses) if settlement.views_changed else named:
                for audience in tuple(self._warehouses.get(warehouse, ())):
                    for member in _everybody(audience):
                        self._settle_member(member, warehouse, settlement)
        self._reread(tables ^ self.law.tables)
        self.channels.settle(settlement)
        return settlement

    def _settle_member(self, member: Member, warehouse: str, settlement: Settlement) -> None:
        access = settlement.access
        changed = (member.subscriber.user, warehouse) in access.changed and member.subscriber.role == "authenticated"
        if self.role(member.subscriber, warehouse) is not None and (changed or warehouse in access.handed_over):
            self.refetch(member, "policy")
        else:
            self.look_again(member)

    def _told(self, operations: Iterable[Operation], settlement: Settlement) -> tuple[tuple[str, Operation], ...]:
        """Return what is told in the warehouses that somebody looks at, in order."""
        seen = self.channels.warehouses
        looked_at = self._warehouses.keys() | seen if seen else self._warehouses
        return tuple(self.law.told(operations, looked_at, settlement))

    def _concerned(self, told: Iterable[tuple[str, Operation]]) -> Iterator[tuple[Room, list[Operation]]]:
        """Yield, for each warehouse that somebody has joined, who is there and its operations, in order."""
        found: dict[str, list[Operation]] = {}
        for warehouse, operation in told:
            if warehouse in self._warehouses:
                found.setdefault(warehouse, []).append(operation)
        for warehouse, concerned in found.items():
            yield self._warehouses[warehouse], concerned

    def _audience(self, selection: Selection) -> Audience:
        room = self._warehouses.setdefault(selection.warehouse, Room())
        audience = room.get(selection)
        if audience is None:
            lens = selection.lens
            terms = self.terms(lens, self._tables_of(lens))
            audience = Audience(selection, terms, terms.encode(), self.seals)
            room.add(audience)
        return audience

    def _tables_of(self, lens: Lens) -> Iterable[str]:
        return (table for table in self.law.tables if lens.view.shows(table))

    def _schema_digest(self, tables: Iterable[str]) -> bytes:
        known = ((table, self.shapes.get(table)) for table in sorted(tables))
        return digest(";".join(f"{table}:{shape.fingerprint if shape else ''}" for table, shape in known).encode())

    def _reread(self, tables: AbstractSet[str]) -> None:
        """End the joinings that look at one of these tables, or would now: it is sent and was not, or is another.

        What it held before is in no picture of theirs, or goes on in it without them.
        """
        if not tables:
            return
        for audience in tuple(self._every_audience()):
            lens = audience.selection.lens
            for member in _everybody(audience):
                role = self.role(member.subscriber, audience.selection.warehouse)
                now = lens.view if role is None else self.view(role).within(lens.asked.tables)
                if any(lens.view.shows(table) or now.shows(table) for table in tables):
                    self.refetch(member, "schema")

    def _every_audience(self) -> Iterator[Audience]:
        for room in self._warehouses.values():
            yield from room


def _cut_filtered(room: Room, operations: list[Operation], portions: Portions) -> list[tuple[Audience, Portion]]:
    """Return what of a tick is for each of those with filters; raises RowMismatch before anybody is given anything."""
    found = room.concerned(operations).items()
    return [(audience, portions.cut(audience.selection.lens, concerned)) for audience, concerned in found]


def _everybody(audience: Audience) -> tuple[Member, ...]:
    return (*audience.members.values(), *audience.behind.values())


def _differs(one: TableShape | None, other: TableShape) -> bool:
    return one is None or one.fingerprint != other.fingerprint


def _nobody(_: Member) -> None:
    """Nobody brings members to the present: who falls behind stays behind."""


def _nobody_left(_: Member, __: bool) -> None:  # noqa: FBT001 — as `Hub.left`
    """Nobody knows who is present."""


def _nothing() -> None:
    """Nobody waits."""
