"""One binding of a channel: which changes of which table are asked for (pure).

What is sent back is the client's own object with an `id`, in its place; clients compare it word for word. The id is
made of what is asked for: the same on every gateway and after every restart.
"""

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from floorcast.filter.condition import Condition
from floorcast.filter.matcher import Matcher, compile_matcher
from floorcast.filter.reading import read_filter
from floorcast.filter.syntax import FilterError
from floorcast.gateway.channels.config import MOST_BINDINGS
from floorcast.shape import TableShape

Kind = Literal["INSERT", "UPDATE", "DELETE"]

ANY = "*"
_PUBLIC = "public"
_IDS = 1 << 27
"""Ids are below it, as Supabase's are, and never 0: a JavaScript client takes 0 for none."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What is asked for, against what tables look like now."""

    id: int
    # INSERT, UPDATE, DELETE or ANY.
    event: str
    # ANY for every one.
    schema: str
    # As the trail writes it; ANY for every one of the schema.
    table: str
    # Which rows; None for all.
    condition: Condition | None = None
    # Which columns, the key's among them; None for all.
    columns: frozenset[str] | None = None
    matches: Matcher | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the condition quick to ask."""
        matches = None if self.condition is None else compile_matcher(self.condition)
        object.__setattr__(self, "matches", matches)

    @property
    def schema_wide(self) -> bool:
        """Whether it names no table."""
        return self.table == ANY

    def is_about(self, table: str) -> bool:
        """Whether changes of a table are asked for."""
        if not self.schema_wide:
            return self.table == table
        return self.schema in (ANY, schema_of(table))

    def wants(self, kind: Kind) -> bool:
        """Whether such changes are asked for."""
        return self.event in (ANY, kind)


@dataclass(frozen=True, slots=True)
class Bound:
    """The bindings of a channel, as they came and as they are understood."""

    # For the reply: each as it came, with its id.
    echoed: tuple[Mapping[str, Any], ...]
    bindings: tuple[Binding, ...]
    # Why some cannot be served, as Supabase says it; each leaves the others alone.
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What there is to subscribe to."""

    # Tables that are sent to whoever asks.
    tables: Collection[str]
    shapes: Mapping[str, TableShape]


def schema_of(table: str) -> str:
    """Return the schema of a table as the trail writes it."""
    schema, separator, _ = table.rpartition(".")
    return schema if separator else _PUBLIC


def bind(asked: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> Bound:
    """Return what a channel's bindings mean."""
    echoed: list[Mapping[str, Any]] = []
    bindings: list[Binding] = []
    errors: list[str] = []
    ids: dict[bytes, int] = {}
    taken: set[int] = set()
    for place, each in enumerate(asked):
        id_ = _id_of(each, ids, taken)
        echoed.append({**each, "id": id_})
        if place == MOST_BINDINGS:
            errors.append(f"Too many postgres_changes: only the first {MOST_BINDINGS} of a channel are served")
        if place >= MOST_BINDINGS:
            continue
        try:
            binding = _read(id_, each, catalogue)
        except _Unserved as error:
            errors.append(str(error))
        else:
            if binding not in bindings:
                bindings.append(binding)
    return Bound(tuple(echoed), tuple(bindings), tuple(errors))


class _Unserved(ValueError):  # noqa: N818 — reads as a state
    """Nothing will come of a binding; the text says why."""


def _id_of(asked: Mapping[str, Any], ids: dict[bytes, int], taken: set[int]) -> int:
    """Return the id of what is asked for; equal for equal, and unequal for unequal ones of the same channel."""
    text = orjson.dumps([asked.get(name) for name in ("event", "schema", "table", "filter", "select")])
    if text not in ids:
        found = zlib.crc32(text) % (_IDS - 1) + 1
        while found in taken:
            found = found % (_IDS - 1) + 1
        ids[text] = found
        taken.add(found)
    return ids[text]


def _read(id_: int, asked: Mapping[str, Any], catalogue: Catalogue) -> Binding:
    event = str(asked.get("event") or ANY).upper()
    schema, table = asked.get("schema") or _PUBLIC, asked.get("table") or ANY
    filter_, select = asked.get("filter"), asked.get("select")
    if event not in (ANY, "INSERT", "UPDATE", "DELETE") or not isinstance(schema, str) or not isinstance(table, str):
        raise _unable(asked)
    blank = filter_ is None or (isinstance(filter_, str) and not filter_.strip())
    if ANY in (schema, table):
        if not blank or select or (schema == ANY and table != ANY):
            raise _unable(asked)
        return Binding(id_, event, schema, ANY)
    name = table if schema == _PUBLIC else f"{schema}.{table}"
    shape = catalogue.shapes.get(name)
    if shape is None or name not in catalogue.tables:
        raise _unable(asked)
    condition = None if blank else _condition(filter_, shape)
    return Binding(id_, event, schema, name, condition, _columns(select, shape, asked))


def _condition(text: object, shape: TableShape) -> Condition | None:
    if not isinstance(text, str):
        raise _Unserved("Error parsing `filter` params: it is not a text")
    try:
        return read_filter(text, shape)
    except FilterError as error:
        raise _Unserved(f"Error parsing `filter` params: {error}") from None


def _columns(select: object, shape: TableShape, asked: Mapping[str, Any]) -> frozenset[str] | None:
    if select is None or select == []:
        return None
    if not isinstance(select, list) or not all(isinstance(name, str) and name in shape.columns for name in select):
        raise _unable(asked)
    return frozenset((*select, *shape.key))


def _unable(asked: Mapping[str, Any]) -> _Unserved:
    """Say it in the words that Supabase's users search for."""
    told = ", ".join(
        f"{name}: {str(asked[key])[:128]}"
        for name, key in (
            ("event", "event"),
            ("schema", "schema"),
            ("table", "table"),
            ("filters", "filter"),
            ("select", "select"),
        )
        if asked.get(key) is not None
    )
    return _Unserved(
        "Unable to subscribe to changes with given parameters. "
        f"Please check Realtime is enabled for the given connect parameters: [{told}]"
    )
