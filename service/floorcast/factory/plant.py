"""The demo factory as data: an organization, three warehouses, their people, machines, stock and open orders.

Every id is a uuid5 of a name, so that links, tokens and documents stay right from one machine to the next.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid5

from floorcast.factory.person import Person, Role, Warehouse

_NAMESPACE = UUID("6f9d3c3e-7d0a-5f0e-9b58-4a1d8f2c7e10")


def demo_id(kind: str, name: str) -> UUID:
    """Return the id of something in the demo factory."""
    return uuid5(_NAMESPACE, f"{kind}/{name}")


@dataclass(frozen=True, slots=True)
class DemoMachine:
    """A machine of the demo factory."""

    id: UUID
    warehouse: UUID
    tag: str
    name: str
    type: str
    location: str
    criticality: str
    status: str


@dataclass(frozen=True, slots=True)
class DemoItem:
    """A part in a warehouse of the demo factory, with what lies there at first."""

    id: UUID
    warehouse: UUID
    part_number: str
    name: str
    category: str
    unit: str
    quantity: int
    reorder_point: int
    unit_cost: Decimal
    is_critical: bool


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """A work order that is open when the demo begins."""

    id: UUID
    machine: DemoMachine
    title: str
    type: str
    priority: str
    # open, assigned, in_progress or on_hold.
    status: str


ORGANIZATION = demo_id("organization", "Demo Works")
ORGANIZATION_NAME = "Demo Works"

NORTH = Warehouse(demo_id("warehouse", "North Plant"), "North Plant")
SOUTH = Warehouse(demo_id("warehouse", "South Plant"), "South Plant")
CENTRAL = Warehouse(demo_id("warehouse", "Central Stores"), "Central Stores")
WAREHOUSES = (NORTH, SOUTH, CENTRAL)

LOCATIONS = {NORTH.id: "Gate 1, north road", SOUTH.id: "Gate 4, harbour side", CENTRAL.id: "Rail yard"}


def _person(name: str, **roles: Role) -> Person:
    sites = {"north": NORTH.id, "south": SOUTH.id, "central": CENTRAL.id}
    return Person(demo_id("person", name), name, {sites[site]: role for site, role in roles.items()})


MANAGER = _person("Manager One", north="manager", south="manager", central="manager")

PEOPLE = (
    MANAGER,
    _person("Admin One", north="admin", south="admin", central="admin"),
    # Sees the other plant, and may touch nothing there: one person, two roles.
    _person("Supervisor One", north="supervisor", south="viewer"),
    _person("Supervisor Two", south="supervisor"),
    _person("Supervisor Three", central="supervisor"),
    _person("Technician One", north="technician"),
    _person("Technician Two", north="technician"),
    _person("Technician Three", south="technician"),
    _person("Technician Four", south="technician"),
    _person("Technician Five", central="technician"),
    _person("Technician Six", central="technician", north="technician"),
    _person("Clerk One", north="inventory_clerk"),
    _person("Clerk Two", south="inventory_clerk"),
    _person("Clerk Three", central="inventory_clerk"),
    _person("Operator One", north="requester"),
    _person("Operator Two", south="requester"),
    _person("Kiosk North", north="kiosk"),
    _person("Kiosk South", south="kiosk"),
    _person("Kiosk Central", central="kiosk"),
    _person("Wall Screen North", north="viewer"),
    _person("Wall Screen South", south="viewer"),
    _person("Wall Screen Central", central="viewer"),
)


def _machine(site: Warehouse, row: str) -> DemoMachine:
    tag, name, kind, location, criticality, status = (part.strip() for part in row.split("|"))
    return DemoMachine(
        demo_id("machine", tag),
        site.id,
        tag,
        name,
        kind,
        location,
        criticality,
        status,
    )


_MACHINES = {
    NORTH: (
        "N-101 | Press Line 1 | press | Hall A | critical | operational",
        "N-102 | Press Line 2 | press | Hall A | critical | operational",
        "N-110 | Welding Cell | robot | Hall A | high | operational",
        "N-120 | Paint Booth | booth | Hall B | high | degraded",
        "N-130 | Main Conveyor | conveyor | Hall A | critical | operational",
        "N-140 | Compressor 1 | compressor | Utility room | high | operational",
        "N-141 | Compressor 2 | compressor | Utility room | medium | standby",
        "N-150 | Overhead Crane | crane | Hall B | medium | in_maintenance",
    ),
    SOUTH: (
        "S-201 | Extruder 1 | extruder | Line 1 | critical | operational",
        "S-202 | Extruder 2 | extruder | Line 2 | critical | down",
        "S-210 | Packing Robot | robot | Line 1 | high | operational",
        "S-220 | Cooling Tower | cooling | Yard | high | operational",
        "S-230 | Palletizer | palletizer | Line 2 | medium | operational",
        "S-240 | Boiler | boiler | Boiler house | critical | operational",
        "S-250 | Dust Extraction | fan | Line 1 | medium | degraded",
        "S-260 | Shuttle Car | vehicle | Yard | low | operational",
    ),
    CENTRAL: (
        "C-301 | Forklift 1 | forklift | Dock | medium | operational",
        "C-302 | Forklift 2 | forklift | Dock | medium | operational",
        "C-303 | Reach Truck | forklift | Aisles | medium | in_maintenance",
        "C-310 | Dock Leveller 1 | dock | Dock | low | operational",
        "C-311 | Dock Leveller 2 | dock | Dock | low | operational",
        "C-320 | Sorting Belt | conveyor | Aisles | high | operational",
        "C-330 | Mobile Generator | generator | Yard | high | standby",
        "C-340 | Sprinkler Pump | pump | Pump house | critical | operational",
    ),
}

MACHINES = tuple(_machine(site, row) for site, rows in _MACHINES.items() for row in rows)

# Part number, name, category, unit, unit cost, critical; then quantity and reorder point at each site, in the
# order of WAREHOUSES.
_PARTS = (
    ("BRG-6205", "Ball bearing 6205", "bearings", "piece", "6.40", True, (24, 10), (18, 10), (120, 40)),
    ("BLT-A68", "V-belt A68", "drives", "piece", "11.90", False, (12, 5), (9, 5), (60, 20)),
    ("HOS-12", "Hydraulic hose 1/2 in", "hydraulics", "metre", "9.75", True, (35, 15), (28, 15), (200, 60)),
    ("OIL-46", "Hydraulic oil ISO 46", "fluids", "litre", "4.10", False, (180, 60), (140, 60), (900, 300)),
    ("FLT-AIR", "Air filter element", "filters", "piece", "18.50", False, (8, 4), (7, 4), (40, 15)),
    ("SNS-PRX", "Proximity sensor M12", "electrical", "piece", "32.00", True, (6, 3), (6, 3), (25, 10)),
    ("SEL-KIT", "Cylinder seal kit", "hydraulics", "set", "54.20", True, (5, 2), (4, 2), (18, 6)),
)


def _items() -> tuple[DemoItem, ...]:
    items = []
    for number, name, category, unit, cost, critical, *stock in _PARTS:
        for site, (quantity, reorder_point) in zip(WAREHOUSES, stock, strict=True):
            items.append(
                DemoItem(
                    demo_id("item", f"{site.name}/{number}"),
                    site.id,
                    number,
                    name,
                    category,
                    unit,
                    quantity,
                    reorder_point,
                    Decimal(cost),
                    critical,
                )
            )
    return tuple(items)


ITEMS = _items()

_BY_TAG = {machine.tag: machine for machine in MACHINES}

_ORDERS = (
    "S-202 | MAIN DRIVE TRIPS ON OVERLOAD | emergency | emergency | in_progress",
    "N-120 | EXHAUST FAN VIBRATES, check bearings | corrective | high | assigned",
    "N-150 | Annual inspection of hoist and brake | inspection | medium | in_progress",
    "S-250 | bag filter blocked again | corrective | medium | open",
    "C-303 | mast chain stretched | corrective | medium | in_progress",
    "N-101 | grease all points | preventive | low | open",
    "N-130 | belt tracking to the left, edge frayed | corrective | high | open",
    "S-240 | Safety valve test due | safety | critical | assigned",
    "S-210 | gripper drops cartons sometimes | corrective | medium | on_hold",
    "C-320 | replace worn rollers zone 3 | preventive | medium | assigned",
    "C-340 | Weekly test run | inspection | high | open",
    "N-140 | Fit hour meter | improvement | low | open",
)


def _order(row: str) -> DemoOrder:
    tag, title, kind, priority, status = (part.strip() for part in row.split("|"))
    machine = _BY_TAG[tag]
    return DemoOrder(demo_id("order", f"{tag}/{title}"), machine, title, kind, priority, status)


ORDERS = tuple(_order(row) for row in _ORDERS)
