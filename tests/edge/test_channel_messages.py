"""What a private room said lately, read as a gateway reads it."""

from tests.fixtures.postgres import Database
from tests.sql.plant import connect

from floorcast.database.channel_messages import MessageReader


async def test_stored_messages_come_oldest_first(database: Database) -> None:
    """The newest so many, JSON as it is stored and bytes as they were sent."""
    with connect(database.owner_url) as owner:
        owner.execute(
            "select realtime.send('{}', 'old', 'board'), realtime.send('{\"id\": 1.50}', 'a', 'board'),"
            " realtime.send_binary('\\x00ff', 'b', 'board')"
        )
    told = await MessageReader(database.service_url).since("board", 0, 2)
    assert [(each.event, each.payload_json, each.binary) for each in told] == [
        ("a", b'{"id": 1.50}', None),
        ("b", None, b"\x00\xff"),
    ]
