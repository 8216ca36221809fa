"""A small plant to test SQL against: two warehouses, a person in each role, a machine, a part."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[dict[str, Any]]

ROLES = (
    "requester",
    "technician",
    "contractor",
    "inventory_clerk",
    "supervisor",
    "manager",
    "admin",
    "kiosk",
    "viewer",
)


@dataclass(frozen=True, slots=True)
class Plant:
    """Keys of what `build_plant` made."""

    organization: UUID
    north: UUID
    south: UUID
    # In north, one person for each of ROLES, by role.
    people: Mapping[str, UUID]
    # Admin of south, without access to north.
    stranger: UUID
    # In north.
    machine: UUID
    # In north, with ten pieces in stock.
    part: UUID


def connect(url: str) -> Connection:
    """A connection in autocommit that answers with dictionaries; close it, or use it as a context manager."""
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def wait_until_blocked(url: str, waiting: Connection) -> None:
    """Return once the session of `waiting` waits for another's lock; pytest's timeout ends it if that never happens."""
    with connect(url) as observer:
        while not value(observer, "select cardinality(pg_blocking_pids(%s)) > 0", waiting.info.backend_pid):
            pass


def value(connection: Connection, query: str, *parameters: object) -> Any:
    """The only column of the only row of a query."""
    rows = connection.execute(query.encode(), parameters).fetchall()
    assert len(rows) == 1, f"{len(rows)} rows of: {query}"
    (only,) = rows[0].values()
    return only


@contextmanager
def acting_as(connection: Connection, person: UUID | None, role: str = "authenticated") -> Iterator[None]:
    """A transaction that runs as `role`, with the claims of a token of `person` (None: no token)."""
    with connection.transaction():
        connection.execute(f"set local role {role}".encode())
        if person is not None:
            claims = json.dumps({"sub": str(person), "role": role})
            connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        yield


def add_person(connection: Connection, warehouse: UUID, role: str) -> UUID:
    """A person with access to one warehouse; returns the key."""
    person = uuid4()
    connection.execute(
        "insert into public.users (id, warehouse_id, role, display_name, email) values (%s, %s, %s, %s, %s)",
        [person, warehouse, role, f"{role} one", f"{person}@example.com"],
    )
    connection.execute(
        "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, %s)",
        [person, warehouse, role],
    )
    return person


def add_warehouse(connection: Connection, organization: UUID, name: str) -> UUID:
    """A warehouse; returns the key."""
    key: UUID = value(
        connection,
        "insert into public.warehouses (organization_id, name) values (%s, %s) returning id",
        organization,
        name,
    )
    return key


def add_order(connection: Connection, warehouse: UUID, **columns: object) -> UUID:
    """A work order; returns the key."""
    columns = {"title": "BUCKET WON'T OPEN", "warehouse_id": warehouse, **columns}
    names = ", ".join(columns)
    places = ", ".join(["%s"] * len(columns))
    query = f"insert into public.work_orders ({names}) values ({places}) returning id"
    key: UUID = value(connection, query, *columns.values())
    return key


def add_part(
    connection: Connection, warehouse: UUID, quantity: int, name: str = "Bearing 6204", key: UUID | None = None
) -> UUID:
    """An inventory item with some pieces in stock; returns the key."""
    key = uuid4() if key is None else key
    connection.execute(
        "insert into public.inventory_items (id, warehouse_id, name, quantity) values (%s, %s, %s, %s)",
        [key, warehouse, name, quantity],
    )
    return key


def build_plant(connection: Connection) -> Plant:
    """Fill an empty database, as its owner."""
    organization: UUID = value(connection, "insert into public.organizations (name) values ('Quarry') returning id")
    north = add_warehouse(connection, organization, "North")
    south = add_warehouse(connection, organization, "South")
    machine: UUID = value(
        connection,
        "insert into public.equipment (warehouse_id, asset_tag, name) values (%s, 'A', 'Excavator') returning id",
        north,
    )
    return Plant(
        organization=organization,
        north=north,
        south=south,
        people={role: add_person(connection, north, role) for role in ROLES},
        stranger=add_person(connection, south, "admin"),
        machine=machine,
        part=add_part(connection, north, 10),
    )


def add_machine(connection: Connection, warehouse: UUID, name: str = "Crusher") -> UUID:
    """A machine; returns the key."""
    key: UUID = value(
        connection,
        "insert into public.equipment (warehouse_id, name) values (%s, %s) returning id",
        warehouse,
        name,
    )
    return key


def take(connection: Connection, part: UUID, quantity: object = 1, order: UUID | None = None) -> None:
    """Issue a part, perhaps to an order."""
    connection.execute(
        "insert into public.inventory_transactions (item_id, transaction_type, quantity, work_order_id)"
        " values (%s, 'issue', %s, %s)",
        [part, quantity, order],
    )


def assign(connection: Connection, order: UUID, person: UUID) -> None:
    """Put somebody on an order."""
    connection.execute(
        "insert into public.work_order_assignments (work_order_id, user_id) values (%s, %s)", [order, person]
    )


def add_template(connection: Connection, warehouse: UUID, **columns: object) -> UUID:
    """A maintenance template; returns the key."""
    columns = {"name": "Monthly service", "tasks": '["GREASE ALL PINS", "CHECK OIL"]', **columns}
    return _insert(connection, "maintenance_templates", {"warehouse_id": warehouse, **columns})


def add_schedule(connection: Connection, machine: UUID, template: UUID, **columns: object) -> UUID:
    """A maintenance schedule: every month from the last of January 2024 unless told otherwise; returns the key."""
    columns = {"schedule_type": "months", "frequency": 1, "next_due": "2024-01-31T06:00Z", **columns}
    if columns["schedule_type"] == "meter_hours":
        del columns["next_due"]
    return _insert(connection, "maintenance_schedules", {"equipment_id": machine, "template_id": template, **columns})


def _insert(connection: Connection, table: str, columns: Mapping[str, object]) -> UUID:
    names = ", ".join(columns)
    places = ", ".join(["%s"] * len(columns))
    query = f"insert into public.{table} ({names}) values ({places}) returning id"
    key: UUID = value(connection, query, *columns.values())
    return key
