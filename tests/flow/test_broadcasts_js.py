"""Rooms with packages from npm, unmodified: today's, which speaks in binary frames, and a year-old one."""

from tests.fixtures.gateway import Open, Place, Stream, a_token
from tests.fixtures.guests import a_message
from tests.fixtures.scripts import Run, Script

TODAY, OLD = "@supabase/realtime-js", "realtime-js-old"


async def _enter(node: Run, place: Place, package: str, **broadcast: object) -> Script:
    script = await node("broadcasts.js", package, place.url.removesuffix("/websocket"), a_token("anna"))
    await script.say(do="subscribe", topic="floor", config={"broadcast": broadcast})
    await script.until("status", status="SUBSCRIBED")
    return script


async def test_clients_of_both_versions_hear_each_other_and_the_database(open_gateway: Open, node: Run) -> None:
    """In their callbacks, as they were said; who asks is told that it was taken."""
    stream = Stream()
    place = await open_gateway(stream)
    today, old = await _enter(node, place, TODAY, ack=True), await _enter(node, place, OLD, self=True)
    await today.say(do="say", name="raw", bytes=[0, 255])
    await today.until("said", answer="ok")
    await today.say(do="say", name="move", payload={"x": 1.5})
    assert await old.until("heard") == {"event": "heard", "name": "move", "payload": {"x": 1.5}}
    await old.say(do="say", name="answer", payload={"n": 2})
    assert (await old.until("heard"))["name"] == "answer"
    assert await today.until("heard") == {"event": "heard", "name": "answer", "payload": {"n": 2}}
    stream.close_tick(a_message(1, "news", '{"id": 1}'), a_message(2, "raw", None, binary="AP8="))
    assert await old.until("heard") == {"event": "heard", "name": "news", "payload": {"id": 1}, "meta": {"id": "id-1"}}
    assert (await today.until("heard"))["meta"] == {"id": "id-1"}
    assert await today.until("heard") == {"event": "heard", "name": "raw", "bytes": [0, 255], "meta": {"id": "id-2"}}
    assert [await today.end(), await old.end()] == [0, 0]
