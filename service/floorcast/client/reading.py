"""Turns `changes` into lines that people can read, one a change. Pure; remembers rows, to say what changed in them."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_ROWS = 20_000
"""Rows that are remembered; of older ones an update shows what the row is, not what changed in it."""

_LONGEST_VALUE = 60
_NAMES = ("number", "asset_tag", "part_number", "title", "name", "event_type", "transaction_type", "role")
"""Columns that say which row it is, in this order."""
_DULL = frozenset({"id", "version", "created_at", "updated_at", "status_changed_at", "timestamp", "previous_status"})
"""Columns that change with every change, or never: not worth a reader's time."""
_TELLING = {
    "equipment": "status",
    "work_orders": "status",
    "inventory_items": "quantity",
    "inventory_transactions": "quantity",
}
"""What a row that enters is shown with, besides its name."""


@dataclass(slots=True)
class Reading:
    """One reader's memory of a warehouse."""

    # Table and key → the row as it was last seen, the least recently seen first.
    _rows: OrderedDict[tuple[str, str], Mapping[str, Any]] = field(default_factory=OrderedDict)

    def forget(self) -> None:
        """Something may have been missed: what is remembered may be older than it seems."""
        self._rows.clear()

    def lines(self, payload: Mapping[str, Any]) -> Iterator[str]:
        """Yield a line for each change of a `changes` event: time, position, table, what, who."""
        for operation in payload.get("changes", ()):
            yield self.line(operation)

    def line(self, operation: Mapping[str, Any]) -> str:
        """Return the line of one operation; characters that a terminal would obey are made visible."""
        table, op = str(operation["table"]), str(operation["op"])
        place = (table, repr(operation["key"]))
        before = self._rows.pop(place, None)
        row = operation.get("new")
        if row is not None:
            self._rows[place] = row
            if len(self._rows) > MOST_ROWS:
                self._rows.popitem(last=False)
        shown = row or operation.get("old") or before or operation["key"]
        what = " ".join(filter(None, (self._order(shown), _name(shown), _what(table, op, before, row))))
        at, actor = str(operation["at"])[11:23], _actor(str(operation["actor"]))
        return visible(f"{at}  {operation['position']:>8}  {table:<22} {op:<6} {what}  ({actor})")

    def _order(self, row: Mapping[str, Any]) -> str:
        """Return the number of the work order that a row belongs to, if it went by before."""
        order = self._rows.get(("work_orders", repr({"id": row.get("work_order_id")})), {})
        return str(order.get("number", ""))


def visible(text: str) -> str:
    """Make unprintable characters visible: a title must not move the cursor or change colours."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _what(table: str, op: str, before: Mapping[str, Any] | None, row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    if op == "update" and before is not None:
        changed = [name for name in row if name not in _DULL and row[name] != before.get(name)]
        return ", ".join(f"{name}: {_value(before.get(name))} → {_value(row[name])}" for name in changed)
    column = _TELLING.get(table)
    if column is not None and column in row:
        return f"{column}: {_value(row[column])}"
    return _value(row["details"]) if row.get("details") else ""


def _name(row: Mapping[str, Any]) -> str:
    return " ".join(_value(row[name]) for name in _NAMES if row.get(name) is not None) or _value(dict(row))


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        text = ", ".join(f"{name}: {_value(each)}" for name, each in value.items())
    else:
        text = "—" if value is None else str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _actor(actor: str) -> str:
    # Names are contact data and not in the stream; the beginning of an id tells people apart.
    return actor if actor.startswith("system:") else f"by {actor[:8]}"
