"""The preventive maintenance of the demo factory as data: what is done regularly, and to which machines.

Some of it is due when `floorcast maintain` looks for the first time, some in the minutes after, most in days to
come: whoever opens the page sees an order come by itself.
"""

import json
from dataclasses import dataclass
from uuid import UUID

from floorcast.factory.plant import MACHINES, WAREHOUSES, demo_id


@dataclass(frozen=True, slots=True)
class DemoTemplate:
    """What is to be done, at one site."""

    id: UUID
    warehouse: UUID
    name: str
    type: str
    priority: str
    # Lists, as JSON.
    tasks: str
    parts: str
    minutes: int
    safety_notes: str | None


@dataclass(frozen=True, slots=True)
class DemoSchedule:
    """A template on a machine; its first due so many minutes after the demo was loaded."""

    id: UUID
    warehouse: UUID
    machine: UUID
    template: UUID
    type: str
    frequency: int
    basis: str
    due_minutes: int


_LOCK = "Lock out and tag the main switch. Release pressure before opening anything."

# Name, type, priority, minutes, tasks, parts as (name, part number, quantity, unit), safety notes.
_TEMPLATES = (
    (
        "Weekly inspection",
        "inspection",
        "medium",
        30,
        ("Walk around the machine", "Check guards and emergency stops", "Listen for bearings", "Look for leaks"),
        (),
        None,
    ),
    (
        "Monthly lubrication",
        "preventive",
        "medium",
        60,
        ("Clean grease nipples", "Grease all points", "Check oil level and top up"),
        (("Hydraulic oil ISO 46", "OIL-46", 5, "litre"),),
        _LOCK,
    ),
    (
        "Filter change",
        "preventive",
        "low",
        45,
        ("Open the housing", "Replace the element", "Note the pressure before and after"),
        (("Air filter element", "FLT-AIR", 1, "piece"),),
        _LOCK,
    ),
)

_MINUTE, _DAY = 1, 24 * 60

# Tag, template, every so many of what, counted from, first due in minutes.
_SCHEDULES = (
    ("N-101", "Weekly inspection", 1, "weeks", "due", -60 * _MINUTE),
    ("S-201", "Monthly lubrication", 1, "months", "due", -30 * _MINUTE),
    ("C-320", "Weekly inspection", 1, "weeks", "due", -10 * _MINUTE),
    ("N-130", "Monthly lubrication", 1, "months", "completion", 3 * _MINUTE),
    ("S-240", "Weekly inspection", 1, "weeks", "due", 5 * _MINUTE),
    ("C-301", "Monthly lubrication", 1, "months", "completion", 8 * _MINUTE),
    ("N-140", "Filter change", 10, "weeks", "completion", _DAY),
    ("N-102", "Weekly inspection", 1, "weeks", "due", 2 * _DAY),
    ("S-210", "Filter change", 90, "days", "completion", 3 * _DAY),
    ("C-340", "Weekly inspection", 1, "weeks", "due", 4 * _DAY),
    ("S-220", "Monthly lubrication", 2, "months", "due", 9 * _DAY),
    ("C-302", "Monthly lubrication", 1, "months", "completion", 16 * _DAY),
)

TEMPLATES = tuple(
    DemoTemplate(
        demo_id("template", f"{site.name}/{name}"),
        site.id,
        name,
        kind,
        priority,
        json.dumps(tasks),
        json.dumps([{"name": n, "part_number": p, "quantity": q, "unit": u} for n, p, q, u in parts]),
        minutes,
        safety_notes,
    )
    for site in WAREHOUSES
    for name, kind, priority, minutes, tasks, parts, safety_notes in _TEMPLATES
)

_BY_TAG = {machine.tag: machine for machine in MACHINES}
_BY_PLACE = {(template.warehouse, template.name): template for template in TEMPLATES}

SCHEDULES = tuple(
    DemoSchedule(
        demo_id("schedule", f"{tag}/{name}"),
        _BY_TAG[tag].warehouse,
        _BY_TAG[tag].id,
        _BY_PLACE[_BY_TAG[tag].warehouse, name].id,
        kind,
        frequency,
        basis,
        due_minutes,
    )
    for tag, name, frequency, kind, basis, due_minutes in _SCHEDULES
)
