"""What the database says in a room travels as a change does: on commit, in order, once; no warehouse hears it."""

import json

import redis.asyncio
from tests.fixtures.observed import Observed
from tests.fixtures.relay import Stream, running

from floorcast.change import MESSAGES
from floorcast.observe import LeadershipTaken

SAY = "select realtime.send(jsonb_build_object('n', %s::numeric), %s, 'board', %s)"


async def test_what_was_said_reaches_the_feed_on_commit_in_order_and_once(stream: Stream, observed: Observed) -> None:
    """What was rolled back, to a savepoint or all of it, was never said; numbers arrive digit for digit."""
    receiver = await stream.receiver()
    owner = stream.cells.owner
    async with running(stream.relay()):
        await observed.wait_for(LeadershipTaken)
        async with owner.transaction():
            await owner.execute(SAY, ["1.50", "first", True])
            async with owner.transaction(force_rollback=True):
                await owner.execute(SAY, ["2", "to a savepoint", True])
            await stream.cells.put(1)
            await owner.execute(SAY, ["3", "third", False])
        async with owner.transaction(force_rollback=True):
            await owner.execute(SAY, ["4", "all of it", True])
        await owner.execute(SAY, ["5", "last", True])
        await stream.drained(receiver)
    await stream.check_receiver(receiver)
    assert receiver.from_feed == len(receiver.ticks)
    told = [each for tick in sorted(receiver.ticks) for each in receiver.ticks[tick]]
    assert [each.warehouse for each in told] == [
        "channel:private:board",
        "north",
        "channel:public:board",
        "channel:private:board",
    ]
    said = [json.loads(each.new or b"") for each in told if each.table == MESSAGES]
    assert [each["event"] for each in said] == ["first", "third", "last"]
    assert [each["payload"] for each in said] == [
        f'{{"n": {n}, "id": "{each["id"]}"}}' for n, each in zip(("1.50", "3", "5"), said, strict=True)
    ]
    client = redis.asyncio.Redis.from_url(stream.redis_url)
    try:
        logs = [key async for key in client.scan_iter("*:log:*")]
    finally:
        await client.aclose()
    assert {key.rpartition(b":")[2] for key in logs} == {b"north"}
