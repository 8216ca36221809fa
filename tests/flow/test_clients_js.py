"""Packages from npm, unmodified, against a gateway."""

import pytest
from tests.fixtures.gateway import NORTH, SOUTH, Open, Place, Stream, a_grant, a_token, an_operation
from tests.fixtures.scripts import Run, Script

PACKAGES = ["@supabase/realtime-js", "realtime-js-old", "@supabase/supabase-js"]


@pytest.fixture
def stream() -> Stream:
    """Anna may be in north, Bert in both."""
    return Stream().granting(anna={NORTH: "technician"}, bert={NORTH: "manager", SOUTH: "manager"})


async def _start(node: Run, place: Place, package: str, user: str) -> Script:
    """Start a front end as it is deployed: with the project's key, and the token of whoever has signed in."""
    url = place.url.removesuffix("/websocket")
    return await node("changes.js", package, url, a_token(role="anon", sub=None, aud=None), a_token(user))


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


@pytest.mark.parametrize("package", PACKAGES)
async def test_changes_arrive_in_the_callbacks_of_the_bindings_they_meet(
    open_gateway: Open, node: Run, stream: Stream, package: str
) -> None:
    """A front end that names no warehouse and knows only this API."""
    place = await open_gateway(stream)
    script = await _start(node, place, package, "bert")
    bindings = [
        {"event": "*", "schema": "public", "table": "work_orders"},
        {"event": "UPDATE", "schema": "public", "table": "equipment", "filter": "text=eq.down"},
        {"event": "DELETE", "schema": "public", "table": "work_orders"},
    ]
    await script.say(do="subscribe", topic="floor", bindings=bindings)
    await script.until("status", topic="floor", status="SUBSCRIBED")
    stream.close_tick(
        an_operation(1, SOUTH, op="enter", text="made"),
        an_operation(2, table="equipment", text="up"),
        an_operation(3, table="equipment", text="down"),
        an_operation(4, op="leave", text="gone"),
    )
    told = [await script.until("change") for _ in range(4)]
    assert [(each["binding"], each["payload"]["eventType"]) for each in told] == [
        (0, "INSERT"),
        (1, "UPDATE"),
        (0, "DELETE"),
        (2, "DELETE"),
    ]
    assert told[0]["payload"]["new"] == {"id": 1, "text": "made"}
    assert told[1]["payload"]["old"] == {"id": 3, "text": "down"}
    assert told[3]["payload"]["old"] == {"id": 4, "text": "gone"}
    assert await script.end() == 0


@pytest.mark.parametrize("package", PACKAGES[:2])
async def test_a_client_goes_on_after_its_access_and_its_token_changed(
    open_gateway: Open, node: Run, stream: Stream, package: str
) -> None:
    """Nothing of a warehouse that was withdrawn; a newer token is taken in silence."""
    place = await open_gateway(stream)
    script = await _start(node, place, package, "bert")
    await script.say(do="subscribe", topic="floor", bindings=[{"event": "*", "schema": "public"}])
    await script.until("status", topic="floor", status="SUBSCRIBED")
    stream.close_tick(a_grant("bert", SOUTH, None, 1, was="manager"))
    await script.say(do="token", token=a_token("bert", seconds=7200))
    await script.until("token")
    stream.close_tick(an_operation(1, SOUTH, text="not his"), an_operation(2, text="his"))
    told = await script.until("change")
    assert told["payload"]["new"] == {"id": 2, "text": "his"}
    assert await script.end() == 0
