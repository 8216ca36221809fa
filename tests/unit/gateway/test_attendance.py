"""Attendance: what goes wrong inside ends neither presence nor what is shown of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from tests.fixtures.observed import Observed
from tests.fixtures.outboxes import Listening, RecordingTransport
from tests.fixtures.present import fold
from tests.fixtures.time import UNIT

from floorcast.gateway.appearance import PresenceWish, Track
from floorcast.gateway.attendance import Attendance
from floorcast.gateway.presence import Visitor
from floorcast.observe import TaskFailed
from floorcast.stream.statement import Entry, Heard, Muster, Statement


class OddBoard:
    """Answers what the test says, where it is not as if nobody else were there."""

    def __init__(self, *answers: Muster | Exception) -> None:
        """Nothing was said; these are the first answers, and the last of them is the answer from then on."""
        self.answers = list(answers)
        self.statements: list[Statement] = []
        # Behind what was listened for the first time, and how many statements there had been.
        self.listened: dict[str, int] = {}

    async def speak(self, _gateway: str, statement: Statement) -> Muster | None:
        """See `attendance.Board`."""
        self.statements.append(statement)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def bury(self, gateway: str, mark: str = "") -> None:
        """See `attendance.Board`."""

    async def listen(self, after: str, *, wait_seconds: float) -> Sequence[tuple[str, Heard]]:
        """See `attendance.Board`."""
        self.listened.setdefault(after, len(self.statements))
        await asyncio.sleep(wait_seconds / 20)
        return []

    async def read(self, _gateway: str) -> tuple[int, dict[str, Entry]] | None:
        """See `attendance.Board`."""
        return None


class FailingTransport(RecordingTransport):
    """Fails at one write."""

    def __init__(self, at: int) -> None:
        """Fail at the write with this number, from 1 on."""
        super().__init__()
        self._at = at

    def write(self, data: bytes) -> None:
        """See `outbox.Transport`."""
        super().write(data)
        if len(self.written) == self._at:
            raise RuntimeError("a fault of ours")


NOBODY = Muster(0, "0-0", {})


@contextlib.asynccontextmanager
async def _attendance(board: OddBoard | None) -> AsyncIterator[Attendance]:
    attendance = Attendance(board, lease_seconds=0.2, clock=asyncio.get_running_loop().time)
    running = asyncio.create_task(attendance.run())
    yield attendance
    running.cancel()
    await asyncio.wait({running})


def _come(attendance: Attendance, listening: Listening) -> None:
    visitor = Visitor.of_warehouse(listening.user, listening.outbox, "warehouse:north", 2, "north", orders=True)
    attendance.presence.join(visitor, PresenceWish(Track("", {})))


async def _until(done: Callable[[], object]) -> None:
    async with asyncio.timeout(5 * UNIT):
        while not done():  # noqa: ASYNC110 — a plain value, asked for a moment
            await asyncio.sleep(0.01)


async def test_an_answer_that_cannot_be_read_ends_nothing(observed: Observed) -> None:
    """Everything is said anew."""
    board = OddBoard(ValueError("no answer that could be read"), NOBODY)
    async with _attendance(board) as attendance:
        _come(attendance, Listening("anna"))
        await observed.wait_for(TaskFailed)
        await _until(lambda: len(board.statements) > 1)
    assert [statement.after for statement in board.statements[:2]] == [None, None]
    assert len(board.statements[1].changes) == 1


async def test_after_a_fault_in_showing_everybody_is_given_the_state_again(observed: Observed) -> None:
    """Nobody keeps what may lack a difference."""
    async with _attendance(None) as attendance:
        anna, bert, carl = Listening("anna"), Listening("bert"), Listening("carl")
        bert.transport = FailingTransport(at=2)
        bert.outbox.transport = bert.transport
        for listening in (anna, bert, carl):
            _come(attendance, listening)
        await _until(lambda: len(carl.frames) == 1)
        attendance.presence.leave(anna.outbox, "warehouse:north")
        await observed.wait_for(TaskFailed)
        await _until(lambda: "presence_state" in carl.events()[1:])
    assert list(fold(carl.frames)) == list(fold(bert.frames)) == ["bert", "carl"]


async def test_statements_whose_ids_went_back_are_listened_to_at_once() -> None:
    """They are times of a clock that was set back when Redis was lost; one late look is no proof of it."""
    ahead, back = Muster(0, "9-0", {}), Muster(0, "1-5", {})
    board = OddBoard(ahead, back, ahead, back, back)
    async with _attendance(board):
        await _until(lambda: "1-5" in board.listened)
    assert list(board.listened) == ["9-0", "1-5"]
    assert board.listened["1-5"] >= 5


async def test_a_gateway_without_others_shows_its_own_people() -> None:
    """No Redis is needed for that."""
    async with _attendance(None) as attendance:
        anna, bert = Listening("anna"), Listening("bert")
        for listening in (anna, bert):
            _come(attendance, listening)
        await _until(lambda: len(anna.frames) == 1)
        attendance.presence.leave(bert.outbox, "warehouse:north")
        await _until(lambda: len(anna.frames) == 2)
        assert list(fold(anna.frames)) == ["anna"]
        await attendance.retire()
