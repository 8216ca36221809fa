"""Who is present, in Redis: each gateway's statements, and everybody as of its last one.

Contract. A statement is applied whole or refused. Others hear statements in the order in which they were made, as far
as they are kept; whoever misses one finds the gateway's whole state, which names the statement that it is of. Nothing
here ends by time: who is dead is judged by those who listen, and only they clear it away.
"""

import contextlib
from importlib import resources
from typing import Any

from redis.exceptions import RedisError

from floorcast.stream import keys
from floorcast.stream.connect import as_unavailable, open_redis, stream_entries
from floorcast.stream.statement import (
    Entry,
    Heard,
    Muster,
    Statement,
    mark_number,
    read_entries,
    read_heard,
    statement_fields,
)

KEPT_STATEMENTS = 1_000
"""How many a slow listener may be behind before it reads whole states."""

_PATIENCE_SECONDS = 2.0
_STATEMENTS_PER_READ = 256

_LUA = resources.files("floorcast.stream").joinpath("lua")


class PresenceBoard:
    """A gateway's two ends of it: one connection to speak, one to listen. All methods raise StreamUnavailable."""

    def __init__(self, redis_url: str) -> None:
        """Connect lazily; nothing is sent before the first call."""
        self._mouth = open_redis(redis_url, patience=_PATIENCE_SECONDS)
        self._ear = open_redis(redis_url, patience=2 * _PATIENCE_SECONDS)
        self._speak = self._mouth.register_script(_LUA.joinpath("presence_speak.lua").read_text())
        self._bury = self._mouth.register_script(_LUA.joinpath("presence_bury.lua").read_text())

    async def speak(self, gateway: str, statement: Statement) -> Muster | None:
        """Make a statement; None when Redis holds something else than `statement.after`, and nothing was changed."""
        told, fields = statement_fields(statement)
        after = "" if statement.after is None else statement.after
        async with as_unavailable():
            answer: Any = await self._speak(
                keys=_keys(gateway), args=[gateway, after, statement.number, KEPT_STATEMENTS, told, *fields]
            )
        if answer[0] != 1:
            return None
        _, milliseconds, newest, marks = answer
        named = {name.decode(): mark.decode() for name, mark in zip(marks[::2], marks[1::2], strict=True)}
        return Muster(int(milliseconds), newest.decode(), named)

    async def bury(self, gateway: str, mark: str = "") -> None:
        """Clear a gateway's people away, unless it has another mark by now; "" stands for any."""
        async with as_unavailable():
            await self._bury(keys=_keys(gateway), args=[gateway, mark, KEPT_STATEMENTS])

    async def listen(self, after: str, *, wait_seconds: float) -> list[tuple[str, Heard]]:
        """Return what was said behind an id, each with its own id; wait for the first, empty when none came in time."""
        async with as_unavailable():
            answer = await self._ear.xread(
                {keys.PRESENCE_STATEMENTS: after},
                count=_STATEMENTS_PER_READ,
                block=max(1, int(min(wait_seconds, _PATIENCE_SECONDS) * 1000)),
            )
        entries = stream_entries(answer)
        return [(identity.decode(), read_heard(fields)) for identity, fields in entries if fields is not None]

    async def read(self, gateway: str) -> tuple[int, dict[str, Entry]] | None:
        """Return everybody at a gateway, with the number of the statement that this is of; None: it is not known."""
        async with as_unavailable(), self._ear.pipeline(transaction=True) as both:
            both.hget(keys.PRESENCE_GATEWAYS, gateway)
            both.hgetall(keys.presence_key(gateway))
            mark, fields = await both.execute()
        return None if mark is None else (mark_number(mark.decode()), read_entries(fields.items()))

    async def aclose(self) -> None:
        """Close both connections."""
        for client in (self._mouth, self._ear):
            with contextlib.suppress(RedisError, OSError):
                await client.aclose()


def _keys(gateway: str) -> list[str]:
    return [keys.PRESENCE_GATEWAYS, keys.presence_key(gateway), keys.PRESENCE_STATEMENTS]
