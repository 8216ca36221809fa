"""Who hears what is said in which room."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.fixtures.guests import a_message
from tests.fixtures.outboxes import RecordingOwner, RecordingTransport

from floorcast.access.claims import Claims
from floorcast.broadcast import Broadcast, Room
from floorcast.gateway.channels.announcer import RoomAnnouncer
from floorcast.gateway.channels.binding import Bound
from floorcast.gateway.channels.channel import Channel, Person, Rights
from floorcast.gateway.channels.config import Config
from floorcast.gateway.channels.rooms import LARGEST_HELD, MOST_HELD, Rooms, room_at
from floorcast.gateway.channels.sight import Sight
from floorcast.gateway.outbox import Outbox

ANNA = Person("anna", "authenticated", "{}", 1e12)


class Socket:
    """A socket that only hears."""

    def __init__(self) -> None:
        """Hear nothing yet."""
        self.transport = RecordingTransport()
        self.outbox = Outbox(self.transport, 1_000_000, RecordingOwner())

    def forget(self, channel: Channel) -> None:
        """See `channel.Owner`."""

    @property
    def heard(self) -> list[str]:
        """The events of what it heard, in order: each frame is one text of less than 126 bytes, or some more."""
        told: list[str] = []
        for frame in self.transport.written:
            text = frame[2:] if frame[1] < 126 else frame[4:]
            told.append(json.loads(text)["payload"]["event"])
        return told


def a_channel(rooms: Rooms, *, private: bool = True, rights: Rights | None = None) -> tuple[Channel, Socket]:
    """Somebody of vsn 1 in the room `floor`."""
    socket = Socket()
    channel = Channel(
        owner=socket,
        outbox=socket.outbox,
        topic="realtime:floor",
        version=1,
        join_ref=b'"1"',
        config=Config(private=private),
        person=ANNA,
        bound=Bound((), (), ()),
        sight=Sight.of({}),
        rights=rights or Rights(),
    )
    rooms.enter(channel)
    return channel, socket


def a_broadcast(event: str, id_: str | None = None, *, private: bool = True, **meta: Any) -> Broadcast:
    """Something said in the room `floor`; with an id, by the database."""
    facts = None if id_ is None else json.dumps({"id": id_, **meta}).encode()
    return Broadcast(Room("floor", private), event, b"{}", meta=facts)


def test_a_private_and_a_public_room_of_one_name_are_two() -> None:
    """And nobody hears who left."""
    rooms = Rooms()
    (_, hidden), (leaving, gone), (_, open_) = a_channel(rooms), a_channel(rooms), a_channel(rooms, private=False)
    rooms.leave(leaving)
    rooms.say(a_broadcast("secret"))
    rooms.say(a_broadcast("news", private=False))
    assert (hidden.heard, gone.heard, open_.heard) == (["secret"], [], ["news"])


def test_who_may_not_read_broadcasts_hears_none() -> None:
    """He may be there for presence alone."""
    rooms = Rooms()
    _, deaf = a_channel(rooms, rights=Rights(hears=False))
    rooms.say(a_broadcast("secret"))
    assert deaf.heard == []


def test_what_is_said_while_somebody_is_told_of_the_past_comes_behind_it_and_once() -> None:
    """Ids that were told again are not told live, be it before or after."""
    rooms = Rooms()
    channel, socket = a_channel(rooms)
    rooms.hold(channel)
    rooms.say(a_broadcast("b", "2"))
    rooms.say(a_broadcast("c", "3"))
    assert socket.heard == []
    rooms.tell_past(channel, [(id_, a_broadcast(event, id_, replayed=True)) for event, id_ in (("a", "1"), ("b", "2"))])
    rooms.say(a_broadcast("a", "1"))
    rooms.say(a_broadcast("d", "4"))
    assert socket.heard == ["a", "b", "c", "d"]


def test_what_waits_for_somebody_is_bounded() -> None:
    """The oldest is given up."""
    rooms = Rooms()
    channel, socket = a_channel(rooms)
    rooms.hold(channel)
    for number in range(MOST_HELD + 2):
        rooms.say(a_broadcast(str(number)))
    rooms.tell_past(channel, [])
    assert socket.heard == [str(number) for number in range(2, MOST_HELD + 2)]


def test_who_left_while_the_past_was_read_is_told_nothing() -> None:
    """And nothing is kept of him."""
    rooms = Rooms()
    channel, socket = a_channel(rooms)
    rooms.hold(channel)
    rooms.leave(channel)
    rooms.tell_past(channel, [("1", a_broadcast("a", "1"))])
    assert socket.heard == []
    assert rooms.empty


@pytest.mark.parametrize(
    ("place", "room"),
    [
        ("channel:private:a:b", Room("a:b", private=True)),
        ("channel:public:a", Room("a", private=False)),
        ("north", None),
        ("organization:x", None),
    ],
)
def test_places_of_the_trail_that_are_rooms(place: str, room: Room | None) -> None:
    """A name may have colons."""
    assert room_at(place) == room


class Policies:
    """Everybody may speak in `floor`, and nowhere else."""

    async def read(self, person: Person, topic: str) -> Rights:
        """See `reception.RightsOf`."""
        assert person.user == "anna"
        return Rights(speaks=topic == "floor")


async def test_what_comes_by_http_is_said_where_the_caller_may_speak() -> None:
    """What he may not say in private is passed over, and other gateways are told the same as this one."""
    rooms = Rooms()
    carried: list[Broadcast] = []
    rooms.carry = carried.append
    (_, hidden), (_, open_) = a_channel(rooms), a_channel(rooms, private=False)
    elsewhere = Broadcast(Room("desk", private=True), "no", b"{}")
    public = a_broadcast("news", private=False)
    claims = Claims(user="anna", role="authenticated", expires_at=1e12, raw={"sub": "anna"})
    said = [elsewhere, a_broadcast("secret"), public]
    await RoomAnnouncer(rooms, Policies()).announce(claims, said)
    await RoomAnnouncer(rooms, None).announce(claims, said)
    assert (hidden.heard, open_.heard) == (["secret"], ["news", "news"])
    assert carried == [said[1], public, public]


def test_a_room_waits_while_a_large_tick_is_read_for_it_and_others_do_not() -> None:
    """What was said meanwhile comes behind what the tick brought, but not to who said it."""
    rooms = Rooms()
    asked: list[tuple[int, list[str]]] = []
    rooms.fetch = lambda tick, places: asked.append((tick, list(places)))
    (speaker, near), (_, hidden), (_, open_) = a_channel(rooms), a_channel(rooms), a_channel(rooms, private=False)
    rooms.hear_large(7, ["north", "channel:private:floor", "channel:private:desk"])
    assert asked == [(7, ["channel:private:floor"])]
    rooms.say(a_broadcast("meanwhile"), but=speaker)
    rooms.say(a_broadcast("news", private=False))
    assert (hidden.heard, open_.heard) == ([], ["news"])
    rooms.hear([a_message(1, "large", "{}", "private:floor")], fetched=True)
    rooms.fetched(asked[0][1])
    assert (near.heard, hidden.heard) == (["large"], ["large", "meanwhile"])


def test_what_waits_for_large_ticks_is_bounded_in_all_rooms_together() -> None:
    """While Postgres is away none is read; the room in which most is said loses its oldest, the others nothing."""
    rooms = Rooms()
    rooms.fetch = lambda _tick, _places: None
    (_, near), (_, open_) = a_channel(rooms), a_channel(rooms, private=False)
    rooms.hear_large(7, ["channel:private:floor", "channel:public:floor"])
    rooms.say(a_broadcast("quiet", private=False))
    large = b'"' + b"x" * (LARGEST_HELD // 10) + b'"'
    for number in range(30):
        rooms.say(replace(a_broadcast(str(number)), payload=large, event=str(number)))
    held = [waiting for _, waiting in rooms._fetching.values()]
    assert sum(len(broadcast.payload) for waiting in held for broadcast, _ in waiting) <= LARGEST_HELD
    for number in range(2 * MOST_HELD):
        rooms.say(a_broadcast(str(number)))
    rooms.fetched(["channel:private:floor", "channel:public:floor"])
    assert open_.heard == ["quiet"]
    assert near.heard == [str(number) for number in range(MOST_HELD, 2 * MOST_HELD)]
    assert rooms._fetching_bytes == 0
