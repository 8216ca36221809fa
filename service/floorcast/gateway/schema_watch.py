"""Notices what a migration did to tracked tables while the gateway runs.

Columns come and go without a change that a trigger would capture, so the catalogue is looked at: every few seconds, and
at once when a tick says that a table is tracked from now on, anew, or no more. What a look finds counts for every tick
that was heard of before it was begun: an answer that a tick overtook is thrown away.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from floorcast.change import TRACKED
from floorcast.errors import DatabaseUnavailable
from floorcast.observe import SchemaChanged, observe
from floorcast.operation import Operation
from floorcast.shape import TableShape

Schema = tuple[Mapping[str, TableShape], frozenset[str] | None]
"""Shapes of all tracked tables; and which of them are published, None where there is no publication that narrows."""

Reshape = Callable[[Mapping[str, TableShape], frozenset[str] | None], None]

EVERY_SECONDS = 5.0
"""How long it may take until a migration is noticed."""


class SchemaWatch:
    """Looks what tracked tables look like; an `upstream.Onlooker`."""

    def __init__(self, look: Callable[[], Awaitable[Schema]], reshape: Reshape) -> None:
        """Do nothing before `run`.

        Args:
            look: returns what the catalogue says now; raises DatabaseUnavailable.
            reshape: told both parts of what each look found; compares it with what it goes by.
        """
        self._look = look
        self._reshape = reshape
        # What the last look found, by name; None before the first.
        self._fingerprints: dict[str, str] | None = None
        self._at_once = asyncio.Event()

    def begin(self) -> None:
        """Look soon: the shapes that the gateway begins with are as old as its snapshot."""
        self._at_once.set()

    def notice(self, operations: Iterable[Operation]) -> None:
        """Look soon if a tick brought something about tracked tables."""
        if any(operation.table == TRACKED for operation in operations):
            self._at_once.set()

    def notice_large(self, places: Sequence[str]) -> None:
        """Do nothing: rows tell nothing of their tables."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set; where Postgres does not answer, nothing changes until the next look."""
        stopping = asyncio.create_task(self._wake_at(stop), name="schema watch")
        try:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(EVERY_SECONDS):
                        await self._at_once.wait()
                self._at_once.clear()
                if not stop.is_set():
                    with contextlib.suppress(DatabaseUnavailable):
                        found = await self._look()
                        if not self._at_once.is_set():
                            self._found(found)
        finally:
            stopping.cancel()
            await asyncio.wait({stopping})

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._at_once.set()

    def _found(self, schema: Schema) -> None:
        shapes, published = schema
        now = {name: shape.fingerprint for name, shape in shapes.items()}
        before, self._fingerprints = self._fingerprints, now
        if before is not None and before != now:
            names = before.keys() | now.keys()
            observe(SchemaChanged(tuple(sorted(name for name in names if before.get(name) != now.get(name)))))
        self._reshape(shapes, published)
