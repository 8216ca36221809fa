"""Where somebody comes from: what a header says is believed of trusted proxies only."""

from ipaddress import ip_network

import pytest

from floorcast.gateway.address import origin

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        # Anybody can write the header; who is not a proxy is counted under his own address.
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        ("10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        # What stands left of the proxy's own entry was there before, written by whoever.
        ("10.1.2.3", ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["203.0.113.9", "198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", ["unknown"], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.1.2.3", ['"[2001:db8:5:6:7::8]:4711"'], "2001:db8:5:6::"),
        ("::ffff:10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("2001:db8:1::5", ["198.51.100.1"], "198.51.100.1"),
        ("fe80::1%eth0", [], "fe80::"),
        # A machine has a whole /64 to choose from.
        ("2001:db8:5:6:1:2:3:4", [], "2001:db8:5:6::"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_origin_is_what_the_last_trusted_one_saw(peer: str, forwarded: list[str], expected: str) -> None:
    """Read from right to left, for as long as the writer is trusted."""
    assert origin(peer, forwarded, TRUSTED) == expected


def test_nobody_is_trusted_unless_configured() -> None:
    """The proxy itself is what is counted then."""
    assert origin("10.1.2.3", ["198.51.100.1"], []) == "10.1.2.3"
