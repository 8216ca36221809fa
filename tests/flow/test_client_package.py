"""The npm package of clients/js against a gateway: the plug-in for Supabase's clients, and the view of a warehouse."""

from typing import Any

import pytest
from tests.fixtures.gateway import NORTH, SOUTH, Open, Stream, a_grant, a_token, an_operation
from tests.fixtures.proxy import OpenLink
from tests.fixtures.scripts import Run, Script

PACKAGES = ["@supabase/realtime-js", "realtime-js-old", "@supabase/supabase-js"]
BINDINGS = [{"event": "*", "schema": "public", "table": "work_orders"}]
ENDPOINT = "/realtime/v1/websocket"


@pytest.fixture
def stream() -> Stream:
    """Bert is the manager of both."""
    return Stream().granting(bert={NORTH: "manager", SOUTH: "manager"})


@pytest.mark.parametrize("package", PACKAGES)
async def test_with_the_plug_in_a_channel_misses_nothing_and_hears_nothing_twice(
    open_gateway: Open, node: Run, proxy: OpenLink, stream: Stream, package: str
) -> None:
    """The line is cut twice while changes are written, once inside a transaction that it had a part of."""
    place = await open_gateway(stream)
    link = await proxy(place.url)
    url = link.url.removesuffix("/websocket")
    # A session is supabase-js's own affair: without one it comes back with the key that it was given.
    script = await node("changes.js", package, url, a_token("bert"), a_token("bert"), "resuming")
    await script.say(do="subscribe", topic="floor", bindings=BINDINGS)
    await script.until("status", status="SUBSCRIBED")
    stream.close_tick(an_operation(1))
    told = [await _number(script)]
    for cut in (1, 2):
        await link.cut()
        await place.delivered(stream.close_tick(an_operation(10 * cut), an_operation(10 * cut + 1, SOUTH)))
        stream.close_tick(an_operation(10 * cut + 2))
        await link.heal()
        told += [await _number(script) for _ in range(3)]
        stream.close_tick(an_operation(10 * cut + 3))
        told.append(await _number(script))
    assert told == [1, 10, 11, 12, 13, 20, 21, 22, 23]

    # Who leaves and comes again begins anew.
    await script.say(do="unsubscribe", topic="floor")
    await script.until("unsubscribed")
    await place.delivered(stream.close_tick(an_operation(30)))
    await script.say(do="subscribe", topic="floor", bindings=BINDINGS)
    await script.until("status", status="SUBSCRIBED")
    stream.close_tick(an_operation(31))
    assert await _number(script) == 31
    assert await script.end() == 0


async def _number(script: Script) -> int:
    told = await script.until("change")
    number: int = told["payload"]["new"]["id"]
    return number


async def test_a_view_has_the_picture_and_every_change_wherever_the_line_breaks(
    open_gateway: Open, node: Run, proxy: OpenLink, stream: Stream
) -> None:
    """And goes on from its cursor, also when it is closed and opened again: one picture is enough."""
    place = await open_gateway(stream)
    place.past.rows = {"work_orders": [{"id": 1, "text": "first"}, {"id": 2, "text": "second"}]}
    link = await proxy(place.url)
    script = await _follow(node, link.url)
    assert await script.until("picture") == {
        "event": "picture",
        "at": "2026-11-23T10:11:12.345678+00:00",
        "kept": False,
    }
    await script.until("fresh", state="live")

    stream.close_tick(
        an_operation(1, text="changed"), an_operation(2, op="leave"), an_operation(3, op="enter", text="new")
    )
    assert [each["op"] for each in (await script.until("changes"))["changes"]] == ["update", "leave", "enter"]
    assert await _rows(script) == [[1, "changed"], [3, "new"]]

    await link.cut()
    await script.until("fresh", state="reconnecting")
    await place.delivered(stream.close_tick(an_operation(3, op="leave")))
    stream.close_tick(an_operation(4, op="enter", text="meanwhile"))
    await link.heal()
    assert [(await script.until("changes"))["tick"] for _ in range(2)] == [2, 3]
    stream.progress("2026-11-23T10:20:00+00:00")
    await script.until("fresh", state="live")
    assert await _rows(script) == [[1, "changed"], [4, "meanwhile"]]

    await script.say(do="close")
    await script.until("closed")
    await place.delivered(stream.close_tick(an_operation(1, op="leave")))
    await script.say(do="follow", warehouse=NORTH, asked={"tables": ["work_orders"]})
    assert (await script.until("picture"))["kept"]
    assert (await script.until("changes"))["tick"] == 4
    assert await _rows(script) == [[4, "meanwhile"]]
    assert len(place.past.asked) == 1
    assert await script.end() == 0


async def test_a_view_begins_anew_where_it_must_and_forgets_what_is_withdrawn(
    open_gateway: Open, node: Run, proxy: OpenLink, stream: Stream
) -> None:
    """A cursor that is not continued is followed by another picture; without access nothing is left, kept or shown."""
    place = await open_gateway(stream, memory_bytes=1_048_576)
    place.past.rows = {"work_orders": [{"id": 1, "text": "first"}]}
    link = await proxy(place.url)
    script = await _follow(node, link.url)
    await script.until("picture", kept=False)
    await link.cut()
    # More than the gateway remembers.
    for number in range(2, 6):
        await place.delivered(stream.close_tick(an_operation(number, op="enter", text="x" * 400_000)))
    place.past.kept_since = stream.tick
    place.past.rows = {"work_orders": [{"id": 2, "text": "read"}]}
    await link.heal()
    await script.until("picture", kept=False)
    assert await _rows(script) == [[2, "read"]]

    # What is kept on the device by now goes with the access.
    await script.say(do="close")
    await script.until("closed")
    await script.say(do="follow", warehouse=NORTH, asked={"tables": ["work_orders"]})
    assert (await script.until("picture"))["kept"]
    stream.progress("2026-11-23T10:20:00+00:00")
    await script.until("fresh", state="live")
    stream.close_tick(a_grant("bert", NORTH, None, 1, was="manager"))
    assert (await script.until("ended"))["why"] == "revoked"
    assert await _rows(script) == []
    await script.say(do="close")
    await script.until("closed")
    await script.say(do="follow", warehouse=NORTH, asked={"tables": ["work_orders"]})
    # Had anything been kept, it would be shown before the answer.
    assert (await script.hear())["event"] == "ended"
    assert await script.end() == 0


async def _follow(node: Run, url: str) -> Script:
    script = await node("view.js", url.removesuffix(ENDPOINT), a_token("bert"))
    await script.say(do="follow", warehouse=NORTH, asked={"tables": ["work_orders"]})
    return script


async def _rows(script: Script) -> list[Any]:
    """Return key and text of each work order."""
    await script.say(do="rows", table="work_orders")
    said = await script.until("rows")
    return [[key, row["text"]] for key, row in said["rows"]]
