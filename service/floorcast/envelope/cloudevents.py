"""Changes as CloudEvents 1.0 (pure): in JSON, and as headers and a body for HTTP's binary mode.

| attribute | what it is here |
|---|---|
| `id` | `<incarnation>:<tick>-<n>` |
| `source` | `urn:floorcast:<place>:<table>`; the two sides of a move have one `id`, and this tells them apart |
| `type` | `com.maintainpro.floorcast.<table>.<op>`, `op` being enter, update or leave: what it is for this reader |
| `subject` | `<table>/<key>`; of a key of several columns the values in their order, with commas |
| `partitionkey` | the same: what keeps the changes of one row in order where events are spread |
| `time` | when the statement ran |
| `sequence` | tick and n with leading zeros: sorts as text as they happened |
| `dataschema` | of `data`, where it is known at which address this server is called |
| `data` | the change as `native` has it |

Names and values of keys are percent-encoded wherever they stand between separators.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import orjson

from floorcast.envelope.envelope import TickHead
from floorcast.operation import Act, Operation, told

_TYPES = "com.maintainpro.floorcast"

_DATA = b',"data":'
"""Begins the last member. It stands nowhere before it: inside of a string its quotes would be escaped."""

# Printable ASCII without the space, the quote and the percent sign: what the HTTP binding sends as it is.
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')

# Numbers stay the digits that they are.
_KEY = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


@dataclass(frozen=True, slots=True)
class CloudEvents:
    """An `Envelope`: structured mode."""

    # Where this server is called, as `https://host`, without a slash behind it; None: no event names a schema.
    base: str | None = None
    # Table → version of its schema.
    versions: Mapping[str, str] = field(default_factory=dict, hash=False)
    name: str = "cloudevents"
    media_type: str = "application/cloudevents+json"
    wants_old: bool = False

    def encode(self, head: TickHead, operation: Operation, *, op: Act, new: bytes | None, old: bytes | None) -> bytes:
        """Return the event, `data` being its last member."""
        context = orjson.dumps(self._context(head, operation, op))
        return b"%b%b%b}" % (context[:-1], _DATA, told(head.tick, operation, op=op, new=new, old=old))

    def _context(self, head: TickHead, operation: Operation, op: Act) -> dict[str, str]:
        """Return the attributes, in the order in which they are written."""
        table = operation.table
        subject = f"{table_in_uri(table)}/{_key_in_uri(operation.key)}"
        context = {
            "specversion": "1.0",
            "id": f"{head.incarnation}:{head.tick}-{operation.n}",
            "source": f"urn:floorcast:{_place_in_uri(operation.warehouse)}:{table_in_uri(table)}",
            "type": f"{_TYPES}.{table_in_uri(table)}.{op}",
            "subject": subject,
            "time": operation.at,
            "sequence": f"{head.tick:019d}-{operation.n:019d}",
            "partitionkey": subject,
            "datacontenttype": "application/json",
        }
        version = self.versions.get(table)
        if self.base is not None and version is not None:
            context["dataschema"] = f"{self.base}/v1/schemas/{table_in_uri(table)}/{version}#/$defs/change"
        return context


def binary(event: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a message that carries one event in binary mode.

    Args:
        event: as `CloudEvents.encode` wrote it. The body is cut out of it, not read and written again.
    """
    context, _, data = event.partition(_DATA)
    attributes: dict[str, Any] = orjson.loads(context + b"}")
    headers = {"content-type": attributes.pop("datacontenttype")}
    headers |= {f"ce-{name}": quote(value, safe=_PLAIN) for name, value in attributes.items()}
    return headers, data[:-1]


@lru_cache(maxsize=1_024)
def table_in_uri(table: str) -> str:
    """Return a table's name as addresses have it."""
    return quote(table, safe="")


@lru_cache(maxsize=1_024)
def _place_in_uri(place: str) -> str:
    """Return the kind of a place and its name."""
    kind, colon, name = place.partition(":")
    return f"{kind}:{quote(name, safe='')}" if colon else f"warehouse:{quote(place, safe='')}"


def _key_in_uri(key: bytes) -> str:
    return ",".join(quote(_as_text(value), safe="") for value in _KEY.decode(key.decode()).values())


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
