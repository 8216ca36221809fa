"""Topics: what a client joins. `warehouse:<id>` is ours; `phoenix` carries the heartbeat."""

import re
from dataclasses import dataclass

HEARTBEAT = "phoenix"

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

_WAREHOUSE = re.compile(r"warehouse:([A-Za-z0-9_.\-]{1,128})")


@dataclass(frozen=True, slots=True)
class WarehouseTopic:
    """The topic of one warehouse: everything that changes there and that the subscriber may see."""

    warehouse: str

    def __str__(self) -> str:
        """Return `warehouse:<id>`."""
        return f"warehouse:{self.warehouse}"


def parse_topic(text: str) -> WarehouseTopic | None:
    """Read a topic that can be joined; None for anything else, however it is malformed.

    The id is compared as text with what the trail carries, so letters outside the usual ids are refused
    here rather than escaped in every frame later. A uuid is folded to lower case, as Postgres prints it; any
    other id is taken as it is.
    """
    match = _WAREHOUSE.fullmatch(text)
    if match is None:
        return None
    return WarehouseTopic(match[1].lower() if _UUID.fullmatch(match[1]) else match[1])
