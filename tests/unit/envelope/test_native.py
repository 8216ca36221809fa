"""What sockets are given, for programs."""

from tests.fixtures.gateway import AT, an_operation

from floorcast.envelope.envelope import Envelope, TickHead
from floorcast.envelope.native import Native
from floorcast.operation import told


def test_a_program_is_given_the_bytes_that_a_socket_is() -> None:
    """One form, whoever reads it."""
    envelope: Envelope = Native()
    operation = an_operation(3, text="BUCKET WON'T OPEN")
    encoded = envelope.encode(TickHead("first", 12, AT), operation, op="update", new=operation.new, old=None)
    assert encoded == told(12, operation, op="update", new=operation.new, old=None)
    assert (envelope.name, envelope.media_type, envelope.wants_old) == ("native", "application/json", False)
