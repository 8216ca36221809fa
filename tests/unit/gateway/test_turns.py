"""Turns of the loop, given to a crowd: so many steps in each, in the order in which they were asked for."""

import asyncio

from floorcast.gateway.turns import Turns


async def test_so_many_steps_are_taken_in_a_turn_and_the_first_to_ask_is_the_first() -> None:
    """Ten ask for one each; what else the loop has to do comes in between."""
    turns, taken, seen = Turns(3), [], []

    async def step(number: int) -> None:
        await turns.take()
        taken.append(number)

    tasks = [asyncio.create_task(step(number)) for number in range(10)]
    while len(taken) < len(tasks):
        before = len(taken)
        await asyncio.sleep(0)
        seen.append(len(taken) - before)
    assert max(seen) == 3
    assert taken == list(range(10))
    await asyncio.gather(*tasks)


async def test_who_is_alone_does_not_wait() -> None:
    """Nothing is given up for a crowd that is not there."""
    turns = Turns(3)
    done: list[int] = []
    turns.soon(lambda: done.append(1))
    assert done == [1]
    assert await turns.take() == turns.number
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert turns.number == 1, "and when nobody asks, nothing is counted"


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    """Those behind him have their turns."""
    turns = Turns(1)
    await turns.take()
    gone = asyncio.create_task(turns.take())
    stays = asyncio.create_task(turns.take())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait_for(stays, 5)


async def test_what_fails_in_a_turn_is_not_the_trouble_of_the_next() -> None:
    """The loop hears of it."""
    turns, done, heard = Turns(1), [], []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["exception"]))
    await turns.take()
    turns.soon(lambda: 1 / 0)
    turns.soon(lambda: done.append(1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert done == [1]
    assert [type(error) for error in heard] == [ZeroDivisionError]
