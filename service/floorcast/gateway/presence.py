"""What a joining of a warehouse says of its presence, and what it is shown of others' (pure).

A joining may be present in its warehouse and at several work orders of it, each with what it wants to be shown with.
Warehouse and work orders are two rooms: who may look into the second one is who reads the table. The person is named by
us and not by the client, so nobody is present in another's name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from floorcast.gateway.outbox import Outbox
from floorcast.gateway.roster import Roster
from floorcast.gateway.spectators import Outlook, Spectators
from floorcast.gateway.wire import Version
from floorcast.stream.statement import Entry
from floorcast.topic import parse_id

ORDERS = "work_orders"
"""The table whose readers may be present at its rows, and see who is."""

MOST_META_BYTES = 1_024
MOST_ENTRIES = 17
"""Of one joining: the warehouse, and so many work orders but one."""
MOST_IN_ROOM = 1_000
CALLS_AT_ONCE = 30.0
CALLS_PER_SECOND = 2.0

LINGER_SECONDS = 5.0
"""How long somebody whose joining we ended, to be joined again at once, stays present."""

_OURS = ("phx_ref", "phx_ref_prev", "user")


class PresenceRefused(Exception):  # noqa: N818 — an answer, not a fault
    """What was asked for is not done: a key of `codes.CODES`, and what exactly was wrong."""

    def __init__(self, code: str, detail: str = "") -> None:
        """Keep both for the answer."""
        super().__init__(code)
        self.code = code
        self.detail = detail


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

    @property
    def outlook(self) -> Outlook:
        """What it is shown."""
        rooms = (_room(self.warehouse), _orders_room(self.warehouse))
        return Outlook(self.topic, self.version, rooms if self.orders else rooms[:1])


@dataclass(frozen=True, slots=True)
class PresenceWish:
    """What a join asks for: to be shown who is present, and perhaps to be present oneself."""

    meta: Mapping[str, Any] | None


@dataclass(slots=True, eq=False)
class _Seat:
    """One joining's presence."""

    user: str
    outbox: Outbox
    outlook: Outlook
    calls: float
    called_at: float
    # Work order, "" for the warehouse → slot of the entry.
    slots: dict[str, str] = field(default_factory=dict)
    joined: bool = True
    # Of `slots`, those that an earlier joining left behind: cleared away at `until` unless they are tracked again.
    lingering: set[str] = field(default_factory=set)
    until: float = 0.0


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
        self._seats: dict[tuple[Outbox, str], _Seat] = {}
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
        outlook, name = visitor.outlook, (visitor.outbox, visitor.topic)
        seat = self._seats.get(name)
        if seat is None:
            seat = self._seats[name] = _Seat(visitor.user, visitor.outbox, outlook, CALLS_AT_ONCE, self._clock())
        seat.outlook, seat.joined = outlook, True
        self._spectators.add(seat, outlook)
        self._stirred()
        if not visitor.orders:
            self._forsake(seat, [order for order in seat.slots if order])
        if wish.meta is not None:
            try:
                self._track(seat, wish.meta)
            except PresenceRefused as refused:
                return refused.code
        return None

    def hear(self, outbox: Outbox, topic: str, payload: object) -> None:
        """Do what a client asks for in the event `presence`; raises PresenceRefused."""
        seat = self._seats.get((outbox, topic))
        if seat is None or not seat.joined:
            raise PresenceRefused("bad_presence", "this topic was joined without `presence`")
        if not isinstance(payload, dict) or not isinstance(payload.get("event"), str):
            raise PresenceRefused("bad_presence", "the payload has no `event`")
        given = payload.get("payload")
        match payload["event"].lower():
            case "track":
                self._track(seat, _read_meta(given))
            case "untrack":
                about = given if isinstance(given, dict) else {}
                order = _read_order(about)
                self._forsake(seat, [order] if order else list(seat.slots))
            case _:
                raise PresenceRefused("bad_presence", "`event` is neither track nor untrack")

    def show_again(self, outbox: Outbox, topic: str) -> None:
        """Give a joining the state once more: frames that waited for it were taken back."""
        seat = self._seats.get((outbox, topic))
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
        seat = self._seats.get((outbox, topic))
        if seat is not None and seat.joined:
            self._spectators.remove(seat, seat.outlook)
            seat.joined, seat.until = False, self._clock() + LINGER_SECONDS
            self._ending.pop((outbox, topic), None)
            self._ending[outbox, topic] = None
            if linger:
                seat.lingering.update(seat.slots)
            else:
                self._forsake(seat, list(seat.slots))

    # What the clock says

    def turn(self) -> None:
        """Clear away who lingered for long enough, and show everybody what changed."""
        now = self._clock()
        for name in tuple(self._ending):
            seat = self._seats[name]
            if seat.until > now:
                break
            self._forsake(seat, list(seat.lingering))
            del self._ending[name]
            if not seat.joined:
                del self._seats[name]
        self._spectators.hand_out()

    # Inside

    def _track(self, seat: _Seat, given: Mapping[str, Any]) -> None:
        order = _read_order(given)
        if order and len(seat.outlook.rooms) == 1:
            raise PresenceRefused("bad_presence", f"you are not sent {ORDERS} here")
        self._count_call(seat)
        seat.lingering.discard(order)
        room = seat.outlook.rooms[1 if order else 0]
        slot = seat.slots.get(order)
        previous = None if slot is None else self._roster.own(slot)
        if slot is None:
            if len(seat.slots) >= MOST_ENTRIES or self._spectators.guestbook.size(room) >= MOST_IN_ROOM:
                raise PresenceRefused("presence_full")
            slot = seat.slots[order] = self._roster.new_name()
        meta = {"user": seat.user} | {name: value for name, value in given.items() if name not in _OURS}
        if isinstance(given.get("work_order"), str):
            meta["work_order"] = order
        if previous is not None:
            shown = orjson.loads(previous.meta)
            if {name: value for name, value in shown.items() if not name.startswith("phx_ref")} == meta:
                return
        ref = f"{self._roster.gateway}-{self._roster.new_name()}"
        refs = {"phx_ref": ref} | ({} if previous is None else {"phx_ref_prev": previous.ref})
        # A copy: what orjson returns holds on to a larger buffer.
        text = bytes(memoryview(orjson.dumps(refs | meta)))
        self._roster.put(slot, Entry(room, seat.user, ref, text))
        self._stirred()

    def _count_call(self, seat: _Seat) -> None:
        now = self._clock()
        calls = min(CALLS_AT_ONCE, seat.calls + (now - seat.called_at) * CALLS_PER_SECOND)
        if calls < 1.0:
            raise PresenceRefused("presence_too_often")
        seat.calls, seat.called_at = calls - 1.0, now

    def _forsake(self, seat: _Seat, orders: Iterable[str]) -> None:
        """Be present at these no more."""
        for order in orders:
            seat.lingering.discard(order)
            slot = seat.slots.pop(order, None)
            if slot is not None:
                self._roster.put(slot, None)
                self._stirred()


def read_presence(asked: object) -> PresenceWish | None:
    """Read a join's `presence`; raises PresenceRefused."""
    if asked is None or asked is False:
        return None
    if asked is True:
        return PresenceWish(None)
    if not isinstance(asked, dict):
        raise PresenceRefused("bad_presence", "`presence` is neither true nor an object")
    meta = asked.get("meta")
    return PresenceWish(None if meta is None else _read_meta(meta))


def _read_meta(given: object) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise PresenceRefused("bad_presence", "what to be shown with is not an object")
    if len(orjson.dumps(given)) > MOST_META_BYTES:
        raise PresenceRefused("bad_presence", f"what to be shown with has more than {MOST_META_BYTES} bytes")
    _read_order(given)
    return given


def _read_order(given: Mapping[str, Any]) -> str:
    """Return the work order that it is about, "" for none."""
    order = given.get("work_order")
    if order is None:
        return ""
    if isinstance(order, int) and not isinstance(order, bool):
        order = str(order)
    found = parse_id(order) if isinstance(order, str) else None
    if found is None:
        raise PresenceRefused("bad_presence", "`work_order` is not an id")
    return found


def _room(warehouse: str) -> str:
    return f"warehouse:{warehouse}"


def _orders_room(warehouse: str) -> str:
    # No warehouse's id has a slash.
    return f"warehouse:{warehouse}/{ORDERS}"
