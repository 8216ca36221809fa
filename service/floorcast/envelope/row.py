"""A change of a consumer's batch, as Postgres returns it, in any of the forms (pure)."""

import json
from collections.abc import Mapping
from typing import Any

from floorcast.envelope.cloudevents import CloudEvents
from floorcast.envelope.debezium import Debezium
from floorcast.envelope.envelope import Envelope, TickHead
from floorcast.envelope.native import Native
from floorcast.operation import Operation

ENVELOPES: Mapping[str, Envelope] = {each.name: each for each in (Native(), CloudEvents(), Debezium())}
"""Every form, by name."""


def row_text(row: Mapping[str, Any], envelope: Envelope) -> bytes:
    """Return a change in its envelope, with the name that it has for good."""
    new, old = (row[name].encode() if row[name] is not None else None for name in ("new", "old"))
    operation = Operation(
        n=row["n"],
        xid=0,
        table=row["table_name"],
        warehouse=row["warehouse"],
        op=row["op"],
        by=row["by"],
        key=row["key"].encode(),
        new=new,
        old=old,
        actor=row["actor"],
        at=row["at"],
    )
    head = TickHead(row["id"].rpartition(":")[0], row["tick"], row["closed_at"])
    told_old = old if envelope.wants_old or new is None else None
    text = envelope.encode(head, operation, op=row["op"], new=new, old=told_old)
    # Events of CloudEvents have it; the others get it, since it is what a receiver rejects by.
    return text if envelope.name == "cloudevents" else b'{"id":%b,%b' % (json.dumps(row["id"]).encode(), text[1:])
