"""What a channel is sent, as finished frames (pure)."""

from collections.abc import Mapping
from typing import Any

import orjson

from floorcast.gateway import wire
from floorcast.gateway.channels.binding import Binding
from floorcast.gateway.channels.channel import Channel, Outlook
from floorcast.gateway.channels.message import Messages, payload
from floorcast.gateway.channels.seen import Side, Told, see
from floorcast.gateway.wire import Message

CHANGES = "postgres_changes"


def change_frames(outlook: Outlook, change: tuple[Told, ...], messages: Messages) -> bytes:
    """Return what somebody with an outlook is told of a change, as frames behind each other; empty for nothing.

    One message for all bindings that are met, but for such as ask for different columns.

    Raises:
        RowMismatch: a row is not of the shape that a filter was read for.
    """
    seen = see(change, outlook.sight, outlook.user, messages.reading)
    if seen is None:
        return b""
    met: dict[frozenset[str] | None, list[int]] = {}
    deleted: dict[frozenset[str] | None, list[int]] = {}
    for binding in outlook.bindings:
        if not binding.is_about(seen.operation.table):
            continue
        before, after = (_meets(binding, side, messages) for side in (seen.old, seen.new))
        if seen.kind == "DELETE":
            if before and binding.wants("DELETE"):
                met.setdefault(binding.columns, []).append(binding.id)
        elif after:
            if binding.wants(seen.kind):
                met.setdefault(binding.columns, []).append(binding.id)
        elif before and outlook.leaves and binding.wants("DELETE"):
            deleted.setdefault(binding.columns, []).append(binding.id)
    frames = [_change_frame(outlook, messages.data(seen, columns), ids) for columns, ids in met.items()]
    frames += [_change_frame(outlook, messages.left(seen, columns), ids) for columns, ids in deleted.items()]
    return b"".join(frames)


def accepted(channel: Channel, message: Message, facts: Mapping[str, Any]) -> bytes:
    """Return the answer to a join: the bindings as they came, each with its id; and what else is worth knowing."""
    response = {CHANGES: channel.bound.echoed, **facts}
    return wire.reply(channel.version, message, orjson.dumps(response))


def refused(version: wire.Version, message: Message, reason: str) -> bytes:
    """Return the answer that says no, in the words of Supabase: `Code: text`."""
    return wire.reply(version, message, orjson.dumps({"reason": reason}), "error")


def system(channel: Channel, extension: str, text: str, *, error: bool = False) -> bytes:
    """Return a message about the channel itself. Clients in Python join again at every error."""
    told = {
        "extension": extension,
        "status": "error" if error else "ok",
        "message": text,
        "channel": channel.name,
    }
    refs = (channel.join_ref, wire.NULL)
    if channel.version == 1:
        refs = (wire.NULL, wire.NULL)
    return wire.encode(channel.version, refs, channel.topic, "system", orjson.dumps(told))


def gap(reason: str) -> str:
    """Return the words for changes that are not told; the reason is one of `codes.REFETCH_REASONS`, or `position`."""
    return f"Changes may be missing ({reason}): read again what you show."


def _change_frame(outlook: Outlook, data: bytes, ids: list[int]) -> bytes:
    return wire.push(outlook.version, outlook.topic, CHANGES, payload(ids, data))


def _meets(binding: Binding, side: Side | None, messages: Messages) -> bool:
    if side is None:
        return False
    return binding.matches is None or binding.matches(messages.seen_values(side)) is True
