"""What the environment decides, and what it must not."""

from pathlib import Path

import pytest

from floorcast.errors import SettingsError
from floorcast.settings import load_settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets."""
    for name in ("DATABASE_URL", "FLOORCAST_OWNER_DATABASE_URL", "REDIS_URL", "FLOORCAST_JWT_SECRET", "FLOORCAST_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_the_home_of_the_user_is_not_the_home_of_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """HOME is set everywhere, and would put a database among the user's own files."""
    monkeypatch.setenv("HOME", "/home/somebody")
    assert load_settings().home is None


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files and unit files set variables to nothing to switch them off."""
    monkeypatch.setenv("FLOORCAST_HOME", "")
    monkeypatch.setenv("DATABASE_URL", "")
    settings = load_settings()
    assert (settings.home, settings.database_url) == (None, None)


def test_an_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was typed last is what was meant; an option that was not given decides nothing."""
    monkeypatch.setenv("PORT", "4001")
    assert load_settings(port=4002, home=None).port == 4002
    assert load_settings(port=None, home=Path("/elsewhere")).port == 4001


def test_a_wrong_value_is_refused_with_its_name_its_value_and_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One sentence for each wrong one."""
    monkeypatch.setenv("PORT", "65536")
    monkeypatch.setenv("FLOORCAST_DOORBELL", "sometimes")
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    sentences = str(refusal.value).splitlines()
    assert "PORT is '65536': input should be less than or equal to 65535" in sentences
    assert "FLOORCAST_DOORBELL is 'sometimes': input should be 'adaptive' or 'always'" in sentences


def test_a_secret_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Error messages end up in logs."""
    monkeypatch.setenv("FLOORCAST_JWT_SECRET", "hunter2")
    with pytest.raises(SettingsError, match="at least 32 bytes") as refusal:
        load_settings()
    assert "hunter2" not in str(refusal.value)


def test_a_database_of_ones_own_needs_a_secret_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real data is never guarded by a secret that we made up."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@127.0.0.1/theirs")
    with pytest.raises(SettingsError, match="FLOORCAST_JWT_SECRET"):
        load_settings()


def test_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name would have to be looked up, and whoever answers would decide whom we believe."""
    monkeypatch.setenv("FLOORCAST_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1,2001:db8::/32")
    assert [str(network) for network in load_settings().trusted_networks] == [
        "10.0.0.0/8",
        "192.0.2.1/32",
        "2001:db8::/32",
    ]
    monkeypatch.setenv("FLOORCAST_TRUSTED_PROXIES", "proxy.example")
    with pytest.raises(SettingsError, match="addresses and networks"):
        load_settings()


def test_webhooks_go_to_the_public_only_unless_a_network_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And to few ports: what listens on others was hardly meant to be posted to."""
    assert load_settings().webhook_networks == ()
    assert (443, 443) in load_settings().webhook_port_ranges
    monkeypatch.setenv("FLOORCAST_WEBHOOK_PRIVATE", "10.1.0.0/16, fd12::/16")
    monkeypatch.setenv("FLOORCAST_WEBHOOK_PORTS", "443, 8000-8999")
    assert [str(network) for network in load_settings().webhook_networks] == ["10.1.0.0/16", "fd12::/16"]
    assert load_settings().webhook_port_ranges == ((443, 443), (8000, 8999))


@pytest.mark.parametrize("ports", ["https", "0", "70000", "9000-8000", "443;80", ","])
def test_ports_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch, ports: str) -> None:
    """Rather than calling none, or all."""
    monkeypatch.setenv("FLOORCAST_WEBHOOK_PORTS", ports)
    with pytest.raises(SettingsError, match="FLOORCAST_WEBHOOK_PORTS"):
        load_settings()
