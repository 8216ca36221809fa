"""Reads what a client wants to be shown with, and where (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from floorcast.gateway.refusal import Refusal
from floorcast.topic import parse_id

MOST_META_BYTES = 1_024

MOST_META_LEVELS = 16
"""Values in values. What can be read may be deeper than what can be written, and it is told inside something else."""


@dataclass(frozen=True, slots=True)
class Track:
    """Be present from now on, instead of as before."""

    # At which work order; "" for the warehouse.
    order: str
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Untrack:
    """Be present no more."""

    # At which work order; "" for nowhere any more.
    order: str


@dataclass(frozen=True, slots=True)
class PresenceWish:
    """What a join asks for: to be shown who is present, and perhaps to be present oneself."""

    track: Track | None = None


def read_presence(asked: object) -> PresenceWish | None:
    """Read a join's `presence`; raises Refusal."""
    if asked is None or asked is False:
        return None
    if asked is True:
        return PresenceWish()
    if not isinstance(asked, dict):
        raise Refusal("bad_presence", "`presence` is neither true nor an object")
    meta = asked.get("meta")
    return PresenceWish(None if meta is None else _read_track(meta))


def read_call(payload: object) -> Track | Untrack:
    """Read the payload of the event `presence`; raises Refusal."""
    if not isinstance(payload, dict) or not isinstance(payload.get("event"), str):
        raise Refusal("bad_presence", "the payload has no `event`")
    given = payload.get("payload")
    match payload["event"].lower():
        case "track":
            return _read_track(given)
        case "untrack":
            return Untrack(_read_order(given if isinstance(given, dict) else {}))
        case _:
            raise Refusal("bad_presence", "`event` is neither track nor untrack")


def _read_track(given: object) -> Track:
    if not isinstance(given, dict):
        raise Refusal("bad_presence", "what to be shown with is not an object")
    if not is_within(given, MOST_META_LEVELS):
        raise Refusal("bad_presence", f"what to be shown with is deeper than {MOST_META_LEVELS} levels")
    if len(orjson.dumps(given)) > MOST_META_BYTES:
        raise Refusal("bad_presence", f"what to be shown with has more than {MOST_META_BYTES} bytes")
    order = _read_order(given)
    meta = {name: value for name, value in given.items() if name != "work_order"}
    # As the rows have it, however it was written.
    return Track(order, meta | {"work_order": order} if order else meta)


def _read_order(given: Mapping[str, Any]) -> str:
    """Return the work order that it is about, "" for none."""
    order = given.get("work_order")
    if order is None:
        return ""
    if isinstance(order, int) and not isinstance(order, bool):
        order = str(order)
    found = parse_id(order) if isinstance(order, str) else None
    if found is None:
        raise Refusal("bad_presence", "`work_order` is not an id")
    return found


def is_within(value: object, levels: int) -> bool:
    """Whether a value has at most so many levels."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels >= 0 and all(is_within(each, levels - 1) for each in inner)
