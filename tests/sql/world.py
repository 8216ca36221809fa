"""Three warehouses with a row of everything, somebody in each role in each of them, and statements to try on the rows.

North is where things are tried. South is another warehouse of the same organization, East one of another organization.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from tests.sql.plant import ROLES, Connection, value

# What a new row of each table says, in the order in which they can be made. {table} is the site's row of that table,
# {role} its person in that role.
INSERTS: Mapping[str, Mapping[str, str]] = {
    "organizations": {"name": "Quarry"},
    "warehouses": {"organization_id": "{organizations}", "name": "{name}"},
    "users": {"warehouse_id": "{warehouses}", "display_name": "Newcomer"},
    "user_warehouse_access": {"user_id": "{newcomer}", "warehouse_id": "{warehouses}", "role": "viewer"},
    "equipment": {"warehouse_id": "{warehouses}", "name": "Excavator"},
    "equipment_hierarchy": {
        "warehouse_id": "{warehouses}",
        "parent_id": "{equipment}",
        "child_id": "{spare_equipment}",
    },
    "inventory_locations": {"warehouse_id": "{warehouses}", "name": "Shelf {unique}"},
    "inventory_items": {"warehouse_id": "{warehouses}", "name": "Seal", "location_id": "{inventory_locations}"},
    "maintenance_templates": {"warehouse_id": "{warehouses}", "name": "Service {unique}"},
    "maintenance_schedules": {
        "warehouse_id": "{warehouses}",
        "equipment_id": "{equipment}",
        "template_id": "{maintenance_templates}",
        "schedule_type": "weeks",
        "frequency": "1",
        "next_due": "2099-01-01",
    },
    "work_orders": {
        "warehouse_id": "{warehouses}",
        "title": "LEAKING",
        "equipment_id": "{equipment}",
    },
    "work_order_assignments": {
        "warehouse_id": "{warehouses}",
        "work_order_id": "{work_orders}",
        "user_id": "{technician}",
    },
    "work_order_timeline": {
        "warehouse_id": "{warehouses}",
        "work_order_id": "{work_orders}",
        "event_type": "commented",
    },
    "work_order_attachments": {
        "warehouse_id": "{warehouses}",
        "work_order_id": "{work_orders}",
        "file_name": "leak.jpg",
        "content_type": "image/jpeg",
        "byte_size": "1",
        "storage_path": "{warehouses}/{unique}.jpg",
    },
    "inventory_transactions": {
        "warehouse_id": "{warehouses}",
        "item_id": "{inventory_items}",
        "transaction_type": "receipt",
        "quantity": "10",
        "work_order_id": "{work_orders}",
    },
    "equipment_maintenance_history": {
        "warehouse_id": "{warehouses}",
        "equipment_id": "{equipment}",
        "work_order_id": "{work_orders}",
    },
    "maintenance_history": {
        "warehouse_id": "{warehouses}",
        "schedule_id": "{maintenance_schedules}",
        "work_order_id": "{work_orders}",
        "due_at": "2024-02-01",
        "in_time": "false",
    },
    "notifications": {
        "warehouse_id": "{warehouses}",
        "user_id": "{technician}",
        "type": "announcement",
        "title": "SAFETY DAY",
        "work_order_id": "{work_orders}",
        "equipment_id": "{equipment}",
        "item_id": "{inventory_items}",
    },
}

# What is in the site's own rows besides: every column that is not for everybody has a value there.
HIDDEN: Mapping[str, Mapping[str, str]] = {
    "users": {"email": "{unique}@example.com", "profile_data": '{{"phone": "112"}}'},
    "inventory_items": {"unit_cost": "4.20"},
    "work_orders": {"estimated_cost": "10", "actual_cost": "12", "requested_by": "{viewer}"},
    "inventory_transactions": {"unit_cost": "4.20"},
    "equipment_maintenance_history": {"cost": "12"},
}

# How the site's row is found; `id` elsewhere.
KEYS: Mapping[str, Mapping[str, str]] = {
    "users": {"id": "{colleague}"},
    "user_warehouse_access": {"user_id": "{colleague}", "warehouse_id": "{warehouses}"},
    "equipment_hierarchy": {"parent_id": "{equipment}", "child_id": "{second_equipment}"},
    "work_order_assignments": {"work_order_id": "{work_orders}", "user_id": "{contractor}"},
}

# A change that who may change the row may make.
UPDATES: Mapping[str, tuple[str, str]] = {
    "organizations": ("name", "Pit"),
    "warehouses": ("name", "Nord"),
    "users": ("display_name", "Somebody"),
    "user_warehouse_access": ("role", "kiosk"),
    "equipment": ("status", "down"),
    "equipment_hierarchy": ("relationship_type", "feeds"),
    "equipment_maintenance_history": ("hours", "2"),
    "inventory_locations": ("capacity", "1000"),
    "inventory_items": ("reorder_point", "5"),
    "inventory_transactions": ("reason", "mistake"),
    "maintenance_templates": ("priority", "high"),
    "maintenance_schedules": ("frequency", "2"),
    "maintenance_history": ("results", "{{}}"),
    "work_orders": ("priority", "high"),
    "work_order_assignments": ("role", "lead"),
    "work_order_timeline": ("details", "{{}}"),
    "work_order_attachments": ("file_name", "other.jpg"),
    "notifications": ("read_at", "2026-01-01"),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A warehouse with its keys: of the row of each table, and of the person in each role."""

    keys: Mapping[str, str]

    def fill(self, text: str) -> str:
        """The text with the site's keys in it."""
        return text.format(**self.keys, unique=uuid4())

    def person(self, role: str) -> UUID:
        """Who has that role here."""
        return UUID(self.keys[role])

    def key(self, table: str) -> Mapping[str, str]:
        """How its row is found."""
        assert table in KEYS or table in self.keys, (
            f"tests/sql/world.py makes no row of {table}: it wants it in INSERTS"
        )
        return {column: self.fill(text) for column, text in KEYS.get(table, {"id": f"{{{table}}}"}).items()}

    def values(self, table: str) -> dict[str, str]:
        """What a new row of the table says here."""
        return {column: self.fill(text) for column, text in INSERTS[table].items()}


@dataclass(frozen=True, slots=True)
class World:
    """What `build_world` made."""

    north: Site
    south: Site
    east: Site
    # Both were admins of North: one has left, of the other the access was withdrawn.
    deactivated: UUID
    withdrawn: UUID


def insert(table: str, values: Mapping[str, str]) -> str:
    """An INSERT with these values."""
    return (
        f"insert into public.{table} ({', '.join(values)})"
        f" values ({', '.join(_literal(text) for text in values.values())})"
    )


def update(table: str, key: Mapping[str, str], column: str, new: str) -> str:
    """An UPDATE of one column of the row with that key."""
    return f"update public.{table} set {column} = {_literal(new)} where {where(key)}"


def where(key: Mapping[str, str]) -> str:
    """The condition for the row with that key."""
    return " and ".join(f"{column} = {_literal(text)}" for column, text in key.items())


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def build_world(connection: Connection) -> World:
    """Fill an empty database, as its owner."""
    north = _build_site(connection, "North")
    south = _build_site(connection, "South", organization=north.keys["organizations"])
    east = _build_site(connection, "East")
    deactivated, withdrawn = (_add_person(connection, north.keys, "admin") for _ in range(2))
    connection.execute("update public.users set deleted_at = now() where id = %s", [deactivated])
    connection.execute("delete from public.user_warehouse_access where user_id = %s", [withdrawn])
    connection.execute("select from floorcast.close_tick(100000, 100000000)")
    connection.execute("select floorcast.begin_maintenance('So that its book is not empty')")
    north = Site({**north.keys, "item_of_south": south.keys["inventory_items"]})
    return World(north=north, south=south, east=east, deactivated=UUID(deactivated), withdrawn=UUID(withdrawn))


def _build_site(connection: Connection, name: str, organization: str | None = None) -> Site:
    keys: dict[str, str] = {"name": name}
    site = Site(keys)

    def add(table: str, **others: str) -> str:
        values = {**site.values(table), **{k: site.fill(v) for k, v in HIDDEN.get(table, {}).items()}, **others}
        return str(value(connection, f"{insert(table, values)} returning id"))

    keys["organizations"] = organization or add("organizations", name=f"Organization of {name}")
    keys["warehouses"] = add("warehouses")
    keys.update({role: _add_person(connection, keys, role) for role in ROLES})
    keys["colleague"] = _add_person(connection, keys, "requester")
    keys["newcomer"] = add("users")
    keys["retired_location"] = str(
        value(
            connection,
            "insert into public.inventory_locations (warehouse_id, name, deleted_at)"
            " values (%s, 'Torn down', now()) returning id",
            keys["warehouses"],
        )
    )
    for table in INSERTS:
        if table in ("organizations", "warehouses", "users", "user_warehouse_access"):
            continue
        if table in ("equipment_hierarchy", "work_order_assignments"):
            connection.execute(insert(table, {**site.values(table), **site.key(table)}).encode())
            continue
        keys[table] = add(table, **({"due_at": "2024-01-01"} if table == "maintenance_history" else {}))
        if table == "equipment":
            keys["second_equipment"], keys["spare_equipment"] = add(table), add(table)
    # Rows that nothing hangs on, for who may delete.
    spare = {
        table: add(table)
        for table in ("work_orders", "inventory_items", "inventory_locations", "maintenance_templates")
    }
    spare["organizations"] = add("organizations", name=f"Nobody's of {name}")
    spare["warehouses"] = add("warehouses", name=f"Empty {name}")
    spare["users"] = add("users")
    spare["equipment"] = keys["spare_equipment"]
    spare["maintenance_schedules"] = add("maintenance_schedules", equipment_id=keys["second_equipment"])
    keys.update({f"spare_{table}": key for table, key in spare.items()})
    return site


def _add_person(connection: Connection, keys: Mapping[str, str], role: str) -> str:
    person = str(uuid4())
    connection.execute(
        "insert into public.users (id, warehouse_id, display_name, email, profile_data)"
        ' values (%s, %s, %s, %s, \'{"phone": "112"}\')',
        [person, keys["warehouses"], f"{role} of {keys['name']}", f"{person}@example.com"],
    )
    connection.execute(
        "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, %s)",
        [person, keys["warehouses"], role],
    )
    return person
