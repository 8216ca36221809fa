"""Supabase's client for Python from PyPI, unmodified, against a gateway."""

import pytest
from tests.fixtures.gateway import NORTH, SOUTH, Open, Stream, a_token, an_operation
from tests.fixtures.guests import a_message
from tests.fixtures.scripts import Run


@pytest.mark.parametrize("which", ["today", "old"])
async def test_changes_arrive_in_the_callbacks_of_the_bindings_they_meet(
    open_gateway: Open, python_client: Run, which: str
) -> None:
    """It checks every message against its own model, and drops what does not fit."""
    stream = Stream().granting(bert={NORTH: "manager", SOUTH: "manager"})
    place = await open_gateway(stream)
    key = a_token(role="anon", sub=None, aud=None)
    script = await python_client("changes.py", which, place.url.removesuffix("/websocket"), key, a_token("bert"))
    bindings = [
        {"event": "*", "table": "work_orders"},
        {"event": "UPDATE", "table": "equipment", "filter": "text=eq.down"},
    ]
    await script.say(do="subscribe", topic="floor", bindings=bindings)
    await script.until("status", error=None)
    stream.close_tick(
        an_operation(1, SOUTH, op="enter", text="made"),
        an_operation(2, table="equipment", text="up"),
        an_operation(3, table="equipment", text="down"),
        an_operation(4, op="leave", text="gone"),
    )
    told = [await script.until("change") for _ in range(3)]
    data = [each["payload"].get("data", each["payload"]) for each in told]
    assert [each["binding"] for each in told] == [0, 1, 0]
    assert data[0]["record"] == {"id": 1, "text": "made"}
    assert data[1]["old_record"] == {"id": 3, "text": "down"}
    assert data[2]["old_record"] == {"id": 4, "text": "gone"}
    assert await script.end() == 0


@pytest.mark.parametrize("which", ["today", "old"])
async def test_what_is_said_in_a_room_arrives_in_the_callback_of_its_event(
    open_gateway: Open, python_client: Run, which: str
) -> None:
    """Its own words where it asks for them, and the database's."""
    stream = Stream()
    place = await open_gateway(stream)
    script = await python_client("broadcasts.py", which, place.url.removesuffix("/websocket"), a_token("bert"))
    config = {"broadcast": {"self": True, "ack": False}, "presence": {"key": ""}, "private": False}
    await script.say(do="subscribe", topic="floor", names=["own", "news"], config=config)
    await script.until("status", error=None)
    await script.say(do="say", name="own", payload={"x": 1.5})
    own = await script.until("heard")
    stream.close_tick(a_message(1, "news", '{"n": 2}'))
    news = await script.until("heard")
    assert [(each["name"], each["told"]["payload"]) for each in (own, news)] == [
        ("own", {"x": 1.5}),
        ("news", {"n": 2}),
    ]
    assert await script.end() == 0
