"""What a joining of a warehouse says of its presence, and what it is shown of others' (pure).

A joining may be present in its warehouse and at several work orders of it, each with what it wants to be shown with.
Warehouse and work orders are two rooms: who may look into the second one is who reads the table. The person is named by
us and not by the client, so nobody is present in another's name.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import orjson

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
CALLS_AT_ONCE = 30.0
CALLS_PER_SECOND = 2.0

LINGER_SECONDS = 5.0
"""How long somebody whose joining we ended, to be joined again at once, stays present."""

_REFS = ("phx_ref", "phx_ref_prev")
_OURS = (*_REFS, "user")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A joining of a warehouse."""

    user: str
    outbox: Outbox
    # As it was written.
    topic: str
    version: Version
    warehouse: str
    # Work orders are among what it is sent; else it sees nobody at them, and is at none.
    orders: bool
    # Says whether the join was answered: nothing is shown to it before.
    answered: Callable[[], bool] = lambda: True

    @property
    def outlook(self) -> Outlook:
        """What it is shown."""
        rooms = (_room(self.warehouse), _orders_room(self.warehouse))
        return Outlook(self.topic, self.version, rooms if self.orders else rooms[:1])


@dataclass(slots=True, eq=False)
class _Seat:
    """One joining's presence."""

    user: str
    outbox: Outbox
    outlook: Outlook
    answered: Callable[[], bool]
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
        return not self.outbox.paused and self.answered()


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
        """Show somebody who is present in a warehouse, and let him be present if he wishes.

        Returns:
            Why he is not present though he wishes it, a key of `codes.CODES`; None when that is not so.
        """
        outlook = visitor.outlook
        seat = self._seat(visitor.outbox, visitor.topic)
        if seat is None:
            now = self._clock()
            seat = _Seat(visitor.user, visitor.outbox, outlook, visitor.answered, CALLS_AT_ONCE, now)
            self._seats.setdefault(visitor.outbox, {})[visitor.topic] = seat
        seat.outlook, seat.answered, seat.joined = outlook, visitor.answered, True
        self._spectators.add(seat, outlook)
        self._stirred()
        if not visitor.orders:
            self._forsake(seat, [order for order in seat.slots if order])
        if wish.track is not None:
            try:
                self._track(seat, wish.track)
            except Refusal as refused:
                return refused.code
        return None

    def hear(self, outbox: Outbox, topic: str, payload: object) -> None:
        """Do what a client asks for in the event `presence`; raises Refusal."""
        seat = self._seat(outbox, topic)
        if seat is None or not seat.joined:
            raise Refusal("bad_presence", "this topic was joined without `presence`")
        match read_call(payload):
            case Track() as track:
                self._track(seat, track)
            case Untrack(order):
                self._forsake(seat, [order] if order else list(seat.slots))

    def show_again(self, outbox: Outbox, topic: str) -> None:
        """Give a joining the state once more: frames that waited for it were taken back."""
        seat = self._seat(outbox, topic)
        if seat is not None and seat.joined:
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
            self._spectators.remove(seat, seat.outlook)
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
        order = track.order
        if order and len(seat.outlook.rooms) == 1:
            raise Refusal("bad_presence", f"you are not sent {ORDERS} here")
        self._count_call(seat)
        seat.lingering.discard(order)
        room = seat.outlook.rooms[1 if order else 0]
        slot = seat.slots.get(order)
        previous = None if slot is None else self._roster.own(slot)
        if slot is None:
            if len(seat.slots) >= MOST_ENTRIES or self._spectators.guestbook.size(room) >= MOST_IN_ROOM:
                raise Refusal("presence_full")
            slot = seat.slots[order] = self._roster.new_name()
        meta = {"user": seat.user} | {name: value for name, value in track.meta.items() if name not in _OURS}
        if previous is not None:
            shown = orjson.loads(previous.meta)
            if {name: value for name, value in shown.items() if name not in _REFS} == meta:
                return
        ref = f"{self._roster.gateway}-{self._roster.new_name()}"
        refs = {"phx_ref": ref} | ({} if previous is None else {"phx_ref_prev": previous.ref})
        # A copy: what orjson returns holds on to a larger buffer.
        text = bytes(memoryview(orjson.dumps(refs | meta)))
        self._roster.put(slot, Entry(room, seat.user, ref, text))
        self._stirred()

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
