"""A small asyncio client of the stream: join a warehouse, iterate over what happens there.

    async with FloorcastClient("ws://127.0.0.1:4000", token) as client:
        subscription = await client.join("warehouse:<id>")
        async for event, payload in subscription:
            ...

`channel.py` knows the protocol and cannot wait; `client.py` moves the bytes; `follow.py` comes back after
losses.
"""

from floorcast.client.client import FloorcastClient
from floorcast.client.follow import Joined, follow
from floorcast.client.subscription import Event, Subscription

__all__ = ["Event", "FloorcastClient", "Joined", "Subscription", "follow"]
