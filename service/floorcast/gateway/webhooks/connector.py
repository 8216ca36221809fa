"""Connections for webhooks: a name is resolved once, its addresses are judged, and one of those is what is called.

The HTTP library asks for a connection to a name and gets one to an address that `address.py` let pass; it goes on to
check the certificate against the name. So it does not matter what the name says a moment later, to whoever asks.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import httpcore

from floorcast.gateway.webhooks.address import Address, Reach, choose

_RESOLVERS = 8
"""Threads: a name server that does not answer keeps these waiting, and nobody else."""

_ADDRESSES = 4
"""As many of a name's addresses are tried."""

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


class AddressRefused(httpcore.ConnectError):
    """Where a name leads to must not be called."""


class SystemResolver:
    """The resolver of the system, hosts file included."""

    def __init__(self) -> None:
        """Start no thread before it is needed."""
        self._threads = ThreadPoolExecutor(_RESOLVERS, "webhook-resolver")

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Return the addresses of a name, in the order to try them. Raises OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        # A zone (`%eth0`) comes with link-local addresses only, which are not called anyway.
        return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))

    def close(self) -> None:
        """Wait for nobody who is still asking."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Connector(httpcore.AsyncNetworkBackend):
    """Opens connections to addresses that may be called."""

    def __init__(self, reach: Reach, resolve: Resolve, *, secure: bool) -> None:
        """Judge by `reach`; `secure` says whether TLS will be spoken."""
        self._reach = reach
        self._resolve = resolve
        self._secure = secure
        self._backend: httpcore.AsyncNetworkBackend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 — the library's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers.

        Raises:
            AddressRefused: none of them may be called.
            httpcore.ConnectError, httpcore.ConnectTimeout: none of them answers, or there is no such name.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._judged(host, port)
                for address in addresses[:-1]:
                    try:
                        # Half of the time is left for the others.
                        return await self._backend.connect_tcp(
                            str(address), port, timeout and timeout / 2, local_address, socket_options
                        )
                    except (httpcore.ConnectError, httpcore.ConnectTimeout):
                        continue
                return await self._backend.connect_tcp(str(addresses[-1]), port, timeout, local_address, socket_options)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} was not reached in time") from error

    async def _judged(self, host: str, port: int) -> Sequence[Address]:
        try:
            found = await self._resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error.strerror or error}") from error
        good, reason = choose(found, self._reach, secure=self._secure)
        if not good:
            raise AddressRefused(f"{host} is not called: {reason or 'it has no address'}")
        return good[:_ADDRESSES]
