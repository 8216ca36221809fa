"""Who is present in the rooms of channels (pure): what their clients say of it, on the presence that warehouses have.

A public and a private room of one name are two. Under which key somebody is shown, his client says; one that names none
is given one for each joining.
"""

from collections.abc import Callable
from uuid import uuid4

import orjson

from floorcast.broadcast import Room
from floorcast.gateway import wire
from floorcast.gateway.appearance import MOST_META_LEVELS, PresenceWish, Track, Untrack, is_within
from floorcast.gateway.channels import frames
from floorcast.gateway.channels.channel import Channel
from floorcast.gateway.presence import Presence, Visitor
from floorcast.gateway.refusal import Refusal
from floorcast.gateway.wire import Message

MOST_META_BYTES = 4_096
"""Of one joining. Clients of Supabase know no limit but a frame's; theirs send whole profiles."""

_WORDS = {
    "presence_full": "Too many are present in this channel",
    "presence_too_often": "Client presence rate limit exceeded",
}
"""Code of a refusal → what clients of Supabase are told."""


class ChannelPresence:
    """The presence of every channel of a gateway."""

    def __init__(self, presence: Presence, new_key: Callable[[], str] = lambda: str(uuid4())) -> None:
        """Be part of a gateway's presence; `new_key` makes the keys of those who name none."""
        self._presence = presence
        self._new_key = new_key
        # Channels that were answered → the key that was made, "" while none was needed.
        self._made: dict[Channel, str] = {}
        # Of these, those that are shown who is present, or are present.
        self._attending: dict[Channel, None] = {}

    def entered(self, channel: Channel) -> None:
        """Hear that a join was answered, or that somebody may do other things in his room than before."""
        self._made.setdefault(channel, "")
        if channel.config.presence or channel in self._attending:
            self._attend(channel)

    def left(self, channel: Channel) -> None:
        """Hear that a channel has ended."""
        self._made.pop(channel, None)
        if channel in self._attending:
            del self._attending[channel]
            self._presence.leave(channel.outbox, channel.topic)

    def answer(self, channel: Channel, message: Message) -> bytes:
        """Answer the event `presence`; whatever it says, the channel lives."""
        if channel not in self._made:
            return frames.refused(channel.version, message, "unmatched topic")
        try:
            call = _read(message.payload)
            if call is not None:
                self._heed(channel, call)
        except _Refused as refused:
            return frames.refused(channel.version, message, str(refused))
        except Refusal as refused:
            return frames.refused(channel.version, message, _WORDS.get(refused.code, refused.detail))
        return wire.reply(channel.version, message)

    def _heed(self, channel: Channel, call: Track | Untrack) -> None:
        if isinstance(call, Track):
            if not channel.rights.is_present:
                raise _Refused(f"Unauthorized: You do not have permissions to be present in: {channel.name}")
            if channel not in self._attending:
                # Who says that he is here is shown the others, though he did not ask for it.
                self._attend(channel)
        self._presence.heed(channel.outbox, channel.topic, call)

    def _attend(self, channel: Channel) -> None:
        self._attending[channel] = None
        key = channel.config.presence_key or self._made[channel]
        if not key:
            key = self._made[channel] = self._new_key()
        room = room_name(channel.room)
        visitor = Visitor(
            key=key,
            outbox=channel.outbox,
            topic=channel.topic,
            version=channel.version,
            rooms=(room,) if channel.rights.sees_present else (),
            room=room if channel.rights.is_present else "",
            join_ref=channel.join_ref,
        )
        self._presence.join(visitor, PresenceWish())


class _Refused(ValueError):  # noqa: N818 — an outcome, not a fault
    """A call is refused; the text says why."""


def room_name(room: Room) -> str:
    """Return the name of a room among all that somebody may be present in."""
    return f"channel:{'private' if room.private else 'public'}:{room.name}"


def _read(payload: object) -> Track | Untrack | None:
    """Read the payload of the event `presence`; None when it asks for nothing."""
    event = payload.get("event") if isinstance(payload, dict) else None
    if not isinstance(payload, dict) or event is None:
        return None
    match str(event).lower():
        case "track":
            meta = payload.get("payload", {})
            if not isinstance(meta, dict):
                raise _Refused("Presence track payload must be a map")
            if not is_within(meta, MOST_META_LEVELS):
                raise _Refused(f"Presence track payload is deeper than {MOST_META_LEVELS} levels")
            if len(orjson.dumps(meta)) > MOST_META_BYTES:
                raise _Refused(f"Track message size exceeded: at most {MOST_META_BYTES} bytes")
            return Track("", meta)
        case "untrack":
            return Untrack("")
        case _:
            raise _Refused("unknown presence event: neither track nor untrack")
