"""Questions that many ask at once."""

import asyncio

import pytest

from floorcast.errors import DatabaseUnavailable
from floorcast.gateway.together import Together


class Oracle:
    """Answers when it is told to."""

    def __init__(self) -> None:
        """Nothing was asked."""
        self.asked = 0
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> str:
        """Answer."""
        self.asked += 1
        return await asyncio.shield(self.answer)


async def test_whoever_asks_the_same_meanwhile_has_the_same_answer() -> None:
    """Asked once; and whoever asks afterwards asks anew."""
    together: Together[str, str] = Together()
    oracle = Oracle()
    asking = [asyncio.create_task(together.ask("when", oracle)) for _ in range(100)]
    other = Oracle()
    asking.append(asyncio.create_task(together.ask("where", other)))
    await asyncio.sleep(0)
    oracle.answer.set_result("now")
    other.answer.set_result("here")
    assert await asyncio.gather(*asking) == ["now"] * 100 + ["here"]
    assert (oracle.asked, other.asked) == (1, 1)
    assert await together.ask("when", oracle) == "now"
    assert oracle.asked == 2


async def test_whoever_is_cut_off_spoils_it_for_nobody() -> None:
    """Not even who asked first."""
    together: Together[str, str] = Together()
    oracle = Oracle()
    first, second = (asyncio.create_task(together.ask("when", oracle)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    oracle.answer.set_result("now")
    assert await second == "now"
    assert first.cancelled()


async def test_everybody_is_told_that_it_failed() -> None:
    """And if everybody was cut off, nobody need be: a failure that no one looks at is no warning."""
    together: Together[str, str] = Together()
    oracle = Oracle()
    asking = [asyncio.create_task(together.ask("when", oracle)) for _ in range(3)]
    await asyncio.sleep(0)
    asking.pop().cancel()
    oracle.answer.set_exception(DatabaseUnavailable("away"))
    for each in asking:
        with pytest.raises(DatabaseUnavailable, match="away"):
            await each
    lone = Oracle()
    asked = asyncio.create_task(together.ask("when", lone))
    await asyncio.sleep(0)
    asked.cancel()
    lone.answer.set_exception(DatabaseUnavailable("away"))
    await asyncio.wait({asked})
    await asyncio.sleep(0)


async def test_what_is_being_asked_ends_with_the_gateway() -> None:
    """No task is left behind, and who waits is told."""
    together: Together[str, str] = Together()
    asked = asyncio.create_task(together.ask("when", Oracle()))
    await asyncio.sleep(0)
    await together.aclose()
    with pytest.raises(DatabaseUnavailable, match="stopped"):
        await asked
    await together.aclose()
