"""What a gateway follows, as it needs it: the feed, which is fast, and the trail, which is right."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Protocol, TypeVar

from floorcast.access.law import Beginning
from floorcast.database.picture_request import PictureRequest
from floorcast.gateway.course import Link
from floorcast.operation import Operation
from floorcast.past import Past
from floorcast.position import Position
from floorcast.stream.entry import FeedEntry
from floorcast.tick import Anchor


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
    """Every tick, from Postgres; `trail.PostgresTrail` is one.

    All raise DatabaseUnavailable, and what is asked of one tick raises AnotherTick where Postgres was restored since.
    """

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


class Onlooker(Protocol):
    """Looks at what ticks bring beside the rows; must be quick and must not wait."""

    def begin(self) -> None:
        """Note that the gateway begins to follow the stream, or begins anew."""
        ...

    def notice(self, operations: Sequence[Operation]) -> None:
        """Note what a tick brought; of a large one, what gateways follow."""
        ...

    def notice_large(self, places: Sequence[str]) -> None:
        """Note which places a large tick concerns; nobody has its rows here."""
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


class PastPages(Protocol):
    """What happened in some places, further back than a gateway remembers; `pages.Pages` is one."""

    async def page(
        self, incarnation: str, places: tuple[str, ...], after: int, upto: int, anchor: Anchor
    ) -> Past | None:
        """Return what happened after a tick, up to another or less; None when it is not kept any more.

        Raises DatabaseUnavailable, and AnotherTick where Postgres does not have the anchor.
        """
        ...


class PastTrail(Protocol):
    """What only the trail has; `database.past.TrailReader` is one, shared or not.

    Ticks are asked for by number, and Postgres may have been restored meanwhile. So whoever asks says by an anchor of
    which history they are. All raise DatabaseUnavailable, and AnotherTick where Postgres does not have the anchor.
    """

    def pages(self, tick: int, places: Sequence[str], anchor: Anchor) -> AsyncIterator[tuple[Operation, ...]]:
        """Yield what a large tick brought to some places, in pages that fit into memory; the same pages each time.

        Raises TickNotKept when it is not kept any more.
        """
        ...

    async def access(self, after: int, upto: int, anchor: Anchor) -> Sequence[tuple[int, tuple[Operation, ...]]] | None:
        """Return what concerns access after a tick, up to and including another, by tick.

        None when that is not kept any more, or too much.
        """
        ...

    async def seal_of(self, tick: int, anchor: Anchor) -> str | None:
        """Return the seal of a tick; None when it is not kept any more."""
        ...


class Shown(Protocol):
    """A first picture; `database.spool.Spool` is one."""

    @property
    def tick(self) -> int:
        """Everything that ticks up to this one delivered is in it."""
        ...

    @property
    def incarnation(self) -> str:
        """The history that the tick belongs to."""
        ...

    @property
    def seal(self) -> str:
        """Seal of `tick`."""
        ...

    @property
    def snapshot(self) -> str:
        """Which transactions it has seen, as PostgreSQL writes it."""
        ...

    @property
    def clean(self) -> bool:
        """Whether nothing is in it that ticks up to `tick` did not deliver."""
        ...

    @property
    def at(self) -> str:
        """Everything that had committed by then is in it; ISO 8601 in UTC, by the database's clock."""
        ...

    def chunks(self, most_bytes: int) -> Iterator[tuple[str, bytes]]:
        """Yield (table, `row,row,row`), table by table, about so many bytes at a time."""
        ...

    def close(self) -> None:
        """Give it up."""
        ...


class Pictures(Protocol):
    """Where first pictures come from; `pictures.Pictures` is one."""

    async def read(self, request: PictureRequest, *, not_before: int) -> Shown:
        """Return a picture that sees a tick at least, to be closed by the caller.

        Raises DatabaseUnavailable, PicturesBusy, PictureTooLarge, PictureUnreadable.
        """
        ...
