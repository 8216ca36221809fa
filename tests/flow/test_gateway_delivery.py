"""From a tick in the stream to frames at real sockets."""

import asyncio
import json
from typing import Any

import pytest
from tests.fixtures.gateway import AT, NORTH, SOUTH, Open, Stream, a_grant, a_rule, a_token, an_operation, readable
from tests.fixtures.observed import Observed
from tests.fixtures.time import UNIT

from floorcast.cursor import parse_cursor
from floorcast.observe import StreamBack, StreamLost


@pytest.fixture
def stream() -> Stream:
    """Anna may be in north, Bert in both."""
    return Stream().granting(anna={NORTH: "technician"}, bert={NORTH: "manager", SOUTH: "manager"})


async def test_a_join_is_answered_with_the_position_from_which_it_is_live(open_gateway: Open, stream: Stream) -> None:
    """Subscribed means live."""
    stream.close_tick(an_operation())
    place = await open_gateway(stream)
    async with place.phone() as phone:
        answer = await phone.join()
        assert parse_cursor(answer["response"].pop("cursor")).tick == 1
        assert answer == {
            "status": "ok",
            "response": {
                "position": "1-0",
                "incarnation": "first",
                "role": "technician",
                "tables": ["equipment", "work_orders"],
                "keys": {"equipment": ["id"], "work_orders": ["id"]},
            },
        }
        tick = stream.close_tick(an_operation(1, text="ä 1.50"), an_operation(2))
        event, payload = await phone.receive()
    assert event == "changes"
    assert (payload["tick"], payload["at"]) == (tick, AT)
    assert [change["key"]["id"] for change in payload["changes"]] == [1, 2]
    assert payload["changes"][0]["new"] == {"id": 1, "text": "ä 1.50"}


async def test_vsn_1_gets_objects_with_a_null_ref(open_gateway: Open, stream: Stream) -> None:
    """The Python client drops a push without the key `ref`."""
    place = await open_gateway(stream)
    async with place.phone(vsn="1.0.0") as phone:
        join = {"topic": "warehouse:north", "event": "phx_join", "payload": {}, "ref": 7}
        await phone.ws.send(json.dumps(join))
        reply = json.loads(await phone.ws.recv())
        stream.close_tick(an_operation())
        pushed = json.loads(await phone.ws.recv())
    assert reply["ref"] == 7
    assert reply["payload"]["status"] == "ok"
    assert pushed.keys() == {"topic", "event", "payload", "ref"}
    assert (pushed["event"], pushed["ref"]) == ("changes", None)


async def test_tables_that_were_not_asked_for_are_not_sent(open_gateway: Open, stream: Stream) -> None:
    """And a tick without any of them is no frame."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        await phone.join(tables=["equipment"])
        stream.close_tick(an_operation(1))
        stream.close_tick(an_operation(1), an_operation(2, table="equipment"))
        _, payload = await phone.receive()
    assert payload["tick"] == 2
    assert [change["table"] for change in payload["changes"]] == ["equipment"]


async def test_each_warehouse_gets_its_own_changes_only(open_gateway: Open, stream: Stream) -> None:
    """One tick, two warehouses, one socket in both and one in one."""
    place = await open_gateway(stream)
    async with place.phone("anna") as anna, place.phone("bert") as bert:
        await anna.join(NORTH)
        await bert.join(NORTH)
        await bert.join(SOUTH)
        stream.close_tick(an_operation(1, NORTH), an_operation(2, SOUTH))
        assert [change["key"]["id"] for change in (await anna.until("changes"))["changes"]] == [1]
        assert {(await bert.until("changes"))["changes"][0]["key"]["id"] for _ in range(2)} == {1, 2}
        assert await anna.silent()


async def test_access_withdrawn_in_a_tick_withholds_that_tick(open_gateway: Open, stream: Stream) -> None:
    """Revocations take effect before the tick's data; the client is told to forget and its topic ends."""
    place = await open_gateway(stream)
    async with place.phone("anna") as anna, place.phone("bert") as bert:
        await anna.join()
        await bert.join()
        stream.close_tick(an_operation(1), a_grant("anna", NORTH, None, 2))
        event, told = await anna.receive()
        assert (event, told["code"]) == ("revoked", "revoked")
        assert (await anna.receive())[0] == "phx_close"
        assert (await bert.receive())[0] == "changes"
        stream.close_tick(an_operation(1))
        assert await anna.silent()
        refused = await anna.join()
        assert refused["response"]["code"] == "forbidden"


async def test_access_granted_lets_in_from_the_next_tick_on(open_gateway: Open, stream: Stream) -> None:
    """A join succeeds as soon as it is granted."""
    place = await open_gateway(stream)
    async with place.phone("carl") as carl:
        assert (await carl.join())["response"]["code"] == "forbidden"
        tick = stream.close_tick(an_operation(1), a_grant("carl", NORTH, "technician", 2))
        await place.delivered(tick)
        assert (await carl.join())["response"]["position"] == f"{tick}-0"
        stream.close_tick(an_operation(5))
        assert (await carl.until("changes"))["changes"][0]["key"]["id"] == 5


async def test_progress_names_the_position_and_the_time(open_gateway: Open, stream: Stream) -> None:
    """So a kiosk can tell quiet from stale."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        await phone.join()
        assert not place.gateway.standing.is_fresh()
        tick = stream.close_tick(an_operation(1, SOUTH))
        stream.progress("2026-11-23T10:11:13+00:00")
        said = await phone.until("progress")
        assert (said["position"], said["at"]) == (f"{tick}-0", "2026-11-23T10:11:13+00:00")
        assert place.gateway.standing.is_fresh()


async def test_progress_is_heard_of_a_redis_that_counts_anew(open_gateway: Open, stream: Stream) -> None:
    """Emptied in silence, its signs of progress begin below the last one; an old one is not news."""
    place = await open_gateway(stream, progress_seconds=0.1)
    async with place.phone() as phone:
        await phone.join()
        for second in range(3):
            stream.progress(f"2026-11-23T10:11:1{second}+00:00")
        assert (await phone.until("progress"))["at"].startswith("2026-11-23T10:11:1")
        await asyncio.sleep(0.2)
        fresh_at = place.gateway.standing.fresh_at
        stream.entries.clear()
        await asyncio.sleep(0.3)
        assert place.gateway.standing.fresh_at == fresh_at
        stream.progress("2026-11-23T10:11:20+00:00")
        while (await phone.until("progress"))["at"] != "2026-11-23T10:11:20+00:00":
            pass


async def test_a_clock_that_was_set_back_does_not_silence_progress(open_gateway: Open, stream: Stream) -> None:
    """For the hour that it takes to come back, all screens would be stale."""
    place = await open_gateway(stream, progress_seconds=0.1)
    async with place.phone() as phone:
        await phone.join()
        stream.progress("2026-11-23T10:11:10+00:00")
        assert (await phone.until("progress"))["at"] == "2026-11-23T10:11:10+00:00"
        for at in ("2026-11-23T09:11:11+00:00", "2026-11-23T09:11:12+00:00"):
            # No sooner than its rhythm allows.
            await asyncio.sleep(0.15)
            stream.progress(at)
            assert (await phone.until("progress"))["at"] == at


async def test_a_tick_that_is_missing_in_the_feed_is_read_from_postgres(open_gateway: Open, stream: Stream) -> None:
    """Never skipped, whole and in order."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        await phone.join()
        stream.close_tick(an_operation(1))
        stream.close_tick(an_operation(2), published=False)
        stream.close_tick(an_operation(3), published=False)
        stream.close_tick(an_operation(4))
        ticks = [(await phone.until("changes"))["tick"] for _ in range(4)]
        assert await phone.silent()
    assert ticks == [1, 2, 3, 4]


async def test_an_entry_that_comes_twice_is_delivered_once(open_gateway: Open, stream: Stream) -> None:
    """Whatever Redis does with its ids."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        await phone.join()
        stream.close_tick(an_operation(1))
        stream.close_tick(an_operation(2))
        stream.entries.insert(1, stream.entries[0])
        assert [(await phone.until("changes"))["tick"] for _ in range(2)] == [1, 2]
        assert await phone.silent()


async def test_redis_that_comes_back_empty_loses_nothing(
    open_gateway: Open, stream: Stream, observed: Observed
) -> None:
    """The feed begins anew further on; what lies between is read from Postgres."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        await phone.join()
        stream.redis_away = True
        stream.entries.clear()
        stream._news.set()
        await observed.wait_for(StreamLost)
        stream.close_tick(an_operation(1), published=False)
        stream.close_tick(an_operation(2))
        stream.redis_away = False
        await observed.wait_for(StreamBack)
        assert [(await phone.until("changes"))["tick"] for _ in range(2)] == [1, 2]


async def test_another_history_ends_every_topic_with_its_reason(open_gateway: Open, stream: Stream) -> None:
    """The same tick numbers of another history are never taken for ours."""
    stream.close_tick(an_operation(1))
    place = await open_gateway(stream)
    async with place.phone() as phone:
        await phone.join()
        stream.incarnation = "second"
        stream.ticks.clear()
        stream.entries.clear()
        stream.close_tick(an_operation(1))
        stream.close_tick(an_operation(2))
        told = await phone.until("must_refetch")
        assert (told["reason"], told["code"]) == ("incarnation", "must_refetch")
        assert (await phone.receive())[0] == "phx_error"
        rejoined = (await phone.join())["response"]
        assert (rejoined["incarnation"], rejoined["position"]) == ("second", "2-0")


async def test_a_postgres_that_comes_back_as_it_was_yesterday_is_not_read_by_numbers(
    open_gateway: Open, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went away between a doubt and its answer: the same incarnation, the same numbers, and other ticks."""
    since = stream.since

    async def answer_and_go(tick: int, limit: int) -> Any:
        found = await since(tick, limit)
        stream.postgres_away = stream.postgres_away or len(found[1]) > 1
        return found

    place = await open_gateway(stream)
    async with place.phone() as phone:
        await phone.join()
        monkeypatch.setattr(stream, "since", answer_and_go)
        stream.close_tick(an_operation(1), published=False)
        stream.close_tick(an_operation(2))
        async with asyncio.timeout(5 * UNIT):
            while not stream.postgres_away:  # noqa: ASYNC110 — a plain value, asked for a moment
                await asyncio.sleep(0.005)
        stream.ticks.clear()
        stream.entries.clear()
        # The name of the history stays, as the row that has it is restored too.
        stream.incarnation = "restored"
        stream.close_tick(an_operation(7), published=False)
        stream.incarnation = "first"
        monkeypatch.undo()
        stream.postgres_away = False
        event, told = await phone.receive()
        assert (event, told["reason"]) == ("must_refetch", "incarnation")


async def test_too_many_missing_ticks_end_topics_as_trimmed(open_gateway: Open, stream: Stream) -> None:
    """Past a thousand, reading the picture again is less work for everybody."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        await phone.join()
        for _ in range(1_001):
            stream.close_tick(an_operation(1), published=False)
        stream.close_tick(an_operation(1))
        assert (await phone.until("must_refetch"))["reason"] == "trimmed"
        assert (await phone.until("phx_error")) == {}
        assert (await phone.join())["response"]["position"] == "1002-0"


async def test_a_feed_that_is_far_ahead_is_read_and_not_doubted(open_gateway: Open, stream: Stream) -> None:
    """A gateway that was stopped for some seconds goes on from the feed, which has everything."""
    place = await open_gateway(stream)
    async with place.phone() as phone:
        await phone.join()
        stream.redis_away = True
        for number in range(1_500):
            stream.close_tick(an_operation(number))
        stream.postgres_away = True
        stream.redis_away = False
        ticks = [(await phone.until("changes"))["tick"] for _ in range(1_500)]
    assert ticks == list(range(1, 1_501))


async def test_what_is_finished_does_not_wait_for_postgres(open_gateway: Open, stream: Stream) -> None:
    """A doubt about the next tick is none about this one; and who joins meanwhile is live after it."""
    place = await open_gateway(stream)
    async with place.phone("anna") as anna, place.phone("carl") as carl:
        await anna.join()
        stream.postgres_away = True
        stream.close_tick(an_operation(1), a_grant("carl", NORTH, "technician", 2), published=False)
        stream.close_tick(an_operation(2), published=False)
        stream.close_tick(an_operation(3), published=False)
        stream.publish_together(stream.ticks[0], stream.ticks[2])
        assert (await anna.until("changes"))["tick"] == 1
        assert (await carl.join())["response"]["position"] == "1-0"
        stream.postgres_away = False
        assert [(await anna.until("changes"))["tick"] for _ in range(2)] == [2, 3]
        assert [(await carl.until("changes"))["tick"] for _ in range(2)] == [2, 3]


async def test_a_large_tick_of_a_warehouse_that_nobody_watches_is_not_read(open_gateway: Open, stream: Stream) -> None:
    """Its access is settled and its number counts; its rows stay where they are."""
    place = await open_gateway(stream)
    async with place.phone("anna") as anna:
        await anna.join(NORTH)
        stream.close_tick(*(an_operation(n, SOUTH) for n in range(1, 51)), large=True)
        stream.close_tick(an_operation(7))
        assert (await anna.until("changes"))["tick"] == 2
    assert stream.pages_read == 0


async def test_a_large_tick_comes_in_parts_with_an_end(open_gateway: Open, stream: Stream) -> None:
    """And whoever loses access in its last row gets none of it."""
    stream.page_size = 100
    place = await open_gateway(stream)
    rows = [an_operation(n) for n in range(1, 251)]
    async with place.phone("bert") as bert, place.phone("anna") as anna:
        await anna.join()
        await bert.join()
        stream.close_tick(*rows, a_grant("anna", NORTH, None, 251), large=True)
        assert (await anna.receive())[0] == "revoked"
        parts = [await bert.until("changes") for _ in range(4)]
        assert [(part["part"], part["end"]) for part in parts] == [(1, False), (2, False), (3, False), (4, True)]
        assert [change["key"]["id"] for part in parts for change in part["changes"]] == list(range(1, 251))
        assert (await anna.receive())[0] == "phx_close"
        assert await anna.silent()
        stream.close_tick(an_operation(1))
        assert "part" not in await bert.until("changes")


async def test_a_rule_at_the_end_of_a_large_tick_is_settled_before_its_first_row(
    open_gateway: Open, stream: Stream
) -> None:
    """Nobody is sent a row of it that is not for him any more; whom the rule does not concern gets all of it."""
    place = await open_gateway(stream)
    rule = a_rule(*readable("work_orders", "manager"), 101)
    async with place.phone("bert") as bert, place.phone("anna") as anna:
        await anna.join()
        await bert.join()
        stream.close_tick(*(an_operation(n) for n in range(1, 101)), rule, large=True)
        event, told = await anna.receive()
        assert (event, told["reason"]) == ("must_refetch", "policy")
        assert (await anna.receive())[0] == "phx_error"
        assert len((await bert.until("changes"))["changes"]) == 100
        assert (await anna.join(tables=["work_orders"]))["response"]["code"] == "unknown_table"
        assert (await anna.join())["response"]["tables"] == ["equipment"]


async def test_postgres_away_at_the_start_refuses_joins_until_it_is_there(open_gateway: Open, stream: Stream) -> None:
    """Not ready is an answer; the socket stays."""
    stream.postgres_away = True
    place = await open_gateway(stream)
    async with place.phone() as phone:
        assert (await phone.join())["response"]["code"] == "not_ready"
        assert not place.gateway.standing.ready
        stream.postgres_away = False
        async with asyncio.timeout(5):
            while not place.gateway.standing.ready:  # noqa: ASYNC110 — a plain value, asked for a moment
                await asyncio.sleep(0.01)
        assert (await phone.join())["status"] == "ok"


async def test_a_trusted_server_joins_any_warehouse_that_exists(open_gateway: Open, stream: Stream) -> None:
    """And none that does not; a stranger learns no difference between absent and forbidden."""
    place = await open_gateway(stream)
    async with place.phone(token=a_token("robot", "service_role")) as robot:
        assert (await robot.join(SOUTH))["response"]["role"] == "service_role"
        assert (await robot.join("east"))["response"]["code"] == "forbidden"
    async with place.phone(token=a_token("nobody", "anon")) as anon:
        assert (await anon.join(NORTH))["response"]["code"] == "forbidden"
