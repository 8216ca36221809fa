"""What policies on `realtime.messages` say of somebody, found out by trying."""

import pytest
from tests.fixtures.observed import Observed
from tests.fixtures.postgres import Database
from tests.sql.plant import connect, value

from floorcast.database.caller import Caller
from floorcast.database.channel_rights import NOTHING, ChannelRights, ChannelRightsReader
from floorcast.errors import DatabaseUnavailable
from floorcast.observe import PolicyFailed

POLICIES = """
create policy reads on realtime.messages for select to authenticated
using (realtime.topic() = 'board' and extension = 'broadcast');
create policy writes on realtime.messages for insert to authenticated
with check (realtime.topic() = 'board' and extension = 'presence' and (auth.jwt() ->> 'level')::int > 1)
"""


async def test_policies_are_asked_by_trying(database: Database) -> None:
    """No policy is no right; one that raises takes nothing from others; nothing stays in table or trail."""
    reader = ChannelRightsReader(database.service_url, connections=1)
    await reader.open()
    try:
        before = await reader.read(Caller("authenticated", '{"level": 2}'), "board")
        with connect(database.owner_url) as owner:
            owner.execute(POLICIES.encode())
        raising = await reader.read(Caller("authenticated", '{"level": "x"}'), "board")
        after = await reader.read(Caller("authenticated", '{"level": 2}'), "board")
        elsewhere = await reader.read(Caller("authenticated", '{"level": 2}'), "desk")
    finally:
        await reader.close()
    assert (before, raising, elsewhere) == (NOTHING, NOTHING, NOTHING)
    assert after == ChannelRights(broadcast_read=True, broadcast_write=False, presence_read=False, presence_write=True)
    with connect(database.owner_url) as owner:
        assert value(owner, "select count(*) from realtime.messages") == 0
        assert value(owner, "select count(*) from floorcast.change where table_name = 'realtime.messages'") == 0


async def test_a_database_that_is_slow_says_nothing_of_rights(database: Database, observed: Observed) -> None:
    """Who may read would be sent away for good; he is told to ask again, and no policy is blamed."""
    reader = ChannelRightsReader(database.service_url, connections=1, patience_seconds=0.2)
    await reader.open()
    try:
        with connect(database.owner_url) as owner:
            owner.execute(POLICIES.encode())
            with owner.transaction():
                owner.execute("lock table realtime.messages in access exclusive mode")
                with pytest.raises(DatabaseUnavailable):
                    await reader.read(Caller("authenticated", '{"level": 2}'), "board")
            assert (await reader.read(Caller("authenticated", '{"level": 2}'), "board")).broadcast_read
    finally:
        await reader.close()
    assert observed.of(PolicyFailed) == []
