"""What a first picture is asked for, and what makes two of them one (pure)."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from floorcast.database.caller import Caller
from floorcast.filter.condition import Condition, columns_of
from floorcast.shape import TableShape


@dataclass(frozen=True, slots=True)
class TableRead:
    """One table as a topic shows it to somebody: which of its rows, and what of them."""

    # As the trail writes it.
    table: str
    shape: TableShape
    # The key's come along whatever is asked for; None: all.
    columns: tuple[str, ...] | None = None
    # A condition on what is seen of a row.
    where: Condition | None = None
    # (column, rows): only so many, the newest by that column.
    recent: tuple[str, int] | None = None
    # Columns that the role does not see in this warehouse: null, but in rows whose `owner` is the caller.
    hidden: frozenset[str] = frozenset()
    # The column that names whose row it is, where that makes a difference.
    owner: str | None = None
    # False: the role does not read the table, and rows that are the caller's own are all there is.
    reads: bool = True

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns of a row in the picture, in the order of the table."""
        if self.columns is None:
            return tuple(self.shape.columns)
        wanted = {*self.columns, *self.shape.key}
        return tuple(column for column in self.shape.columns if column in wanted)

    @property
    def looked_at(self) -> frozenset[str]:
        """The columns that make a difference to this read."""
        asked = frozenset() if self.where is None else columns_of(self.where)
        return asked.union(self.shown, () if self.recent is None else self.recent[:1])

    @property
    def masked(self) -> frozenset[str]:
        """The hidden columns that make a difference; where all rows are one's own, none does."""
        return self.hidden & self.looked_at if self.reads else frozenset()

    @property
    def is_personal(self) -> bool:
        """Whether two people with the same view are shown different things."""
        return self.owner is not None and (not self.reads or bool(self.masked))


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """A first picture of one warehouse."""

    caller: Caller
    # `sub` of the caller's token.
    user: str
    # Ids as in the trail.
    warehouse: str
    organization: str
    # Each table at most once.
    tables: tuple[TableRead, ...]

    @property
    def is_personal(self) -> bool:
        """Whether nobody else can be given the same."""
        return any(read.is_personal for read in self.tables)


@dataclass(frozen=True, slots=True)
class LawAtSnapshot:
    """What the picture's own snapshot says about its reader; it may be ahead of what a gateway knows."""

    # The reader's in this warehouse, `service_role` for a trusted server; None: none, or the warehouse is not in use.
    role: str | None
    # The warehouse's; None when it is not in use.
    organization: str | None
    # The rules about the tables that were read: name of the policy table, row.
    rules: tuple[tuple[str, Mapping[str, Any]], ...]


def sharing_key(request: PictureRequest) -> Hashable:
    """Return what is equal for requests whose pictures are the same at every snapshot.

    Policies give the same rows to whoever has the same view of the same warehouse, except what is somebody's own.
    """
    tables = tuple(
        (
            read.table,
            read.shape.fingerprint,
            read.shown,
            read.where,
            read.recent,
            read.masked,
            read.owner if read.is_personal else None,
            read.reads,
        )
        for read in sorted(request.tables, key=lambda read: read.table)
    )
    user = request.user if request.is_personal else None
    return request.caller.role, request.warehouse, request.organization, user, tables
