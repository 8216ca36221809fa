"""Says in rooms what comes by HTTP: whoever may speak there is heard as if he had joined."""

from collections.abc import Sequence

from floorcast.access.claims import Claims
from floorcast.broadcast import Broadcast
from floorcast.gateway.channels.channel import Person
from floorcast.gateway.channels.reception import RightsOf
from floorcast.gateway.channels.rooms import Rooms


class RoomAnnouncer:
    """Speaks in the rooms of a gateway, and so in those of all."""

    def __init__(self, rooms: Rooms, rights: RightsOf | None) -> None:
        """Take where to speak, and who knows what policies permit; None: nobody may speak in private."""
        self._rooms = rooms
        self._rights = rights

    async def announce(self, claims: Claims, messages: Sequence[Broadcast]) -> None:
        """Say these in their order; what somebody may not say in a private room is passed over.

        Raises:
            DatabaseUnavailable: Postgres does not say what is permitted; nothing was said.
        """
        person = Person.of(claims)
        permitted: dict[str, bool] = {}
        for name in dict.fromkeys(each.room.name for each in messages if each.room.private):
            permitted[name] = self._rights is not None and (await self._rights.read(person, name)).speaks
        for each in messages:
            if not each.room.private or permitted[each.room.name]:
                self._rooms.say(each)
                self._rooms.carry(each)
