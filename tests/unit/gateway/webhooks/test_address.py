"""What may be called: public addresses, and networks that the operator names; some never."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.gateway.webhooks.address import Reach, choose, refusal

PUBLIC = Reach()
EVERYTHING = Reach(private=(ip_network("0.0.0.0/0"), ip_network("::/0")))
PLANT = Reach(private=(ip_network("10.20.0.0/16"), ip_network("fd12:3456::/32")))


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:2800:21f:cb07::1", "64:ff9b::5db8:d70e"])
def test_a_public_address_is_called_by_https_only(address: str) -> None:
    """What goes through the internet is encrypted."""
    assert refusal(ip_address(address), PUBLIC, secure=True) is None
    assert refusal(ip_address(address), PUBLIC, secure=False) is not None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "::1",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "4000::1",
        "100::1",
        # IPv4 in other clothes: mapped, compatible, translated.
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
    ],
)
def test_what_is_not_public_is_refused_unless_it_is_named(address: str) -> None:
    """Beside the database, behind the firewall: whoever writes a URL is not there himself."""
    assert refusal(ip_address(address), PUBLIC, secure=True) is not None


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "ff02::1",
        "::ffff:169.254.169.254",
        "::ffff:0.0.0.0",
        "64:ff9b::a9fe:a9fe",
    ],
)
def test_some_are_never_called(address: str) -> None:
    """Whoever asks there is given a machine's credentials: no setting is meant to allow it."""
    assert refusal(ip_address(address), EVERYTHING, secure=True) is not None


def test_a_network_that_is_named_may_be_called_plainly_too() -> None:
    """And only that one, in whatever clothes."""
    for address in ("10.20.3.4", "::ffff:10.20.3.4", "fd12:3456:7::8"):
        assert refusal(ip_address(address), PLANT, secure=False) is None
    assert refusal(ip_address("10.21.3.4"), PLANT, secure=True) is not None
    assert refusal(ip_address("fd12:3457::1"), PLANT, secure=True) is not None


def test_of_a_names_addresses_those_remain_that_may_be_called() -> None:
    """In their order; for the others it is said why."""
    found = [ip_address(text) for text in ("10.0.0.1", "93.184.215.14", "::ffff:1.1.1.1", "127.0.0.1")]

    good, reason = choose(found, PUBLIC, secure=True)

    assert good == [ip_address("93.184.215.14"), ip_address("1.1.1.1")]
    assert "10.0.0.1 is not a public address" in reason
    assert "127.0.0.1 is not a public address" in reason


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_called(address: object) -> None:
    """Our list is longer than Python's, whichever version it is."""
    one = ip_address(str(address))
    if refusal(one, PUBLIC, secure=True) is None:
        assert not one.is_private or one in ip_network("64:ff9b::/96")
        assert not one.is_loopback
        assert not one.is_link_local
        assert not one.is_multicast
