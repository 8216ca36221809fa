"""Who may see what of a row, worked out from the rules as they are at the end of a trial; no code of Floorcast is used.

A trial may change who has access, and may not change the rules.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import psycopg

_RULES = """
select
    (select json_object_agg(table_name, roles) from floorcast.table_rule where action = 'select'),
    (select json_object_agg(table_name || '/' || column_name, roles) from floorcast.column_rule),
    (select json_object_agg(table_name, column_name) from floorcast.owner_rule where 'select' = any(actions)),
    (select json_object_agg(id, organization_id) from public.warehouses)
"""


@dataclass
class Law:
    """The rules; without any, everybody sees everything."""

    # Table → roles that read it; None: no rules.
    readers: dict[str, list[str]] | None = None
    # Table → column → roles that read it.
    columns: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    # Table → the column that names whose row it is.
    owners: dict[str, str] = field(default_factory=dict)
    # Warehouse → its organization.
    organizations: dict[str, str] = field(default_factory=dict)

    def shown(self, table: str, operation: dict[str, Any], owner_row: Any, user: str, role: str) -> Any:
        """Return the operation as somebody in that role should be told of it; None when he should not be.

        Args:
            table: whose row it is about.
            operation: as whoever sees everything is told of it.
            owner_row: the row, also where the operation has its key only.
            user: whom it is told.
            role: his, where it is told.
        """
        if self.readers is None:
            return operation
        owner = self.owners.get(table)
        if owner is not None and owner_row[owner] == user:
            return operation
        if role not in self.readers.get(table, ()):
            return None
        hidden = [column for column, roles in self.columns.get(table, {}).items() if role not in roles]
        rows = {name: operation[name] | dict.fromkeys(hidden) for name in ("new", "old") if name in operation}
        return operation | rows


def read_law(connection: psycopg.Connection[Any]) -> Law:
    """Read the rules."""
    (readers, columns, owners, organizations) = connection.execute(_RULES).fetchone() or ({}, {}, {}, {})
    by_table: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for name, roles in columns.items():
        table, column = name.split("/")
        by_table[table][column] = roles
    return Law(readers, dict(by_table), owners, organizations)
