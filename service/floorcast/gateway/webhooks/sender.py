"""Posts one message and says what came of it."""

import asyncio
import ssl

import httpcore

from floorcast.gateway.webhooks.address import Reach
from floorcast.gateway.webhooks.answer import ANSWER_BYTES, Answer
from floorcast.gateway.webhooks.connector import Connector, Resolve, SystemResolver
from floorcast.gateway.webhooks.message import Post
from floorcast.gateway.webhooks.target import Target

_CONNECT_SECONDS = 10.0
_KEEP_SECONDS = 5.0
"""Shorter than what servers usually keep a quiet connection for: one that they close meanwhile looks like a failure."""


class NotAnswered(Exception):  # noqa: N818 — reads as an event, which it is
    """Nothing came back, and why; the receiver may have taken the message all the same."""


class Sender:
    """A pool of connections to receivers."""

    def __init__(
        self,
        reach: Reach,
        *,
        seconds: float,
        connections: int,
        resolve: Resolve | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            reach: where to.
            seconds: that an answer may take, from the first look at the name to its last byte.
            connections: that may be in use at once.
            resolve: how names become addresses; the system's way if None.
            context: whom to believe; whom the system believes if None.
        """
        self._seconds = seconds
        # Whoever waits for his turn has not begun to wait for an answer.
        self._turns = asyncio.Semaphore(connections)
        self._system = SystemResolver() if resolve is None else None
        context = context or ssl.create_default_context()
        # Two pools, since a connector has to know whether what it connects will be encrypted.
        self._pools = {
            secure: httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=connections,
                keepalive_expiry=_KEEP_SECONDS,
                network_backend=Connector(reach, resolve or self._system, secure=secure),  # type: ignore[arg-type]
            )
            for secure in (True, False)
        }

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()
        if self._system is not None:
            self._system.close()

    async def post(self, target: Target, post: Post) -> Answer:
        """Send a message and read the answer, of which no more than `ANSWER_BYTES`.

        Raises:
            NotAnswered: there is none.
        """
        try:
            async with self._turns, asyncio.timeout(self._seconds):
                return await self._post(target, post)
        except TimeoutError:
            raise NotAnswered(f"no answer within {self._seconds:g} seconds") from None
        except httpcore.TimeoutException as error:
            raise NotAnswered(f"no answer in time: {_words(error)}") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as error:
            raise NotAnswered(_words(error)) from error

    async def _post(self, target: Target, post: Post) -> Answer:
        headers = {"host": target.authority, "content-length": str(len(post.body)), **post.headers}
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        timeout = {"connect": min(_CONNECT_SECONDS, self._seconds), "pool": self._seconds}
        async with self._pools[target.secure].stream(
            "POST",
            url,
            headers=[(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()],
            content=post.body,
            extensions={"timeout": timeout},
        ) as response:
            body = bytearray()
            async for chunk in response.aiter_stream():
                body += chunk
                if len(body) > ANSWER_BYTES:
                    # The connection is closed with the rest unread.
                    break
            return Answer(
                response.status,
                {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers},
                bytes(body[:ANSWER_BYTES]),
                cut=len(body) > ANSWER_BYTES,
            )


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
