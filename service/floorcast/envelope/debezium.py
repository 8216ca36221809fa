"""Changes as Debezium writes them without schemas (pure): `before`, `after`, `source`, `op`, `ts_ms`, `transaction`.

A sink that obeys `op` holds what its reader may see, and nothing else:

| here | `op` | why |
|---|---|---|
| enter | `c` | the row is new to the reader, whether it was inserted or came into his sight |
| update | `u` | |
| leave | `d` | the row is none of the reader's any more, whether it was deleted or went out of his sight |
| of a first picture | `r` | |

What the statement did is `source.by`. A leave that is no delete has the key alone in `before`, as Debezium's own
deletes have under `REPLICA IDENTITY DEFAULT`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from floorcast import __version__
from floorcast.envelope.envelope import TickHead
from floorcast.operation import Act, Operation

_OP = {"enter": b"c", "update": b"u", "leave": b"d"}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Debezium:
    """An `Envelope`."""

    # `source.db`, and `source.name`: the first part of what Debezium calls a topic.
    database: str = "floorcast"
    server: str = "floorcast"
    name: str = "debezium"
    media_type: str = "application/json"
    wants_old: bool = True

    def encode(self, head: TickHead, operation: Operation, *, op: Act, new: bytes | None, old: bytes | None) -> bytes:
        """Return the change; `transaction` orders, and does not count: who sees a part of it sees gaps."""
        at = _microseconds(operation.at)
        source = self._source(head, operation.table, at) | {
            "snapshot": "false",
            "sequence": f'["{head.tick}","{operation.n}"]',
            "txId": operation.xid,
            "position": f"{head.tick}-{operation.n}",
            "place": operation.warehouse,
            "by": operation.by,
            "actor": operation.actor,
        }
        transaction = {
            "id": f"{operation.xid}:{head.tick}",
            "total_order": operation.n,
            "data_collection_order": operation.n,
        }
        before = (operation.key if old is None else old) if op == "leave" else old
        return _event(_OP[op], before, new, at=_microseconds(head.at), source=source, transaction=transaction)

    def encode_picture(self, head: TickHead, table: str, row: bytes) -> bytes:
        """Return a row of a first picture, which holds at the end of a tick."""
        at = _microseconds(head.at)
        source = self._source(head, table, at) | {
            "snapshot": "true",
            "sequence": f'["{head.tick}","0"]',
            "txId": None,
            "position": f"{head.tick}-0",
        }
        return _event(b"r", None, row, at=at, source=source, transaction=None)

    def _source(self, head: TickHead, table: str, at: int) -> dict[str, Any]:
        schema, table = _named(table)
        return {
            "version": __version__,
            "connector": "floorcast",
            "name": self.server,
            "ts_ms": at // 1_000,
            "ts_us": at,
            "ts_ns": at * 1_000,
            "db": self.database,
            "schema": schema,
            "table": table,
            # Of the WAL nothing is read here; sinks that would order by it are given `sequence`.
            "lsn": None,
            "xmin": None,
            "incarnation": head.incarnation,
        }


def _event(
    op: bytes,
    before: bytes | None,
    after: bytes | None,
    *,
    at: int,
    source: dict[str, Any],
    transaction: dict[str, Any] | None,
) -> bytes:
    return b'{"before":%b,"after":%b,"source":%b,"op":"%b","ts_ms":%d,"ts_us":%d,"ts_ns":%d,"transaction":%b}' % (
        before or b"null",
        after or b"null",
        orjson.dumps(source),
        op,
        at // 1_000,
        at,
        at * 1_000,
        orjson.dumps(transaction),
    )


@lru_cache(maxsize=1_024)
def _named(table: str) -> tuple[str, str]:
    schema, dot, name = table.partition(".")
    return (schema, name) if dot else ("public", table)


@lru_cache(maxsize=1_024)
def _microseconds(at: str) -> int:
    """Return a time as microseconds since 1970, exactly."""
    return (datetime.fromisoformat(at) - _EPOCH) // _MICROSECOND
