"""What a private room said lately, read as a gateway reads it."""

import asyncio

from tests.fixtures.postgres import Database
from tests.sql.plant import connect

from floorcast.database.channel_messages import MessageReader
from floorcast.errors import DatabaseUnavailable


async def test_stored_messages_come_oldest_first(database: Database) -> None:
    """The newest so many, JSON as it is stored and bytes as they were sent."""
    with connect(database.owner_url) as owner:
        owner.execute(
            "select realtime.send('{}', 'old', 'board'), realtime.send('{\"id\": 1.50}', 'a', 'board'),"
            " realtime.send_binary('\\x00ff', 'b', 'board')"
        )
    reader = MessageReader(database.service_url, connections=1)
    await reader.open()
    try:
        told, *crowd = await asyncio.gather(*(reader.since("board", 0, 2) for _ in range(20)))
    finally:
        await reader.close()
    assert crowd == [told] * 19
    assert [(each.event, each.payload_json, each.binary) for each in told] == [
        ("a", b'{"id": 1.50}', None),
        ("b", None, b"\x00\xff"),
    ]


async def test_who_finds_too_many_before_him_is_turned_away(database: Database) -> None:
    """A crowd that comes late at once must not take what Postgres has for others: one session here, and one waits."""
    reader = MessageReader(database.service_url, connections=1, waiting=1)
    await reader.open()
    try:
        told = await asyncio.gather(*(reader.since("board", 0, 2) for _ in range(20)), return_exceptions=True)
    finally:
        await reader.close()
    assert [] in told
    assert {type(each) for each in told} == {list, DatabaseUnavailable}
