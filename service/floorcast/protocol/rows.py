"""What rows of a table look like, as JSON Schema 2020-12 (pure): what `row_to_json` makes of it."""

from collections.abc import Set as AbstractSet
from typing import Any
from urllib.parse import quote

from floorcast.protocol.schemas import SCHEMAS, Schema
from floorcast.shape import ENUM, ColumnDescription, TableDescription, TableShape

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

# What has no digits is written as a word.
_NO_NUMBERS = ["NaN", "Infinity", "-Infinity"]
_NUMBER: Schema = {"anyOf": [{"type": "number"}, {"enum": _NO_NUMBERS}]}


def _integer(bits: int) -> Schema:
    return {"type": "integer", "minimum": -(2 ** (bits - 1)), "maximum": 2 ** (bits - 1) - 1}


_TEXT: Schema = {"type": "string"}

_TYPES: dict[str, Schema] = {
    "int2": _integer(16),
    "int4": _integer(32),
    "int8": _integer(64),
    "oid": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    "numeric": _NUMBER,
    "float4": _NUMBER,
    "float8": _NUMBER,
    "bool": {"type": "boolean"},
    "json": {},
    "jsonb": {},
    "uuid": {"type": "string", "format": "uuid"},
    # No format for times: PostgreSQL's may be `infinity`, or of a year that RFC 3339 has no digits for.
    **dict.fromkeys(("timestamptz", "timestamp", "date", "time", "timetz", "interval"), _TEXT),
    **dict.fromkeys(("text", "varchar", "bpchar", "char", "name", "bytea", "money", "xml", "bit", "varbit"), _TEXT),
    **dict.fromkeys(("inet", "cidr", "macaddr", "macaddr8", "tsvector", "tsquery", "pg_lsn", "jsonpath"), _TEXT),
    **dict.fromkeys(("point", "line", "lseg", "box", "path", "polygon", "circle"), _TEXT),
    **dict.fromkeys(("int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"), _TEXT),
}
"""Of PostgreSQL's own types; one that is not here, or somebody's own, may be written in any way."""

_UNKNOWN = ColumnDescription(required=False, labels=(), comment="")


def row_address(table: str, version: str) -> str:
    """Return where the schema of a version of a table is found, from the root of the server."""
    return f"/v1/schemas/{quote(table, safe='')}/{version}"


def row_schema(shape: TableShape, description: TableDescription, hidden: AbstractSet[str]) -> Schema:
    """Return the schema of a table's rows; in `$defs` those of its `key`, and of a `change` in the native envelope.

    Args:
        shape: the table; its fingerprint is the schema's version.
        description: the same table, read in the same moment.
        hidden: columns that read as null to whoever asks, in some warehouse at least.
    """
    columns = {
        name: _column(type_, description.columns.get(name, _UNKNOWN), is_hidden=name in hidden)
        for name, type_ in shape.columns.items()
    }
    return {
        "$schema": _DIALECT,
        "$id": row_address(shape.table, shape.fingerprint),
        "title": shape.table,
        **({"description": description.comment} if description.comment else {}),
        "type": "object",
        "properties": columns,
        "required": list(columns),
        "additionalProperties": False,
        "x-floorcast-table": shape.table,
        "x-floorcast-version": shape.fingerprint,
        "x-floorcast-key": list(shape.key),
        "x-floorcast-place": {"scope": shape.scope, "column": shape.place_column},
        "$defs": {
            "key": {
                "type": "object",
                "properties": {name: columns[name] for name in shape.key},
                "required": list(shape.key),
                "additionalProperties": False,
            },
            "change": _change(shape.table),
        },
    }


def _change(table: str) -> Schema:
    change = SCHEMAS["Change"]
    properties = change["properties"] | {
        "table": {"const": table},
        "key": {"$ref": "#/$defs/key"},
        "new": {"$ref": "#", "description": change["properties"]["new"]["description"]},
        "old": {"$ref": "#", "description": change["properties"]["old"]["description"]},
    }
    return change | {"properties": properties}


def _column(type_: str, description: ColumnDescription, *, is_hidden: bool) -> Schema:
    schema = _type(type_, description.labels)
    if not description.required or is_hidden:
        schema = _or_null(schema)
    return {"description": description.comment, **schema} if description.comment else schema


def _type(type_: str, labels: tuple[str, ...]) -> Schema:
    if labels:
        return {"type": "string", "enum": list(labels)}
    if type_ == ENUM:
        return _TEXT
    if type_.startswith("_"):
        # However many dimensions it has.
        element = _or_null(_TYPES.get(type_.removeprefix("_"), {}))
        return {"type": "array", "items": {"anyOf": [element, {"type": "array"}]} if element else {}}
    return _TYPES.get(type_, {})


def _or_null(schema: Schema) -> Schema:
    if not schema:
        return schema
    if "enum" in schema:
        return {"type": ["string", "null"], "enum": [*schema["enum"], None]}
    if "anyOf" in schema:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    kinds: Any = schema["type"]
    return {**schema, "type": [kinds, "null"]}
