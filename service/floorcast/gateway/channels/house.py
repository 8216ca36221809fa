"""What the rooms of a gateway have to do with: Postgres for rights and for what was said, Redis for other gateways."""

from dataclasses import dataclass, field

from floorcast.gateway.channels.crossing import Line
from floorcast.gateway.channels.reception import MessagesOf, RightsOf
from floorcast.gateway.channels.remembering import Memory
from floorcast.gateway.channels.rooms import Rooms


@dataclass(frozen=True, slots=True)
class House:
    """Rooms, and what is outside of them."""

    rooms: Rooms = field(default_factory=Rooms)
    # None: there are no private rooms.
    rights: RightsOf | None = None
    # None: what was said is not told again.
    messages: MessagesOf | None = None
    # None: there is only this gateway.
    line: Line | None = None
    # None: nobody is remembered.
    memory: Memory | None = None
