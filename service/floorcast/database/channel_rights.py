"""What somebody may do in a private room, as policies on `realtime.messages` say it.

They are asked by trying, in a transaction that is always rolled back: whether the caller sees messages, and whether he
may write them.
"""

from dataclasses import dataclass

import psycopg

from floorcast.database.caller import Caller
from floorcast.database.rooms_pool import RoomsPool
from floorcast.observe import PolicyFailed, observe

_BECOME = """
select
    set_config('request.jwt.claims', %(claims)s, true),
    set_config('request.headers', '{}', true),
    set_config('realtime.topic', %(topic)s, true),
    set_config('role', %(role)s, true)
"""


@dataclass(frozen=True, slots=True)
class ChannelRights:
    """What somebody may do in a private room."""

    broadcast_read: bool
    broadcast_write: bool
    presence_read: bool
    presence_write: bool


NOTHING = ChannelRights(broadcast_read=False, broadcast_write=False, presence_read=False, presence_write=False)


class ChannelRightsReader:
    """Asks over a few connections of its own; who finds them all taken waits, or is turned away."""

    def __init__(self, url: str, *, connections: int = 4, waiting: int = 256, patience_seconds: float = 5.0) -> None:
        """Take the login that may become floorcast_gateway and the roles of tokens; connect nothing yet."""
        self._pool = RoomsPool(
            url, "rights", connections=connections, waiting=waiting, patience_seconds=patience_seconds
        )

    async def open(self) -> None:
        """Make ready; needs a running loop, not a running Postgres."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def read(self, caller: Caller, topic: str) -> ChannelRights:
        """Return what the caller may do in the private room of that name; nothing where a policy fails.

        Raises:
            DatabaseUnavailable: Postgres does not answer, or not in time.
        """
        try:
            async with self._pool.trial() as connection:
                return await _try(connection, caller, topic)
        except psycopg.Error as error:
            observe(PolicyFailed(f"{type(error).__name__}: {error}"))
            return NOTHING


async def _try(connection: psycopg.AsyncConnection, caller: Caller, topic: str) -> ChannelRights:
    cursor = await connection.execute("select floorcast.probe_channel(%s)", [topic])
    row = await cursor.fetchone()
    probes = [] if row is None else row[0]
    await connection.execute(_BECOME, {"claims": caller.claims, "topic": topic, "role": caller.role})
    seen = await connection.execute("select extension from realtime.messages where id = any(%s)", [probes])
    readable = {extension for (extension,) in await seen.fetchall()}
    return ChannelRights(
        broadcast_read="broadcast" in readable,
        broadcast_write=await _may_write(connection, topic, "broadcast"),
        presence_read="presence" in readable,
        presence_write=await _may_write(connection, topic, "presence"),
    )


async def _may_write(connection: psycopg.AsyncConnection, topic: str, extension: str) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(
                "insert into realtime.messages (topic, extension, private) values (%s, %s, true)", [topic, extension]
            )
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True
