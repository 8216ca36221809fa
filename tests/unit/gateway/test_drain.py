"""The end of a gateway: who is spoken to, in which order, and what becomes of those who do not go."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from floorcast.gateway import drain as drain_module
from floorcast.gateway.drain import drain


class Door:
    """An open socket, and what was done to it."""

    def __init__(self, shared: Any, *, flushed: bool = True, goes: bool = True) -> None:
        """Be open; one that does not go has to be dropped."""
        self.shared = shared
        self.flushed = flushed
        self.goes = goes
        self.heard: list[str] = []
        shared.open_sockets.add(self)

    def hint_leaving(self, seconds: float) -> None:
        """See `shared.OpenSocket`."""
        assert seconds >= 0
        self.heard.append("hint")

    def close(self, code: str) -> None:
        """See `shared.OpenSocket`."""
        self.heard.append(code)
        if self.goes:
            self.shared.open_sockets.discard(self)

    def abort(self) -> None:
        """See `shared.OpenSocket`."""
        self.heard.append("dropped")
        self.shared.open_sockets.discard(self)


@pytest.fixture
async def shared(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a drain needs of a process, and no long waits."""
    monkeypatch.setattr(drain_module, "_FLUSH_SECONDS", 0.1)
    monkeypatch.setattr(drain_module, "_FAREWELL_SECONDS", 0.1)
    return SimpleNamespace(loop=asyncio.get_running_loop(), open_sockets=set())


async def test_everybody_is_told_before_anybody_is_closed_and_who_stays_is_dropped(shared: Any) -> None:
    """With a code that says to come back."""
    quick, stubborn = Door(shared), Door(shared, goes=False)
    await drain(shared, 0.0)
    assert quick.heard == ["hint", "shutting_down"]
    assert stubborn.heard[:2] == ["hint", "shutting_down"]
    assert stubborn.heard[-1] == "dropped"
    assert not shared.open_sockets


async def test_what_waits_is_sent_first_but_not_for_ever(shared: Any) -> None:
    """One whose frames leave is closed then; one whose do not is closed all the same."""
    late, never = Door(shared, flushed=False), Door(shared, flushed=False)
    draining = asyncio.create_task(drain(shared, 0.0))
    while not late.heard:  # noqa: ASYNC110 — a plain value, asked for a moment
        await asyncio.sleep(0)
    late.flushed = True
    await draining
    assert late.heard == never.heard == ["hint", "shutting_down"]


async def test_connections_that_are_being_answered_are_waited_for(shared: Any) -> None:
    """As long as sockets are."""
    others = [3]

    def look() -> int:
        others[0] -= 1
        return others[0]

    await drain(shared, 0.0, look)
    assert others == [0]
