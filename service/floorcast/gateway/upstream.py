"""What a gateway follows, as it needs it: the feed, which is fast, and the trail, which is right."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeVar

from floorcast.access.law import Beginning
from floorcast.gateway.course import Link
from floorcast.operation import Operation
from floorcast.position import Position
from floorcast.stream.entry import FeedEntry


class Header(Link, Protocol):
    """A tick as Postgres names it; its operations are read separately."""

    @property
    def at(self) -> str:
        """When it was closed."""
        ...

    @property
    def large(self) -> bool:
        """Whether it comes in more than one page."""
        ...


HeaderT = TypeVar("HeaderT", bound=Header)


class Start(Beginning, Protocol):
    """A beginning with the seal of its tick."""

    @property
    def seal(self) -> str:
        """Seal of `tick`."""
        ...


class Trail(Protocol[HeaderT]):
    """Every tick, from Postgres. All raise DatabaseUnavailable; `trail.PostgresTrail` is one."""

    async def begin(self) -> Start:
        """Return where to begin."""
        ...

    async def since(self, tick: int, limit: int) -> tuple[str, Sequence[HeaderT]]:
        """Return the current incarnation, and up to `limit` ticks from `tick` on, itself included, ascending."""
        ...

    def pages(self, header: HeaderT) -> AsyncIterator[tuple[Operation, ...]]:
        """Yield the operations of a tick in pages that fit into memory; the same pages each time."""
        ...

    async def access(self, header: HeaderT) -> tuple[Operation, ...]:
        """Return what a tick of any size does to access, in order."""
        ...

    async def concerned(self, header: HeaderT) -> Sequence[str]:
        """Return the places that a tick concerns: warehouses, and what stands for several."""
        ...


class NewestTick(Protocol):
    """How far a history is published."""

    @property
    def incarnation(self) -> str:
        """The history."""
        ...

    @property
    def tick(self) -> int:
        """Its newest tick."""
        ...

    @property
    def seal(self) -> str:
        """That tick's seal."""
        ...


class Feed(Protocol):
    """The feed. All raise StreamUnavailable; `stream.feed.FeedReader` is one."""

    async def read(self, incarnation: str, after: Position, *, wait_seconds: float) -> Sequence[FeedEntry]:
        """Return entries of a history behind `after`, in order; empty when none came in time."""
        ...

    async def newest(self) -> NewestTick | None:
        """Return how far the current history is published; None when nothing is."""
        ...
