"""Turns `changes` into lines that people can read, one a change. Pure; remembers rows, to say what changed in them."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from floorcast.client.events import Change, Changes, Forgotten, Joined, Key, Row, Snapshot, ViewEvent, Waiting, key_of
from floorcast.errors import REFETCH_REASONS

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

    # Table → the columns of its key.
    _keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Table and key → the row as it was last seen, the least recently seen first.
    _rows: OrderedDict[tuple[str, Key], Row] = field(default_factory=OrderedDict)

    def note(self, event: ViewEvent) -> str | None:
        """Return a line about what is no change: where it begins, what was lost, how it goes on; None for nothing."""
        match event:
            case Joined():
                self._keys = event.keys
                return visible(f"joined as {event.role}, {_beginning(event)}")
            case Snapshot():
                return visible(self._picture(event))
            case Forgotten(final=False):
                self._rows.clear()
                because = REFETCH_REASONS.get(event.reason)
                why = because.message if because else str(event.error)
                return visible(f"it cannot go on exactly ({why}): the picture will follow")
            case Waiting():
                return visible(f"lost ({event.error}); trying again in {event.seconds:.1f} s")
            case _:
                return None

    def lines(self, changes: Changes) -> Iterator[str]:
        """Yield a line for each change of a tick: time, position, table, what, who."""
        for change in changes.changes:
            yield self.line(change)

    def line(self, change: Change) -> str:
        """Return the line of one change; characters that a terminal would obey are made visible."""
        table = change.table
        place = (table, key_of(self._keys.get(table) or tuple(change.key), change.key))
        before = self._rows.pop(place, None)
        row = change.new
        if row is not None:
            self._remember(place, row)
        shown = row or change.old or before or change.key
        what = " ".join(filter(None, (self._order(shown), _name(shown), _what(table, change.op, before, row))))
        at, actor = change.at[11:23], _actor(change.actor)
        return visible(f"{at}  {change.position:>8}  {table:<22} {change.op:<6} {what}  ({actor})")

    def _picture(self, snapshot: Snapshot) -> str:
        self._rows.clear()
        for table, rows in snapshot.rows.items():
            for row in rows:
                self._remember((table, key_of(self._keys[table], row)), row)
        counts = sorted(((len(rows), table) for table, rows in snapshot.rows.items() if rows), reverse=True)
        return f"the picture at tick {snapshot.tick}: {', '.join(f'{n} {table}' for n, table in counts) or 'no rows'}"

    def _remember(self, place: tuple[str, Key], row: Row) -> None:
        self._rows[place] = row
        if len(self._rows) > MOST_ROWS:
            self._rows.popitem(last=False)

    def _order(self, row: Mapping[str, Any]) -> str:
        """Return the number of the work order that a row belongs to, if it went by before."""
        order = self._rows.get(("work_orders", row.get("work_order_id")), {})
        return str(order.get("number", ""))


def visible(text: str) -> str:
    """Make unprintable characters visible: a title must not move the cursor or change colours."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _beginning(joined: Joined) -> str:
    if joined.origin == "cursor":
        return "again, without a gap" if joined.after else "going on from the cursor, without a gap"
    return "beginning with the picture" if joined.origin == "snapshot" else f"from {joined.position} on"


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
