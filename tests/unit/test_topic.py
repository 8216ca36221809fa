"""Topics: what may be joined."""

import pytest

from floorcast.topic import HEARTBEAT, WarehouseTopic, parse_id, parse_topic

ID = "3f2b0c1e-9a57-4c0f-8a3e-0d9b6a1f2c77"


def test_the_topic_of_a_warehouse_is_read_and_written() -> None:
    """The usual case."""
    topic = parse_topic(f"warehouse:{ID}")
    assert topic == WarehouseTopic(ID)
    assert str(topic) == f"warehouse:{ID}"


def test_a_uuid_in_capitals_names_the_same_warehouse() -> None:
    """Postgres prints uuids in lower case, and the trail is compared as text."""
    assert parse_topic(f"warehouse:{ID.upper()}") == WarehouseTopic(ID)


@pytest.mark.parametrize("name", ["WH-7", "Plant.North_2", "A" * 128])
def test_an_id_that_is_no_uuid_keeps_its_capitals(name: str) -> None:
    """An adopted database may name warehouses in its own way, and `WH-7` is not `wh-7` there."""
    assert parse_topic(f"warehouse:{name}") == WarehouseTopic(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEARTBEAT,
        "warehouse",
        "warehouse:",
        "Warehouse:1",
        "warehouse: 1",
        "warehouse:1 ",
        "warehouse:1\n",
        'warehouse:"1"',
        "warehouse:ä",
        "warehouse:a:b",
        "warehouse:*",
        "warehouse:" + "a" * 129,
        "realtime:public",
        "warehouse:1\x00",
    ],
)
def test_anything_else_cannot_be_joined(text: str) -> None:
    """No quoting and no wildcard may reach frames and keys."""
    assert parse_topic(text) is None


def test_an_id_is_read_by_itself_as_in_a_topic() -> None:
    """Work orders are named in the same way."""
    assert parse_id(ID.upper()) == ID
    assert parse_id("WO-7") == "WO-7"
    assert parse_id("a b") is None
    assert parse_id("") is None
