"""Who hears what is said in which room (pure).

A broadcast is encoded once for each version and is no part of a topic's stream of changes: who reads too slowly loses
it, and it does not come again. Whoever is just being told of the past hears what is said meanwhile behind that.
"""

import base64
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import cast

import orjson

from floorcast.broadcast import Broadcast, Room
from floorcast.gateway.channels.broadcasts import frame_of
from floorcast.gateway.channels.channel import Channel
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.wire import Version
from floorcast.operation import CHANNEL, Operation

MOST_HELD = 256
"""What is said while somebody, or a room, is told of the past waits: so many at most, the newest ones."""

LARGEST_HELD = 16_777_216
"""Bytes that wait for large ticks in all rooms together: while Postgres is away they are not read, whatever is said."""


class Rooms:
    """Every room that somebody of this gateway is in."""

    def __init__(self) -> None:
        """Nobody is anywhere."""
        self._rooms: dict[Room, dict[Channel, None]] = {}
        # Those who are told of the past, with what was said meanwhile.
        self._held: dict[Channel, deque[Broadcast]] = {}
        # Ids of what somebody was told of the past, which is not told again.
        self._replayed: dict[Channel, frozenset[str]] = {}
        # Told what people of this gateway say, for the others to hear; set by whoever takes it there.
        self.carry: Callable[[Broadcast], None] = _nobody
        # Told of a large tick and of its places that are rooms, to read what was said there and `hear` it, and then to
        # call `fetched`; set by whoever does that.
        self.fetch: Callable[[int, Sequence[str]], None] = _nothing
        # Rooms for which a large tick is being read: how many, and what was said meanwhile.
        self._fetching: dict[Room, tuple[int, deque[tuple[Broadcast, Channel | None]]]] = {}
        self._fetching_bytes = 0

    def __contains__(self, channel: Channel) -> bool:
        """Whether a channel is in its room."""
        return channel in self._rooms.get(channel.room, ())

    @property
    def empty(self) -> bool:
        """Whether nobody is anywhere."""
        return not self._rooms

    def enter(self, channel: Channel) -> None:
        """Let a channel hear what is said in its room from now on."""
        self._rooms.setdefault(channel.room, {})[channel] = None

    def leave(self, channel: Channel) -> None:
        """Forget a channel."""
        present = self._rooms.get(channel.room)
        if present is not None:
            present.pop(channel, None)
            if not present:
                del self._rooms[channel.room]
        self._held.pop(channel, None)
        self._replayed.pop(channel, None)

    def hold(self, channel: Channel) -> None:
        """Keep what is said for somebody who is to be told of the past first; he need not be answered yet."""
        self.enter(channel)
        self._held[channel] = deque(maxlen=MOST_HELD)

    def tell_past(self, channel: Channel, past: Iterable[tuple[str, Broadcast]]) -> None:
        """Tell somebody of the past, by id and oldest first, and then what was said meanwhile."""
        held = self._held.pop(channel, ())
        if channel not in self:
            return
        told = dict(past)
        self._replayed[channel] = frozenset(told)
        for broadcast in told.values():
            self._put({channel: None}, broadcast)
        for broadcast in held:
            if id_of(broadcast) not in told:
                self._put({channel: None}, broadcast)

    def say(self, broadcast: Broadcast, *, but: Channel | None = None) -> None:
        """Tell everybody in its room who may hear it, but for one perhaps."""
        fetching = self._fetching.get(broadcast.room)
        if fetching is not None:
            self._keep(fetching[1], broadcast, but)
        else:
            self._tell(broadcast, but)

    def hear(self, operations: Iterable[Operation], *, fetched: bool = False) -> None:
        """Tell what the database said, in its order; `fetched`: it is of a large tick, for which the rest waits."""
        for operation in operations:
            room = room_at(operation.warehouse)
            if room in self._rooms and operation.new is not None:
                broadcast = _message(room, operation.new)
                if fetched:
                    self._tell(broadcast)
                else:
                    self.say(broadcast)

    def hear_large(self, tick: int, places: Iterable[str]) -> None:
        """Have somebody read what the database said in a tick too large to be held; `places` are all it concerns."""
        rooms = [place for place in places if room_at(place) in self._rooms]
        if not rooms:
            return
        for place in rooms:
            room = cast("Room", room_at(place))
            readings, held = self._fetching.get(room, (0, deque()))
            self._fetching[room] = readings + 1, held
        self.fetch(tick, rooms)

    def fetched(self, places: Iterable[str]) -> None:
        """Go on with rooms that were told a large tick; places as `fetch` was given them."""
        for place in places:
            room = cast("Room", room_at(place))
            readings, held = self._fetching.pop(room)
            if readings > 1:
                self._fetching[room] = readings - 1, held
                continue
            self._fetching_bytes -= sum(len(broadcast.payload) for broadcast, _ in held)
            for broadcast, but in held:
                self._tell(broadcast, but)

    def _keep(self, held: deque[tuple[Broadcast, Channel | None]], broadcast: Broadcast, but: Channel | None) -> None:
        """Let something wait; where that is too much, the room in which it is said loses its oldest."""
        held.append((broadcast, but))
        self._fetching_bytes += len(broadcast.payload)
        while len(held) > MOST_HELD or self._fetching_bytes > LARGEST_HELD:
            oldest, _ = held.popleft()
            self._fetching_bytes -= len(oldest.payload)

    def _tell(self, broadcast: Broadcast, but: Channel | None = None) -> None:
        present = self._rooms.get(broadcast.room)
        if present is not None:
            self._put(present, broadcast, but)

    def _put(self, present: dict[Channel, None], broadcast: Broadcast, but: Channel | None = None) -> None:
        frames: dict[Version, bytes] = {}
        gathered: list[Outbox] = []
        id_ = id_of(broadcast) if self._replayed and not _is_replayed(broadcast) else None
        for channel in present:
            if channel is but or not channel.rights.hears:
                continue
            if channel in self._held:
                self._held[channel].append(broadcast)
                continue
            if id_ is not None and id_ in self._replayed.get(channel, ()):
                continue
            frame = frames.get(channel.version)
            if frame is None:
                frame = frames[channel.version] = frame_of(broadcast, channel.topic, channel.version)
            if frame and channel.outbox.put(frame, channel.topic, None):
                gathered.append(channel.outbox)
        for outbox in gathered:
            outbox.release()


def room_at(place: str) -> Room | None:
    """Return the room that a place of the trail is; None for a warehouse."""
    kind, _, rest = place.partition(":")
    secrecy, separator, name = rest.partition(":")
    return Room(name, secrecy == "private") if kind == CHANNEL and separator else None


def id_of(broadcast: Broadcast) -> str | None:
    """Return under which id the database keeps it; None for what it does not keep."""
    return None if broadcast.meta is None else orjson.loads(broadcast.meta).get("id")


def _is_replayed(broadcast: Broadcast) -> bool:
    return broadcast.meta is not None and bool(orjson.loads(broadcast.meta).get("replayed"))


def _message(room: Room, row: bytes) -> Broadcast:
    """Read what the trail has of a message."""
    told = orjson.loads(row)
    meta = orjson.dumps({"id": told["id"]})
    if told["binary"] is not None:
        return Broadcast(room, told["event"], base64.b64decode(told["binary"]), binary=True, meta=meta)
    return Broadcast(room, told["event"], (told["payload"] or "{}").encode(), meta=meta)


def _nobody(_: Broadcast) -> None:
    """There is no other gateway."""


def _nothing(_: int, __: Sequence[str]) -> None:
    """Nobody reads large ticks: rooms they concern would wait for good."""
    raise AssertionError("nobody reads what was said in a large tick")
