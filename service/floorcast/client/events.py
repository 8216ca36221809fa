"""What a view tells, one frozen dataclass for each kind of news (pure)."""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from floorcast.client.channel import Payload
from floorcast.errors import ClientError

Row = Mapping[str, Any]
"""A row by column, as PostgreSQL wrote it in JSON; hidden columns are there and None."""

Key = Hashable
"""Which row it is: the value of its key column; where the key has several columns, the tuple of their values."""

Metas = tuple[Mapping[str, Any], ...]
"""What one person shows of himself, once for each of his tabs or devices."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The warehouse is joined; what follows is complete from here on."""

    # Where the stream goes on: after a `cursor` without a gap, with a `snapshot`, or `now`, without what was before.
    origin: Literal["cursor", "snapshot", "now"]
    # The position that the server named, `<tick>-<n>`.
    position: str
    # The person's role in this warehouse.
    role: str | None
    # The tables that come.
    tables: tuple[str, ...]
    # Table → the columns of its key.
    keys: Mapping[str, tuple[str, ...]]
    # None before a picture is complete.
    cursor: str | None = None
    # None the first time; else what ended the joining before.
    after: ClientError | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The picture, complete: it replaces everything that was known."""

    tick: int
    # When it was read, by the database's clock.
    at: str
    # Table → its rows, in no promised order.
    rows: Mapping[str, Sequence[Row]]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One row that entered, changed, or left."""

    position: str
    op: Literal["enter", "update", "leave"]
    # What was done in the database.
    by: Literal["insert", "update", "delete"]
    table: str
    # The key's columns.
    key: Row
    # The row after; None for a leave.
    new: Row | None
    # The row before, of one that was deleted; else None.
    old: Row | None
    # A person's id, or system:<role>.
    actor: str
    at: str
    # As it came, with whatever a newer server adds to it.
    wire: Payload = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def read(cls, wire: Payload) -> Self:
        """Read one of the `changes` of a frame; raises KeyError for what lacks something."""
        return cls(
            position=wire["position"],
            op=wire["op"],
            by=wire["by"],
            table=wire["table"],
            key=wire["key"],
            new=wire.get("new"),
            old=wire.get("old"),
            actor=wire["actor"],
            at=wire["at"],
            wire=wire,
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """All changes of one tick for this view, to be applied as one step."""

    tick: int
    # When the tick was closed, by the database's clock.
    at: str
    changes: tuple[Change, ...]
    cursor: str | None = None
    # A catch-up that holds the newest state of each row instead of each change; `tick` is the last that is in it.
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything that had committed at `at`, by the database's clock, has been told."""

    position: str
    at: str
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was known of the warehouse must be forgotten; a view has emptied its rows already."""

    # Why: a reason of codes.REFETCH_REASONS, or else the code (`revoked`, `forbidden`, `bad_cursor`).
    reason: str
    # The same with its code and as a sentence.
    error: ClientError
    # Nothing follows. Else a `Snapshot` will.
    final: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """The connection or the joining was lost or refused; it is tried again by itself."""

    error: ClientError
    # How long from now.
    seconds: float


@dataclass(frozen=True, slots=True)
class PresenceState:
    """Who is here: everybody."""

    present: Mapping[str, Metas]


@dataclass(frozen=True, slots=True)
class PresenceDiff:
    """Who came and who went since."""

    joins: Mapping[str, Metas]
    leaves: Mapping[str, Metas]


@dataclass(frozen=True, slots=True)
class Refused:
    """Something asked for beside the joining was not done: a presence, a newer token. The rest goes on."""

    error: ClientError


ViewEvent = Joined | Snapshot | Changes | Progress | Forgotten | Waiting | PresenceState | PresenceDiff | Refused
"""Everything that a view can tell."""


def key_of(columns: Sequence[str], values: Mapping[str, Any]) -> Key:
    """Return the key of a row, or of a change's `key`; raises KeyError when a column is lacking."""
    if len(columns) == 1:
        return _hashable(values[columns[0]])
    return tuple(_hashable(values[column]) for column in columns)


def _hashable(value: Any) -> Hashable:
    # A key of type json or of an array, which almost nobody has.
    return json.dumps(value, sort_keys=True, default=str) if isinstance(value, dict | list) else value
