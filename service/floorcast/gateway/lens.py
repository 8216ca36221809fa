"""What one subscription shows: what its person may see, of what he asked for (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from floorcast.access.policy import View
from floorcast.cursor import digest


class Condition(Protocol):
    """A `where` on one table; equal ones are the same condition."""

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Say whether a row, as it was read from JSON, is one that was asked for."""
        ...

    def __hash__(self) -> int:
        """Agree with equality."""
        ...

    def __str__(self) -> str:
        """Return the same text for equal conditions, in every process."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a join asked for; nothing means everything."""

    # None: every table that is sent at all.
    tables: frozenset[str] | None = None
    # (table, which of its rows), by table.
    where: tuple[tuple[str, Condition], ...] = ()
    # (table, which of its columns), by table.
    columns: tuple[tuple[str, frozenset[str]], ...] = ()

    @property
    def digest(self) -> bytes:
        """What stands for it in cursors."""
        tables = "*" if self.tables is None else ",".join(sorted(self.tables))
        where = ";".join(f"{table}:{condition}" for table, condition in self.where)
        columns = ";".join(f"{table}:{','.join(sorted(names))}" for table, names in self.columns)
        return digest(f"{tables}|{where}|{columns}".encode())


ALL = Asked()


@dataclass(frozen=True, slots=True)
class Lens:
    """A view and what was asked for. Equal lenses are sent equal bytes."""

    # Within the tables that were asked for.
    view: View
    asked: Asked = ALL
    where: Mapping[str, Condition] = field(init=False, compare=False)
    columns: Mapping[str, frozenset[str]] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Make what was asked for quick to look up."""
        object.__setattr__(self, "where", dict(self.asked.where))
        object.__setattr__(self, "columns", dict(self.asked.columns))

    @property
    def is_plain(self) -> bool:
        """Whether rows of the tables that it shows are shown as they are."""
        return not (self.view.hidden or self.view.owned or self.where or self.columns)


def look(view: View, asked: Asked) -> Lens:
    """Return what somebody with a view sees of what he asked for."""
    return Lens(view.within(asked.tables), asked)
