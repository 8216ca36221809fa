"""What proves that a client was told something, and who is remembered as whom."""

from dataclasses import replace
from random import Random

import pytest
from tests.builders import some_limits
from tests.fixtures.gateway import NORTH, a_base, an_operation
from tests.fixtures.outboxes import Listening
from tests.fixtures.present import Lobby

from floorcast.access.claims import Claims
from floorcast.gateway.admission import Admission
from floorcast.gateway.channels.channel import Channel, Person
from floorcast.gateway.channels.config import read_config
from floorcast.gateway.channels.desk import ChannelRules, Desk
from floorcast.gateway.channels.presence import ChannelPresence
from floorcast.gateway.channels.remembered import Proofs, asked_seconds, memory_of, pause_between
from floorcast.gateway.hub import Hub
from floorcast.gateway.wire import Message

BINDING = {"event": "*", "schema": "public", "table": "work_orders"}


class _Socket:
    """One socket that asked to be remembered for a minute, at a gateway without a loop."""

    def __init__(self) -> None:
        """Join the floor."""
        self.confirmed: list[int] = []
        self.hub = Hub(5.0)
        self.hub.begin(a_base(grants={"bert": {NORTH: "manager"}}))
        welcomed: list[Channel] = []
        rules = ChannelRules(
            self.hub.channels,
            lambda _: Claims("", "anon", 1e12, {}),
            100,
            Admission(some_limits(), Random(1)),
            lambda: True,
            lambda channel, _: welcomed.append(channel),
            ChannelPresence(Lobby().presence),
            confirm=lambda _, ticks: self.confirmed.extend(ticks.values()),
        )
        self.listening = Listening()
        person = Person("bert", "authenticated", "{}", 1e12)
        self.desk = Desk(rules, person, 2, self.listening.outbox, "60")
        config = {"config": {"postgres_changes": [BINDING]}}
        self.desk.answer(Message(b'"1"', b'"1"', "realtime:floor", "phx_join", config), 0.0)
        (self.channel,) = welcomed
        self.hub.channels.join(self.channel, live=True)

    def write(self, tick: int) -> None:
        """Deliver a tick."""
        self.hub.channels.deliver(tick, "2026-11-23T10:11:12+00:00", [(NORTH, an_operation(1))])


def test_the_echo_of_a_ping_proves_what_was_written_before_it_and_nothing_later() -> None:
    """Only then is it not told again."""
    it = _Socket()
    it.write(1)
    ping = it.desk.prove()
    it.write(2)
    assert ping is not None
    assert b"work_orders" in it.listening.transport.stream
    it.desk.proved(b"something else")
    assert it.confirmed == []
    it.desk.proved(ping)
    it.desk.proved(ping)
    assert it.confirmed == [1]


def test_nothing_is_to_be_proved_while_something_waits_or_the_channel_is_behind() -> None:
    """What waits may be taken back, and a ping would overtake it."""
    it = _Socket()
    it.listening.transport.room = 10
    it.write(1)
    assert it.desk.prove() is None
    it.listening.transport.take()
    assert it.desk.prove() is not None
    it.channel.live = False
    assert it.desk.prove() is None


def test_a_later_echo_stands_for_the_earlier_ones_and_few_are_waited_for() -> None:
    """A client may answer the last of several pings alone, and a stranger may answer anything."""
    proofs, channel = Proofs(), _Socket().channel
    pings = [proofs.begin({channel: number}) for number in range(6)]
    assert proofs.end(pings[0]) == {}
    assert proofs.end(pings[4]) == {channel: 4}
    assert proofs.end(pings[3]) == {}
    assert proofs.end(pings[5]) == {channel: 5}
    assert proofs.end(b"9" * 100) == {}


def test_who_asks_for_the_same_as_the_same_person_is_remembered_together() -> None:
    """And nobody else: not another person, topic, or binding."""
    channel = _Socket().channel
    others = [
        replace(channel, person=replace(channel.person, user="anna")),
        replace(channel, person=replace(channel.person, role="service_role")),
        replace(channel, topic="realtime:other"),
        replace(channel, config=read_config({"config": {"postgres_changes": [{**BINDING, "event": "INSERT"}]}})),
    ]
    assert len({memory_of(each) for each in (channel, *others)}) == 5
    turned = {"config": {"postgres_changes": [dict(reversed(BINDING.items()))]}}
    assert memory_of(replace(channel, config=read_config(turned))) == memory_of(channel)


@pytest.mark.parametrize(("text", "seconds"), [(None, 7), ("", 7), ("60", 60), ("-1", 7), ("1e9", 7), ("99999", 600)])
def test_the_address_says_for_how_long(text: str | None, seconds: int) -> None:
    """What makes no sense was not said, and nobody is remembered for hours."""
    assert asked_seconds(text, 7) == seconds


def test_the_shorter_somebody_is_remembered_the_more_often_he_is_asked() -> None:
    """A few times within that, and not all the time."""
    channel = _Socket().channel
    pauses = [pause_between([replace(channel, remember=seconds)]) for seconds in (0, 1, 24, 600)]
    assert pauses == [None, 0.25, 2.0, 5.0]
