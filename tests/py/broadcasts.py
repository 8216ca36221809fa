"""Speaks in a room with Supabase's client, and tells what it hears: broadcasts.py <url> <key>.

Told {"do": "subscribe", "topic", "config", "names"} and {"do": "say", "name", "payload"} in lines of JSON; tells
{"event": "status", …} and {"event": "heard", "name", "told"}.
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
        if command["do"] == "subscribe":
            channel = client.channel(command["topic"], {"config": command["config"]})
            for name in command["names"]:
                channel.on_broadcast(name, lambda told, name=name: tell("heard", name=name, told=told))
            await channel.subscribe(
                lambda status, error: tell("status", status=str(status), error=error and str(error))
            )
        else:
            await channel.send_broadcast(command["name"], command["payload"])
    await client.close()


asyncio.run(main(*sys.argv[1:]))
