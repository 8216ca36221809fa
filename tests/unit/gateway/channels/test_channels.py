"""Who is in a channel, and what he sees there."""

from tests.fixtures.gateway import NORTH, SOUTH, a_base, a_grant
from tests.fixtures.outboxes import RecordingTransport

from floorcast.access.law import Law
from floorcast.gateway.channels.binding import bind
from floorcast.gateway.channels.channel import Channel, Person
from floorcast.gateway.channels.channels import Channels
from floorcast.gateway.channels.config import Config
from floorcast.gateway.channels.sight import Sight
from floorcast.gateway.outbox import Outbox


class Socket:
    """The side of a socket that nobody looks at."""

    def overflowed(self, waiting_bytes: int) -> None:
        """See `outbox.Owner`."""

    def forget(self, channel: Channel) -> None:
        """See `channel.Owner`."""


def test_who_waited_for_an_answer_sees_what_he_may_see_when_it_comes() -> None:
    """His access was withdrawn while Postgres was asked what he may do: nobody else would tell the channel."""
    law = Law(a_base(grants={"anna": {NORTH: "technician", SOUTH: "technician"}}))
    channels = Channels()
    channels.begin(law, {}, None, "first", 0)
    config = Config(({"event": "*", "schema": "public"},), private=True)
    channel = Channel(
        owner=Socket(),
        outbox=Outbox(RecordingTransport(), 1_000, Socket()),
        topic="realtime:floor",
        version=2,
        join_ref=b'"1"',
        config=config,
        person=Person("anna", "authenticated", "{}", 9e9),
        bound=bind(config.bindings, channels.catalogue),
        sight=channels.sight_of("authenticated", "anna"),
    )
    channels.settle(law.settle([a_grant("anna", SOUTH, None, was="technician")]))
    channels.join(channel, live=True)
    assert channel.sight == Sight.of({NORTH: law.view("technician")})
    assert channels.warehouses == {NORTH}
