"""Topics: what a client joins. `warehouse:<id>` is ours; `phoenix` carries the heartbeat."""

import re
from dataclasses import dataclass

HEARTBEAT = "phoenix"

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

_ID = re.compile(r"[A-Za-z0-9_.\-]{1,128}")

_WAREHOUSE = "warehouse:"


@dataclass(frozen=True, slots=True)
class WarehouseTopic:
    """The topic of one warehouse: everything that changes there and that the subscriber may see."""

    warehouse: str

    def __str__(self) -> str:
        """Return `warehouse:<id>`."""
        return f"warehouse:{self.warehouse}"


def parse_topic(text: str) -> WarehouseTopic | None:
    """Read a topic that can be joined; None for anything else, however it is malformed."""
    if not text.startswith(_WAREHOUSE):
        return None
    warehouse = parse_id(text.removeprefix(_WAREHOUSE))
    return None if warehouse is None else WarehouseTopic(warehouse)


def parse_id(text: str) -> str | None:
    """Read the id of a row; None for anything else.

    It is compared as text with what the trail carries, so letters outside the usual ids are refused
    here rather than escaped in every frame later. A uuid is folded to lower case, as Postgres prints it; any
    other id is taken as it is.
    """
    if _ID.fullmatch(text) is None:
        return None
    return text.lower() if _UUID.fullmatch(text) else text
