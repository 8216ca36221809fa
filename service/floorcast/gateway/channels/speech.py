"""What becomes of what a client says in a channel (pure): who may, how large, how often; and what he is answered."""

import orjson

from floorcast.broadcast import Broadcast
from floorcast.gateway import wire
from floorcast.gateway.channels import frames
from floorcast.gateway.channels.broadcasts import Said
from floorcast.gateway.channels.channel import Channel
from floorcast.gateway.channels.rooms import Rooms

LARGEST_PAYLOAD = 262_144
"""Bytes of one broadcast."""

_TOO_LARGE = b'{"error":"payload_size_exceeded"}'
_TOO_MANY = b'{"error":"too_many_messages"}'


def speak(rooms: Rooms, channel: Channel, said: Said, now: float) -> bytes:
    """Have everybody in a channel's room hear what it says; returns the answer, empty where none is wanted.

    `now` is the loop's clock, in seconds.
    """
    if channel not in rooms:
        # Its join is not answered yet.
        return frames.refused(channel.version, said.message, "unmatched topic")
    if not channel.breath.take(now):
        if not channel.breath.told:
            channel.breath.told = True
            text = "Too many messages per second: some were dropped, the channel goes on."
            channel.outbox.put(frames.system(channel, "floorcast", text), channel.topic, None)
        return _refused(channel, said, _TOO_MANY)
    if len(said.payload) > LARGEST_PAYLOAD:
        return _refused(channel, said, _TOO_LARGE)
    if not channel.rights.speaks:
        reason = f"Unauthorized: You do not have permissions to write to this Channel topic: {channel.name}"
        return _refused(channel, said, orjson.dumps({"reason": reason}))
    broadcast = Broadcast(channel.room, said.event, said.payload, said.binary, said.text)
    rooms.say(broadcast, but=None if channel.config.hears_itself else channel)
    rooms.carry(broadcast)
    return wire.reply(channel.version, said.message) if channel.config.acknowledged else b""


def _refused(channel: Channel, said: Said, response: bytes) -> bytes:
    """Say no to who wants to be told; to others nothing, as they are used to."""
    return wire.reply(channel.version, said.message, response, "error") if channel.config.acknowledged else b""
