"""Schemas of the tables that somebody may read, made from the catalogue as it is now."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from floorcast.access.policy import View
from floorcast.protocol.rows import row_schema
from floorcast.protocol.schemas import Schema
from floorcast.shape import TableDescription, TableShape

Described = tuple[Mapping[str, TableShape], Mapping[str, TableDescription]]
"""Shapes and descriptions of all tracked tables, of one moment."""

Views = Callable[[str, str], Mapping[str, View] | None]
"""Told a token's role and user; says what is seen by warehouse, None before that is known."""

KEEP_SECONDS = 1.0
"""How long one look at the catalogue serves everybody."""


class TableSchemas:
    """What `/v1/schemas` shows."""

    def __init__(self, look: Callable[[], Awaitable[Described]], clock: Callable[[], float]) -> None:
        """Read nothing before somebody asks.

        Args:
            look: reads the catalogue; raises DatabaseUnavailable.
            clock: seconds, never backwards.
        """
        self._look = look
        self._clock = clock
        # Set by whoever knows the law; before, nobody is told anything.
        self.views: Views = _unknown
        self._found: tuple[float, Described] | None = None
        self._looking = asyncio.Lock()

    async def schemas(self, role: str, user: str) -> Mapping[str, Schema] | None:
        """Return the schema of every table that somebody may read in any warehouse, by its name.

        None while it is not known yet who may see what; raises DatabaseUnavailable.
        """
        shapes, descriptions = await self._described()
        views = self.views(role, user)
        if views is None:
            return None
        seen = set(views.values())
        # A column that is hidden in one warehouse may be null wherever a program follows several.
        return {
            table: row_schema(
                shape,
                descriptions.get(table, TableDescription("", {})),
                frozenset().union(*(view.hidden.get(table, frozenset()) for view in seen)),
            )
            for table, shape in sorted(shapes.items())
            if shape.is_protected and any(view.shows(table) for view in seen)
        }

    async def _described(self) -> Described:
        async with self._looking:
            if self._found is None or self._clock() - self._found[0] > KEEP_SECONDS:
                begun = self._clock()
                self._found = begun, await self._look()
            return self._found[1]


def _unknown(_role: str, _user: str) -> None:
    return None
