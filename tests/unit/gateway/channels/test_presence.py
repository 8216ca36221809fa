"""Presence of channels: what clients of Supabase say of it, and what they are shown."""

import json
from random import Random
from typing import Any
from uuid import UUID

import pytest
from tests.builders import some_limits
from tests.fixtures.gateway import a_base
from tests.fixtures.outboxes import Listening
from tests.fixtures.present import Lobby, fold, metas

from floorcast.access.claims import Claims
from floorcast.gateway.admission import Admission
from floorcast.gateway.channels import frames
from floorcast.gateway.channels.channel import PUBLIC, Channel, Rights
from floorcast.gateway.channels.desk import ChannelRules
from floorcast.gateway.channels.presence import MOST_META_BYTES, ChannelPresence
from floorcast.gateway.hub import Hub
from floorcast.gateway.presence import CALLS_AT_ONCE, CALLS_PER_SECOND, MOST_ROOM_BYTES
from floorcast.gateway.session import Rules, Session
from floorcast.gateway.wire import Message, Version

ROOM = "realtime:floor"


class House:
    """A gateway without a loop, at which people have sockets."""

    def __init__(self) -> None:
        """Nobody is here."""
        self.lobby = Lobby()
        self.hub = Hub(5.0)
        self.hub.begin(a_base())
        self.presence = ChannelPresence(self.lobby.presence)
        self.hub.channels.entered, self.hub.channels.left = self.presence.entered, self.presence.left
        # What everybody may do in a private room.
        self.rights = PUBLIC
        self.waiting: list[tuple[Channel, Message]] = []
        admission = Admission(some_limits(), Random(1))
        channels = ChannelRules(
            self.hub.channels,
            _verify,
            100,
            admission,
            lambda: True,
            lambda channel, message: self.waiting.append((channel, message)),
            self.presence,
        )
        self.rules = Rules(self.hub, _verify, 100, admission, lambda *_: None, self.lobby.presence, channels)

    def welcome(self) -> None:
        """Answer those who joined a private room."""
        for channel, message in self.waiting:
            channel.rights = self.rights
            self.hub.channels.join(channel, live=True)
            channel.outbox.put(frames.accepted(channel, message, {}))
            self.hub.channels.joined(channel)
        self.waiting.clear()

    def turn(self) -> None:
        """Show what changed."""
        self.lobby.turn()


class Client:
    """One socket, and its room."""

    def __init__(self, house: House, version: Version = 2, topic: str = ROOM) -> None:
        """Connect."""
        self.house = house
        self.topic = topic
        self.listening = Listening()
        claims = Claims("", "anon", 1e12, {})
        self.session = Session(house.rules, claims, version, self.listening.outbox, 0.0)

    def say(self, event: str, payload: object, join_ref: str = "1") -> None:
        """Send a message."""
        text: object = [join_ref, "9", self.topic, event, payload]
        if self.session.version == 1:
            text = {"topic": self.topic, "event": event, "payload": payload, "ref": "9"}
        answer = self.session.receive(json.dumps(text).encode(), self.house.lobby.now)
        assert isinstance(answer, bytes)
        if answer:
            self.listening.outbox.put(answer)

    def join(self, *, join_ref: str = "1", private: bool = False, **presence: object) -> "Client":
        """Join the room, with `presence` in its config."""
        self.say("phx_join", {"config": {"presence": presence, "private": private}}, join_ref)
        if private:
            self.house.welcome()
        return self

    def call(self, payload: object) -> Any:
        """Send the event `presence`; return the answer."""
        self.say("presence", payload)
        return self.frames[-1][4]

    def track(self, **meta: object) -> Any:
        """Say with what to be shown; return the answer."""
        return self.call({"type": "presence", "event": "track", "payload": meta})

    @property
    def frames(self) -> list[Any]:
        """Every frame so far; of vsn 1 as of vsn 2."""
        found = self.listening.frames
        if self.session.version == 2:
            return found
        return [[None, *(each[name] for name in ("ref", "topic", "event", "payload"))] for each in found]

    @property
    def presence(self) -> list[Any]:
        """Its frames of presence."""
        return [frame for frame in self.frames if frame[3].startswith("presence")]

    @property
    def people(self) -> dict[str, list[Any]]:
        """Who is shown, and with what."""
        return metas(fold(self.frames))


def _verify(_: str) -> Claims:
    return Claims("anna", "authenticated", 1e12, {})


@pytest.fixture
def house() -> House:
    """A gateway at which nobody is."""
    return House()


OK = {"status": "ok", "response": {}}


def test_the_state_comes_behind_the_answer_under_the_channels_own_ref(house: House) -> None:
    """A client that has joined again drops what another joining was sent; differences are everybody's."""
    anna = Client(house).join(key="anna", join_ref="3")
    bert = Client(house).join(key="bert", enabled=True, join_ref="4")
    house.turn()
    assert [frame[3] for frame in anna.frames] == ["phx_reply", "presence_state"]
    assert anna.presence == [["3", None, ROOM, "presence_state", {}]]
    assert bert.presence == [["4", None, ROOM, "presence_state", {}]]
    assert anna.track(name="Anna") == OK
    house.turn()
    joins = anna.presence[-1][4]["joins"]
    assert anna.presence[-1] == bert.presence[-1] == [None, None, ROOM, "presence_diff", {"joins": joins, "leaves": {}}]
    assert joins == {"anna": {"metas": [{"phx_ref": joins["anna"]["metas"][0]["phx_ref"], "name": "Anna"}]}}


def test_vsn_1_is_sent_objects_with_a_null_ref(house: House) -> None:
    """Python's client drops what has no such key."""
    old = Client(house, version=1).join(key="old")
    house.turn()
    old.track(n=1)
    house.turn()
    state, difference = [each for each in old.listening.frames if each["event"].startswith("presence")]
    assert state == {"topic": ROOM, "event": "presence_state", "payload": {}, "ref": None}
    assert (difference["event"], difference["ref"], set(difference)) == ("presence_diff", None, set(state))


def test_who_did_not_ask_for_presence_is_shown_it_once_he_is_present(house: House) -> None:
    """And nothing before."""
    anna, bert = Client(house).join(key="anna"), Client(house).join(enabled=False)
    anna.track(n=1)
    house.turn()
    assert bert.presence == []
    assert bert.track() == OK
    house.turn()
    assert [frame[3] for frame in bert.presence] == ["presence_state"]
    assert bert.people["anna"] == [{"n": 1}]


def test_what_changes_joins_with_a_new_ref_and_leaves_with_the_old_one(house: House) -> None:
    """The new one names the old one; what did not change is no change."""
    anna = Client(house).join(key="anna")
    anna.track(page="board")
    house.turn()
    [before] = fold(anna.frames)["anna"]
    assert anna.track(page="stock") == OK
    house.turn()
    [after] = fold(anna.frames)["anna"]
    assert after == {"phx_ref": after["phx_ref"], "phx_ref_prev": before["phx_ref"], "page": "stock"}
    assert anna.presence[-1][4] == {"joins": {"anna": {"metas": [after]}}, "leaves": {"anna": {"metas": [before]}}}
    assert anna.track(page="stock") == OK
    house.turn()
    assert len(anna.presence) == 2


def test_everybody_of_one_key_is_shown_together_and_who_names_none_is_given_one(house: House) -> None:
    """Tabs are metas of one person; strangers are not one person."""
    people = [Client(house).join(key=key, enabled=True) for key in ("anna", "anna", "", "")]
    for n, client in enumerate(people):
        client.track(n=n, name="mine")
    house.turn()
    shown = people[0].people
    assert shown.pop("anna") == [{"n": 0, "name": "mine"}, {"n": 1, "name": "mine"}]
    assert len({UUID(key) for key in shown}) == 2


@pytest.mark.parametrize("how", ["leave", "close", "join again", "untrack"])
def test_who_goes_is_shown_no_more(house: House, how: str) -> None:
    """Whether he says so or not."""
    anna, bert = Client(house).join(key="anna"), Client(house).join(key="bert")
    bert.track(n=1)
    house.turn()
    match how:
        case "leave":
            bert.say("phx_leave", {})
        case "close":
            bert.session.end()
        case "join again":
            bert.join(key="bert", join_ref="2")
        case _:
            assert bert.call({"type": "presence", "event": "UNTRACK"}) == OK
    house.turn()
    assert [list(anna.presence[-1][4][name]) for name in ("joins", "leaves")] == [[], ["bert"]]
    assert anna.people == {}


def test_a_joining_that_took_anothers_place_begins_with_the_state(house: House) -> None:
    """Under its own ref."""
    anna = Client(house).join(key="anna")
    house.turn()
    anna.join(key="other", join_ref="2")
    anna.track(n=2)
    house.turn()
    assert [frame[:2] for frame in anna.presence] == [["1", None], ["2", None]]
    assert anna.people == {"other": [{"n": 2}]}


def test_private_and_public_rooms_of_one_name_are_two(house: House) -> None:
    """And other names are others."""
    anna = Client(house).join(key="anna")
    bert = Client(house).join(key="bert", private=True)
    carl = Client(house, topic="realtime:stock").join(key="carl")
    for client in (anna, bert, carl):
        client.track()
    house.turn()
    assert [list(client.people) for client in (anna, bert, carl)] == [["anna"], ["bert"], ["carl"]]


def test_who_may_not_see_who_is_present_is_shown_nobody(house: House) -> None:
    """He may be present all the same."""
    anna = Client(house).join(key="anna", private=True)
    house.rights = Rights(sees_present=False)
    blind = Client(house).join(key="blind", private=True)
    assert blind.track(n=1) == OK
    house.turn()
    assert blind.presence == []
    assert anna.people == {"blind": [{"n": 1}]}


def test_who_may_not_be_present_is_told_so(house: House) -> None:
    """And is shown the others."""
    anna = Client(house).join(key="anna", private=True)
    anna.track(n=1)
    house.rights = Rights(is_present=False)
    ghost = Client(house).join(key="ghost", private=True)
    answer = ghost.track()
    house.turn()
    assert (answer["status"], answer["response"]["reason"].partition(":")[0]) == ("error", "Unauthorized")
    assert ghost.people == anna.people == {"anna": [{"n": 1}]}


def test_what_somebody_may_is_asked_anew_with_another_token(house: House) -> None:
    """What he may not do any more ends at once, and what he may do now begins."""
    anna, bert = [Client(house).join(key=key, private=True) for key in ("anna", "bert")]
    bert.track(n=1)
    house.turn()
    [channel] = bert.session.desk.channels.values() if bert.session.desk is not None else []
    channel.rights = Rights(sees_present=False, is_present=False)
    house.hub.channels.entered(channel)
    anna.track(n=2)
    house.turn()
    assert anna.people == {"anna": [{"n": 2}]}
    assert len(bert.presence) == 1
    channel.rights = PUBLIC
    house.hub.channels.entered(channel)
    house.turn()
    assert bert.presence[-1][3] == "presence_state"
    assert bert.people == {"anna": [{"n": 2}]}


def test_nobody_is_present_before_his_join_was_answered(house: House) -> None:
    """Nobody knows yet whether he may."""
    client = Client(house)
    client.say("phx_join", {"config": {"presence": {"key": "anna"}, "private": True}})
    assert client.call({"event": "track", "payload": {}})["response"] == {"reason": "unmatched topic"}
    client.say("phx_leave", {})
    house.turn()
    assert client.presence == []


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"event": "track", "payload": []}, "Presence track payload must be a map"),
        ({"event": "Track", "payload": None}, "Presence track payload must be a map"),
        ({"event": "vanish"}, "unknown presence event: neither track nor untrack"),
        (
            {"event": "track", "payload": {"n": "x" * MOST_META_BYTES}},
            f"Track message size exceeded: at most {MOST_META_BYTES} bytes",
        ),
        (
            {"event": "track", "payload": json.loads('{"a":[' * 9 + "]}" * 9)},
            "Presence track payload is deeper than 16 levels",
        ),
    ],
)
def test_what_cannot_be_understood_is_refused_and_the_channel_lives(house: House, payload: object, reason: str) -> None:
    """Supabase closes channels for some of it, and clients never come back."""
    anna = Client(house).join()
    assert anna.call(payload) == {"status": "error", "response": {"reason": reason}}
    house.turn()
    assert anna.presence == []
    assert anna.track(n=1) == OK


@pytest.mark.parametrize("payload", [None, [], {}, {"type": "presence"}])
def test_what_asks_for_nothing_is_answered(house: House, payload: object) -> None:
    """As Supabase answers it."""
    assert Client(house).join().call(payload) == OK


def test_who_says_nothing_of_himself_is_present(house: House) -> None:
    """With his ref alone; names of ours are not his to give."""
    anna = Client(house).join(key="anna")
    anna.call({"event": "track"})
    house.turn()
    assert [list(meta) for meta in fold(anna.frames)["anna"]] == [["phx_ref"]]
    anna.track(phx_ref="mine", phx_ref_prev="mine", n=1)
    house.turn()
    assert "mine" not in str(anna.presence)


def test_who_changes_too_often_is_refused_for_a_while_and_his_channel_lives(house: House) -> None:
    """What he was shown with last stays."""
    anna = Client(house).join(key="anna")
    for n in range(int(CALLS_AT_ONCE)):
        assert anna.track(n=n) == OK
    answer = anna.track(n="more")
    assert answer == {"status": "error", "response": {"reason": "Client presence rate limit exceeded"}}
    house.lobby.now += 1 / CALLS_PER_SECOND
    assert anna.track(n="later") == OK
    house.turn()
    assert anna.people == {"anna": [{"n": "later"}]}


def test_a_room_is_no_larger_than_what_a_client_takes_in_one_frame(house: House) -> None:
    """Python's drops the socket at a megabyte."""
    long = "x" * (MOST_META_BYTES - 100)
    many = MOST_ROOM_BYTES // len(long) + 1
    answers = [Client(house).join(key=f"k{n}").track(long=long)["status"] for n in range(many)]
    assert answers[-1] == "error"
    watching = Client(house).join(key="short")
    house.turn()
    assert 0.9 * MOST_ROOM_BYTES < len(json.dumps(watching.presence[0][4])) < 1.1 * MOST_ROOM_BYTES
    first = Client(house).join(key="last")
    assert first.track()["status"] == "ok"


def test_whose_frames_were_taken_back_is_given_the_state_again(house: House) -> None:
    """Differences to what he never saw would be of no use."""
    anna, bert = Client(house).join(key="anna"), Client(house).join(key="bert")
    house.turn()
    anna.session.lag()
    bert.track(n=1)
    house.turn()
    assert [frame[3] for frame in anna.presence] == ["presence_state", "presence_state"]
    assert anna.people == {"bert": [{"n": 1}]}
