"""Who is present at all gateways, as this one knows it (pure): it speaks for its own sockets and follows the others.

Each gateway makes numbered statements about its own people. A statement that follows the one before is applied; one
that does not says that something was missed, and then that gateway's whole state is wanted. A gateway that has not
spoken for a lease is dead, and its people are gone.

Silence is measured on our own clock, and only while Redis answers: neither a clock that jumps nor a Redis that was away
makes anybody look dead. What Redis holds of ourselves is compared with each statement; if it is anything else than we
believe (it was lost, restored, or we were given up as dead), everything is said anew under a new number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from floorcast.gateway.guestbook import Guestbook
from floorcast.stream.statement import Entry, Gone, Heard, Muster, Statement, mark_milliseconds, mark_number

_STATEMENT_CHANGES = 200
"""How many changes go into one statement; a storm becomes several, and no entry of the stream is large."""

_NO_CHANGES: Mapping[str, Entry | None] = {}


@dataclass(slots=True)
class _Peer:
    """Another gateway."""

    # Its newest mark, and when it changed, on our clock.
    mark: str
    heard_at: float
    # It gave a sign of life since we know it; before that its people are not shown, since they may be long gone.
    alive: bool
    # Statement that `entries` are of; 0: they were never read.
    number: int = 0
    # Its newest statement, as Redis said when numbers were last compared.
    announced: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)


class Roster:
    """Own entries and those of others; every change of either goes to the guestbook."""

    def __init__(self, gateway: str, guestbook: Guestbook, lease_seconds: float) -> None:
        """Begin with nobody; `gateway` is a name that no other process has or had."""
        self.gateway = gateway
        self._guestbook = guestbook
        self._lease_seconds = lease_seconds
        self._own: dict[str, Entry] = {}
        self._names = count(1)
        # Slots of ours that changed since the last statement, in that order.
        self._unsaid: dict[str, None] = {}
        self._number = 0
        # Redis holds our entries as of statement `_number`.
        self._settled = False
        self._peers: dict[str, _Peer] = {}
        self._wanted: dict[str, None] = {}
        self._mustered_at: float | None = None
        self._compared_at = 0.0

    # What this gateway says

    def new_name(self) -> str:
        """Return a name that no slot and no ref of this gateway has had."""
        return str(next(self._names))

    def own(self, slot: str) -> Entry | None:
        """Return an entry of ours."""
        return self._own.get(slot)

    def put(self, slot: str, entry: Entry | None) -> None:
        """Change an entry of ours; None: nobody is there any more."""
        before = self._own.get(slot)
        if before == entry:
            return
        if entry is None:
            del self._own[slot]
        else:
            self._own[slot] = entry
        self._unsaid[slot] = None
        self._guestbook.change((self.gateway, slot), before, entry)

    @property
    def pressing(self) -> bool:
        """Whether there is something to say that should not wait for the next sign of life."""
        return bool(self._unsaid) or not self._settled

    def statement(self) -> Statement:
        """Return what is to be said now; `said` follows, or the next one says everything anew.

        For if it was refused, or nobody knows whether it was heard, it is of no use to guess what Redis holds.
        """
        if not self._settled:
            self._unsaid.clear()
            self._number += 1
            return Statement(None, self._number, dict(self._own))
        self._settled = False
        slots = [slot for slot, _ in zip(self._unsaid, range(_STATEMENT_CHANGES), strict=False)]
        if not slots:
            return Statement(self._number, self._number, _NO_CHANGES)
        for slot in slots:
            del self._unsaid[slot]
        self._number += 1
        return Statement(self._number - 1, self._number, {slot: self._own.get(slot) for slot in slots})

    def said(self) -> None:
        """Hear that the last statement was taken."""
        self._settled = True

    # What it hears of others

    def muster(self, muster: Muster, now: float) -> list[tuple[str, str]]:
        """Take note of which gateways there are; return those that are dead, with their marks, to be buried."""
        if self._mustered_at is None or now - self._mustered_at > self._lease_seconds / 2:
            # Nobody could be heard meanwhile, so nobody's silence counts.
            for peer in self._peers.values():
                peer.heard_at = now
        self._mustered_at = now
        compare = now - self._compared_at >= self._lease_seconds / 4
        if compare:
            self._compared_at = now
        dead: list[tuple[str, str]] = []
        for gateway, mark in muster.marks.items():
            if gateway != self.gateway:
                peer = self._note(gateway, mark, muster, now)
                if compare or not peer.number:
                    self._compare(gateway, peer)
                if self._is_silent(peer, now):
                    dead.append((gateway, mark))
        for gateway in [name for name, peer in self._peers.items() if self._is_silent(peer, now)]:
            if gateway not in muster.marks:
                # Nothing is left to bury: Redis was lost, and it did not come back to say everything anew.
                self._drop(gateway)
        return dead

    def hear(self, heard: Heard) -> None:
        """Take in what a gateway said, in the order in which it came."""
        if heard.gateway == self.gateway:
            if isinstance(heard, Gone):
                self._settled = False
            return
        if isinstance(heard, Gone):
            self._drop(heard.gateway)
            return
        peer = self._peers.get(heard.gateway)
        if peer is not None and heard.number <= peer.number:
            return
        if peer is None or heard.changes is None or heard.number != peer.number + 1 or not peer.number:
            self._wanted[heard.gateway] = None
            return
        peer.number = heard.number
        for slot, entry in heard.changes.items():
            self._guestbook.change((heard.gateway, slot), peer.entries.get(slot), entry)
            if entry is None:
                peer.entries.pop(slot, None)
            else:
                peer.entries[slot] = entry

    def next_wanted(self) -> str | None:
        """Return a gateway whose whole state should be read, and given to `learn`."""
        return next(iter(self._wanted), None)

    def learn(self, gateway: str, state: tuple[int, Mapping[str, Entry]] | None, now: float) -> None:
        """Take in a gateway's whole state and the statement that it is of; None: Redis does not know it."""
        self._wanted.pop(gateway, None)
        if state is None or not state[0]:
            return
        number, entries = state
        peer = self._peers.get(gateway)
        if peer is None:
            peer = self._peers[gateway] = _Peer("", now, alive=True)
        if number <= peer.number:
            return
        peer.number = number
        before, peer.entries = peer.entries, dict(entries)
        for slot in dict.fromkeys((*before, *entries)):
            self._guestbook.change((gateway, slot), before.get(slot), entries.get(slot))

    # Inside

    def _note(self, gateway: str, mark: str, muster: Muster, now: float) -> _Peer:
        peer = self._peers.get(gateway)
        if peer is None:
            age = (muster.milliseconds - mark_milliseconds(mark)) / 1000
            peer = self._peers[gateway] = _Peer(mark, now, alive=age < self._lease_seconds)
        elif peer.mark != mark:
            peer.mark, peer.heard_at, peer.alive = mark, now, True
        return peer

    def _compare(self, gateway: str, peer: _Peer) -> None:
        """Want the state of a gateway that is further than we are, unless its newest may still be on its way."""
        if peer.alive and (not peer.number or peer.number < peer.announced):
            self._wanted[gateway] = None
        peer.announced = mark_number(peer.mark)

    def _is_silent(self, peer: _Peer, now: float) -> bool:
        return now - peer.heard_at >= self._lease_seconds

    def _drop(self, gateway: str) -> None:
        self._wanted.pop(gateway, None)
        peer = self._peers.pop(gateway, None)
        if peer is not None:
            for slot, entry in peer.entries.items():
                self._guestbook.change((gateway, slot), entry, None)
