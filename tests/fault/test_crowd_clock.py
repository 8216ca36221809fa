"""The clock is set back by an hour, and later put right again, under two hundred clients who keep their cursors."""

import asyncio
import time

import pytest
from tests.fixtures.postgres import SETTINGS, server_home
from tests.trial.clock import Clock, faketime_library
from tests.trial.crowd import Crowd
from tests.trial.floor import Floor

CLIENTS, STEPS_PER_SECOND = 200, 30
HOUR = 3_600


@pytest.mark.skipif(
    faketime_library() is None,
    reason="no libfaketime (tests/install_faketime.sh): A CLOCK THAT IS SET BACK IS NOT TRIED",
)
async def test_a_clock_that_is_set_back_loses_and_doubles_nothing() -> None:
    """No order comes from a clock: ticks are numbered, and what has to take a while is measured otherwise."""
    with server_home() as home:
        clock = Clock(home)
        floor = Floor(home, relays=2, gateways=2, wired=True, postgres_settings=SETTINGS, clock=clock)
        crowd = Crowd(floor)
        try:
            await asyncio.to_thread(floor.start)
            await crowd.gather(CLIENTS, rate=STEPS_PER_SECOND)
            for seconds in (-HOUR, 0):
                cost = await crowd.suffer(lambda _floor, held, seconds=seconds: clock.hold(seconds, held), 1)
                assert cost.faults == []
                assert (cost.losses, cost.refetches) == (0, {})
                ((far,),) = floor.query("select extract(epoch from clock_timestamp())::float8")
                assert abs(far - time.time() - seconds) < 60
        finally:
            await crowd.close()
            await asyncio.to_thread(floor.end)
