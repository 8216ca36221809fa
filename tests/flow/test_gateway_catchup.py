"""Joinings that begin with a picture or behind a cursor, or fall behind: what they are sent until they are live."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.fixtures.gateway import (
    NORTH,
    QUARRY,
    SOUTH,
    Open,
    Phone,
    Place,
    Stream,
    a_fact,
    a_grant,
    a_rule,
    an_operation,
    readable,
)
from tests.fixtures.observed import Observed

from floorcast.change import TRACKED
from floorcast.errors import PicturesBusy
from floorcast.observe import CaughtUp
from floorcast.operation import EVERYWHERE


@pytest.fixture
def stream() -> Stream:
    """Anna may be in north, Bert too."""
    return Stream().granting(anna={NORTH: "technician"}, bert={NORTH: "technician"})


async def _join(phone: Phone, origin: str, **payload: object) -> dict[str, Any]:
    answer = await phone.join(**{"from": origin, **payload})
    assert answer["status"] == "ok", answer
    return answer["response"]  # type: ignore[no-any-return]


async def _cursor(place: Place, user: str = "anna", **payload: object) -> str:
    """The cursor of somebody who was here now."""
    async with place.phone(user) as phone:
        return str((await phone.join(**payload))["response"]["cursor"])


async def _until_live(phone: Phone) -> list[dict[str, Any]]:
    """Every `changes` until progress says that it is live; a tick that follows proves it."""
    found = []
    while True:
        event, payload = await phone.receive()
        if event == "progress":
            return found
        assert event == "changes", (event, payload)
        found.append(payload)


def _ids(frames: list[dict[str, Any]]) -> list[int]:
    return [change["key"]["id"] for frame in frames for change in frame["changes"]]


async def test_a_cursor_is_continued_in_the_answer_itself_when_little_was_missed(
    open_gateway: Open, stream: Stream, observed: Observed
) -> None:
    """Every tick, in order, once; then live, with no tick between."""
    stream.progress()
    place = await open_gateway(stream)
    cursor = await _cursor(place)
    stream.close_tick(an_operation(1), an_operation(2, SOUTH))
    stream.close_tick(an_operation(3, SOUTH))
    await place.delivered(stream.close_tick(an_operation(4), an_operation(5)))
    async with place.phone() as phone:
        assert (await _join(phone, cursor))["cursor"] > cursor
        stream.close_tick(an_operation(6))
        frames = [(await phone.receive())[1] for _ in range(2)]
        assert [frame["tick"] for frame in frames] == [1, 3]
        assert _ids(frames) == [1, 4, 5]
        assert (await phone.until("changes"))["tick"] == 4
    assert observed.of(CaughtUp)[-1] == CaughtUp("memory", 3)


async def test_what_the_gateway_does_not_remember_is_read_once_it_is_asked_for(
    open_gateway: Open, stream: Stream
) -> None:
    """A gateway that has just begun has no memory; ticks come from further back and end where it begins."""
    before = await open_gateway(stream)
    cursor = await _cursor(before)
    for number in range(1, 6):
        stream.close_tick(an_operation(number))
    place = await open_gateway(stream)
    place.past.stream.page_size = 2
    async with place.phone() as phone:
        assert (await _join(phone, cursor))["position"] == "0-0"
        stream.progress()
        frames = await _until_live(phone)
        assert _ids(frames) == [1, 2, 3, 4, 5]
        assert frames[-1]["cursor"] > cursor
        stream.close_tick(an_operation(9))
        assert (await phone.until("changes"))["tick"] == 6


async def test_the_newest_state_is_told_instead_of_every_change_if_it_is_asked_for(
    open_gateway: Open, stream: Stream
) -> None:
    """A row that came and went is not told, one that left is."""
    place = await open_gateway(stream)
    cursor = await _cursor(place)
    stream.close_tick(an_operation(1, text="a"), an_operation(2), an_operation(3, op="enter"))
    stream.close_tick(an_operation(1, text="b"), an_operation(2, op="leave"), an_operation(3, op="leave"))
    await place.delivered(stream.close_tick(an_operation(4, op="enter"), an_operation(1, text="c")))
    stream.progress()
    async with place.phone() as phone:
        await _join(phone, cursor, history="newest")
        event, payload = await phone.receive()
    assert (event, payload["tick"], payload["folded"]) == ("changes", 3, True)
    told = {change["key"]["id"]: (change["op"], change.get("new", {}).get("text")) for change in payload["changes"]}
    assert told == {1: ("update", "c"), 2: ("leave", None), 4: ("enter", "")}


@pytest.mark.parametrize(
    ("payload", "operations", "reason"),
    [
        ({"tables": ["equipment"]}, [], "filter"),
        ({}, [a_grant("anna", NORTH, None), a_grant("anna", NORTH, "viewer", 2)], "policy"),
        ({}, [a_rule(*readable("equipment", "viewer"))], "policy"),
        ({}, [a_rule(*readable("equipment", "viewer", "technician"))], "policy"),
        ({}, [a_fact(TRACKED, EVERYWHERE, {"table": "lathes", "tracked": True, "person": None})], "schema"),
        ({}, [an_operation(1, NORTH, "warehouses", new=b'{"organization_id":"harbour"}')], "policy"),
    ],
)
async def test_what_cannot_be_continued_exactly_is_read_again(
    open_gateway: Open, stream: Stream, payload: dict[str, Any], operations: list[Any], reason: str
) -> None:
    """With its reason; whoever asked for less, or may see something else, is not told what was under other terms."""
    was = {"organization_id": QUARRY}
    rows = [
        replace(each, old=str(was).replace("'", '"').encode()) if each.table == "warehouses" else each
        for each in operations
    ]
    place = await open_gateway(stream)
    cursor = await _cursor(place)
    await place.delivered(stream.close_tick(an_operation(1), *rows))
    async with place.phone() as phone:
        answer = await phone.join(**{"from": cursor, **payload})
    assert answer["status"] == "error"
    assert (answer["response"]["code"], answer["response"]["reason"]) == ("must_refetch", reason)


async def test_access_that_was_withdrawn_and_given_again_meanwhile_is_a_new_beginning(
    open_gateway: Open, stream: Stream
) -> None:
    """What happened between was not for him; a colleague goes on."""
    place = await open_gateway(stream)
    hers, his = await _cursor(place), await _cursor(place, "bert")
    stream.close_tick(a_grant("anna", NORTH, None, 1, "technician"))
    stream.close_tick(an_operation(2))
    await place.delivered(stream.close_tick(a_grant("anna", NORTH, "technician", 3)))
    async with place.phone() as anna, place.phone("bert") as bert:
        assert (await anna.join(**{"from": hers}))["response"]["reason"] == "policy"
        assert (await _join(bert, his))["position"] == "0-0"


async def test_a_cursor_of_another_history_or_of_the_future_or_of_long_ago_is_a_new_beginning(
    open_gateway: Open, stream: Stream
) -> None:
    """Whatever its number."""
    place = await open_gateway(stream)
    cursor = await _cursor(place)
    stream.close_tick(an_operation(1))
    await place.delivered(stream.close_tick(an_operation(1)))
    ahead = await _cursor(place)
    other = await open_gateway(replace(Stream().granting(anna={NORTH: "technician"}), incarnation="second"))
    late = await open_gateway(stream)
    late.past.kept_since = 2
    fresh = await open_gateway(Stream().granting(anna={NORTH: "technician"}))
    for where, origin, reason in ((other, cursor, "incarnation"), (late, cursor, "trimmed"), (fresh, ahead, "future")):
        async with where.phone() as phone:
            answer = await phone.join(**{"from": origin})
        assert (answer["status"], answer["response"]["reason"]) == ("error", reason)


async def test_what_is_no_cursor_is_refused(open_gateway: Open, stream: Stream) -> None:
    """With a word; the socket goes on."""
    place = await open_gateway(stream)
    cursor = await _cursor(place)
    async with place.phone() as phone:
        for origin in ("yesterday", cursor[:-1], cursor + "x", "f2." + "é" * 56, f"{cursor}.AAAA", 5):
            answer = await phone.join(**{"from": origin})
            assert answer["response"]["code"] in ("bad_cursor", "bad_join"), origin
        await _join(phone, cursor)


async def test_a_picture_comes_first_and_then_what_it_does_not_hold(open_gateway: Open, stream: Stream) -> None:
    """In parts, the last of which has the cursor; what happened while it was read follows."""
    stream.close_tick(an_operation(1))
    place = await open_gateway(stream)
    place.past.rows = {
        "work_orders": [{"id": number, "text": "x" * 1000} for number in range(300)],
        "equipment": [{"id": 1, "text": "Press"}],
        "secrets": [{"id": 1}],
    }
    place.past.may_read.clear()
    async with place.phone() as phone:
        await phone.send(f"warehouse:{NORTH}", "phx_join", {"from": "snapshot", "tables": ["work_orders", "equipment"]})
        await asyncio.wait_for(_until(lambda: place.past.asked), 5)
        place.past.snapshot = "710:710:"
        place.past.may_read.set()
        event, answer = await phone.receive()
        assert (event, answer["response"]["position"], answer["response"]["cursor"]) == ("phx_reply", "1-0", None)
        parts = [await phone.until("snapshot")]
        while not parts[-1]["end"]:
            parts.append(await phone.until("snapshot"))
        assert [part["part"] for part in parts] == list(range(1, len(parts) + 1))
        assert len(parts) > 2
        rows = [row["id"] for part in parts for row in part["rows"].get("work_orders", ())]
        assert rows == list(range(300))
        assert [row for part in parts for row in part["rows"].get("equipment", ())] == [{"id": 1, "text": "Press"}]
        assert parts[-1]["cursor"].startswith("f2.")
        # Transaction 705 is in the picture, 715 is not.
        stream.close_tick(replace(an_operation(2), xid=705), replace(an_operation(3), xid=715))
        stream.close_tick(replace(an_operation(4), xid=706), replace(an_operation(5), xid=716))
        stream.close_tick(replace(an_operation(6), xid=707))
        frames = [await phone.until("changes") for _ in range(3)]
        assert _ids(frames) == [3, 5, 6]


async def _until(ready: Any) -> None:
    while not ready():  # noqa: ASYNC110 — a plain value, asked for a moment
        await asyncio.sleep(0.005)


async def test_a_cursor_out_of_a_splice_knows_what_the_picture_held(open_gateway: Open, stream: Stream) -> None:
    """Whoever is cut off right behind his picture is not told again what was in it."""
    stream.close_tick(an_operation(1))
    place = await open_gateway(stream)
    place.past.snapshot = "710:710:"
    async with place.phone() as phone:
        await phone.join(**{"from": "snapshot"})
        cursor = (await phone.until("snapshot"))["cursor"]
    stream.close_tick(replace(an_operation(2), xid=705), replace(an_operation(3), xid=715))
    stream.close_tick(replace(an_operation(4), xid=706))
    await place.delivered(stream.close_tick(replace(an_operation(5), xid=720)))
    async with place.phone() as phone:
        await _join(phone, cursor)
        stream.progress()
        assert _ids(await _until_live(phone)) == [3, 5]


async def test_a_picture_that_cannot_be_read_now_is_refused_with_a_word(open_gateway: Open, stream: Stream) -> None:
    """The join is over, and may be tried again."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        place.past.failing = PicturesBusy("too many")
        assert (await phone.join(**{"from": "snapshot"}))["response"]["code"] == "too_busy"
        stream.postgres_away = True
        assert (await phone.join(**{"from": "snapshot"}))["response"]["code"] == "unavailable"
        stream.postgres_away, place.past.failing = False, None
        assert (await phone.join(**{"from": "snapshot"}))["status"] == "ok"


async def test_access_that_is_withdrawn_while_a_picture_is_read_ends_the_join(
    open_gateway: Open, stream: Stream
) -> None:
    """Not a row of it is sent."""
    place = await open_gateway(stream)
    place.past.rows = {"work_orders": [{"id": 1}]}
    place.past.may_read.clear()
    async with place.phone() as phone:
        await phone.send(f"warehouse:{NORTH}", "phx_join", {"from": "snapshot"})
        await asyncio.wait_for(_until(lambda: place.past.asked), 5)
        stream.close_tick(a_grant("anna", NORTH, None, 1, "technician"))
        event, answer = await phone.receive()
        assert (event, answer["response"]["code"]) == ("phx_reply", "forbidden")
        place.past.may_read.set()
        await place.delivered(stream.close_tick(an_operation()))
        assert await phone.silent()


async def test_a_large_tick_is_read_page_by_page_and_nobody_else_waits(open_gateway: Open, stream: Stream) -> None:
    """In parts with an explicit end; and what follows it comes after it."""
    stream.page_size = 2
    place = await open_gateway(stream)
    async with place.phone() as phone, place.phone("bert") as bert:
        await phone.join()
        await bert.join(tables=["equipment"])
        stream.close_tick(*(an_operation(number) for number in range(1, 6)), large=True)
        stream.close_tick(an_operation(9))
        stream.progress()
        frames = await _until_live(phone)
        assert [(frame["tick"], frame.get("end")) for frame in frames] == [
            (1, False),
            (1, False),
            (1, False),
            (1, True),
            (2, None),
        ]
        assert _ids(frames) == [1, 2, 3, 4, 5, 9]
        assert ["cursor" in frame for frame in frames] == [False, False, False, True, True]
        assert (await bert.receive())[0] == "progress"
