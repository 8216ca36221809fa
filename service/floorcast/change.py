"""What flows: one change, a row of `floorcast.change` as a tick delivers it.

Row values stay the JSON text that the trigger built. They are spliced into frames and never parsed on the way,
because parsing would cost time and, worse, digits: `183.0500` must not become `183.05`.
"""

from dataclasses import dataclass
from typing import Literal

DatabaseOperation = Literal["insert", "update", "delete"]

GRANTS = "floorcast.grants"
"""The tracked table that says who may join which warehouse."""

TRACKED = "floorcast.tracked"
"""The tracked table that says which tables are tracked."""

TABLE_RULE = "floorcast.table_rule"
"""Tracked: which roles may do what in which table."""

COLUMN_RULE = "floorcast.column_rule"
"""Tracked: which roles a column shows its values to."""

OWNER_RULE = "floorcast.owner_rule"
"""Tracked: which column names the person whose row it is."""

POLICY = frozenset({TABLE_RULE, COLUMN_RULE, OWNER_RULE})
"""The tables that say what each role sees; SQL policies and gateways read the same rows."""

CANARY = "floorcast.canary"
"""Tracked: changes that gateways make themselves, to see them come."""

MESSAGES = "realtime.messages"
"""Broadcasts that the database sends; no warehouse is told of them."""

_OURS = "floorcast."


def is_ours(table: str) -> bool:
    """Whether a table is Floorcast's own: gateways follow some of them, and send the rows of none."""
    return table.startswith(_OURS)


@dataclass(frozen=True, slots=True)
class Change:
    """One row's insert, update or delete, at its place in a tick."""

    # Place in the tick, counting from 1; `<tick>-<n>` is the change's position.
    n: int
    # The 64-bit id of the top-level transaction, as text: JSON numbers end at 2^53.
    xid: str
    # Drawn from one sequence at capture; orders what one transaction did.
    seq: int
    # `work_orders` for schema public, `schema.table` for any other.
    table: str
    op: DatabaseOperation
    # JSON object of the primary key's columns.
    key: str
    # Where the row is now (for a delete: where it was); None for a table without warehouses.
    warehouse: str | None
    # Where the row was before it moved; None for a row that did not move.
    old_warehouse: str | None
    # `sub` of the caller's claims, or `system:<role>`.
    actor: str
    # When the statement captured it, ISO 8601 in UTC.
    at: str
    # The row before (None for an insert) and after (None for a delete), as JSON text.
    old: str | None
    new: str | None
    # Whether the row after and the row before was retired (deleted_at was set): kept, and hidden from people.
    retired: bool = False
    old_retired: bool = False
