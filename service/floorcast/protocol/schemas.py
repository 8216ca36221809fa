"""The shapes of payloads, as JSON Schema (pure); a schema names another one by `#/components/schemas/`.

What is required is always there. More may come: a client passes over what it does not know.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from floorcast.codes import CODES, REFETCH_REASONS

Schema = dict[str, Any]


def reference(name: str) -> Schema:
    """Return a schema that is another one."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(description: str, required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "description": description,
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def _map(description: str, values: Schema) -> Schema:
    return {"type": "object", "description": description, "additionalProperties": values}


def _list(items: Schema, **more: object) -> Schema:
    return {"type": "array", "items": items, **more}


def _one_of(description: str, *values: str) -> Schema:
    return {"type": "string", "description": description, "enum": list(values)}


def _text(description: str, **more: object) -> Schema:
    return {"type": "string", "description": description, **more}


def _number(description: str, least: int = 0) -> Schema:
    return {"type": "integer", "minimum": least, "description": description}


_TICK = _number("Number of a cut of the database's history.")
_AT = _text(
    "A time by the database's clock: ISO 8601, with its offset.", pattern=r"^\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)$"
)
_POSITION = _text("`<tick>-<n>`; `<tick>-0` is the whole tick.", pattern=r"^\d+-\d+$")
_CURSOR = _text("Where you are: opaque, to be handed back as `from`.", pattern=r"^f2\.")
_PERHAPS_A_CURSOR = {"description": "A cursor, where there is one at this point.", "type": ["string", "null"]}
_NAMES = _list({"type": "string"}, minItems=1)
_TABLE = _text("A table's name, without its schema when that is public.")
_PART = {
    "part": _number("Which part this is, from 1; absent where there is only one.", 1),
    "end": {"type": "boolean", "description": "Whether it is the last part."},
}

SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {
        "Nothing": {"type": "object", "description": "Nothing to say."},
        "Join": _object(
            "What to follow, from where, and how; all of it may be left out.",
            {},
            {
                "tables": {**_NAMES, "description": "What to follow among what you may read; absent: all of it."},
                "where": _map("Which rows, by table: a filter.", {"type": "string"}),
                "columns": _map("Which columns, by table; the key comes always.", _NAMES),
                "recent": _map(
                    "Of the first picture only the newest rows, by table.",
                    _object("", {"by": _text("A column."), "rows": _number("How many at most.", 1)}),
                ),
                "from": _text('"now", "snapshot" or a cursor.', default="now"),
                "history": {
                    **_one_of(
                        "What to be sent of what you missed: each change, or the newest of each row.", "every", "newest"
                    ),
                    "default": "every",
                },
                "slow": {
                    **_one_of(
                        "What to do when you read too slowly: go on from the log, send the newest of each row, "
                        "or close the socket.",
                        "resume",
                        "newest",
                        "close",
                    ),
                    "default": "resume",
                },
                "presence": {
                    "description": "Be shown who is here, and with an object be shown yourself.",
                    "oneOf": [{"type": "boolean"}, _object("", {}, {"meta": {"type": "object"}})],
                },
                "access_token": _text("A token for this topic, instead of the socket's."),
            },
        ),
        "AccessToken": _object("A newer token of the same user.", {"access_token": _text("A JWT.")}),
        "Reply": {
            "description": "The answer to a message, under its refs.",
            "oneOf": [
                _object(
                    "It was done.",
                    {
                        "status": {"const": "ok"},
                        "response": {"anyOf": [reference("Joined"), {"type": "object", "maxProperties": 0}]},
                    },
                ),
                _object(
                    "It was not done.",
                    {
                        "status": {"const": "error"},
                        "response": {"anyOf": [reference("MustRefetch"), reference("Problem")]},
                    },
                ),
            ],
        },
        "Joined": _object(
            "The topic is joined.",
            {
                "position": {**_POSITION, "description": "Every change behind it comes, none before it."},
                "incarnation": _text("The history that positions belong to."),
                "cursor": _PERHAPS_A_CURSOR,
                "role": _text("Yours in this warehouse."),
                "tables": {**_list({"type": "string"}), "description": "What comes."},
                "keys": _map("Columns of the key, by table.", _list({"type": "string"})),
            },
            {
                "presence": _object(
                    "Whether you are shown yourself, where you asked for that.",
                    {"tracked": {"type": "boolean"}},
                    {"code": _one_of("What is in the way.", *CODES)},
                ),
            },
        ),
        "Row": {"type": "object", "description": "A row: columns and what they hold, as PostgreSQL writes it in JSON."},
        "Key": {"type": "object", "description": "The columns of a row's primary key, and what they hold."},
        "Snapshot": _object(
            "A part of the first picture; with the last one it is whole.",
            {
                "tick": {**_TICK, "description": "Everything that ticks up to this one delivered is in it."},
                "at": _AT,
                "part": _number("Which part this is, from 1.", 1),
                "end": _PART["end"],
                "rows": _map("Rows by table.", _list(reference("Row"))),
            },
            {"cursor": {**_CURSOR, "description": "In the last part."}},
        ),
        "Changes": _object(
            "What a tick did, to be applied as one step.",
            {"tick": _TICK, "at": _AT, "changes": _list(reference("Change"))},
            {
                **_PART,
                "folded": {
                    "const": True,
                    "description": "These are the newest states of everything up to this tick, not each change.",
                },
                "cursor": {**_CURSOR, "description": "Where the tick is complete."},
            },
        ),
        "Change": _object(
            "A row came here, changed, or is not here any more.",
            {
                "position": _POSITION,
                "op": _one_of("What happened, seen from here.", "enter", "update", "leave"),
                "by": _one_of("What the statement did.", "insert", "update", "delete"),
                "table": _TABLE,
                "key": reference("Key"),
                "actor": _text("`sub` of who did it, or `system:<role>`."),
                "at": {**_AT, "description": "When the statement ran."},
            },
            {
                "new": {**reference("Row"), "description": "The row as it is now; in `enter` and `update`."},
                "old": {**reference("Row"), "description": "The row as it was; in a `leave` by delete."},
            },
        ),
        "Progress": _object(
            "Everything that had committed at a time has been sent.",
            {"position": _POSITION, "at": _AT},
            {"cursor": _CURSOR},
        ),
        "MustRefetch": _object(
            "The stream cannot be continued exactly: join from the snapshot.",
            {
                "reason": _one_of("Why.", *REFETCH_REASONS),
                "code": {"const": "must_refetch"},
                "hint": _text("What to do."),
            },
        ),
        "Problem": _object(
            "What is wrong, and what to do.",
            {
                "reason": _text("For people; begins with the code."),
                "code": _one_of("For programs; see the codes.", *CODES),
                "hint": _text("What to do."),
            },
            {"retry_after_ms": _number("How long to wait before asking again.")},
        ),
        "Presence": _object(
            "What to be shown with, at a work order or in the warehouse.",
            {
                "type": {"const": "presence"},
                "event": _one_of("Be shown, or no more.", "track", "untrack"),
            },
            {"payload": {"type": "object", "description": "`work_order`, where it is about one; the rest is yours."}},
        ),
        "Present": _map("Who is present, by person.", reference("PresentPerson")),
        "PresentPerson": _object("A person, once for each tab or kiosk.", {"metas": _list(reference("Meta"))}),
        "Meta": {
            **_object(
                "What somebody is shown with at one place.",
                {"phx_ref": _text("Its name; another one whenever it changes."), "user": _text("`sub` of the person.")},
                {
                    "phx_ref_prev": _text("The one before, when it changed."),
                    "work_order": _text("Where; absent: in the warehouse."),
                },
            ),
            "additionalProperties": True,
        },
        "PresenceDifference": _object(
            "What changed in who is present.", {"joins": reference("Present"), "leaves": reference("Present")}
        ),
        "TokenExpiring": _object(
            "The token of this socket ends soon.",
            {"expires_at": _number("Unix seconds."), "in_seconds": _number("From now.")},
        ),
        "Draining": _object("Go elsewhere.", {"after_ms": _number("In so many milliseconds.")}),
    }
)
"""Every payload and what it is made of, by name."""
