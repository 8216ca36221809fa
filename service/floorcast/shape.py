"""What a tracked table looks like: columns and types, its key, where a row belongs, and whether it is protected."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson

Scope = Literal["warehouse", "organization", "person"]
"""What the place column names."""

ENUM = "enum"
"""Stands for the name of any enumerated type."""


@dataclass(frozen=True, slots=True)
class TableShape:
    """A tracked table whose rows may be sent, as the catalogue has it."""

    # As the trail writes it: `work_orders`, or `schema.table` for a schema other than public.
    table: str
    # Name → type, in the order of the table. PostgreSQL's own types are named as in pg_type (`int4`, `_text`), any that
    # is enumerated is `enum`, others are `schema.name`. A domain counts as the type that it is made of.
    columns: Mapping[str, str] = field(hash=False)
    # The primary key, in its order.
    key: tuple[str, ...]
    scope: Scope
    # The column that names the warehouse, the organization or the person.
    place_column: str
    # Under row level security, by `floorcast.protect()`. What is not shows people nothing, and is not sent.
    is_protected: bool = True
    # How its columns came to be, as text: their numbers and the modifiers of their types. A column that was dropped and
    # made again, or was given another precision, looks the same, and its rows were written anew without a change.
    layout: str = ""
    _fingerprint: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compute what is asked for at every join."""
        columns = list(self.columns.items())
        described = orjson.dumps(
            (self.table, columns, self.key, self.scope, self.place_column, self.is_protected, self.layout)
        )
        object.__setattr__(self, "_fingerprint", hashlib.sha256(described).hexdigest()[:16])

    @property
    def fingerprint(self) -> str:
        """16 hex digits that differ whenever columns, their types, order or layout, the key, place or protection do."""
        return self._fingerprint


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    """What the catalogue says of a column beside its type; rows of before may be otherwise."""

    # It is never null.
    required: bool
    # All values that there are: of an enumerated type, or of a check that lists words. Empty: any.
    labels: tuple[str, ...]
    # Empty: none.
    comment: str


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What the catalogue says of a table beside its shape."""

    # Empty: none.
    comment: str
    columns: Mapping[str, ColumnDescription] = field(hash=False)
