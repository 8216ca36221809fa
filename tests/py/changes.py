"""Subscribes to changes of tables with Supabase's client: changes.py <url> <key> <token>.

Told {"do": "subscribe", "topic", "bindings"} and {"do": "token", "token"} in lines of JSON;
tells {"event": "status", …} and {"event": "change", …}.
"""

import asyncio
import json
import sys
from typing import Any

from realtime import AsyncRealtimeClient


def tell(event: str, **facts: Any) -> None:
    """Say what happened."""
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


async def main(url: str, key: str, token: str) -> None:
    """Connect and obey until the commands end."""
    client = AsyncRealtimeClient(url, key)
    await client.connect()
    await client.set_auth(token)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        if command["do"] == "token":
            await client.set_auth(command["token"])
            continue
        channel = client.channel(command["topic"], {"config": command.get("config", {})})
        for number, binding in enumerate(command["bindings"]):

            def changed(payload: Any, number: int = number) -> None:
                tell("change", binding=number, payload=json.loads(json.dumps(payload, default=str)))

            channel.on_postgres_changes(
                binding["event"],
                schema=binding.get("schema", "public"),
                table=binding.get("table"),
                filter=binding.get("filter"),
                callback=changed,
            )
        await channel.subscribe(lambda status, error: tell("status", status=str(status), error=error and str(error)))
    await client.close()


asyncio.run(main(*sys.argv[1:]))
