"""Every message of a socket (pure): who sends it, on which topic, what it means."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Side = Literal["client", "server"]

Where = Literal["a warehouse", "phoenix", "any"]
"""`any`: the topic of what it answers."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one side may send."""

    event: str
    by: Side
    topic: Where
    # What it says or asks for: one clause.
    summary: str
    # Its payload: a key of `schemas.SCHEMAS`.
    payload: str
    # What a client is answered: one clause; of a server's message, nothing.
    answer: str = ""


_ALL = (
    Message(
        "phx_join",
        "client",
        "a warehouse",
        "follow it from now, from a first picture, or from where you were",
        "Join",
        "ok when the start is fixed, or an error",
    ),
    Message("phx_leave", "client", "a warehouse", "follow it no more", "Nothing", "ok, then `phx_close`"),
    Message(
        "access_token",
        "client",
        "a warehouse",
        "here is a newer token",
        "AccessToken",
        "none; an error if it is refused, and then the older token still counts",
    ),
    Message(
        "presence", "client", "a warehouse", "be shown here with something, or no more", "Presence", "ok, or an error"
    ),
    Message("heartbeat", "client", "phoenix", "I am here", "Nothing", "ok"),
    Message("phx_reply", "server", "any", "the answer to what a client sent", "Reply"),
    Message("snapshot", "server", "a warehouse", "a part of the first picture", "Snapshot"),
    Message("changes", "server", "a warehouse", "a tick's operations for this topic, or a part of them", "Changes"),
    Message("progress", "server", "a warehouse", "everything up to a position is here, as of a time", "Progress"),
    Message("revoked", "server", "a warehouse", "access was withdrawn; then `phx_close`", "Problem"),
    Message(
        "must_refetch", "server", "a warehouse", "the stream cannot go on exactly; then `phx_error`", "MustRefetch"
    ),
    Message("presence_state", "server", "a warehouse", "who is present", "Present"),
    Message(
        "presence_diff",
        "server",
        "a warehouse",
        "who came, who went, who is shown with something else",
        "PresenceDifference",
    ),
    Message("token_expiring", "server", "phoenix", "your token ends soon", "TokenExpiring"),
    Message("draining", "server", "phoenix", "this gateway is being stopped", "Draining"),
    Message(
        "phx_close",
        "server",
        "a warehouse",
        "a joining has ended, because you left or because it was revoked: do not join again by yourself",
        "Nothing",
    ),
    Message(
        "phx_error",
        "server",
        "a warehouse",
        "a joining has ended: join again (Phoenix clients do so by themselves)",
        "Nothing",
    ),
)

CLIENT: Mapping[str, Message] = MappingProxyType({each.event: each for each in _ALL if each.by == "client"})
"""What a client may send, by event."""

SERVER: Mapping[str, Message] = MappingProxyType({each.event: each for each in _ALL if each.by == "server"})
"""What the server sends, by event."""
