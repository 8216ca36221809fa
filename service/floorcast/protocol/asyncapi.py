"""The protocol as an AsyncAPI 3 document (pure): docs/asyncapi.json is what `document` returns."""

from typing import Any

from floorcast.codes import CODES, REFETCH_REASONS
from floorcast.protocol.messages import CLIENT, SERVER, Message
from floorcast.protocol.schemas import SCHEMAS, Schema, reference

_ADDRESSES = {"socket": "/realtime/v1/websocket", "phoenixSocket": "/socket/websocket"}

_REF = {
    "description": "The client's, echoed as it came; null in what is pushed.",
    "oneOf": [{"type": "string", "maxLength": 64}, {"type": "integer"}, {"type": "null"}],
}
_TOPICS: dict[str, Schema] = {
    "a warehouse": {"type": "string", "pattern": r"^warehouse:[A-Za-z0-9_.\-]{1,128}$"},
    "phoenix": {"const": "phoenix"},
    "any": {"type": "string"},
}
_DESCRIPTION = (
    "Phoenix Channels over WebSocket, as vsn=2.0.0 writes them. With vsn=1.0.0 the same messages are objects: "
    '{"topic", "event", "payload", "ref"}. What the messages mean is in docs/protocol.md.'
)


def document() -> dict[str, Any]:
    """Return the whole document."""
    messages = {**CLIENT, **SERVER}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Floorcast", "version": "1", "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {
                "host": "{host}",
                "protocol": "wss",
                "description": "A gateway, behind whatever speaks TLS for it.",
                "variables": {"host": {"default": "127.0.0.1:4000"}},
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "channels": {name: _channel(address, messages) for name, address in _ADDRESSES.items()},
        "operations": {
            **{f"receive_{event}": _operation("receive", event) for event in CLIENT},
            **{f"send_{event}": _operation("send", event) for event in SERVER},
        },
        "components": {
            "messages": {event: _message(message) for event, message in messages.items()},
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "token": {
                    "type": "httpApiKey",
                    "name": "apikey",
                    "in": "query",
                    "description": "A JWT; also `token` in the address, the header `x-api-key`, or a Bearer token.",
                }
            },
        },
        "x-floorcast-codes": {code.code: _code(code.code) for code in CODES.values()},
        "x-floorcast-refetch-reasons": {reason.reason: reason.message for reason in REFETCH_REASONS.values()},
    }


def _channel(address: str, messages: dict[str, Message]) -> dict[str, Any]:
    return {
        "address": address,
        "messages": {event: {"$ref": f"#/components/messages/{event}"} for event in messages},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {
                    "type": "object",
                    "properties": {
                        "vsn": {"type": "string", "enum": ["1.0.0", "2.0.0"], "default": "1.0.0"},
                        "apikey": {"type": "string"},
                    },
                },
            }
        },
    }


def _operation(action: str, event: str) -> dict[str, Any]:
    """Return what the gateway does with a message; all are on the one socket."""
    return {
        "action": action,
        "channel": {"$ref": "#/channels/socket"},
        "messages": [{"$ref": f"#/channels/socket/messages/{event}"}],
    }


def _message(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": message.event,
        "summary": message.summary,
        "payload": {
            "type": "array",
            "minItems": 5,
            "items": [_REF, _REF, _TOPICS[message.topic], {"const": message.event}, reference(message.payload)],
        },
    }
    if message.answer:
        found["description"] = f"Answered: {message.answer}."
    return found


def _code(name: str) -> dict[str, Any]:
    code = CODES[name]
    return {
        "message": code.message,
        "hint": code.hint,
        "reconnect": code.reconnect,
        "cursor_holds": code.cursor_holds,
        "close": code.close,
        "status": code.status,
        "wait_seconds": None if code.wait is None else [code.wait.least, code.wait.most],
    }
