"""Who is present, at real sockets of two gateways that share a Redis."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.fixtures.gateway import NORTH, SOUTH, Open, Place, Stream, a_base, a_grant, an_operation, readable
from tests.fixtures.present import Watching, counted

from floorcast.stream.presence import PresenceBoard

ORDER = "0e5a2063-6c58-4be8-8a79-3b4886e42e09"
PEOPLE = {"anna": "technician", "bert": "technician", "carl": "manager", "guest": "viewer"}


@pytest.fixture
def stream() -> Stream:
    """Everybody may be in north; work orders are not for viewers."""
    policy = (readable("work_orders", "technician", "manager"), readable("equipment"))
    stream = Stream(base=a_base(policy=policy)).granting(**{name: {NORTH: role} for name, role in PEOPLE.items()})
    stream.granting(**{**stream.base.grants, "anna": {NORTH: "technician", SOUTH: "technician"}})
    return stream


@pytest.fixture
async def boards(redis_url: str) -> AsyncIterator[tuple[PresenceBoard, ...]]:
    """Two ends of one Redis, closed after whoever speaks there has ended."""
    async with contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(contextlib.aclosing(PresenceBoard(redis_url))) for _ in range(2)]
        yield tuple(opened)


@pytest.fixture
async def gateways(boards: tuple[PresenceBoard, ...], open_gateway: Open, stream: Stream) -> tuple[Place, Place]:
    """Two gateways."""
    first, second = [await open_gateway(stream, board=board) for board in boards]
    return first, second


@contextlib.asynccontextmanager
async def _come(place: Place, user: str, **payload: Any) -> AsyncIterator[Watching]:
    async with place.phone(user) as phone:
        answer = await phone.join(**{"presence": {"meta": {}}, **payload})
        assert answer["status"] == "ok", answer
        yield Watching(phone)


async def test_people_of_two_gateways_see_each_other(gateways: tuple[Place, Place]) -> None:
    """Two look at this order; one of them closes the lid of his laptop."""
    one, two = gateways
    async with _come(one, "anna") as anna, _come(two, "bert", presence={"meta": {"screen": "board"}}) as bert:
        assert (await anna.track(work_order=ORDER))["status"] == "ok"
        await bert.until({"anna": [{"work_order": ORDER}, {}], "bert": [{"screen": "board"}]})
        assert (await bert.track(work_order=ORDER.upper(), editing=True))["status"] == "ok"
        expected = {
            "anna": [{"work_order": ORDER}, {}],
            "bert": [{"editing": True, "work_order": ORDER}, {"screen": "board"}],
        }
        await anna.until(expected)
        async with _come(two, "anna", presence={"meta": {"tab": 2}}) as tab:
            await tab.until({**expected, "anna": [{"tab": 2}, {"work_order": ORDER}, {}]})
            assert tab.frames[0][0] == "presence_state"
        await anna.until(expected)
        await bert.phone.ws.close()
        await anna.until({"anna": [{"work_order": ORDER}, {}]})


async def test_the_answer_says_whether_one_is_shown(gateways: tuple[Place, Place]) -> None:
    """Before anything of presence is sent; what is not understood is refused."""
    async with gateways[0].phone() as phone:
        assert (await phone.join(presence={"meta": {}}))["response"]["presence"] == {"tracked": True}
    async with gateways[0].phone() as phone:
        assert (await phone.join(presence=True))["response"]["presence"] == {"tracked": False}
    async with gateways[0].phone() as phone:
        assert "presence" not in (await phone.join())["response"]
        assert (await Watching(phone).track())["response"]["code"] == "bad_presence"
        await phone.send(f"warehouse:{SOUTH}", "phx_join", {"presence": 7})
        assert (await phone.until("phx_reply"))["response"]["code"] == "bad_presence"
        await phone.send("warehouse:unheard-of", "presence", {"type": "presence", "event": "untrack"})
        assert (await phone.until("phx_reply"))["response"]["code"] == "unmatched_topic"


async def test_who_does_not_read_work_orders_sees_nobody_at_them(gateways: tuple[Place, Place]) -> None:
    """Nor does who joined other tables only; nor may they be there."""
    one, two = gateways
    async with (
        _come(one, "guest") as guest,
        _come(two, "bert", tables=["equipment"]) as bert,
        _come(two, "anna") as anna,
    ):
        everybody: dict[str, list[Any]] = {"anna": [{}], "bert": [{}], "guest": [{}]}
        await guest.until(everybody)
        await anna.track(work_order=ORDER)
        await anna.track(last=True)
        for watching in (guest, bert):
            await watching.until({**everybody, "anna": [{"last": True}]})
            assert ORDER not in str(watching.frames)
            assert (await watching.track(work_order=ORDER))["response"]["code"] == "bad_presence"


async def test_whose_access_is_withdrawn_is_gone_and_is_shown_nothing_more(
    gateways: tuple[Place, Place], stream: Stream
) -> None:
    """With the tick that withdraws it."""
    one, two = gateways
    async with _come(one, "anna") as anna, _come(two, "bert") as bert:
        await anna.until({"anna": [{}], "bert": [{}]})
        await bert.until({"anna": [{}], "bert": [{}]})
        stream.close_tick(a_grant("bert", NORTH, None))
        assert (await bert.phone.receive())[0] == "revoked"
        assert (await bert.phone.receive())[0] == "phx_close"
        await anna.until({"anna": [{}]})
        await anna.track(screen="stock")
        await anna.until({"anna": [{"screen": "stock"}]})
        assert await bert.phone.silent()


async def test_who_has_to_read_again_does_not_flicker(gateways: tuple[Place, Place], stream: Stream) -> None:
    """His role changed: he is sent to join again, does so, and nobody saw him go."""
    one, two = gateways
    async with _come(one, "anna") as anna, _come(two, "bert") as bert:
        await anna.until({"anna": [{}], "bert": [{}]})
        stream.close_tick(a_grant("bert", NORTH, "manager", was="technician"))
        await bert.phone.until("phx_error")
        answer = await bert.phone.join(presence={"meta": {}}, **{"from": "snapshot"})
        assert answer["status"] == "ok"
        await bert.phone.until("presence_state")
        frames = len(anna.frames)
        await anna.track(screen="stock")
        await anna.until({"anna": [{"screen": "stock"}], "bert": [{}]})
        assert not [payload for event, payload in anna.frames[frames:] if "bert" in str(payload.get("leaves", ""))]


async def test_nothing_of_presence_comes_before_the_answer_of_a_join_that_waits(gateways: tuple[Place, Place]) -> None:
    """It waits for its picture; the others see it meanwhile."""
    one, two = gateways
    two.past.may_read.clear()
    async with _come(one, "anna") as anna, two.phone("bert") as phone:
        await phone.send(f"warehouse:{NORTH}", "phx_join", {"from": "snapshot", "presence": {"meta": {"n": 1}}})
        await anna.until({"anna": [{}], "bert": [{"n": 1}]})
        two.past.may_read.set()
        assert (await phone.receive())[0] == "phx_reply"
        bert = Watching(phone)
        await bert.until({"anna": [{}], "bert": [{"n": 1}]})


async def test_a_join_that_is_refused_leaves_nobody_behind(gateways: tuple[Place, Place], stream: Stream) -> None:
    """He was shown while he waited for his picture, which he may not see any more."""
    one, two = gateways
    two.past.may_read.clear()
    async with _come(one, "anna") as anna, two.phone("bert") as phone:
        await phone.send(f"warehouse:{NORTH}", "phx_join", {"from": "snapshot", "presence": {"meta": {}}})
        await anna.until({"anna": [{}], "bert": [{}]})
        stream.close_tick(a_grant("bert", NORTH, None))
        assert (await phone.until("phx_reply"))["response"]["code"] == "forbidden"
        await anna.until({"anna": [{}]})


async def test_a_gateway_that_is_stopped_takes_its_people_along(gateways: tuple[Place, Place]) -> None:
    """At once, and they may be at another one already."""
    one, two = gateways
    async with _come(one, "anna") as anna, _come(two, "bert") as bert:
        await anna.until({"anna": [{}], "bert": [{}]})
        two.stop.set()
        await bert.phone.until("draining")
        async with _come(one, "bert", presence={"meta": {"again": True}}):
            await two.task
            await anna.until({"anna": [{}], "bert": [{"again": True}]})


async def test_presence_goes_on_beside_changes(gateways: tuple[Place, Place], stream: Stream) -> None:
    """On one socket, each whole; who did not ask for presence is sent none."""
    one, two = gateways
    async with _come(one, "anna") as anna, two.phone("bert") as quiet:
        await quiet.join()
        for n in range(10):
            await anna.track(n=n)
            stream.close_tick(an_operation(n))
        await anna.until({"anna": [{"n": 9}]})
        ticks = [(await quiet.receive()) for _ in range(10)]
    assert {event for event, _ in ticks} == {"changes"}
    assert counted(anna.people) == {"anna": 1}
