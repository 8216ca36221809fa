"""What policies on `realtime.messages` permit a channel's person to do in a private room."""

from typing import Literal, Protocol, cast

from floorcast.database.caller import Caller
from floorcast.database.channel_rights import ChannelRights
from floorcast.gateway.channels.channel import Person, Rights


class Policies(Protocol):
    """Asks Postgres; `database.channel_rights.ChannelRightsReader` is one."""

    async def read(self, caller: Caller, topic: str) -> ChannelRights:
        """Return what the caller may do in the private room of that name; raises DatabaseUnavailable."""
        ...


class PolicyRights:
    """Rights as policies have them."""

    def __init__(self, policies: Policies) -> None:
        """Take whom to ask."""
        self._policies = policies

    async def read(self, person: Person, topic: str) -> Rights:
        """Return what somebody may do in a private room; raises DatabaseUnavailable."""
        role = cast('Literal["authenticated", "service_role", "anon"]', person.role)
        found = await self._policies.read(Caller(role, person.claims), topic)
        return Rights(found.broadcast_read, found.broadcast_write, found.presence_read, found.presence_write)
