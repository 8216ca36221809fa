"""Stay with a warehouse for as long as it takes: connect, join, and come back after every loss.

There is no resume yet, so after each join the caller reads the picture again; `Joined` marks these moments.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

from floorcast.backoff import Backoff
from floorcast.client.channel import Payload
from floorcast.client.client import FloorcastClient
from floorcast.client.subscription import Event
from floorcast.errors import CODES, ClientError

Token = str | Callable[[], str]
"""A token, or a function that makes a fresh one for each connection."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The topic is joined: changes come from `response["position"]` on."""

    response: Payload
    # None the first time; else why it had to be joined again. What came between is not told: read the
    # picture.
    after: ClientError | None


async def follow(
    url: str,
    token: Token,
    warehouse: str,
    *,
    tables: Sequence[str] | None = None,
    parse_float: Callable[[str], Any] | None = None,
    backoff: Backoff | None = None,
    heartbeat_seconds: float = 20.0,
    waiting: Callable[[ClientError, float], None] | None = None,
) -> AsyncGenerator[Joined | Event]:
    """Yield `Joined`, then the warehouse's events; after a loss join again with a growing, jittered delay.

    `waiting` is told of each loss and of the delay before the next attempt. Close the iterator with
    `contextlib.aclosing` when you stop before its end; it ends when the server closes the topic for good
    (`revoked`).

    Raises:
        ClientError: when coming back cannot help (`forbidden`, `token_invalid`, …); see errors.CODES.
    """
    pause = backoff or Backoff(SystemRandom())
    after: ClientError | None = None
    payload: Payload = {} if tables is None else {"tables": list(tables)}
    while True:
        try:
            bearer = token if isinstance(token, str) else token()
            async with FloorcastClient(
                url, bearer, parse_float=parse_float, heartbeat_seconds=heartbeat_seconds
            ) as client:
                subscription = await client.join(f"warehouse:{warehouse}", payload)
                pause.reset()
                yield Joined(subscription.response, after)
                async for event in subscription:
                    yield event
                return
        except ClientError as error:
            if not may_return(error.code, renewable=not isinstance(token, str)):
                raise
            after = error
        delay = pause.next_seconds()
        if waiting is not None:
            waiting(after, delay)
        await asyncio.sleep(delay)


def may_return(code: str, *, renewable: bool) -> bool:
    """Can connecting again help after this code?

    A code that the table does not know is a lost connection. An expired token stays expired, unless it can be
    renewed.
    """
    if code == "token_expired":
        return renewable
    known = CODES.get(code)
    return known is None or known.reconnect
