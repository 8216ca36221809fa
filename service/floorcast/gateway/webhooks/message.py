"""What is posted (pure): the changes of one message, signed.

| envelope | body |
|---|---|
| native, debezium | `{"type":"floorcast.changes","timestamp":…,"data":{"consumer":…,"share":…,"changes":[…]}}` |
| cloudevents | the changes as a batch, `application/cloudevents-batch+json` |
| cloudevents, one at a time | the change in binary mode: `data` as the body, the attributes as `ce-…` headers |
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from floorcast import __version__
from floorcast.envelope.cloudevents import binary
from floorcast.gateway.webhooks.delivery import Item
from floorcast.gateway.webhooks.signature import sign

_JSON = {"content-type": "application/json; charset=utf-8"}
_CLOUDEVENTS = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Post:
    """What is sent: headers in lower case, ASCII."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Sheet:
    """What all messages to a receiver have in common."""

    consumer: str
    share: int
    # Name of the envelope.
    envelope: str
    # To sign with, the newest first.
    keys: Sequence[str]
    # A message never has more than one change.
    single: bool = False


def changes_post(sheet: Sheet, items: Sequence[Item], at: str, timestamp: int) -> Post:
    """Build a message.

    Args:
        sheet: whose.
        items: the changes, in order, at least one.
        at: when the newest of them was committed, as ISO 8601.
        timestamp: of this attempt, seconds since 1970.
    """
    listed = b"[%s]" % b",".join(item.text for item in items)
    name = message_id(sheet.consumer, [item.id for item in items])
    if sheet.envelope == "cloudevents" and sheet.single:
        headers, data = binary(items[0].text)
        return _signed(sheet, name, timestamp, data, headers)
    if sheet.envelope == "cloudevents":
        return _signed(sheet, name, timestamp, listed, _CLOUDEVENTS)
    around = {"consumer": sheet.consumer, "share": sheet.share, "changes": orjson.Fragment(listed)}
    body = orjson.dumps({"type": "floorcast.changes", "timestamp": at, "data": around})
    return _signed(sheet, name, timestamp, body, _JSON)


def ping_post(sheet: Sheet, name: str, at: str, timestamp: int) -> Post:
    """Build a message without changes, by which a receiver shows that it is there and knows its secret.

    Args:
        sheet: whose.
        name: any that no other message has.
        at: now, as ISO 8601.
        timestamp: now, seconds since 1970.
    """
    if sheet.envelope == "cloudevents":
        event = {
            "specversion": "1.0",
            "id": name,
            "source": "urn:floorcast:webhooks",
            "type": "floorcast.ping",
            "time": at,
            "data": {"consumer": sheet.consumer},
        }
        return _signed(sheet, name, timestamp, orjson.dumps([event]), _CLOUDEVENTS)
    body = orjson.dumps({"type": "floorcast.ping", "timestamp": at, "data": {"consumer": sheet.consumer}})
    return _signed(sheet, name, timestamp, body, _JSON)


def message_id(consumer: str, ids: Sequence[str]) -> str:
    """Name a message by what is in it: the same changes have the same name, however often and by whom they are sent."""
    named = "\n".join((consumer, *ids)).encode()
    return "msg_" + hashlib.sha256(named).hexdigest()[:40]


def _signed(sheet: Sheet, name: str, timestamp: int, body: bytes, about: Mapping[str, str]) -> Post:
    headers = {
        **about,
        "user-agent": f"Floorcast/{__version__}",
        "accept": "application/json",
        # What is looked at is read as it comes.
        "accept-encoding": "identity",
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(sheet.keys, name, timestamp, body),
    }
    return Post(headers, body)
