"""How many may come in at a time (pure): new sockets and joins, per process, per user and, if configured, per address.

Whoever is refused is told when to come back: a random moment in a window as long as it would take to let in everybody
who was refused before him. So a crowd that comes at once comes back as a queue, without one being kept.

What is remembered of somebody is two numbers, and of nobody who has been quiet for a while. Were more than `_MOST_KEYS`
remembered, the longest quiet would be forgotten, which at worst lets him in again: whatever strangers send, no more is
held, and the limit of the process stands.

Who has no name (a project's public key and nothing else) is in nobody's bucket. All of them in one would be a bucket
that any stranger with that key can keep empty, for everybody who is about to say who he is. What bounds them is the
process, and the address where that is limited: many of one plant have one, so it is no name by itself.
"""

from collections import OrderedDict
from dataclasses import dataclass
from random import Random

_MOST_KEYS = 20_000
_SHORTEST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0

_ROUNDING = 1e-6

_EVERYBODY = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many in the long run, and how many at once after a quiet time."""

    per_second: float
    at_once: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What a gateway admits; None where it does not count."""

    connects: Pace
    user_connects: Pace
    # Counted whatever comes of the connect.
    address_connects: Pace | None
    joins: Pace
    user_joins: Pace
    # Sockets that may be open.
    sockets: int


@dataclass(frozen=True, slots=True)
class Later:
    """Not now: the code of `errors.CODES`, and in how many seconds to ask again."""

    code: str
    seconds: float


class Gate:
    """A token bucket for each key, kept as the moment at which it is full again."""

    def __init__(self, pace: Pace, random: Random, most_keys: int = _MOST_KEYS) -> None:
        """Begin with full buckets."""
        self._interval = 1.0 / pace.per_second
        # A little more, since so many intervals added up may be a little more.
        self._depth = (pace.at_once + _ROUNDING) * self._interval
        self._random = random
        self._most_keys = most_keys
        # Key → when its bucket is full again, when all whom it refused can have come back; the longest untouched first.
        self._keys: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._keys)

    def has_room(self, key: str, now: float) -> bool:
        """Whether one more may come in."""
        full_at, _ = self._keys.get(key, (now, now))
        return full_at + self._interval - now <= self._depth

    def take(self, key: str, now: float) -> None:
        """Count one who comes in."""
        full_at, back_at = self._keys.get(key, (now, now))
        self._keep(key, (max(full_at, now) + self._interval, back_at), now)

    def refuse(self, key: str, now: float) -> float:
        """Count one who does not; returns in how many seconds he may ask again."""
        full_at, back_at = self._keys.get(key, (now, now))
        # There is room again from `full_at - depth` on; those refused before have their turns first.
        back_at = max(back_at, full_at - self._depth, now) + self._interval
        back_at = min(back_at, now + _LONGEST_SECONDS)
        self._keep(key, (full_at, back_at), now)
        return _SHORTEST_SECONDS + self._random.random() * max(_SHORTEST_SECONDS, back_at - now)

    def _keep(self, key: str, state: tuple[float, float], now: float) -> None:
        self._keys[key] = state
        self._keys.move_to_end(key)
        # Two for each that comes, so that a time of many is followed by one of few.
        for _ in range(2):
            oldest = next(iter(self._keys))
            if max(self._keys[oldest]) > now and len(self._keys) <= self._most_keys:
                break
            del self._keys[oldest]


class Admission:
    """The gates of a process."""

    def __init__(self, limits: Limits, random: Random) -> None:
        """Begin with nobody counted."""
        self._sockets = limits.sockets
        self._connects = Gate(limits.connects, random)
        self._user_connects = Gate(limits.user_connects, random)
        self._addresses = Gate(limits.address_connects, random) if limits.address_connects is not None else None
        self._joins = Gate(limits.joins, random)
        self._user_joins = Gate(limits.user_joins, random)

    @property
    def counts_addresses(self) -> bool:
        """Whether anybody needs to find out where somebody comes from."""
        return self._addresses is not None

    def knock(self, address: str, sockets: int, now: float) -> Later | None:
        """Decide about somebody who wants a socket, before his token is looked at; `sockets` are open.

        Strangers are counted by their address only: what they send takes nobody's place.
        """
        if self._addresses is not None:
            if not self._addresses.has_room(address, now):
                return Later("connecting_too_often", self._addresses.refuse(address, now))
            self._addresses.take(address, now)
        if sockets >= self._sockets or not self._connects.has_room(_EVERYBODY, now):
            return Later("too_many_connections", self._connects.refuse(_EVERYBODY, now))
        return None

    def enter(self, user: str, now: float) -> Later | None:
        """Decide about somebody who knocked and whose token is good; see the top for an empty `user`."""
        if user and not self._user_connects.has_room(user, now):
            return Later("connecting_too_often", self._user_connects.refuse(user, now))
        self._connects.take(_EVERYBODY, now)
        if user:
            self._user_connects.take(user, now)
        return None

    def join(self, user: str, now: float) -> Later | None:
        """Decide about a join; see the top for an empty `user`."""
        if user and not self._user_joins.has_room(user, now):
            return Later("too_many_joins", self._user_joins.refuse(user, now))
        if not self._joins.has_room(_EVERYBODY, now):
            return Later("too_many_joins", self._joins.refuse(_EVERYBODY, now))
        self._joins.take(_EVERYBODY, now)
        if user:
            self._user_joins.take(user, now)
        return None

    def name(self, user: str, now: float) -> Later | None:
        """Decide about a join, which was counted as everybody's, of somebody who says in it who he is."""
        if not self._user_joins.has_room(user, now):
            return Later("too_many_joins", self._user_joins.refuse(user, now))
        self._user_joins.take(user, now)
        return None
