"""Errands: a caller who is cancelled leaves no half of anything behind."""

import asyncio

import pytest

from floorcast.client.errand import Errand


async def test_a_cancelled_caller_leaves_the_work_running_and_the_next_one_waits_for_it() -> None:
    """It is done once."""
    errand, go_on, done = Errand(), asyncio.Event(), 0

    async def work() -> None:
        nonlocal done
        await go_on.wait()
        done += 1

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await errand.run(work)
    go_on.set()
    await errand.finish()
    assert done == 1
    await errand.finish()
    assert done == 1


async def test_what_the_work_raises_reaches_whoever_waits() -> None:
    """Once; the next piece of work begins afresh."""
    errand = Errand()

    async def fail() -> None:
        raise ValueError("no")

    async def succeed() -> None:
        pass

    with pytest.raises(ValueError, match="no"):
        await errand.run(fail)
    await errand.run(succeed)


async def test_what_is_abandoned_has_ended() -> None:
    """Nothing goes on in the background of a view that was closed."""
    errand, ended = Errand(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await errand.run(work)
    await errand.abandon()
    assert ended.is_set()
    await errand.abandon()
