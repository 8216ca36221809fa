"""What one subscription shows: what its person may see, of what he asked for (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from floorcast.access.policy import View
from floorcast.cursor import digest
from floorcast.filter.condition import Condition
from floorcast.filter.matcher import Matcher, compile_matcher


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
    # Table → whether one of its rows is asked for; raises RowMismatch.
    where: Mapping[str, Matcher] = field(init=False, compare=False)
    columns: Mapping[str, frozenset[str]] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Make what was asked for quick to look up."""
        matchers = {table: compile_matcher(condition) for table, condition in self.asked.where}
        object.__setattr__(self, "where", matchers)
        object.__setattr__(self, "columns", dict(self.asked.columns))

    @property
    def is_plain(self) -> bool:
        """Whether rows of the tables that it shows are shown as they are."""
        return not (self.view.hidden or self.view.owned or self.where or self.columns)


def look(view: View, asked: Asked) -> Lens:
    """Return what somebody with a view sees of what he asked for."""
    return Lens(view.within(asked.tables), asked)
