"""Attendance: what goes wrong inside ends neither presence nor what is shown of it."""

import asyncio
from collections.abc import Sequence

from tests.fixtures.observed import Observed
from tests.fixtures.outboxes import Listening
from tests.fixtures.present import fold
from tests.fixtures.time import UNIT

from floorcast.gateway.attendance import Attendance
from floorcast.gateway.presence import PresenceWish, Visitor
from floorcast.observe import TaskFailed
from floorcast.stream.statement import Entry, Heard, Muster, Statement


class BrokenBoard:
    """Answers what no Redis of ours would, once; then as if nobody else were there."""

    def __init__(self) -> None:
        """Nothing was said."""
        self.statements: list[Statement] = []
        self.spoken = asyncio.Event()

    async def speak(self, _gateway: str, statement: Statement) -> Muster | None:
        """See `attendance.Board`."""
        self.statements.append(statement)
        if len(self.statements) == 1:
            raise ValueError("no answer that could be read")
        self.spoken.set()
        return Muster(0, "0-0", {})

    async def bury(self, gateway: str, mark: str = "") -> None:
        """See `attendance.Board`."""

    async def listen(self, _after: str, *, wait_seconds: float) -> Sequence[tuple[str, Heard]]:
        """See `attendance.Board`."""
        await asyncio.sleep(wait_seconds)
        return []

    async def read(self, _gateway: str) -> tuple[int, dict[str, Entry]] | None:
        """See `attendance.Board`."""
        return None


async def _frames(listening: Listening, count: int) -> None:
    async with asyncio.timeout(5 * UNIT):
        while len(listening.frames) < count:  # noqa: ASYNC110 — a plain value, asked for a moment
            await asyncio.sleep(0.01)


async def test_a_fault_is_observed_and_everything_is_said_and_shown_anew(observed: Observed) -> None:
    """Whatever it was: presence goes on, and nobody keeps a state that may be wrong."""
    board = BrokenBoard()
    attendance = Attendance(board, lease_seconds=1.0, clock=asyncio.get_running_loop().time)
    anna = Listening("anna")
    attendance.presence.join(Visitor("anna", anna.outbox, "warehouse:north", 2, "north", orders=True), PresenceWish({}))
    running = asyncio.create_task(attendance.run())
    await observed.wait_for(TaskFailed)
    async with asyncio.timeout(5 * UNIT):
        await board.spoken.wait()
    running.cancel()
    await asyncio.wait({running})
    assert [statement.after for statement in board.statements[:2]] == [None, None]
    assert len(board.statements[1].changes) == 1
    assert list(fold(anna.frames)) == ["anna"]


async def test_a_gateway_without_others_shows_its_own_people() -> None:
    """No Redis is needed for that."""
    attendance = Attendance(None, lease_seconds=1.0, clock=asyncio.get_running_loop().time)
    running = asyncio.create_task(attendance.run())
    anna, bert = Listening("anna"), Listening("bert")
    for listening in (anna, bert):
        visitor = Visitor(listening.user, listening.outbox, "warehouse:north", 2, "north", orders=True)
        attendance.presence.join(visitor, PresenceWish({}))
    await _frames(anna, 1)
    attendance.presence.leave(bert.outbox, "warehouse:north")
    await _frames(anna, 2)
    assert list(fold(anna.frames)) == ["anna"]
    await attendance.retire()
    running.cancel()
    await asyncio.wait({running})
