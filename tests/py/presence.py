"""Is present in a room with Supabase's client, and says whom it is shown: presence.py <url> <key>.

Told {"do": "subscribe", "topic", "key"}, {"do": "track", "meta"} and {"do": "untrack"} in lines of JSON; tells
{"event": "status"}, {"event": "sync", "people"}, and {"event": "join"} and {"event": "leave"} with {"key", "metas"}.
"""

import asyncio
import json
import sys
from typing import Any

from realtime import AsyncRealtimeClient


def tell(event: str, **facts: Any) -> None:
    """Say what happened."""
    sys.stdout.write(json.dumps({"event": event, **facts}, default=str) + "\n")
    sys.stdout.flush()


async def main(url: str, key: str) -> None:
    """Connect and obey until the commands end."""
    client = AsyncRealtimeClient(url, key)
    await client.connect()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    channel: Any = None
    while line := await reader.readline():
        command = json.loads(line)
        match command["do"]:
            case "subscribe":
                channel = client.channel(command["topic"], {"config": {"presence": {"key": command["key"]}}})
                room = channel
                channel.on_presence_sync(lambda room=room: tell("sync", people=room.presence_state()))
                channel.on_presence_join(lambda key, _, metas: tell("join", key=key, metas=metas))
                channel.on_presence_leave(lambda key, _, metas: tell("leave", key=key, metas=metas))
                await channel.subscribe(lambda status, error: tell("status", status=str(status), error=error))
            case "track":
                await channel.track(command["meta"])
            case _:
                await channel.untrack()
    await client.close()


asyncio.run(main(*sys.argv[1:]))
