"""The HTTP addresses as an OpenAPI 3.1 document (pure): docs/openapi.json is what `document` returns."""

from typing import Any

from floorcast.codes import CODES, REFETCH_REASONS
from floorcast.protocol.schemas import Schema

_BASES = ("", "/realtime/v1")
_DESCRIPTION = (
    "What a program reads and says over HTTP. Sockets are in docs/asyncapi.json, what all of it means in "
    "docs/protocol.md. A refusal under /v1 is a problem (RFC 9457); its codes are in x-floorcast-codes."
)
_READING = ("token_missing", "forbidden", "handshake_too_large", "unavailable", "internal")
"""What any read that needs a token may be refused with."""
_KEEPING = (*_READING, "bad_request", "not_found", "body_too_large")
"""What the owner of a consumer or of a webhook may be refused with."""
_PULLING = (*_KEEPING, "must_refetch")
"""What may be refused to whom a position matters."""
_ACKNOWLEDGING = (*_KEEPING, "batch_gone")
"""What may be refused to whoever has a batch."""
_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1000}
_CHANGES = {"type": "integer", "minimum": 1, "maximum": 10000, "default": 1000}
_SECONDS = {"type": "integer", "minimum": 1, "maximum": 3600, "default": 60}
_POSITION = {"type": "integer", "minimum": 0}
_TIME = {"type": "string", "format": "date-time"}

_SCHEMAS: dict[str, Schema] = {
    "Problem": {
        "type": "object",
        "description": "What is wrong, and what to do.",
        "required": ["type", "title", "status", "detail", "code", "hint"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "`urn:floorcast:error:<code>`."},
            "title": {"type": "string", "description": "What happened, in general."},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What happened here."},
            "code": {"type": "string", "enum": list(CODES), "description": "For programs."},
            "hint": {"type": "string", "description": "What to do."},
            "reason": {"type": "string", "enum": list(REFETCH_REASONS), "description": "With `must_refetch`: why."},
        },
    },
    "Warehouses": {
        "type": "object",
        "required": ["warehouses", "progress_seconds"],
        "properties": {
            "warehouses": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "name", "location", "role"],
                    "properties": {
                        "id": {"type": "string"},
                        "name": {"type": ["string", "null"]},
                        "location": {"type": ["string", "null"]},
                        "role": {"type": "string", "description": "The caller's."},
                    },
                },
            },
            "progress_seconds": {"type": "number", "description": "How often a quiet topic hears of progress."},
        },
    },
    "Tables": {
        "type": "object",
        "required": ["tables"],
        "properties": {
            "tables": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["table", "version", "schema"],
                    "properties": {
                        "table": {"type": "string"},
                        "version": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
                        "schema": {"type": "string", "format": "uri-reference", "description": "Where its schema is."},
                    },
                },
            }
        },
    },
    "RowSchema": {
        "type": "object",
        "description": "A JSON Schema (2020-12) of a table's rows; `$defs` has those of its key and of a change.",
        "required": ["$schema", "$id", "properties", "$defs", "x-floorcast-version", "x-floorcast-key"],
    },
    "ConsumerAsked": {
        "type": "object",
        "required": ["warehouses"],
        "additionalProperties": False,
        "properties": {
            "warehouses": _NAMES,
            "tables": {"anyOf": [_NAMES, {"type": "null"}], "description": "Else all that its owner reads."},
            "columns": {
                "type": ["object", "null"],
                "additionalProperties": _NAMES,
                "description": "By table; else all that its owner may see.",
            },
            "shares": {"type": "integer", "minimum": 1, "maximum": 64, "default": 1},
            "keep_seconds": {
                "type": "integer",
                "minimum": 60,
                "maximum": 31622400,
                "default": 604800,
                "description": "How far behind it may be with the trail still kept for it; people may ask for 30 days.",
            },
            "attempts": {"type": "integer", "minimum": 1, "maximum": 100, "default": 12},
            "envelope": {"type": "string", "enum": ["native", "cloudevents", "debezium"], "default": "native"},
        },
    },
    "Consumer": {
        "type": "object",
        "required": ["name", "warehouses", "shares", "keep_seconds", "tick", "lag_seconds", "kept_until"],
        "properties": {
            "name": {"type": "string"},
            "owner": {"type": "string"},
            "warehouses": {"type": "array", "items": {"type": "string"}},
            "tables": {"type": ["array", "null"], "items": {"type": "string"}},
            "columns": {"type": ["object", "null"]},
            "envelope": {"type": "string"},
            "shares": {"type": "integer"},
            "keep_seconds": {"type": "number"},
            "attempts": {"type": "integer"},
            "created_at": {"type": "string"},
            "tick": {"type": "integer", "description": "Up to it everything was acknowledged or parked."},
            "lag_ticks": {"type": "integer"},
            "lag_seconds": {"type": "number"},
            "idle_seconds": {"type": "number", "description": "Since something was acknowledged."},
            "workers": {"type": "integer", "description": "Batches that are out."},
            "waiting": {"type": "integer", "description": "Parked changes that come again."},
            "dead": {"type": "integer", "description": "Parked changes that do not, until they are replayed."},
            "kept_until": {"type": "string", "description": "Until then the trail is kept for it if it does nothing."},
        },
    },
    "Consumers": {
        "type": "object",
        "required": ["consumers"],
        "properties": {"consumers": {"type": "array", "items": {"$ref": "#/components/schemas/Consumer"}}},
    },
    "PullAsked": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "changes": {**_CHANGES, "description": "About so many; whole ticks all the same."},
            "worker": {"type": "string", "maxLength": 255, "description": "Who you are, for those who look."},
            "seconds": {**_SECONDS, "description": "How long the batch is yours."},
            "share": {
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": 63,
                "description": "Else any that is free.",
            },
        },
    },
    "Batch": {
        "type": "object",
        "required": ["batch", "share", "changes"],
        "properties": {
            "batch": {"type": "string", "format": "uuid"},
            "share": {"type": "integer"},
            "changes": {
                "type": "array",
                "description": "In order, in the consumer's envelope; `id` is the idempotency key.",
                "items": {"type": "object", "required": ["id"]},
            },
        },
    },
    "AckAsked": {
        "type": "object",
        "required": ["batch"],
        "additionalProperties": False,
        "properties": {
            "batch": {"type": "string", "format": "uuid"},
            "rejected": {
                "type": ["array", "null"],
                "items": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {"id": {"type": "string"}, "reason": {"type": "string"}},
                },
            },
        },
    },
    "HoldAsked": {
        "type": "object",
        "required": ["batch"],
        "additionalProperties": False,
        "properties": {"batch": {"type": "string", "format": "uuid"}, "seconds": _SECONDS},
    },
    "Held": {"type": "object", "required": ["until"], "properties": {"until": {"type": "string"}}},
    "MoveAsked": {
        "type": "object",
        "additionalProperties": False,
        "description": "One of them; none moves to now.",
        "properties": {
            "tick": _POSITION,
            "at": _TIME,
            "cursor": {"type": "string", "description": "One that a stream gave out."},
        },
    },
    "Position": {"type": "object", "required": ["tick"], "properties": {"tick": _POSITION}},
    "Parked": {
        "type": "object",
        "required": ["parked"],
        "properties": {
            "parked": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "change_id", "state", "attempts", "op", "table_name", "key"],
                    "properties": {
                        "id": {"type": "integer"},
                        "change_id": {"type": "string"},
                        "state": {"type": "string", "enum": ["waiting", "dead"]},
                        "reason": {"type": ["string", "null"], "description": "What its consumer said."},
                    },
                },
            }
        },
    },
    "ReplayAsked": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"id": {**_POSITION, "description": "Else all that is parked."}},
    },
    "Replayed": {"type": "object", "required": ["changes"], "properties": {"changes": {"type": "integer"}}},
    "WebhookAsked": {
        "type": "object",
        "required": ["url"],
        "additionalProperties": False,
        "properties": {
            "url": {"type": "string", "format": "uri", "maxLength": 2000},
            "signature": {"type": "string", "enum": ["v1", "v1a"], "default": "v1"},
            "changes": {
                "type": "integer",
                "minimum": 1,
                "maximum": 1000,
                "default": 100,
                "description": "Of one message.",
            },
        },
    },
    "Webhook": {
        "type": "object",
        "required": ["consumer", "url", "changes", "signature", "state", "failures"],
        "properties": {
            "consumer": {"type": "string"},
            "url": {"type": "string"},
            "changes": {"type": "integer"},
            "signature": {"type": "string", "enum": ["v1", "v1a"]},
            "key": {"type": "string", "description": "The receiver's, told once: when it is made."},
            "earlier_key_until": {"type": ["string", "null"], "description": "Until then the earlier one signs too."},
            "state": {"type": "string", "enum": ["on", "failing", "off"]},
            "failures": {"type": "integer", "description": "In a row."},
            "failure": {"type": ["string", "null"]},
            "failed_at": {"type": ["string", "null"]},
            "next_attempt_at": {"type": ["string", "null"]},
            "disabled_at": {"type": ["string", "null"]},
            "disabled_because": {"type": ["string", "null"]},
        },
    },
    "SchemeAsked": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"signature": {"type": "string", "enum": ["v1", "v1a"], "description": "Else as it is."}},
    },
    "Rotated": {
        "type": "object",
        "required": ["consumer", "key", "earlier_key_until"],
        "properties": {
            "consumer": {"type": "string"},
            "key": {"type": "string", "description": "The receiver's, told once."},
            "earlier_key_until": {"type": "string"},
        },
    },
    "Tried": {
        "type": "object",
        "required": ["taken", "status", "reason"],
        "properties": {
            "taken": {"type": "boolean"},
            "status": {"type": ["integer", "null"], "description": "The receiver's; null where it did not answer."},
            "reason": {"type": ["string", "null"], "description": "Why it was not taken."},
        },
    },
    "Broadcasts": {
        "type": "object",
        "required": ["messages"],
        "properties": {
            "messages": {
                "type": "array",
                "maxItems": 100,
                "items": {
                    "type": "object",
                    "required": ["topic", "event", "payload"],
                    "properties": {
                        "topic": {"type": "string", "minLength": 1, "maxLength": 255},
                        "event": {"type": "string", "minLength": 1, "maxLength": 255},
                        "payload": {"type": "object"},
                        "private": {"type": "boolean", "default": False},
                    },
                },
            }
        },
    },
    # Supabase's own words, which its clients show.
    "BroadcastRefusal": {"type": "object", "properties": {"message": {"type": "string"}, "errors": {}, "error": {}}},
}

_REFUSALS = {
    "401": "No token, or none that is accepted.",
    "413": CODES["body_too_large"].message,
    "415": "Neither JSON nor bytes.",
    "422": "It says nothing that could be told; `errors` says why, by field.",
    "429": "More than may be said at a time.",
    "431": CODES["handshake_too_large"].message,
    "500": CODES["internal"].message,
    "503": CODES["unavailable"].message,
}


def document() -> dict[str, Any]:
    """Return the whole document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Floorcast", "version": "1", "description": _DESCRIPTION},
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "apikey": {"type": "apiKey", "in": "header", "name": "apikey"},
            },
        },
        "x-floorcast-codes": {
            code.code: {"message": code.message, "hint": code.hint, "status": code.status, "reconnect": code.reconnect}
            for code in CODES.values()
        },
    }


def _paths() -> dict[str, Any]:
    table, version = _parameter("table", "A table."), _parameter("version", "Of its schema.")
    paths: dict[str, Any] = {
        "/v1/warehouses": _read("readWarehouses", "The warehouses that the token opens.", "Warehouses"),
        "/v1/schemas": _read(
            "listSchemas", "The tables that the token reads, and their versions.", "Tables", etag=True
        ),
        "/v1/schemas/{table}": _read(
            "readSchema", "What its rows look like now.", "RowSchema", table, etag=True, media="application/schema+json"
        ),
        "/v1/schemas/{table}/{version}": _read(
            "readSchemaVersion",
            "The same, as long as the table is in this version.",
            "RowSchema",
            table,
            version,
            etag=True,
            media="application/schema+json",
        ),
        "/v1/openapi.json": {
            "get": {
                "operationId": "readOpenapi",
                "summary": "This document.",
                "security": [],
                "parameters": [_IF_NONE_MATCH],
                "responses": {
                    "200": _answer("The document.", "application/json", {"type": "object"}),
                    "304": {"description": "It is as you have it."},
                    **_problems(("handshake_too_large", "internal")),
                },
            }
        },
    }
    consumer = _parameter("name", "A consumer of the caller's.")
    at = "/v1/consumers/{name}"
    paths["/v1/consumers"] = _read("listConsumers", "The caller's consumers, and how they stand.", "Consumers")
    paths[at] = {
        "get": _keep("readConsumer", "What a consumer is, and how it stands.", "Consumer", consumer),
        "put": _keep("putConsumer", "Make one, or say anew what it is.", "Consumer", consumer, asked="ConsumerAsked"),
        "delete": _keep("removeConsumer", "Remove it with all that belongs to it.", None, consumer),
    }
    pull = _keep(
        "pullBatch", "Take the next changes.", "Batch", consumer, asked="PullAsked", needs_body=False, codes=_PULLING
    )
    pull["responses"]["204"] = {"description": "Nothing is due."}
    paths[f"{at}/pull"] = {"post": pull}
    paths[f"{at}/ack"] = {
        "post": _keep("ackBatch", "Be done with a batch.", "Position", consumer, asked="AckAsked", codes=_ACKNOWLEDGING)
    }
    paths[f"{at}/hold"] = {
        "post": _keep("holdBatch", "Keep a batch.", "Held", consumer, asked="HoldAsked", codes=_ACKNOWLEDGING)
    }
    paths[f"{at}/move"] = {
        "post": _keep(
            "moveConsumer", "Move it.", "Position", consumer, asked="MoveAsked", needs_body=False, codes=_PULLING
        )
    }
    parked = _keep("readParked", "What it rejected, and what waits behind that.", "Parked", consumer)
    parked["parameters"] += [
        {"name": "after", "in": "query", "description": "An id.", "schema": _POSITION},
        {"name": "changes", "in": "query", "description": "At most so many.", "schema": _CHANGES},
    ]
    paths[f"{at}/parked"] = {"get": parked}
    paths[f"{at}/parked/replay"] = {
        "post": _keep(
            "replayParked", "Have it told again at once.", "Replayed", consumer, asked="ReplayAsked", needs_body=False
        )
    }
    drop = _keep("dropParked", "Give up a parked change; what follows of its row goes on.", None, consumer)
    drop["parameters"] = [consumer, {**_parameter("id", "Of what is parked."), "schema": _POSITION}]
    paths[f"{at}/parked/{{id}}"] = {"delete": drop}
    paths[f"{at}/webhook"] = {
        "get": _keep("readWebhook", "How its webhook stands.", "Webhook", consumer),
        "put": _keep("putWebhook", "Have its changes posted to a URL.", "Webhook", consumer, asked="WebhookAsked"),
        "delete": _keep("removeWebhook", "Post nothing more; the consumer stays.", None, consumer),
    }
    paths[f"{at}/rotate"] = {
        "post": _keep("rotateWebhook", "Make a new key.", "Rotated", consumer, asked="SchemeAsked", needs_body=False)
    }
    paths[f"{at}/test"] = {"post": _keep("tryWebhook", "Post a message without changes.", "Tried", consumer)}
    for base in _BASES:
        suffix = "AtRealtime" if base else ""
        paths[f"{base}/api/broadcast"] = _say(
            f"broadcast{suffix}",
            "Say several messages in the rooms that each names.",
            {"application/json": {"schema": _reference("Broadcasts")}},
        )
        paths[f"{base}/api/broadcast/{{topic}}/events/{{event}}"] = _say(
            f"broadcastOne{suffix}",
            "Say one message, whose payload is the body.",
            {
                "application/json": {"schema": {"type": "object"}},
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            },
            _parameter("topic", "A room; it may have slashes."),
            _parameter("event", "What happens there."),
            {"name": "private", "in": "query", "schema": {"type": "string", "enum": ["true", "false", "1", "0"]}},
        )
    return paths


_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of what you have.",
    "schema": {"type": "string"},
}


def _read(
    name: str, summary: str, schema: str, *parameters: Schema, etag: bool = False, media: str = "application/json"
) -> dict[str, Any]:
    codes = (*_READING, *(("not_ready",) if etag else ()), *(("not_found",) if parameters else ()))
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "security": [{"bearer": []}],
            "parameters": [*parameters, *([_IF_NONE_MATCH] if etag else [])],
            "responses": {
                "200": _answer(summary, media, _reference(schema)),
                **({"304": {"description": "It is as you have it."}} if etag else {}),
                **_problems(codes),
            },
        }
    }


def _keep(
    name: str,
    summary: str,
    schema: str | None,
    consumer: Schema,
    *,
    asked: str | None = None,
    needs_body: bool = True,
    codes: tuple[str, ...] = _KEEPING,
) -> dict[str, Any]:
    """Something that the owner of a consumer does; no schema: the answer is empty."""
    done = (
        {"204": {"description": summary}}
        if schema is None
        else {"200": _answer(summary, "application/json", _reference(schema))}
    )
    body = {"required": needs_body, "content": {"application/json": {"schema": _reference(asked)}}} if asked else None
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"bearer": []}],
        "parameters": [consumer],
        **({"requestBody": body} if body is not None else {}),
        "responses": {**done, **_problems(codes)},
    }


def _say(name: str, summary: str, content: dict[str, Any], *parameters: Schema) -> dict[str, Any]:
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "security": [{"bearer": []}, {"apikey": []}],
            "parameters": list(parameters),
            "requestBody": {"required": True, "content": content},
            "responses": {
                "202": {"description": "It was said, wherever the caller may say it."},
                **{
                    status: {
                        "description": description,
                        "content": {
                            kind: {"schema": _reference("BroadcastRefusal")}
                            for kind in ("application/json", "application/problem+json")
                        },
                    }
                    for status, description in _REFUSALS.items()
                },
            },
        }
    }


def _parameter(name: str, description: str) -> Schema:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _problems(codes: tuple[str, ...]) -> dict[str, Any]:
    """Return the refusals with some codes, by status."""
    by_status: dict[str, list[str]] = {}
    for code in codes:
        by_status.setdefault(str(CODES[code].status), []).append(CODES[code].message)
    return {
        status: _answer(" ".join(messages), "application/problem+json", _reference("Problem"))
        for status, messages in sorted(by_status.items())
    }


def _answer(description: str, media: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": schema}}}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
