"""Connections to Redis that fall silent without a word, in one way or both: found, replaced, and nothing is skipped."""

import pytest
from tests.fixtures.observed import Observed
from tests.fixtures.proxy import OpenLink, Way
from tests.fixtures.relay import Receiver, Stream, a_relay, running
from tests.fixtures.time import UNIT

from floorcast.observe import LeadershipLost, StreamBack, StreamLost, TickClosed
from floorcast.stream import feed
from floorcast.stream.connect import open_redis


@pytest.fixture(autouse=True)
def quick_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second instead of several."""
    monkeypatch.setattr(feed, "open_redis", lambda url, **_: open_redis(url, patience=0.5))


@pytest.mark.parametrize("ways", [("there", "back"), ("back",)])
async def test_a_relay_publishes_on_over_another_connection(
    stream: Stream, observed: Observed, proxy: OpenLink, ways: tuple[Way, ...]
) -> None:
    """Where only the answer is lost, the tick was published, and is not published twice."""
    link = await proxy(stream.redis_url)
    receiver = await stream.receiver()
    async with running(a_relay(stream.cells.database.service_url, link.url)):
        await stream.cells.put(1)
        await stream.drained(receiver)
        link.silence(*ways)
        for key in range(2, 12):
            await stream.cells.put(key)
            await observed.wait_for(TickClosed)
        await observed.wait_for(StreamLost, within=10 * UNIT)
        await observed.wait_for(StreamBack, within=10 * UNIT)
        await stream.drained(receiver)
    assert observed.of(LeadershipLost) == []
    assert (await stream.check_feed())[0].tick <= 1
    await stream.check_receiver(receiver)


@pytest.mark.parametrize("ways", [("there",), ("back",)])
async def test_a_gateway_reads_on_over_another_connection(
    stream: Stream, proxy: OpenLink, ways: tuple[Way, ...]
) -> None:
    """It waits for an entry that was sent and never came; over the next connection it comes all the same."""
    link = await proxy(stream.redis_url)
    receiver = await Receiver.begin(link.url, stream.connection)
    async with running(stream.relay()):
        await stream.cells.put(1)
        await receiver.until(1)
        link.silence(*ways)
        for key in range(2, 6):
            await stream.cells.put(key)
        await receiver.until(await stream.newest(), within=20 * UNIT)
        await stream.drained(receiver)
    await stream.check_receiver(receiver)
    # None of them had to be asked for: the feed was read on where it was left.
    assert receiver.from_feed == receiver.tick
    await receiver.close()
