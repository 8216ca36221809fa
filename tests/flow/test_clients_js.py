"""Packages from npm, unmodified, against a gateway."""

import pytest
from tests.fixtures.gateway import Open, Stream, a_token
from tests.fixtures.node import Run


@pytest.mark.parametrize("package", ["@supabase/realtime-js", "realtime-js-old"])
@pytest.mark.parametrize("user", ["anna", None], ids=["a person's token", "a project's key"])
async def test_realtime_js_connects_and_its_heartbeats_are_answered(
    open_gateway: Open, node: Run, package: str, user: str | None
) -> None:
    """Today's, which speaks vsn 2.0.0, and a year-old one, which speaks 1.0.0; it knows only the address and a key."""
    place = await open_gateway(Stream())
    key = a_token(user) if user else a_token(role="anon", sub=None, aud=None)
    script = await node("heartbeat.js", package, place.url.removesuffix("/websocket"), key)
    for _ in range(2):
        await script.until("heartbeat", status="ok", connected=True)
    assert await script.end() == 0
