"""`realtime:` topics: a channel joined as Supabase's clients join it, and what it is told of changes of tables."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.fixtures.gateway import (
    AT,
    NORTH,
    SOUTH,
    Open,
    Phone,
    Place,
    Stream,
    a_fact,
    a_grant,
    a_rule,
    a_shape,
    a_token,
    an_operation,
    readable,
)
from tests.fixtures.time import UNIT

from floorcast.change import TRACKED
from floorcast.operation import EVERYWHERE

ROOM = "realtime:floor"


@pytest.fixture
def stream() -> Stream:
    """Anna may be in north, Bert in both; equipment has no filterable columns but `id` and `text`."""
    return Stream().granting(anna={NORTH: "technician"}, bert={NORTH: "manager", SOUTH: "manager"})


def a_binding(event: str = "*", table: str | None = "work_orders", **more: object) -> dict[str, object]:
    """An element of `postgres_changes`, as realtime-js writes it."""
    return {"event": event, "schema": "public", "table": table, **more}


async def join(phone: Phone, *bindings: Mapping[str, object], topic: str = ROOM, **config: object) -> dict[str, Any]:
    """Join a channel; return the answer's payload."""
    payload = {"config": {"postgres_changes": list(bindings), **config}}
    await phone.ws.send(json.dumps(["1", "1", topic, "phx_join", payload]))
    event, answer = await hear(phone)
    assert event == "phx_reply"
    return dict(answer)


async def hear(phone: Phone) -> tuple[str, Any]:
    """Return event and payload of the next frame of a channel."""
    async with asyncio.timeout(5 * UNIT):
        frame = json.loads(await phone.ws.recv())
    return frame[3], frame[4]


async def data(phone: Phone) -> dict[str, Any]:
    """Return the next change that a channel is told, passing over what is said of the channel itself."""
    while True:
        event, payload = await hear(phone)
        if event == "postgres_changes":
            return {"ids": payload["ids"], **payload["data"]}


async def test_a_join_echoes_the_bindings_word_for_word_each_with_an_id(open_gateway: Open, stream: Stream) -> None:
    """Clients compare what they sent with what they get, and give up where it differs."""
    place = await open_gateway(stream)
    asked = [a_binding("insert"), {"event": "*", "schema": "public"}, a_binding(filter="id=eq.1"), a_binding("insert")]
    async with place.phone() as phone:
        answer = await join(phone, *asked)
        system = await hear(phone)
    echoed = answer["response"]["postgres_changes"]
    assert [{name: value for name, value in each.items() if name != "id"} for each in echoed] == asked
    ids = [each["id"] for each in echoed]
    assert all(isinstance(id_, int) and 0 < id_ < 2**27 for id_ in ids)
    assert ids[0] == ids[3]
    assert len(set(ids)) == 3
    assert (answer["response"]["position"], answer["response"]["incarnation"]) == ("0-0", "first")
    assert system == (
        "system",
        {
            "extension": "postgres_changes",
            "status": "ok",
            "message": "Subscribed to PostgreSQL",
            "channel": "floor",
        },
    )


async def test_a_change_is_one_message_with_the_ids_of_all_bindings_it_meets(
    open_gateway: Open, stream: Stream
) -> None:
    """Two bindings that overlap share it; the row is told as it was and as it is."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        answer = await join(phone, a_binding("UPDATE"), a_binding("*", filter="text=eq.new"), a_binding("DELETE"))
        ids = [each["id"] for each in answer["response"]["postgres_changes"]]
        old, new = b'{"id": 1, "text": "old"}', b'{"id": 1, "text": "new"}'
        stream.close_tick(an_operation(1, old=old, new=new))
        told = await data(phone)
    assert told == {
        "ids": ids[:2],
        "schema": "public",
        "table": "work_orders",
        "commit_timestamp": f"{AT[:23]}Z",
        "type": "UPDATE",
        "columns": [{"name": "id", "type": "int4"}, {"name": "text", "type": "text"}],
        "record": {"id": 1, "text": "new"},
        "old_record": {"id": 1, "text": "old"},
        "errors": None,
        "position": "1-1",
    }


async def test_inserts_and_deletes_are_told_with_the_row_there_was(open_gateway: Open, stream: Stream) -> None:
    """A delete can be filtered by any column, since the whole old row is known."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        await join(phone, a_binding("INSERT"), a_binding("DELETE", filter="text=eq.mine"))
        stream.close_tick(
            an_operation(1, op="enter", text="a"),
            an_operation(2, op="leave", text="theirs"),
            an_operation(3, op="leave", text="mine"),
        )
        inserted, deleted = await data(phone), await data(phone)
    assert (inserted["type"], inserted["record"]) == ("INSERT", {"id": 1, "text": "a"})
    assert "old_record" not in inserted
    assert (deleted["type"], deleted["old_record"]) == ("DELETE", {"id": 3, "text": "mine"})
    assert "record" not in deleted


async def test_somebody_is_told_of_all_his_warehouses_and_of_no_other(open_gateway: Open, stream: Stream) -> None:
    """The topic names none; a row that moves between two of his is one update."""
    place = await open_gateway(stream)
    async with place.phone("anna") as anna, place.phone("bert") as bert:
        await join(anna, a_binding())
        await join(bert, a_binding())
        stream.close_tick(
            an_operation(1, warehouse=SOUTH, text="south"),
            an_operation(2, text="north"),
            an_operation(3, warehouse=SOUTH, op="leave", by="update", text="moved"),
            an_operation(3, warehouse=NORTH, op="enter", by="update", text="moved"),
        )
        his = [await data(bert) for _ in range(3)]
        hers = [await data(anna) for _ in range(2)]
    assert [(told["type"], told["record"]["text"]) for told in his] == [
        ("UPDATE", "south"),
        ("UPDATE", "north"),
        ("UPDATE", "moved"),
    ]
    assert his[2]["old_record"] == {"id": 3, "text": "moved"}
    assert [told["record"]["text"] for told in hers] == ["north", "moved"]
    # What it was in the other warehouse is not her business.
    assert hers[1]["old_record"] == {"id": 3}


async def test_what_is_withdrawn_is_not_told_and_what_is_granted_is_told_after_its_tick(
    open_gateway: Open, stream: Stream
) -> None:
    """The tick that changes access brings only what was seen before it and is after; the channel goes on."""
    place = await open_gateway(stream)
    async with place.phone("bert") as phone:
        await join(phone, a_binding())
        stream.close_tick(
            an_operation(1, warehouse=SOUTH, text="too late"),
            a_grant("bert", SOUTH, None, 2, was="manager"),
            an_operation(3, text="still"),
        )
        assert (await data(phone))["record"]["text"] == "still"
        stream.close_tick(
            a_grant("bert", SOUTH, "manager", 1),
            an_operation(2, warehouse=SOUTH, text="too early"),
        )
        stream.close_tick(an_operation(1, warehouse=SOUTH, text="again"))
        assert (await data(phone))["record"]["text"] == "again"


async def test_a_row_that_leaves_a_filter_is_told_as_deleted_to_whoever_asked_for_that(
    open_gateway: Open, stream: Stream
) -> None:
    """Supabase says nothing then, and lists show what is not there any more; so do we, unless asked."""
    place = await open_gateway(stream)
    old, new = b'{"id": 1, "text": "open"}', b'{"id": 1, "text": "done"}'
    async with place.phone() as asking, place.phone() as silent:
        open_ones = a_binding(filter="text=eq.open")
        await join(asking, open_ones, postgres_changes_options={"leaves": "delete"})
        await join(silent, open_ones)
        stream.close_tick(an_operation(1, old=old, new=new))
        stream.close_tick(an_operation(2, text="open"))
        left = await data(asking)
        assert (left["type"], left["old_record"]) == ("DELETE", {"id": 1})
        assert (await data(asking))["record"]["id"] == 2
        assert (await data(silent))["record"]["id"] == 2


async def test_selected_columns_come_with_the_key(open_gateway: Open, stream: Stream) -> None:
    """Bindings that ask for different columns get a message each."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        answer = await join(phone, a_binding(select=["id"]), a_binding())
        ids = [each["id"] for each in answer["response"]["postgres_changes"]]
        stream.close_tick(an_operation(7, text="x"))
        told = sorted([await data(phone), await data(phone)], key=lambda each: ids.index(each["ids"][0]))
    assert (told[0]["record"], [each["name"] for each in told[0]["columns"]]) == ({"id": 7}, ["id"])
    assert told[1]["record"] == {"id": 7, "text": "x"}


async def test_what_cannot_be_served_is_said_and_harms_no_other_binding(open_gateway: Open, stream: Stream) -> None:
    """In the words of Supabase, which its users know."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        answer = await join(phone, a_binding(table="nothing"), a_binding(filter="text=is.5"), a_binding("UPDATE"))
        said = [await hear(phone), await hear(phone)]
        stream.close_tick(an_operation(1))
        told = await data(phone)
    assert answer["status"] == "ok"
    assert told["ids"] == [answer["response"]["postgres_changes"][2]["id"]]
    assert [payload["status"] for _, payload in said] == ["error", "error"]
    assert "Please check Realtime is enabled for the given connect parameters" in said[0][1]["message"]
    assert said[1][1]["message"].startswith("Error parsing `filter` params:")


async def _missed(place: Place, stream: Stream, resume: str) -> list[Any]:
    async with place.phone("bert") as phone:
        await join(phone, a_binding(), resume=resume)
        stream.close_tick(an_operation(9, text="live"))
        told: list[str] = []
        while not told or told[-1] != "live":
            event, payload = await hear(phone)
            if event == "postgres_changes":
                told.append(payload["data"]["record"]["text"])
            elif payload["extension"] == "floorcast":
                told.append(payload["message"])
        return told


async def test_a_table_that_begins_to_be_sent_is_told_to_whoever_waits_for_it(
    open_gateway: Open, stream: Stream
) -> None:
    """From the look at the catalogue on, which finds it protected; a tick alone, and its rule, bring nothing of it."""
    place = await open_gateway(stream)
    begins = a_fact(TRACKED, EVERYWHERE, {"table": "lathes", "tracked": True, "person": None})
    async with place.phone() as phone:
        await join(phone, a_binding(table=None))
        stream.close_tick(begins, a_rule(*readable("lathes")))
        await place.delivered(stream.close_tick(an_operation(1, table="lathes")))
        place.gateway.reshape({**stream.base.shapes, "lathes": a_shape("lathes")}, None)
        stream.close_tick(an_operation(2, table="lathes"))
        told = await data(phone)
    assert (told["table"], told["record"]["id"]) == ("lathes", 2)


async def test_a_channel_goes_on_behind_a_change_inside_a_tick(open_gateway: Open, stream: Stream) -> None:
    """What was missed comes first, once and in order, then what is live."""
    place = await open_gateway(stream)
    stream.close_tick(an_operation(1, text="a"), an_operation(2, text="b"), an_operation(3, SOUTH, text="c"))
    stream.close_tick(an_operation(1, text="d"))
    await place.delivered(2)
    assert await _missed(place, stream, "first/1-2") == ["c", "d", "live"]
    assert await _missed(place, stream, "first/0-0") == ["a", "b", "c", "d", "live"]


@pytest.mark.parametrize("page_size", [1, 2, 1000])
async def test_a_channel_goes_on_behind_a_tick_too_large_to_hold(
    open_gateway: Open, stream: Stream, page_size: int
) -> None:
    """It is read back from the trail in pages: each change once, in its order, wherever it is seen."""
    stream.granting(
        carl={SOUTH: "technician"}, anna={NORTH: "technician"}, bert=dict.fromkeys((NORTH, SOUTH), "manager")
    )
    stream.page_size = page_size
    place = await open_gateway(stream)
    stream.close_tick(
        an_operation(1, text="a"),
        an_operation(2, "user:carl", text="b"),
        an_operation(3, SOUTH, text="c"),
        an_operation(4, "organization:quarry", text="d"),
        an_operation(5, text="e"),
        large=True,
    )
    await place.delivered(1)
    assert await _missed(place, stream, "first/0-0") == ["a", "b", "c", "d", "e", "live"]


@pytest.mark.parametrize(("resume", "reason"), [("other/1-0", "incarnation"), ("first/9x", "position")])
async def test_what_cannot_be_continued_is_said_and_the_channel_is_live(
    open_gateway: Open, stream: Stream, resume: str, reason: str
) -> None:
    """Never in silence: the application reads again what it shows."""
    place = await open_gateway(stream)
    gap, live = await _missed(place, stream, resume)
    assert gap == f"Changes may be missing ({reason}): read again what you show."
    assert live == "live"


async def test_a_token_that_ends_lets_the_client_join_again(open_gateway: Open, stream: Stream) -> None:
    """`phx_error`, not `phx_close`: behind that one clients stay closed for good."""
    place = await open_gateway(stream, token_grace_seconds=0)
    async with place.phone() as phone:
        await phone.ws.send(
            json.dumps(["1", "1", ROOM, "phx_join", {"config": {}, "access_token": a_token("anna", seconds=1)}])
        )
        await hear(phone)
        _, payload = await hear(phone)
        event, _ = await hear(phone)
    assert payload["message"].startswith("Token has expired")
    assert event == "phx_error"


async def test_a_second_join_takes_the_place_of_the_first(open_gateway: Open, stream: Stream) -> None:
    """Its end is told under its own ref; and every change comes once."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        await join(phone, a_binding())
        await hear(phone)
        await phone.ws.send(json.dumps(["2", "2", ROOM, "phx_join", {"config": {"postgres_changes": [a_binding()]}}]))
        frames = [json.loads(await phone.ws.recv()) for _ in range(3)]
        stream.close_tick(an_operation(1))
        await data(phone)
        assert await phone.silent(0.1)
    assert [(frame[0], frame[3]) for frame in frames] == [("1", "phx_close"), ("2", "phx_reply"), ("2", "system")]
