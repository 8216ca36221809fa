"""Clients of Supabase, unmodified: tokens that end under them, and as many channels as a socket may have."""

import asyncio

import pytest
from tests.fixtures.gateway import NORTH, Open, Stream, a_token, an_operation
from tests.fixtures.scripts import Run, Script

BINDING = {"event": "*", "schema": "public", "table": "work_orders"}
KEY = a_token(role="anon", sub=None, aud=None)


@pytest.fixture
def stream() -> Stream:
    """Bert is the manager of north."""
    return Stream().granting(bert={NORTH: "manager"})


async def test_clients_join_again_with_the_token_that_they_have_by_then(
    open_gateway: Open, node: Run, python_client: Run, stream: Stream
) -> None:
    """A token that ends leaves no channel closed for good, nor does a join that was refused for it."""
    place = await open_gateway(stream, token_grace_seconds=0)
    url, token = place.url.removesuffix("/websocket"), a_token("bert", seconds=3)
    scripts = [
        await node("changes.js", "@supabase/realtime-js", url, KEY, token),
        await node("changes.js", "realtime-js-old", url, KEY, token),
        await python_client("changes.py", "today", url, KEY, token),
    ]
    for script in scripts:
        await script.say(do="subscribe", topic="floor", bindings=[BINDING])
        await script.until("status")
    stream.close_tick(an_operation(1, text="before"))
    for script in scripts:
        await script.until("change")
    await asyncio.gather(*(_sign_in_again(script) for script in scripts))
    stream.close_tick(an_operation(2, text="after"))
    for script in scripts:
        assert "after" in str(await script.until("change"))
        assert await script.end() == 0


async def _sign_in_again(script: Script) -> None:
    """Have a token end, be refused with it, and get another one, as the session of an application is renewed."""
    for _ in range(2):
        assert "SUBSCRIBED" not in (await script.until("status"))["status"]
    await script.say(do="token", token=a_token("bert"))
    while "SUBSCRIBED" not in (await script.until("status"))["status"]:
        pass


@pytest.mark.parametrize("package", ["@supabase/realtime-js", "realtime-js-old"])
async def test_a_hundred_channels_share_a_socket(open_gateway: Open, node: Run, stream: Stream, package: str) -> None:
    """Each hears what it asked for, and nothing of the others; they are joined in one burst."""
    place = await open_gateway(stream, topics_per_socket=100)
    script = await node("changes.js", package, place.url.removesuffix("/websocket"), KEY, a_token("bert"))
    for number in range(100):
        await script.say(do="subscribe", topic=f"order-{number}", bindings=[{**BINDING, "filter": f"id=eq.{number}"}])
    joined = {(await script.until("status", status="SUBSCRIBED"))["topic"] for _ in range(100)}
    assert joined == {f"order-{number}" for number in range(100)}
    stream.close_tick(*(an_operation(number) for number in range(100)))
    told = [await script.until("change") for _ in range(100)]
    assert [(each["topic"], each["payload"]["new"]["id"]) for each in told] == [
        (f"order-{number}", number) for number in range(100)
    ]
    assert await script.end() == 0
