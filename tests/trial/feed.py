"""What Redis holds, compared with the trail tick by tick; the keys are written out here, not asked of Floorcast."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from tests.trial.line import read_json
from tests.trial.trail import GRANTS, Tick, Trail, operations_of

Operation = tuple[int, int, str, str, Any, Any]
"""Place in the tick, transaction, table, place, what is told, the row before."""

_SHARD = "floorcast:{0}"


@dataclass
class FeedAudit:
    """What was found."""

    # The ticks that the feed holds; the rest of them is in Postgres only.
    first: int = 0
    last: int = 0
    faults: list[str] = field(default_factory=list)


def audit_feed(client: "Redis", trail: Trail) -> FeedAudit:
    """Every tick from the first to the newest is in the feed, once, in order, with its seal and its operations."""
    incarnation = _text(client.hget(f"{_SHARD}:newest", "incarnation"))
    entries: Any = client.xrange(f"{_SHARD}:feed:{incarnation}")
    ticks = [(_text(name), fields) for name, fields in entries if b"tick" in fields]
    audit = FeedAudit()
    if not ticks:
        # After FLUSHALL on a quiet floor: the newest tick is begun with, so at least that must be there.
        audit.faults.append("the feed holds no tick")
        return audit
    audit.first, audit.last = (int(ticks[at][0].split("-")[0]) for at in (0, -1))
    for number, (name, fields) in enumerate(ticks, start=audit.first):
        if name != f"{number}-0":
            audit.faults.append(f"the feed has {name} where {number}-0 belongs")
            break
        audit.faults += _compare(trail.ticks[number], fields)
    if audit.last != trail.last:
        audit.faults.append(f"the feed ends at {audit.last}, the trail at {trail.last}")
    for place in trail.places:
        audit.faults += _audit_log(client, f"{_SHARD}:log:{incarnation}:{place}", place, trail, audit.first)
    return audit


def _compare(tick: Tick, fields: dict[bytes, bytes]) -> list[str]:
    header = json.loads(fields[b"tick"])
    ours = (tick.number, tick.seal, tick.previous_seal, tick.count)
    theirs = (header["tick"], header["seal"], header["previous"], header["count"])
    if ours != theirs:
        return [f"tick {tick.number} is {ours} in the trail and {theirs} in the feed"]
    if header["large"]:
        return []
    found = [_read(tick.number, json.loads(name), texts) for name, texts in fields.items() if name != b"tick"]
    if found != _operations(tick):
        return [f"tick {tick.number} holds {found} in the feed and {_operations(tick)} in the trail"[:2_000]]
    return []


def _read(tick: int, name: list[Any], texts: bytes) -> Operation:
    """Put together what is told of an operation, from the parts in which the feed has it."""
    _, n, xid, table, place, op, by, actor, at, *lengths = name
    key, new, old = _cut(texts, lengths)
    if table == GRANTS:
        return n, xid, table, place, {"fact": new}, None
    body = {"position": f"{tick}-{n}", "op": op, "by": by, "table": table, "key": key, "actor": actor, "at": at}
    body |= {"new": new} if new is not None else {}
    body |= {"old": old} if by == "delete" else {}
    return n, xid, table, place, body, old


def _cut(texts: bytes, lengths: list[int]) -> Iterator[Any]:
    """Three texts behind each other; -1 is none."""
    for length in lengths:
        yield None if length < 0 else read_json(texts[:length].decode())
        texts = texts[max(length, 0) :]


def _operations(tick: Tick) -> list[Operation]:
    """Every operation of a tick: for each change the place that it left, then the one that it is in."""
    found: list[Operation] = []
    for n, row in enumerate(tick.rows, start=1):
        if row.table == GRANTS:
            was, grant = (read_json(text or "{}") for text in (row.old, row.new))
            user, warehouse = ((grant or was)[name] for name in ("user_id", "warehouse"))
            fact = {"user": user, "role": grant.get("role"), "was": was.get("role")}
            found.append((n, row.xid, row.table, warehouse, {"fact": fact}, None))
        else:
            for place, body in operations_of(tick.number, n, row):
                # Where it was seen before, the row that was is there for filters and owners.
                old = None if body["op"] == "enter" else read_json(row.old or "")
                found.append((n, row.xid, row.table, place, body, old))
    return found


def _audit_log(client: "Redis", key: str, place: str, trail: Trail, first: int) -> list[str]:
    """Each entry of a place's log says which one it follows, and it holds every tick of the feed that concerned it."""
    entries: Any = client.xrange(key)
    names = [_text(name) for name, _ in entries]
    faults = [
        f"{key} has {name} behind {before} and says that it is behind {_text(fields[b'behind'])}"
        for before, (name, fields) in zip(names, entries[1:], strict=False)
        if _text(fields[b"behind"]) + "-0" != before
    ]
    held = {int(name.split("-")[0]) for name in names}
    missing = [tick for tick, _ in trail.told(place, first - 1) if tick not in held]
    if missing:
        faults.append(f"{key} lacks ticks {missing[:5]} …")
    return faults


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else ""
