"""Where to post: a URL is read once, and what cannot be meant is refused when it is given."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.gateway.webhooks.address import Reach
from floorcast.gateway.webhooks.target import Target, TargetRefused, read_target

PUBLIC = Reach(ports=((443, 443), (8443, 8443)))
PLANT = Reach(private=(ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8")), ports=((1, 65535),))


@pytest.mark.parametrize(
    ("url", "expected", "authority"),
    [
        ("https://erp.example/hooks", Target(True, "erp.example", 443, "/hooks"), "erp.example"),
        ("HTTPS://ERP.example", Target(True, "erp.example", 443, "/"), "erp.example"),
        ("https://erp.example:8443/a?b=c&d", Target(True, "erp.example", 8443, "/a?b=c&d"), "erp.example:8443"),
        ("https://erp.example:443/", Target(True, "erp.example", 443, "/"), "erp.example"),
        ("https://1.1.1.1/x", Target(True, "1.1.1.1", 443, "/x"), "1.1.1.1"),
        ("https://[2606:4700::1111]/", Target(True, "2606:4700::1111", 443, "/"), "[2606:4700::1111]"),
        ("https://xn--bcher-kva.example/", Target(True, "xn--bcher-kva.example", 443, "/"), "xn--bcher-kva.example"),
    ],
)
def test_a_url_is_taken_apart(url: str, expected: Target, authority: str) -> None:
    """Into what is connected to, what TLS is told, and what is asked for."""
    target = read_target(url, PUBLIC)
    assert target == expected
    assert target.authority == authority


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://erp.example/", "https"),
        ("ftp://erp.example/", "https"),
        ("file:///etc/passwd", "https"),
        ("gopher://erp.example:443/_x", "https"),
        ("erp.example/hooks", "https"),
        ("https:///hooks", "host"),
        ("https://erp.example:22/", "port 22"),
        ("https://erp.example:6379/", "port 6379"),
        ("https://erp.example:0/", "port 0"),
        ("https://erp.example:99999/", "not a URL"),
        ("https://me:secret@erp.example/", "password"),
        ("https://erp.example@10.0.0.1/", "password"),
        ("https://erp.example/#top", "fragment"),
        ("https://erp.example/a b", "visible"),
        ("https://erp.example/\r\nhost: x", "visible"),
        ("https://erp.example\\@10.0.0.1/", "visible"),
        ("https://bücher.example/", "visible"),
        ("https://[::1", "not a URL"),
        ("https://[fe80::1%25eth0]/", "host"),
        ("https://[v1.a]/", "host"),
        ("https://erp,example/", "host"),
        ("https://127.0.0.1/", "127.0.0.1"),
        ("https://[::ffff:127.0.0.1]/", "127.0.0.1"),
        ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("https://erp.example/" + "a" * 2_000, "longer"),
    ],
)
def test_what_cannot_be_meant_is_refused(url: str, why: str) -> None:
    """When it is given, with the reason; what a name resolves to is seen when it is called."""
    with pytest.raises(TargetRefused, match=why):
        read_target(url, PUBLIC)


def test_plain_http_is_for_networks_that_the_operator_named() -> None:
    """A name may turn out to be in one; an address is seen at once."""
    assert read_target("http://erp.plant:8080/in", PLANT) == Target(False, "erp.plant", 8080, "/in")
    assert read_target("http://10.1.2.3/", PLANT).port == 80
    with pytest.raises(TargetRefused, match="https only"):
        read_target("http://1.1.1.1/", PLANT)


def test_a_query_is_kept_out_of_what_is_shown() -> None:
    """Some receivers want a key in it."""
    assert str(read_target("https://erp.example/in?key=secret", PUBLIC)) == "https://erp.example/in"


@given(st.text(st.characters(max_codepoint=300), max_size=60).map("https://".__add__))
def test_any_text_is_a_target_or_refused(url: str) -> None:
    """And what is a target has a host that is a name or an address, and nothing else in it."""
    try:
        target = read_target(url, PLANT)
    except TargetRefused:
        return
    assert not set(target.host) & set("@/\\?# \r\n\t%")
    assert not set(target.path) & set(" \r\n\t#")
    assert target.path.startswith("/")
