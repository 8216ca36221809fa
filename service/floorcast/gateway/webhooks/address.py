"""Which addresses may be called (pure).

Whoever may make a consumer may write any URL into it, and this server stands where he does not: beside the database,
behind the firewall, next to the machine that hands out a cloud's passwords. So what may be called is what everybody in
the internet may call, and beyond that the networks that the operator names.

It is addresses that are judged and never names: a name says one thing when it is looked at and another when it is used.
Whoever connects uses the very address that was judged (`connector.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Reach:
    """How far webhooks may go."""

    # Networks that may be called although they are not public, by plain HTTP too.
    private: tuple[Network, ...] = ()
    # Ports, first and last.
    ports: tuple[tuple[int, int], ...] = ((443, 443),)

    def has_port(self, port: int) -> bool:
        """Whether a port may be called."""
        return any(first <= port <= last for first, last in self.ports)


def _networks(*names: str) -> tuple[Network, ...]:
    return tuple(ip_network(name) for name in names)


_NEVER = _networks(
    # "This host": Linux connects to itself.
    "0.0.0.0/8",
    "::/128",
    # Link-local: 169.254.169.254 hands out a machine's credentials, to whoever asks from that machine.
    "169.254.0.0/16",
    "fe80::/10",
    # The same service of clouds that put it elsewhere: Azure, Alibaba, Oracle; AWS and Google over IPv6.
    "168.63.129.16/32",
    "100.100.100.200/32",
    "192.0.0.192/32",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
    # Many at once, and what has no use.
    "224.0.0.0/4",
    "240.0.0.0/4",
    "ff00::/8",
)
"""Whatever the operator names, since a network as wide as 0.0.0.0/0 was hardly meant to have these in it."""

_NOT_PUBLIC = _networks(
    # IANA's registry of special-purpose addresses.
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
)
# Written out, since what `ipaddress` calls private differs between versions of Python.

_PUBLIC_V6 = IPv6Network("2000::/3")
"""All that is given out of IPv6; the rest is somebody's own, or nobody's."""

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last four bytes are the IPv4 address that a gateway (NAT64) will call."""


def plain(address: Address) -> Address:
    """Return the address that is really called: IPv4 in the clothes of IPv6 is IPv4."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def refusal(address: Address, reach: Reach, *, secure: bool) -> str | None:
    """Say why an address is not called, or None.

    Args:
        address: what a name resolved to, or what stood in the URL.
        reach: how far webhooks may go.
        secure: whether TLS is spoken.
    """
    address = plain(address)
    # Both the address itself and the one that a translator will make of it.
    called = [address]
    if isinstance(address, IPv6Address) and address in _TRANSLATED:
        called = [IPv4Address(address.packed[-4:])]
    for one in called:
        if _in(one, _NEVER):
            return f"{address} is never called"
        if _in(one, reach.private):
            continue
        if _in(one, _NOT_PUBLIC) or (isinstance(one, IPv6Address) and one not in _PUBLIC_V6):
            return f"{address} is not a public address"
        if not secure:
            return f"{address} is called by https only"
    return None


def choose(addresses: Iterable[Address], reach: Reach, *, secure: bool) -> tuple[list[Address], str]:
    """Return which of a name's addresses may be called, in their order, and why others may not."""
    good: list[Address] = []
    reasons: list[str] = []
    for address in addresses:
        reason = refusal(address, reach, secure=secure)
        if reason is None:
            good.append(plain(address))
        else:
            reasons.append(reason)
    return good, "; ".join(dict.fromkeys(reasons))


def _in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
