"""What each role sees of which tables, as of a tick (pure).

The rows of `floorcast.table_rule`, `column_rule` and `owner_rule` are the law: the policies in SQL read them, and a
gateway follows them through the stream. So a socket is sent what a query of the same person would show at that tick,
and nobody has to ask the database for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from floorcast.change import COLUMN_RULE, OWNER_RULE, POLICY, TABLE_RULE
from floorcast.cursor import digest
from floorcast.operation import Operation

_READING = "select"
"""The action that a gateway is about; who may write is decided in Postgres alone."""

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class View:
    """What somebody sees of a warehouse's tables. Equal views are sent equal bytes, whatever roles they come from."""

    # Tables whose rows it shows; None: all there are.
    reads: frozenset[str] | None
    # Table → the column that names the person who sees the row whole; only where that makes a difference.
    owned: Mapping[str, str] = field(hash=False)
    # Table → columns that read as null; of tables in `reads`.
    hidden: Mapping[str, frozenset[str]] = field(hash=False)

    def reads_table(self, table: str) -> bool:
        """Whether it shows the table's rows to everybody who has this view."""
        return self.reads is None or table in self.reads

    def shows(self, table: str) -> bool:
        """Whether it may show a row of the table at all."""
        return self.reads_table(table) or table in self.owned

    @property
    def digest(self) -> bytes:
        """What stands for it in cursors: the same for equal views, in every process."""
        reads = "*" if self.reads is None else ",".join(sorted(self.reads))
        owned = ",".join(f"{table}.{column}" for table, column in sorted(self.owned.items()))
        hidden = ",".join(f"{table}.{name}" for table, names in sorted(self.hidden.items()) for name in sorted(names))
        return digest(f"{reads};{owned};{hidden}".encode())

    def within(self, tables: frozenset[str] | None) -> "View":
        """Return the part of it that is about these tables; None: all of it."""
        if tables is None:
            return self
        return View(
            tables if self.reads is None else self.reads & tables,
            {table: column for table, column in self.owned.items() if table in tables},
            {table: columns for table, columns in self.hidden.items() if table in tables},
        )


EVERYTHING = View(None, NOTHING, NOTHING)
"""What a trusted server sees."""


class Policy:
    """The rules as of one tick."""

    def __init__(self, rows: Iterable[tuple[str, Mapping[str, Any]]] = ()) -> None:
        """Begin with rows as (name of the policy table, row)."""
        # Table → the roles that read it.
        self._readers: dict[str, frozenset[str]] = {}
        # (table, column) → the roles that read the column.
        self._columns: dict[tuple[str, str], frozenset[str]] = {}
        # Table → the column that names its row's owner, who reads it.
        self._owners: dict[str, str] = {}
        # Views are asked for at every join and seldom change: one object a role, which also makes comparing them quick.
        self._views: dict[str, View] = {}
        for table, row in rows:
            self._set(table, row, row)

    def view(self, role: str) -> View:
        """Return what people of a role see."""
        found = self._views.get(role)
        if found is None:
            found = self._views[role] = self._compute(role)
        return found

    def apply(self, operations: Iterable[Operation]) -> bool:
        """Move on by one whole tick, given its operations in order; true when a view may have changed."""
        touched = False
        for operation in operations:
            if operation.table in POLICY:
                fact = orjson.loads(operation.new or b"{}")
                self._set(operation.table, fact["key"], fact["new"])
                touched = True
        if touched:
            self._views.clear()
        return touched

    def _set(self, table: str, key: Mapping[str, Any], row: Mapping[str, Any] | None) -> None:
        """Put a rule in place of the one with its key; None takes it away."""
        about = key["table_name"]
        if table == TABLE_RULE:
            if key["action"] == _READING:
                _put(self._readers, about, None if row is None else frozenset(row["roles"]))
        elif table == COLUMN_RULE:
            _put(self._columns, (about, key["column_name"]), None if row is None else frozenset(row["roles"]))
        elif table == OWNER_RULE:
            _put(self._owners, about, row["column_name"] if row is not None and _READING in row["actions"] else None)

    def _compute(self, role: str) -> View:
        reads = frozenset(table for table, roles in self._readers.items() if role in roles)
        hidden: dict[str, frozenset[str]] = {}
        for (table, column), roles in self._columns.items():
            if table in reads and role not in roles:
                hidden[table] = hidden.get(table, frozenset()) | {column}
        # Who sees a row whole anyway gains nothing by owning it, and needs no frame of his own.
        owned = {table: column for table, column in self._owners.items() if table not in reads or table in hidden}
        return View(reads, owned, hidden)


def _put(rules: dict[Any, Any], key: Any, value: Any) -> None:
    if value is None:
        rules.pop(key, None)
    else:
        rules[key] = value
