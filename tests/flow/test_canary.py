"""The canary takes the whole way: trigger, doorbell, tick, Redis, gateway; and /readyz names the leg that is silent."""

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from tests.fixtures.gateway import SECRET, free_port
from tests.fixtures.observed import Observed
from tests.fixtures.relay import Stream, running
from tests.fixtures.time import UNIT

from floorcast.assembly import serve_gateway
from floorcast.gateway import canary, follower
from floorcast.http.metrics import Metrics
from floorcast.observe import CanaryCame, CanaryMissing, CanaryRound, GatewayReady, watch
from floorcast.settings import Settings

EVERY = 0.3


@pytest.fixture(autouse=True)
def quick_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than a second instead of five."""
    monkeypatch.setattr(canary, "_PATIENCE_SECONDS", 0.7)
    monkeypatch.setattr(follower, "STALE_SECONDS", 1.5)


@contextlib.asynccontextmanager
async def a_gateway(stream: Stream, observed: Observed, every: float = EVERY) -> AsyncIterator[int]:
    """A whole gateway, as the process has it; gives its port."""
    settings = Settings(
        database_url=stream.cells.database.service_url,
        redis_url=stream.redis_url,
        jwt_secret=SECRET,
        port=free_port(),
        canary_seconds=every,
        drain_seconds=0,
    )
    stop, metrics = asyncio.Event(), Metrics()
    unwatch = watch(metrics.count)
    task = asyncio.create_task(serve_gateway(settings, metrics, stop))
    try:
        await observed.wait_for(GatewayReady, lambda event: event.port == settings.port)
        yield settings.port
    finally:
        unwatch()
        stop.set()
        await task


def ask(port: int, path: str = "/readyz") -> str:
    """What the gateway answers, whatever its status."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.read().decode()


async def canary_of(port: int) -> tuple[bool, str]:
    """The canary's check in /readyz."""
    checks = json.loads(await asyncio.to_thread(ask, port))["checks"]
    (check,) = (each for each in checks if each["name"] == "canary")
    return check["ok"], check["reason"]


async def test_every_gateway_sees_each_canary_and_one_writes_it(stream: Stream, observed: Observed) -> None:
    """As many in the trail as were due, whatever the number of gateways; whoever wrote one knows how long it took."""
    async with running(stream.relay()), a_gateway(stream, observed) as one, a_gateway(stream, observed) as other:
        observed.forget()
        rounds = [await observed.wait_for(CanaryRound, within=20 * UNIT) for _ in range(6)]
        for port in (one, other):
            assert await canary_of(port) >= (True, "came")
        figures = await asyncio.to_thread(ask, one, "/metrics")
    came = Counter(event.beat for event in observed.of(CanaryCame))
    first, last = rounds[0].beat, rounds[-1].beat
    # The first and the last may have been under way at the beginning and at the end.
    assert [came[beat] for beat in range(first + 1, last)] == [2] * (last - first - 1)
    measured = Counter(event.beat for event in observed.of(CanaryRound))
    assert set(measured.values()) == {1}
    assert last - first < 2 * len(rounds)
    assert all(0 < event.seconds < 5 * UNIT for event in rounds)
    assert float(figures.partition("floorcast_canary_seconds_count ")[2].split()[0]) >= len(rounds)


async def test_what_is_not_captured_is_told_from_what_is_not_brought(stream: Stream, observed: Observed) -> None:
    """Signs of progress still come, and would call the gateway fresh for ever."""
    async with running(stream.relay()), a_gateway(stream, observed) as port:
        await observed.wait_for(CanaryCame)
        await stream.cells.owner.execute("alter table floorcast.canary disable trigger user")
        missing = await observed.wait_for(CanaryMissing)
        assert "it was not captured" in missing.reason
        assert (await canary_of(port))[0] is False
        observed.forget()
        await stream.cells.owner.execute("alter table floorcast.canary enable always trigger _500_capture_insert")
        await observed.wait_for(CanaryCame)
        assert (await canary_of(port))[0]


async def test_without_a_relay_the_leg_behind_postgres_is_named(stream: Stream, observed: Observed) -> None:
    """It is written, and neither it nor anything else comes."""
    async with running(stream.relay()) as relay, a_gateway(stream, observed) as port:
        await observed.wait_for(CanaryCame)
        relay.cancel()
        await observed.wait_for(CanaryMissing)
        # At first progress may still count as fresh.
        async with asyncio.timeout(10 * UNIT):
            while "relay or Redis are silent" not in (await canary_of(port))[1]:
                pass


async def test_one_that_cannot_be_written_names_postgres(stream: Stream, observed: Observed) -> None:
    """In Postgres' own words."""
    async with running(stream.relay()), a_gateway(stream, observed) as port:
        await observed.wait_for(CanaryCame)
        await stream.cells.owner.execute(
            "revoke execute on function floorcast.touch_canary(double precision) from floorcast_gateway"
        )
        missing = await observed.wait_for(CanaryMissing)
        assert "permission denied for function touch_canary" in missing.reason
        assert (await canary_of(port))[0] is False


async def test_a_gateway_without_a_canary_writes_none_and_is_ready(stream: Stream, observed: Observed) -> None:
    """FLOORCAST_CANARY_SECONDS=0, for whoever counts every row of the trail."""
    async with running(stream.relay()), a_gateway(stream, observed, every=0.0) as port:
        assert await canary_of(port) == (True, "switched off by FLOORCAST_CANARY_SECONDS=0")
    cursor = await stream.connection.execute("select count(*) from floorcast.canary")
    assert await cursor.fetchone() == (0,)
