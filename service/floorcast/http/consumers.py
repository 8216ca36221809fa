"""Durable consumers: made, pulled from, acknowledged, moved and removed by whose they are, in any language."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from floorcast.database.batches import OpenBatch
from floorcast.database.caller import Caller
from floorcast.database.consumers import ConsumerWish
from floorcast.envelope.envelope import Envelope
from floorcast.envelope.row import ENVELOPES, row_text
from floorcast.http.caller import Verifier, identify
from floorcast.http.owned import as_owner, asked_object, nothing, private
from floorcast.http.problem import Refused

_LARGEST = 2**63 - 1

_WISH = frozenset(("warehouses", "tables", "columns", "shares", "keep_seconds", "attempts", "envelope"))

MOST_CHANGES = 10_000
"""Of a batch, and of a page of what is parked; whole ticks all the same."""

LONGEST_LEASE_SECONDS = 3_600


class Consumers(Protocol):
    """Who keeps them: a `ConsumerBook`. Raise OwnerRefused, LeaseGone, DatabaseUnavailable."""

    async def listed(self, caller: Caller, consumer: str | None = None) -> Sequence[Mapping[str, Any]]:
        """Return the caller's consumers, or the one of a name."""
        ...

    async def put(self, caller: Caller, consumer: str, wish: ConsumerWish) -> None:
        """Make a consumer, or say anew what it is."""
        ...

    async def remove(self, caller: Caller, consumer: str) -> None:
        """Remove a consumer with all that belongs to it."""
        ...

    async def next_batch(
        self, owner: Caller, consumer: str, share: int | None, *, most: int, worker: str, seconds: int
    ) -> OpenBatch | None:
        """Take the next changes; None when nothing is due."""
        ...

    async def ack(self, owner: Caller, consumer: str, batch: str, rejected: Mapping[str, str]) -> int:
        """Be done with a batch."""
        ...

    async def hold(self, owner: Caller, consumer: str, batch: str, seconds: int) -> str:
        """Keep a batch for longer."""
        ...

    async def parked(self, caller: Caller, consumer: str, after: int, most: int) -> Sequence[Mapping[str, Any]]:
        """Return what is parked behind an id."""
        ...

    async def replay(self, caller: Caller, consumer: str, parked: int | None) -> int:
        """Have what is parked told again at once."""
        ...

    async def drop(self, caller: Caller, consumer: str, parked: int) -> bool:
        """Give up a parked change."""
        ...

    async def move(self, caller: Caller, consumer: str, *, tick: int | None = None, at: str | None = None) -> int:
        """Move a consumer."""
        ...

    async def move_to_cursor(self, caller: Caller, consumer: str, text: str) -> int:
        """Move it to where a cursor stands."""
        ...


@dataclass(frozen=True, slots=True)
class ConsumerEndpoints:
    """The addresses behind /v1/consumers."""

    consumers: Consumers
    verifier: Verifier

    async def listed(self, request: Request) -> Response:
        """GET /v1/consumers."""
        caller = identify(request, self.verifier)
        return private({"consumers": [dict(row) for row in await as_owner(self.consumers.listed(caller))]})

    async def consumer(self, request: Request) -> Response:
        """GET, PUT or DELETE /v1/consumers/{name}."""
        caller, name = identify(request, self.verifier), request.path_params["name"]
        if request.method == "DELETE":
            await as_owner(self.consumers.remove(caller, name))
            return nothing()
        if request.method == "PUT":
            await as_owner(self.consumers.put(caller, name, _wish(await asked_object(request, _WISH))))
        found = await as_owner(self.consumers.listed(caller, name))
        if not found:
            raise Refused("forbidden", f"There is no consumer {name[:100]}, or it is not yours.")
        return private(dict(found[0]))

    async def pull(self, request: Request) -> Response:
        """POST /v1/consumers/{name}/pull."""
        caller, name = identify(request, self.verifier), request.path_params["name"]
        asked = await asked_object(request, {"changes", "worker", "seconds", "share"})
        worker = asked.get("worker", "")
        if not isinstance(worker, str):
            raise Refused("bad_request", "worker: a text that names you.")
        found = await as_owner(self.consumers.listed(caller, name))
        envelope = ENVELOPES.get(found[0]["envelope"]) if found else ENVELOPES["native"]
        if envelope is None:
            raise Refused("bad_request", f"The consumer's envelope is none of {', '.join(ENVELOPES)}; put it anew.")
        batch = await as_owner(
            self.consumers.next_batch(
                caller,
                name,
                _number(asked, "share", None, 0, 63),
                most=_number(asked, "changes", 1_000, 1, MOST_CHANGES) or 1,
                worker=worker,
                seconds=_number(asked, "seconds", 60, 1, LONGEST_LEASE_SECONDS) or 1,
            )
        )
        if batch is None:
            return nothing()
        headers = {"cache-control": "no-store"}
        return StreamingResponse(told_batch(batch, envelope), headers=headers, media_type="application/json")

    async def ack(self, request: Request) -> Response:
        """POST /v1/consumers/{name}/ack."""
        caller = identify(request, self.verifier)
        asked = await asked_object(request, {"batch", "rejected"})
        rejected = _rejected(asked.get("rejected"))
        name = request.path_params["name"]
        return private({"tick": await as_owner(self.consumers.ack(caller, name, _batch(asked), rejected))})

    async def hold(self, request: Request) -> Response:
        """POST /v1/consumers/{name}/hold."""
        caller = identify(request, self.verifier)
        asked = await asked_object(request, {"batch", "seconds"})
        # None of it frees the share for another worker at once.
        seconds = _number(asked, "seconds", 60, 1, LONGEST_LEASE_SECONDS) or 1
        name = request.path_params["name"]
        return private({"until": await as_owner(self.consumers.hold(caller, name, _batch(asked), seconds))})

    async def move(self, request: Request) -> Response:
        """POST /v1/consumers/{name}/move."""
        caller = identify(request, self.verifier)
        asked = await asked_object(request, {"tick", "at", "cursor"})
        at, cursor = asked.get("at"), asked.get("cursor")
        if not isinstance(at, str | None):
            raise Refused("bad_request", "at: a time, as ISO 8601.")
        if not isinstance(cursor, str | None):
            raise Refused("bad_request", "cursor: one that a stream of this installation gave out.")
        tick = _number(asked, "tick", None, 0, _LARGEST)
        if sum(each is not None for each in (tick, at, cursor)) > 1:
            raise Refused("bad_request", "tick, at, cursor: one of them; none moves to now.")
        name = request.path_params["name"]
        if cursor is not None:
            return private({"tick": await as_owner(self.consumers.move_to_cursor(caller, name, cursor))})
        return private({"tick": await as_owner(self.consumers.move(caller, name, tick=tick, at=at))})

    async def parked(self, request: Request) -> Response:
        """GET /v1/consumers/{name}/parked."""
        caller, query = identify(request, self.verifier), request.query_params
        asked = {name: _digits(query[name]) for name in ("after", "changes") if name in query}
        after = _number(asked, "after", 0, 0, _LARGEST) or 0
        most = _number(asked, "changes", 1_000, 1, MOST_CHANGES) or 1
        rows = await as_owner(self.consumers.parked(caller, request.path_params["name"], after, most))
        return private({"parked": [_parked(row) for row in rows]})

    async def replay(self, request: Request) -> Response:
        """POST /v1/consumers/{name}/parked/replay."""
        caller = identify(request, self.verifier)
        asked = await asked_object(request, {"id"})
        parked = _number(asked, "id", None, 0, _LARGEST)
        return private({"changes": await as_owner(self.consumers.replay(caller, request.path_params["name"], parked))})

    async def drop(self, request: Request) -> Response:
        """DELETE /v1/consumers/{name}/parked/{id}."""
        caller = identify(request, self.verifier)
        parked = _number({"id": _digits(request.path_params["id"])}, "id", None, 0, _LARGEST) or 0
        if not await as_owner(self.consumers.drop(caller, request.path_params["name"], parked)):
            raise Refused("not_found", f"Nothing is parked as {parked}.")
        return nothing()


async def told_batch(batch: OpenBatch, envelope: Envelope) -> AsyncIterator[bytes]:
    """Yield `{"batch":…,"share":…,"changes":[…]}`, a page at a time.

    Where Postgres goes away meanwhile the answer breaks off, and is no JSON: nobody can take a part for the whole.
    """
    first = batch.rows[0]
    yield b'{"batch":%b,"share":%d,"changes":[' % (orjson.dumps(str(first["batch"])), first["in_share"])
    try:
        rows, between = batch.rows, b""
        while rows:
            yield between + b",".join(row_text(row, envelope) for row in rows)
            rows, between = await batch.next(), b","
    finally:
        await batch.close()
    yield b"]}"


def _wish(asked: Mapping[str, Any]) -> ConsumerWish:
    """Read what a consumer is to be; raises Refused."""
    envelope, columns = asked.get("envelope", "native"), asked.get("columns")
    if not isinstance(envelope, str) or envelope not in ENVELOPES:
        raise Refused("bad_request", f"envelope: one of {', '.join(ENVELOPES)}.")
    if columns is not None and not (isinstance(columns, dict) and all(_is_names(each) for each in columns.values())):
        raise Refused("bad_request", "columns: an object, for each table a list of names.")
    tables = asked.get("tables")
    if not _is_names(asked.get("warehouses")):
        raise Refused("bad_request", "warehouses: a list of ids.")
    if tables is not None and not _is_names(tables):
        raise Refused("bad_request", "tables: a list of names; without it, all that you read.")
    return ConsumerWish(
        warehouses=asked["warehouses"],
        tables=tables,
        columns=columns,
        shares=_number(asked, "shares", 1, 1, 64) or 1,
        keep_seconds=float(_number(asked, "keep_seconds", 604_800, 60, 366 * 86_400) or 60),
        attempts=_number(asked, "attempts", 12, 1, 100) or 1,
        envelope=envelope,
    )


def _is_names(said: object) -> bool:
    return isinstance(said, list) and bool(said) and all(isinstance(each, str) for each in said)


def _number(asked: Mapping[str, Any], name: str, default: int | None, least: int, most: int) -> int | None:
    """Read a whole number within bounds; raises Refused."""
    said = asked.get(name)
    if said is None:
        return default
    if type(said) is not int or not least <= said <= most:
        raise Refused("bad_request", f"{name}: a whole number, {least} to {most}.")
    return said


def _digits(text: str) -> int | str:
    # More of them than any number here has would take long to read.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST)) else text


def _batch(asked: Mapping[str, Any]) -> str:
    batch = asked.get("batch")
    if not isinstance(batch, str):
        raise Refused("bad_request", "batch: its name, as `pull` gave it.")
    return batch


def _rejected(said: object) -> Mapping[str, str]:
    """Read which changes were not taken: id → reason; raises Refused."""
    if said is None:
        return {}
    rejected: dict[str, str] = {}
    for each in said if isinstance(said, list) else [None]:
        if not isinstance(each, dict) or not isinstance(each.get("id"), str):
            raise Refused("bad_request", "rejected: a list of objects with the `id` of a change, and a `reason`.")
        reason = each.get("reason", "")
        if not isinstance(reason, str):
            raise Refused("bad_request", "reason: a text.")
        rejected[each["id"]] = reason[:2_000]
    return rejected


def _parked(row: Mapping[str, Any]) -> Mapping[str, Any]:
    rows = {name: orjson.Fragment(row[name]) if row[name] is not None else None for name in ("key", "old", "new")}
    return {**row, **rows}
