"""Where somebody comes from (pure): the other side of the connection, or what a trusted proxy says it was.

`X-Forwarded-For` is written by whoever likes to, so it is believed from right to left, as long as the one who wrote an
entry is a proxy that the operator trusts.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

_V6_SITE = 64
"""Bits: one machine has all addresses behind them, and takes a new one when it likes."""


def origin(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """Return the address to count somebody under.

    Args:
        peer: the other side of the connection.
        forwarded: values of `X-Forwarded-For`, in the order of their lines.
        trusted: proxies.
    """
    at = _read(peer)
    if at is None:
        return peer
    hops = [hop for value in forwarded for hop in value.split(",")]
    while hops and any(at in network for network in trusted if network.version == at.version):
        hop = _read(hops.pop())
        if hop is None:
            break
        at = hop
    if isinstance(at, IPv6Address):
        return str(IPv6Network((at, _V6_SITE), strict=False).network_address)
    return str(at)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address as proxies write it: with a port, in brackets, with a zone."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
