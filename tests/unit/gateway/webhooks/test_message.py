"""What is posted: the changes as their envelope has them, under a name that is theirs for good, signed."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from floorcast.gateway.webhooks.delivery import Item
from floorcast.gateway.webhooks.message import Post, Sheet, changes_post, message_id, ping_post
from floorcast.gateway.webhooks.signature import new_key

KEY = new_key("v1")
AT = "2026-03-01T12:00:00.123456+00:00"
NOW = 1_772_366_400
# As Postgres wrote it: a parser would make another number of it.
ITEMS = [Item("i:7-1", "a", b'{"id":"i:7-1","new":{"n":1.10}}'), Item("i:7-2", "b", '{"id":"i:7-2","t":"ö"}'.encode())]


def this_moment() -> int:
    """The library takes what is at most five minutes old: the time of the test, not of its collection."""
    return int(datetime.now(UTC).timestamp())


def a_post(items: Sequence[Item] = ITEMS, *, envelope: str = "native", at: int = NOW) -> Post:
    """Make a message of these."""
    return changes_post(Sheet("erp", 2, envelope, [KEY]), items, AT, at)


@pytest.mark.parametrize("envelope", ["native", "debezium"])
def test_changes_stand_in_an_event_as_the_specification_recommends(envelope: str) -> None:
    """A type, a time, and the data, in which the changes are as they came: not a digit is different."""
    post = a_post(envelope=envelope)

    assert json.loads(post.body)["type"] == "floorcast.changes"
    assert json.loads(post.body)["timestamp"] == AT
    assert json.loads(post.body)["data"]["consumer"] == "erp"
    assert json.loads(post.body)["data"]["share"] == 2
    assert b'"changes":[' + b",".join(item.text for item in ITEMS) + b"]" in post.body
    assert post.headers["content-type"] == "application/json; charset=utf-8"


def test_cloudevents_go_as_a_batch() -> None:
    """What the CloudEvents specification has for several of them."""
    post = a_post(envelope="cloudevents")
    assert post.body == b"[" + b",".join(item.text for item in ITEMS) + b"]"
    assert post.headers["content-type"] == "application/cloudevents-batch+json; charset=utf-8"


def test_one_cloudevent_at_a_time_goes_in_binary_mode() -> None:
    """`data` is the body, to the digit and signed; the attributes are headers."""
    context = b'{"specversion":"1.0","id":"i:7-1","subject":"a/\xc3\xb6","datacontenttype":"application/json"'
    event = context + b',"data":{"n":1.10}}'
    sheet = Sheet("erp", 0, "cloudevents", [KEY], single=True)
    post = changes_post(sheet, [Item("i:7-1", "a", event)], AT, this_moment())
    assert post.body == b'{"n":1.10}'
    assert post.headers["ce-id"] == "i:7-1"
    assert post.headers["ce-subject"] == "a/%C3%B6"
    assert post.headers["content-type"] == "application/json"
    Webhook(KEY).verify(post.body, dict(post.headers))


def test_a_message_is_signed_and_its_time_is_that_of_the_attempt() -> None:
    """The specification's library takes it."""
    now = this_moment()
    post = a_post(at=now)
    assert post.headers["webhook-timestamp"] == str(now)
    assert Webhook(KEY).verify(post.body, dict(post.headers)) == json.loads(post.body)


def test_the_same_changes_have_the_same_name_and_body_however_often_they_are_sent() -> None:
    """So a receiver that saw them knows; other changes, or another consumer's, are another message."""
    first, again = a_post(), a_post(at=NOW + 900)
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    assert first.headers["webhook-signature"] != again.headers["webhook-signature"]
    others = [a_post(ITEMS[:1]), a_post(ITEMS[1:]), a_post([*reversed(ITEMS)])]
    names = {post.headers["webhook-id"] for post in (first, *others)} | {message_id("crm", ["i:7-1", "i:7-2"])}
    assert len(names) == 5
    assert not any("." in name for name in names)


@pytest.mark.parametrize("envelope", ["native", "cloudevents"])
def test_a_ping_is_a_message_of_its_envelope(envelope: str) -> None:
    """Signed as any other, and nobody takes it for a change."""
    post = ping_post(Sheet("erp", 0, envelope, [KEY]), "msg_ping", AT, this_moment())
    said = Webhook(KEY).verify(post.body, dict(post.headers))
    event = said if envelope == "native" else said[0]
    assert event["type"] == "floorcast.ping"
    assert event["data"] == {"consumer": "erp"}
    assert post.headers["webhook-id"] == "msg_ping"
