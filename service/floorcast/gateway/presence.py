"""What a joining says of its presence, and what it is shown of others' (pure).

A joining of a warehouse may be present in it and at several work orders of it, each with what it wants to be shown
with. Warehouse and work orders are two rooms: who may look into the second one is who reads the table. The person is
named by us and not by the client, so nobody is present in another's name. A channel has one room, and its client says
under which key it is shown there.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import orjson

from floorcast.gateway import wire
from floorcast.gateway.appearance import PresenceWish, Track, Untrack, read_call
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.refusal import Refusal
from floorcast.gateway.roster import Roster
from floorcast.gateway.spectators import Outlook, Spectators
from floorcast.gateway.wire import Version
from floorcast.stream.statement import Entry

ORDERS = "work_orders"
"""The table whose readers may be present at its rows, and see who is."""

MOST_ENTRIES = 17
"""Of one joining: the warehouse, and so many work orders but one."""
MOST_IN_ROOM = 1_000
MOST_ROOM_BYTES = 1_000_000
"""Of what everybody in a room is shown with: whoever comes is sent all of it in one frame, and some clients take a
megabyte and no more."""

CALLS_AT_ONCE = 30.0
CALLS_PER_SECOND = 2.0

LINGER_SECONDS = 5.0
"""How long somebody whose joining we ended, to be joined again at once, stays present."""

_REFS = ("phx_ref", "phx_ref_prev")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A joining that is shown who is somewhere, and may be there."""

    # What it is shown under; who has the same key is shown with it.
    key: str
    outbox: Outbox
    # As it was written.
    topic: str
    version: Version
    # Whom it is shown.
    rooms: tuple[str, ...]
    # Where it may be; "" for nowhere.
    room: str
    # Where it is when it is at a work order; "" for at none.
    orders_room: str = ""
    # What is said of it by us, whatever it says itself.
    facts: Mapping[str, str] = field(default_factory=dict)
    # As JSON; names the joining in the state that it is given.
    join_ref: bytes = wire.NULL
    # Says whether the join was answered: nothing is shown to it before.
    answered: Callable[[], bool] = lambda: True

    @classmethod
    def of_warehouse(
        cls,
        user: str,
        outbox: Outbox,
        topic: str,
        version: Version,
        warehouse: str,
        *,
        orders: bool,
        answered: Callable[[], bool] = lambda: True,
    ) -> Self:
        """Return a joining of a warehouse.

        `orders`: work orders are among what it is sent; else it sees nobody at them, and is at none.
        """
        room, inner = _room(warehouse), _orders_room(warehouse)
        return cls(
            key=user,
            outbox=outbox,
            topic=topic,
            version=version,
            rooms=(room, inner) if orders else (room,),
            room=room,
            orders_room=inner if orders else "",
            facts={"user": user},
            answered=answered,
        )

    @property
    def outlook(self) -> Outlook:
        """What it is shown."""
        return Outlook(self.topic, self.version, self.rooms)

    def room_at(self, order: str) -> str:
        """Return where it is when it is at a work order, or in the whole; "" where it may not be."""
        return self.orders_room if order else self.room


@dataclass(slots=True, eq=False)
class _Seat:
    """One joining's presence."""

    visitor: Visitor
    # Whose frames are sent under it; None while it is shown nothing.
    outlook: Outlook | None
    calls: float
    called_at: float
    # Work order, "" for the warehouse → slot of the entry.
    slots: dict[str, str] = field(default_factory=dict)
    joined: bool = True
    # Of `slots`, those that an earlier joining left behind: cleared away at `until` unless they are tracked again.
    lingering: set[str] = field(default_factory=set)
    until: float = 0.0

    @property
    def listens(self) -> bool:
        """Whether it can be shown something now."""
        return not self.outbox.paused and self.visitor.answered()

    @property
    def outbox(self) -> Outbox:
        """Where its frames go."""
        return self.visitor.outbox

    @property
    def join_ref(self) -> bytes:
        """What names its joining."""
        return self.visitor.join_ref


class Presence:
    """The presence of every joining of this gateway that asked for it."""

    def __init__(
        self, roster: Roster, spectators: Spectators, clock: Callable[[], float], stirred: Callable[[], None]
    ) -> None:
        """Begin with nobody.

        Args:
            roster: is told who is present here.
            spectators: those who are shown it.
            clock: seconds, never going back.
            stirred: called when there may be something to say or to show.
        """
        self._roster = roster
        self._spectators = spectators
        self._clock = clock
        self._stirred = stirred
        self._seats: dict[Outbox, dict[str, _Seat]] = {}
        # Those to be looked at once their time has come, which is in this order.
        self._ending: dict[tuple[Outbox, str], None] = {}

    @property
    def waiting(self) -> bool:
        """Whether `turn` should be called again soon, though nothing happens."""
        return bool(self._ending) or self._spectators.waiting

    # What session and hub say

    def join(self, visitor: Visitor, wish: PresenceWish) -> str | None:
        """Show somebody who is present, and let him be present if he wishes.

        Who is joined already goes on with what he may see, and where he may be, now.

        Returns:
            Why he is not present though he wishes it, a key of `codes.CODES`; None when that is not so.
        """
        seat = self._seat(visitor.outbox, visitor.topic)
        if seat is None:
            seat = _Seat(visitor, None, CALLS_AT_ONCE, self._clock())
            self._seats.setdefault(visitor.outbox, {})[visitor.topic] = seat
        seat.visitor, seat.joined = visitor, True
        outlook = visitor.outlook if visitor.rooms else None
        if seat.outlook != outlook:
            self._avert(seat)
            seat.outlook = outlook
            if outlook is not None:
                self._spectators.add(seat, outlook)
            self._stirred()
        self._forsake(seat, [order for order in seat.slots if not visitor.room_at(order)])
        if wish.track is not None:
            try:
                self._track(seat, wish.track)
            except Refusal as refused:
                return refused.code
        return None

    def hear(self, outbox: Outbox, topic: str, payload: object) -> None:
        """Do what a client asks for in the event `presence` of a warehouse; raises Refusal."""
        seat = self._seat(outbox, topic)
        if seat is None or not seat.joined:
            raise Refusal("bad_presence", "this topic was joined without `presence`")
        self.heed(outbox, topic, read_call(payload))

    def heed(self, outbox: Outbox, topic: str, call: Track | Untrack) -> None:
        """Do what a joining asks for; raises Refusal."""
        seat = self._seat(outbox, topic)
        if seat is None or not seat.joined:
            return
        match call:
            case Track() as track:
                self._track(seat, track)
            case Untrack(order):
                self._forsake(seat, [order] if order else list(seat.slots))

    def show_again(self, outbox: Outbox, topic: str) -> None:
        """Give a joining the state once more: frames that waited for it were taken back."""
        seat = self._seat(outbox, topic)
        if seat is not None and seat.outlook is not None:
            self._spectators.remove(seat, seat.outlook)
            self._spectators.add(seat, seat.outlook)
            self._stirred()

    def show_all_again(self) -> None:
        """Give everybody the state once more."""
        self._spectators.all_again()
        self._stirred()

    def leave(self, outbox: Outbox, topic: str, *, linger: bool = False) -> None:
        """End a joining; one that lingers is not missed by the others if it is joined again at once."""
        seat = self._seat(outbox, topic)
        if seat is not None and seat.joined:
            self._avert(seat)
            seat.joined, seat.until = False, self._clock() + LINGER_SECONDS
            self._ending.pop((outbox, topic), None)
            self._ending[outbox, topic] = None
            if linger:
                seat.lingering.update(seat.slots)
            else:
                self._forsake(seat, list(seat.slots))

    def close(self, outbox: Outbox) -> None:
        """Clear away what lingers of a socket that is gone."""
        for topic in tuple(self._seats.get(outbox, ())):
            self._clear(outbox, topic)

    # What the clock says

    def turn(self) -> None:
        """Clear away who lingered for long enough, and show everybody what changed."""
        now = self._clock()
        for outbox, topic in tuple(self._ending):
            if self._seats[outbox][topic].until > now:
                break
            self._clear(outbox, topic)
        self._spectators.hand_out()

    # Inside

    def _seat(self, outbox: Outbox, topic: str) -> _Seat | None:
        seats = self._seats.get(outbox)
        return None if seats is None else seats.get(topic)

    def _track(self, seat: _Seat, track: Track) -> None:
        order, visitor = track.order, seat.visitor
        room = visitor.room_at(order)
        if not room:
            raise Refusal("bad_presence", f"you are not sent {ORDERS} here" if order else "you may not be shown here")
        self._count_call(seat)
        seat.lingering.discard(order)
        slot = seat.slots.get(order)
        previous = None if slot is None else self._roster.own(slot)
        full = len(seat.slots) >= MOST_ENTRIES or self._spectators.guestbook.size(room) >= MOST_IN_ROOM
        if slot is None and full:
            raise Refusal("presence_full")
        ours = (*_REFS, *visitor.facts)
        meta = {**visitor.facts} | {name: value for name, value in track.meta.items() if name not in ours}
        if previous is not None:
            shown = orjson.loads(previous.meta)
            if {name: value for name, value in shown.items() if name not in _REFS} == meta:
                return
        ref = f"{self._roster.gateway}-{self._roster.new_name()}"
        refs = {"phx_ref": ref} | ({} if previous is None else {"phx_ref_prev": previous.ref})
        # A copy: what orjson returns holds on to a larger buffer.
        text = bytes(memoryview(orjson.dumps(refs | meta)))
        more = len(text) - (0 if previous is None else len(previous.meta))
        if self._spectators.guestbook.weight(room) + more > MOST_ROOM_BYTES:
            raise Refusal("presence_full")
        if slot is None:
            slot = seat.slots[order] = self._roster.new_name()
        self._roster.put(slot, Entry(room, visitor.key, ref, text))
        self._stirred()

    def _avert(self, seat: _Seat) -> None:
        """Show a joining nothing any more."""
        if seat.outlook is not None:
            self._spectators.remove(seat, seat.outlook)
            seat.outlook = None

    def _clear(self, outbox: Outbox, topic: str) -> None:
        """Take away what lingers of a joining, and all memory of it if it has ended."""
        seats = self._seats[outbox]
        self._forsake(seats[topic], list(seats[topic].lingering))
        self._ending.pop((outbox, topic), None)
        if not seats[topic].joined:
            del seats[topic]
            if not seats:
                del self._seats[outbox]

    def _count_call(self, seat: _Seat) -> None:
        now = self._clock()
        calls = min(CALLS_AT_ONCE, seat.calls + (now - seat.called_at) * CALLS_PER_SECOND)
        if calls < 1.0:
            raise Refusal("presence_too_often", again_in=(1.0 - calls) / CALLS_PER_SECOND)
        seat.calls, seat.called_at = calls - 1.0, now

    def _forsake(self, seat: _Seat, orders: Iterable[str]) -> None:
        """Be present at these no more."""
        for order in orders:
            seat.lingering.discard(order)
            slot = seat.slots.pop(order, None)
            if slot is not None:
                self._roster.put(slot, None)
                self._stirred()


def _room(warehouse: str) -> str:
    return f"warehouse:{warehouse}"


def _orders_room(warehouse: str) -> str:
    # No warehouse's id has a slash.
    return f"warehouse:{warehouse}/{ORDERS}"
