"""What is held of one warehouse: frames in, whole steps out (pure).

A tick or a picture that comes in parts changes nothing before its last part is there, and the cursor is that of the
last whole step. So whoever joins again with the cursor, after a loss at any frame, goes on exactly where the rows are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from floorcast.client.channel import Payload
from floorcast.client.events import Change, Changes, Joined, Key, Progress, Row, Snapshot, ViewEvent, key_of
from floorcast.client.presence import Presence
from floorcast.errors import ClientError
from floorcast.position import Position

_NOTHING: Mapping[Key, Row] = MappingProxyType({})


@dataclass(slots=True)
class _Gathered:
    """A step of which some parts are here."""

    tick: int
    # A picture, or else a tick's changes.
    picture: bool
    # The newest part; they are counted from 1.
    part: int = 1
    changes: list[Change] = field(default_factory=list)
    # Table → rows.
    rows: dict[str, list[Row]] = field(default_factory=dict)


@dataclass(slots=True)
class Replica:
    """The rows, the cursor and the people of one warehouse, as of the last whole step."""

    # False: only the cursor is kept, for one who has a store of his own.
    keep_rows: bool = True
    # Hands the stream on to the next joining; None: it must begin with a picture, or anew.
    cursor: str | None = None
    # None before the first joining.
    tables: tuple[str, ...] | None = None
    # Table → the columns of its key.
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    presence: Presence = field(default_factory=Presence)
    _rows: dict[str, dict[Key, Row]] = field(default_factory=dict)
    # The newest tick that is applied; what a new joining repeats of them is passed over. -1: none.
    _applied: int = -1
    # The newest tick that this joining has told whole, so that it cannot tell one twice. -1: none.
    _told: int = -1
    _gathered: _Gathered | None = None

    def rows(self, table: str) -> Mapping[Key, Row]:
        """Return the rows of a table by key; it is the rows themselves, which the next step changes.

        Raises:
            KeyError: the joining does not bring this table.
        """
        if not self.keep_rows:
            raise KeyError("this view keeps no rows (keep_rows=False)")
        if self.tables is not None and table not in self.tables:
            raise KeyError(f"{table!r} is not among the tables of this view: {', '.join(self.tables)}")
        held = self._rows.get(table)
        return _NOTHING if held is None else MappingProxyType(held)

    def join(
        self, origin: Literal["cursor", "snapshot", "now"], response: Payload, after: ClientError | None
    ) -> Joined:
        """Begin a joining, with the join's response."""
        self.leave()
        self.tables = tuple(response["tables"]) if "tables" in response else None
        self.keys = {table: tuple(columns) for table, columns in (response.get("keys") or {}).items()}
        if origin != "cursor":
            self.cursor = response.get("cursor")
        position, role = str(response.get("position")), response.get("role")
        return Joined(origin, position, role, self.tables or (), dict(self.keys), self.cursor, after)

    def leave(self) -> None:
        """End a joining: what was not whole never was."""
        self._gathered = None
        self._told = -1
        self.presence.clear()

    def forget(self) -> None:
        """Hold nothing any more."""
        self.leave()
        self._rows = {}
        self._applied = -1
        self.cursor = None

    def receive(self, event: str, payload: Payload) -> ViewEvent | None:
        """Take one frame's event; return what it means, None while a step is not whole or where it means nothing.

        Raises:
            ClientError: `out_of_step` when a part is missing or a tick is told twice: join again with the cursor;
                `bad_frame` when the payload is not as documented. Nothing has changed.
        """
        try:
            match event:
                case "changes":
                    return self._take_changes(payload)
                case "snapshot":
                    return self._take_snapshot(payload)
                case "progress":
                    return self._take_progress(payload)
                case "presence_state":
                    return self.presence.state(payload)
                case "presence_diff":
                    return self.presence.diff(payload)
                case _:
                    return None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ClientError("bad_frame", f"a {event} of the server cannot be understood: {error!r}") from error

    def _take_changes(self, payload: Payload) -> Changes | None:
        step, at = self._gather(payload, picture=False), str(payload["at"])
        step.changes.extend(map(Change.read, payload["changes"]))
        if not _ends(payload):
            return None
        # Before anything is touched: a step is applied whole or not at all.
        keyed = [(change, self._key(change)) for change in step.changes]
        self._gathered = None
        self._told = step.tick
        if step.tick <= self._applied:
            return None
        self._applied = step.tick
        self.cursor = payload.get("cursor") or self.cursor
        if self.keep_rows:
            for change, key in keyed:
                rows = self._rows.setdefault(change.table, {})
                if change.new is None:
                    rows.pop(key, None)
                else:
                    rows[key] = change.new
        folded = bool(payload.get("folded"))
        return Changes(step.tick, at, tuple(step.changes), payload.get("cursor"), folded)

    def _take_snapshot(self, payload: Payload) -> Snapshot | None:
        step, at = self._gather(payload, picture=True), str(payload["at"])
        for table, rows in payload["rows"].items():
            step.rows.setdefault(table, []).extend(rows)
        if not _ends(payload):
            return None
        if self.keep_rows:
            self._rows = {
                table: {key_of(self.keys[table], row): row for row in rows} for table, rows in step.rows.items()
            }
        self._gathered = None
        self._applied = self._told = step.tick
        self.cursor = payload.get("cursor")
        return Snapshot(step.tick, at, step.rows, self.cursor)

    def _take_progress(self, payload: Payload) -> Progress:
        position, at, cursor = Position.parse(payload["position"]), str(payload["at"]), payload.get("cursor")
        if self._gathered is not None and position.tick >= self._gathered.tick:
            raise _out_of_step(f"progress to {position} came before the end of tick {self._gathered.tick}")
        if position.tick >= self._applied:
            self.cursor = cursor or self.cursor
        return Progress(str(position), at, cursor)

    def _gather(self, payload: Payload, *, picture: bool) -> _Gathered:
        """Return the step that a frame belongs to, begun anew where it is the first of it."""
        tick, part, begun = int(payload["tick"]), payload.get("part"), self._gathered
        if part is not None and part != 1:
            if begun is None or (begun.tick, begun.picture, begun.part + 1) != (tick, picture, part):
                raise _out_of_step(f"part {part} of tick {tick} does not follow what came before it")
            begun.part = part
            return begun
        if not picture:
            if tick <= self._told:
                raise _out_of_step(f"tick {tick} came after tick {self._told}")
            # A tick may begin again, and what is folded holds everything before it; all else would leave a gap.
            if begun is not None and (begun.picture or (tick > begun.tick and not payload.get("folded"))):
                raise _out_of_step(f"tick {tick} came before the end of what began at tick {begun.tick}")
        self._gathered = _Gathered(tick, picture)
        return self._gathered

    def _key(self, change: Change) -> Key:
        return key_of(self.keys.get(change.table) or tuple(change.key), change.key)


def _ends(payload: Payload) -> bool:
    return "part" not in payload or payload.get("end") is True


def _out_of_step(what: str) -> ClientError:
    return ClientError("out_of_step", f"{what}; going on from the last whole tick")
