"""A table to filter, for the tests of this folder."""

from floorcast.filter.condition import Condition
from floorcast.filter.reading import read_filter
from floorcast.shape import TableShape

ORDERS = TableShape(
    "work_orders",
    {
        "id": "uuid",
        "status": "text",
        "priority": "enum",
        "number": "int4",
        "cost": "numeric",
        "hours": "float8",
        "open": "bool",
        "due_at": "timestamptz",
        "day": "date",
        "details": "jsonb",
        "tags": "_text",
        "assigned_to": "uuid",
    },
    ("id",),
    "warehouse",
    "warehouse_id",
)


def condition(text: str) -> Condition:
    """What a filter asks of a work order."""
    found = read_filter(text, ORDERS)
    assert found is not None
    return found
