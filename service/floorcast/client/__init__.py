"""A Python client of the stream: a live, complete view of a warehouse that comes back by itself.

    async with WarehouseView("ws://127.0.0.1:4000", token, "<id>", tables=["work_orders"]) as view:
        async for event in view:
            print(event, len(view.rows("work_orders")))

docs/client.md explains it. `replica.py`, `ends.py`, `asked.py` and `channel.py` decide and cannot wait; `view.py` and
`client.py` move the bytes. `FloorcastClient` is the plain protocol: join topics, hear their events, nothing more.
"""

from floorcast.client.client import FloorcastClient
from floorcast.client.cursors import CursorStore, FileCursor, MemoryCursor
from floorcast.client.events import (
    Change,
    Changes,
    Forgotten,
    Joined,
    Key,
    PresenceDiff,
    PresenceState,
    Progress,
    Refused,
    Row,
    Snapshot,
    ViewEvent,
    Waiting,
)
from floorcast.client.subscription import Event, Subscription
from floorcast.client.view import WarehouseView
from floorcast.errors import ClientError

__all__ = [
    "Change",
    "Changes",
    "ClientError",
    "CursorStore",
    "Event",
    "FileCursor",
    "FloorcastClient",
    "Forgotten",
    "Joined",
    "Key",
    "MemoryCursor",
    "PresenceDiff",
    "PresenceState",
    "Progress",
    "Refused",
    "Row",
    "Snapshot",
    "Subscription",
    "ViewEvent",
    "Waiting",
    "WarehouseView",
]
