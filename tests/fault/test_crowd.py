"""Two hundred clients who keep their cursors, a busy factory, and everything that can break, one after the other.

After each fault the accounts are settled exactly (`tests/trial/ledger.py`): what everybody holds is what SELECT gives
that person, and every change was applied once. `make soak` lets each fault last for a minute.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from tests.fixtures.postgres import SETTINGS, server_home
from tests.trial.breakages import BREAKAGES, DISK
from tests.trial.crowd import Crowd
from tests.trial.disk import may_mount
from tests.trial.floor import floor_at

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOAK = bool(os.environ.get("FLOORCAST_SOAK"))
CLIENTS, STEPS_PER_SECOND = 200, 30
HELD_SECONDS = 60.0 if SOAK else 0.5

LATER = ("nothing", "slowed", "Postgres frozen", "gateways frozen")
"""Faults that only `make soak` tries have these words in their names: what half a second of them is, others show."""

EVERY = [name for name in BREAKAGES if name not in DISK]
SHORT = [name for name in EVERY if not any(words in name for words in LATER)]

CUT = ("gateway of two", "all gateways", "between clients")
"""Faults that end clients' connections have these words in their names."""

READ_AGAIN = {"Postgres standby promoted without the tail": {"incarnation"}}
"""Faults after which there may be no exact way on, and what is said then."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd() -> AsyncIterator[Crowd]:
    """Everybody has a picture, and somebody writes all the time."""
    async with AsyncExitStack() as stack:
        home = stack.enter_context(server_home())
        floor_context = floor_at(home, relays=2, gateways=2, wired=True, postgres_settings=SETTINGS)
        floor = await asyncio.to_thread(floor_context.__enter__)
        stack.push_async_callback(asyncio.to_thread, floor_context.__exit__, None, None, None)
        crowd = Crowd(floor)
        stack.push_async_callback(crowd.close)
        await crowd.gather(CLIENTS, rate=STEPS_PER_SECOND)
        yield crowd


async def settle_accounts_after(crowd: Crowd, name: str) -> None:
    """Break it, and look at what that cost."""
    cost = await crowd.suffer(BREAKAGES[name], HELD_SECONDS)
    assert cost.faults == []
    assert cost.applied >= CLIENTS
    assert cost.refetches.keys() <= READ_AGAIN.get(name, set())
    if not any(words in name for words in CUT):
        assert cost.losses == 0


@pytest.mark.parametrize("name", EVERY if SOAK else SHORT)
async def test_nothing_is_lost_or_doubled_and_nobody_is_cut_who_need_not_be(crowd: Crowd, name: str) -> None:
    """Where exactness is impossible, everybody is told so and begins with a new picture."""
    await settle_accounts_after(crowd, name)


@pytest.mark.skipif(not may_mount(), reason="only root may mount a small disk: a FULL DISK IS NOT TRIED")
async def test_a_full_disk_refuses_writers_and_loses_nothing(crowd: Crowd) -> None:
    """A change that cannot be kept is not made; when there is room again everything goes on by itself."""
    await settle_accounts_after(crowd, *DISK)
