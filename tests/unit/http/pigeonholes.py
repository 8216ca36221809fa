"""A keeper of consumers that answers as it is told to."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

from floorcast.database.batches import PAGE_ROWS, OpenBatch
from floorcast.database.caller import Caller
from floorcast.database.consumers import ConsumerWish


def a_row(n: int = 1) -> dict[str, Any]:
    """A row of a batch."""
    return {
        "batch": "b",
        "in_share": 0,
        "id": f"i:7-{n}",
        "tick": 7,
        "n": n,
        "op": "enter",
        "by": "insert",
        "table_name": "lathes",
        "key": '{"id":1}',
        "warehouse": "w",
        "old": None,
        "new": '{"id":1,"weight":183.0500}',
        "actor": None,
        "at": "2026-01-01T00:00:00Z",
        "closed_at": "2026-01-01T00:00:00Z",
    }


class Pigeonholes:
    """Remembers what it was asked; answers or refuses as it is told to."""

    def __init__(self) -> None:
        """Answer."""
        self.asked: list[tuple[object, ...]] = []
        self.refusal: Exception | None = None
        self.envelope = "native"
        self.pages: list[list[dict[str, Any]] | Exception] = []
        self.closed = 0
        self.there = True

    async def listed(self, caller: Caller, consumer: str | None = None) -> Sequence[Mapping[str, Any]]:
        """As `Consumers`."""
        self._note("listed", caller.role, consumer)
        return [{"name": "erp", "envelope": self.envelope}] if self.there else []

    async def put(self, caller: Caller, consumer: str, wish: ConsumerWish) -> None:
        """As `Consumers`."""
        self._note("put", caller.role, consumer, wish)

    async def remove(self, caller: Caller, consumer: str) -> None:
        """As `Consumers`."""
        self._note("remove", caller.role, consumer)

    async def next_batch(
        self, owner: Caller, consumer: str, share: int | None, *, most: int, worker: str, seconds: int
    ) -> OpenBatch | None:
        """As `Consumers`."""
        self._note("next_batch", owner.role, consumer, share, most, worker, seconds)
        if not self.pages:
            return None
        first, *rest = self.pages
        assert isinstance(first, list)
        stack = AsyncExitStack()
        stack.callback(self._close)
        return OpenBatch(first, stack, cast("Any", _Cursor(rest)))

    async def ack(self, owner: Caller, consumer: str, batch: str, rejected: Mapping[str, str]) -> int:
        """As `Consumers`."""
        self._note("ack", owner.role, consumer, batch, dict(rejected))
        return 7

    async def hold(self, owner: Caller, consumer: str, batch: str, seconds: int) -> str:
        """As `Consumers`."""
        self._note("hold", owner.role, consumer, batch, seconds)
        return "2026-01-01T00:01:00Z"

    async def parked(self, caller: Caller, consumer: str, after: int, most: int) -> Sequence[Mapping[str, Any]]:
        """As `Consumers`."""
        self._note("parked", caller.role, consumer, after, most)
        return [{"id": 3, "change_id": "i:7-1", "key": '{"id":1}', "old": None, "new": '{"weight":183.0500}'}]

    async def replay(self, caller: Caller, consumer: str, parked: int | None) -> int:
        """As `Consumers`."""
        self._note("replay", caller.role, consumer, parked)
        return 2

    async def drop(self, caller: Caller, consumer: str, parked: int) -> bool:
        """As `Consumers`."""
        self._note("drop", caller.role, consumer, parked)
        return self.there

    async def move(self, caller: Caller, consumer: str, *, tick: int | None = None, at: str | None = None) -> int:
        """As `Consumers`."""
        self._note("move", caller.role, consumer, tick, at)
        return 5

    async def move_to_cursor(self, caller: Caller, consumer: str, text: str) -> int:
        """As `Consumers`."""
        self._note("move_to_cursor", caller.role, consumer, text)
        return 6

    def _close(self) -> None:
        self.closed += 1

    def _note(self, *what: object) -> None:
        self.asked.append(what)
        if self.refusal is not None:
            raise self.refusal


class _Cursor:
    """The pages behind the first."""

    def __init__(self, pages: list[list[dict[str, Any]] | Exception]) -> None:
        self._pages = pages

    async def fetchmany(self, _size: int) -> list[dict[str, Any]]:
        page = self._pages.pop(0) if self._pages else []
        if isinstance(page, Exception):
            raise page
        return page


def a_page(first: int = 1) -> list[dict[str, Any]]:
    """A page behind which there may be another one."""
    return [a_row(n) for n in range(first, first + PAGE_ROWS)]
