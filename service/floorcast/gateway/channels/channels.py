"""The heart of channels (pure): who has joined which, and which bytes a tick becomes for them.

It stands beside the hub and is given the same ticks, after the same withdrawals. A channel does not end when access
changes: its person goes on with what he sees now. Of the tick that changes it he is told only what he saw before and
sees after it; what waited for him under the earlier access is taken back and told again under the new one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from floorcast.access.grants import SERVICE_ROLE
from floorcast.access.law import UNCHANGED, Law, Settlement
from floorcast.filter.row import RowMismatch
from floorcast.gateway import wire
from floorcast.gateway.channels import frames
from floorcast.gateway.channels.binding import Catalogue, bind
from floorcast.gateway.channels.channel import Channel, ChannelAudience, Person
from floorcast.gateway.channels.directory import Directory
from floorcast.gateway.channels.message import Messages
from floorcast.gateway.channels.rooms import Rooms
from floorcast.gateway.channels.seen import Told, changes_in
from floorcast.gateway.channels.sight import Sight
from floorcast.gateway.frames import writes_of
from floorcast.gateway.outbox import Outbox
from floorcast.position import Position
from floorcast.shape import TableShape

ROWS = "postgres_changes"
"""The extension that changes of tables belong to."""


class Channels:
    """Every channel of a gateway."""

    def __init__(self) -> None:
        """Nobody is here, and no law is known."""
        self._law = Law()
        self.rooms = Rooms()
        self.shapes: Mapping[str, TableShape] = {}
        # Where there is such a publication, the tables that are in it: only these take part.
        self.published: frozenset[str] | None = None
        self.incarnation = ""
        # The last tick that every live channel has been given, or is being given.
        self.position = 0
        self._all: dict[Channel, None] = {}
        self._by_user: dict[str, dict[Channel, None]] = {}
        self._directory = Directory()
        # The tables that bindings and sights go by; None once a tick has moved them, until the next `reshape`.
        self._tables: frozenset[str] | None = None
        # Warehouse → how many channels see something there.
        self._warehouses: Counter[str] = Counter()
        # Whose access a tick changed, until it was delivered.
        self._turning: dict[Channel, Sight] = {}
        self._due: list[ChannelAudience] = []
        self.pending_bytes = 0
        # Told of a channel that is not live any more, to bring it to the present; set by whoever does that.
        self.fell_behind: Callable[[Channel], None] = _nobody
        # Told of a channel whose token is another one, to ask anew what it may do; set by whoever does that.
        self.review: Callable[[Channel], None] = _nobody
        # Told of a channel whose join was answered, and of one that may do other things in its room than before.
        self.entered: Callable[[Channel], None] = _nobody
        # Told of a channel that has ended.
        self.left: Callable[[Channel], None] = _nobody

    def begin(
        self,
        law: Law,
        shapes: Mapping[str, TableShape],
        published: frozenset[str] | None,
        incarnation: str,
        tick: int,
    ) -> None:
        """Begin with a law, behind a tick; nobody may be here yet."""
        self._law, self.shapes, self.published = law, shapes, published
        self.incarnation, self.position = incarnation, tick

    @property
    def warehouses(self) -> AbstractSet[str]:
        """Where somebody sees something."""
        return self._warehouses.keys()

    @property
    def catalogue(self) -> Catalogue:
        """What there is to subscribe to now."""
        tables = self._law.tables
        return Catalogue(tables if self.published is None else tables & self.published, self.shapes)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the answer to a join says of where it begins."""
        return self.facts_at(Position(self.position))

    def facts_at(self, position: Position) -> Mapping[str, Any]:
        """Return what the answer says to somebody who has everything up to a position."""
        return {"position": str(position), "incarnation": self.incarnation}

    def sight_of(self, claims_role: str, user: str) -> Sight:
        """Return what somebody sees now."""
        return Sight.of(self._law.views_of(claims_role, user))

    # Joining

    def join(self, channel: Channel, *, live: bool) -> None:
        """Take in a channel whose rights are known: live from after `position`, or to be brought there from `since`.

        It may have waited: what its person sees, and what there is to subscribe to, is looked up now.
        """
        channel.sight = self.sight_of(channel.person.role, channel.person.user)
        channel.bound = bind(channel.config.bindings, self.catalogue)
        self._all[channel] = None
        self._by_user.setdefault(channel.person.user, {})[channel] = None
        self._warehouses.update(channel.sight)
        self.rooms.enter(channel)
        channel.live = live
        if live:
            channel.since = self.position
        self._seat(channel, channel.sight)

    def leave(self, channel: Channel) -> None:
        """End a channel without a word."""
        if channel.over:
            return
        channel.over = True
        if channel.errand is not None:
            channel.errand.cancel()
            channel.errand = None
        self.rooms.leave(channel)
        if channel in self._all:
            self._unseat(channel)
            self._forget_sight(channel)
            del self._all[channel]
            self._forget_person(channel)
            self._turning.pop(channel, None)
            self.left(channel)

    def end(self, channel: Channel, text: str, *, returns: bool) -> None:
        """End a channel with a word; one that returns joins again by itself, the other is closed for good."""
        self.leave(channel)
        channel.outbox.drop(channel.topic)
        ending: wire.Ending = "phx_error" if returns else "phx_close"
        told = frames.system(channel, "system", text, error=True)
        channel.outbox.put(told + wire.ended(channel.version, channel.join_ref, channel.topic, ending))
        channel.outbox.release()
        channel.owner.forget(channel)

    def go_live(self, channel: Channel) -> bool:
        """Make a channel live that was sent everything up to `since`; false when that is not the present."""
        if channel.over or channel.since != self.position:
            return False
        if not channel.live:
            self.hand_out()
            self._unseat(channel)
            channel.live, channel.errand, channel.narrowed = True, None, None
            self._seat(channel, channel.sight)
        return True

    def cut_off(self, channel: Channel, since: int) -> None:
        """Go on with a channel whose frames were taken back: it was sent everything up to a tick."""
        if channel.audience is None:
            return
        self._unseat(channel)
        channel.live, channel.since = False, since
        self._seat(channel, channel.sight)
        if channel.errand is not None:
            channel.errand.cancel()
        self.fell_behind(channel)

    def joined(self, channel: Channel) -> None:
        """Say what is to be said once a join was answered."""
        self.entered(channel)
        if channel.config.bindings:
            self.tell_of_bindings(channel)
        channel.outbox.release()

    def refresh(self, channel: Channel, person: Person) -> None:
        """Go by a newer token of a channel, be it another person's."""
        if channel in self._all:
            if person.user != channel.person.user and self._waits(channel):
                # Nobody has looked what this one could see when that happened.
                self.end(channel, frames.gap("policy"), returns=True)
                return
            self._forget_person(channel)
            channel.person = person
            self._by_user.setdefault(person.user, {})[channel] = None
            self._turn(channel, self.sight_of(person.role, person.user))
        else:
            channel.person = person
        if channel.config.private:
            self.review(channel)

    # A tick

    def settle(self, settlement: Settlement) -> None:
        """Note what a tick has done to access, before anything of it is delivered."""
        if settlement is UNCHANGED:
            return
        if self._law.tables != self._tables:
            self._tables = None
        access = settlement.access
        users = {user for user, _ in access.lost | access.gained | access.changed}
        whole = settlement.views_changed or access.closed or access.handed_over
        concerned = self._all if whole else [each for user in users for each in self._by_user.get(user, ())]
        servers = [each for each in self._all if each.person.role == SERVICE_ROLE]
        for channel in dict.fromkeys([*concerned, *servers]):
            self._look_again(channel)

    def deliver(self, tick: int, at: str, told: Iterable[Told]) -> int:
        """Apply a whole tick; its frames wait for `hand_out`. Returns for how many channels.

        Args:
            tick: its number.
            at: when it was closed.
            told: what it brings to the `warehouses`, in order.
        """
        deliveries = 0
        if self._all:
            messages = Messages(tick, at, self.shapes)
            found: dict[ChannelAudience, list[bytes]] = {}
            for change in changes_in(told):
                for audience, frame in self._told(change, messages):
                    found.setdefault(audience, []).append(frame)
            for audience, pieces in found.items():
                self._append(audience, tick - 1, b"".join(pieces))
                deliveries += len(audience.members)
        self._settled(tick)
        return deliveries

    def deliver_large(self, tick: int, warehouses: AbstractSet[str]) -> None:
        """Apply a tick that is too large to be held: whoever sees some of these warehouses reads it from the past."""
        self.hand_out()
        live = [
            channel
            for audience in self._directory
            if not warehouses.isdisjoint(audience.outlook.sight)
            for channel in audience.members.values()
        ]
        self._settled(tick)
        for channel in live:
            self.cut_off(channel, tick - 1)

    def hand_out(self) -> None:
        """Give every pending frame to its channels: the same bytes to each."""
        gathered: list[Outbox] = []
        for audience in self._due:
            for after, frame in writes_of(audience.pending):
                for outbox in audience.members:
                    if outbox.put(frame, audience.outlook.topic, after):
                        gathered.append(outbox)  # noqa: PERF401 — putting is the point, this is the exception
            audience.pending.clear()
        for outbox in gathered:
            outbox.release()
        self._due = []
        self.pending_bytes = 0

    def frames_for(self, channel: Channel, told: Iterable[Told], messages: Messages) -> bytes:
        """Return what a channel is told of a tick of the past; raises RowMismatch."""
        outlook = channel.outlook(channel.sight_at(messages.tick))
        if outlook is None:
            return b""
        return b"".join(frames.change_frames(outlook, tuple(change), messages) for change in changes_in(told))

    def reshape(self, shapes: Mapping[str, TableShape], published: frozenset[str] | None) -> None:
        """Take note of what tracked tables look like now, and which are sent; bindings mean what they mean now."""
        tables = self._law.tables
        if (shapes, published, tables) == (self.shapes, self.published, self._tables):
            return
        self.hand_out()
        self.shapes, self.published, self._tables = shapes, published, tables
        for channel in tuple(self._all):
            self._look_again(channel)
            if channel.config.bindings:
                before, channel.bound = channel.bound, bind(channel.config.bindings, self.catalogue)
                if channel.bound.bindings != before.bindings:
                    self._reseat(channel, channel.sight)
                if channel.bound.errors != before.errors:
                    self.tell_of_bindings(channel)
        self._settled(self.position, "schema")

    def tell_of_bindings(self, channel: Channel) -> None:
        """Say that the bindings of a channel are served, or which are not."""
        if not channel.bound.errors:
            channel.outbox.put(frames.system(channel, ROWS, "Subscribed to PostgreSQL"), channel.topic, None)
        for error in channel.bound.errors:
            channel.outbox.put(frames.system(channel, ROWS, error, error=True), channel.topic, None)
        channel.outbox.release()

    def tell_of_gap(self, channel: Channel, reason: str) -> None:
        """Say that there were changes which are not told: what is shown has to be read again."""
        channel.outbox.put(frames.system(channel, "floorcast", frames.gap(reason)))
        channel.outbox.release()

    def end_all(self, reason: str) -> None:
        """End every channel because the stream cannot go on exactly; clients join again by themselves."""
        self._due, self.pending_bytes = [], 0
        for channel in tuple(self._all):
            self.end(channel, frames.gap(reason), returns=True)

    # Inside

    def _told(self, change: Sequence[Told], messages: Messages) -> Iterable[tuple[ChannelAudience, bytes]]:
        table = change[0][1].table
        if self.published is not None and table not in self.published:
            return
        try:
            concerned = self._concerned(table, change, messages)
        except RowMismatch:
            # The table was altered a moment ago; nobody can say who asked for this row.
            self._end_those(self._directory.filtering(table))
            concerned = self._directory.concerned(table, None, None)
        for audience in tuple(concerned):
            try:
                frame = frames.change_frames(audience.outlook, tuple(change), messages) if audience.members else b""
            except RowMismatch:
                self._end_those([audience])
            else:
                if frame:
                    yield audience, frame

    def _concerned(self, table: str, change: Sequence[Told], messages: Messages) -> Iterable[ChannelAudience]:
        old = new = None
        if self._directory.is_filtered(table):
            old = next((each.old for _, each in change if each.old is not None), None)
            new = next((each.new for _, each in change if each.new is not None), None)
        return self._directory.concerned(
            table,
            None if old is None else messages.reading(old),
            None if new is None else messages.reading(new),
        )

    def _end_those(self, audiences: Iterable[ChannelAudience]) -> None:
        for audience in tuple(audiences):
            for channel in tuple(audience.members.values()):
                self.end(channel, frames.gap("schema"), returns=True)

    def _waits(self, channel: Channel) -> bool:
        """Whether a channel was not told everything yet; what waits in its outbox is taken back."""
        return not channel.live or channel.outbox.take_back(channel.topic) is not None

    def _look_again(self, channel: Channel) -> None:
        """Have a channel see only what it saw before and sees now, until the tick that changed it is settled."""
        now = self.sight_of(channel.person.role, channel.person.user)
        if now != channel.sight:
            self._turning[channel] = now
            self._turn(channel, channel.sight.meet(now))

    def _settled(self, tick: int, reason: str = "policy") -> None:
        """Be at a tick; who sees something else since it goes on with that."""
        self.position = tick
        turning, self._turning = self._turning, {}
        for channel, sight in turning.items():
            if not channel.live:
                # What it is told of earlier ticks is what was seen then and still is.
                earlier = channel.sight if channel.narrowed is None else channel.narrowed[1].meet(channel.sight)
                channel.narrowed = tick, earlier
            self._reseat(channel, sight)
            if channel.audience is not None:
                self.tell_of_gap(channel, reason)

    def _turn(self, channel: Channel, sight: Sight) -> None:
        """Have a channel see less from now on, at once: what waits for it is taken back."""
        if sight == channel.sight:
            return
        self.hand_out()
        after = channel.outbox.take_back(channel.topic) if channel.sight.exceeds(sight) else None
        self._reseat(channel, sight)
        if after is not None:
            self.cut_off(channel, after)

    def _reseat(self, channel: Channel, sight: Sight) -> None:
        if channel.over:
            return
        self.hand_out()
        self._unseat(channel)
        self._forget_sight(channel)
        channel.sight = sight
        self._warehouses.update(sight)
        self._seat(channel, sight)

    def _seat(self, channel: Channel, sight: Sight) -> None:
        outlook = channel.outlook(sight)
        if outlook is None:
            channel.audience = None
            return
        audience = channel.audience = self._directory.get(outlook)
        if channel.live:
            if audience.pending:
                # These are of ticks before it.
                self.hand_out()
            audience.members[channel.outbox] = channel
        else:
            audience.behind += 1

    def _unseat(self, channel: Channel) -> None:
        audience = channel.audience
        if audience is not None:
            if audience.members.get(channel.outbox) is channel:
                del audience.members[channel.outbox]
            else:
                audience.behind -= 1
            channel.audience = None
            self._directory.release(audience)

    def _forget_person(self, channel: Channel) -> None:
        known = self._by_user[channel.person.user]
        del known[channel]
        if not known:
            del self._by_user[channel.person.user]

    def _forget_sight(self, channel: Channel) -> None:
        self._warehouses.subtract(channel.sight)
        for warehouse in channel.sight:
            if not self._warehouses[warehouse]:
                del self._warehouses[warehouse]

    def _append(self, audience: ChannelAudience, after: int, frame: bytes) -> None:
        if not audience.members:
            return
        if not audience.pending:
            self._due.append(audience)
        audience.pending.append((after, frame))
        self.pending_bytes += len(frame)


def _nobody(_: Channel) -> None:
    """Nobody has asked to be told."""
