"""Write the demo factory into an empty database."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import cycle
from typing import Any
from uuid import UUID

import psycopg

from floorcast.database.queries import load_queries
from floorcast.errors import DatabaseUnavailable, FactoryError
from floorcast.factory import maintenance, plant
from floorcast.factory.person import Person, Staff, Warehouse

_QUERIES = load_queries("demo.sql", "floorcast.factory")


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo factory that is in the database now."""

    organization: UUID
    warehouses: tuple[Warehouse, ...]
    people: tuple[Person, ...]
    # False when it was there already; then nothing was written.
    is_new: bool

    def demo_user(self) -> Person:
        """Return whose token the page's link carries: a manager of all three warehouses."""
        return demo_user()


def demo_user() -> Person:
    """Return the manager of the demo's three warehouses."""
    return plant.MANAGER


def load(owner_url: str) -> Demo:
    """Load the demo factory, or leave the one that is there as it is; `owner_url` owns the tables.

    All or nothing, and one at a time: whoever comes second finds it loaded.

    Raises:
        FactoryError: the database has an organization of its own, which must not be mixed with invented data.
        DatabaseUnavailable: it cannot be reached or is not migrated.
    """
    try:
        with psycopg.connect(owner_url) as connection, connection.cursor() as cursor:
            cursor.execute(_QUERIES["alone"])
            is_loaded, other = _organizations(cursor)
            if not is_loaded and other is not None:
                raise FactoryError(
                    f"The database belongs to {other!r}, and the demo factory goes into an empty one only. "
                    "Nothing was changed. Give the demo a database of its own."
                )
            if not is_loaded:
                _write(cursor)
    except psycopg.errors.UndefinedTable as error:
        raise FactoryError("The database is not migrated yet. Run `floorcast migrate up` first.") from error
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"The demo factory was not loaded: {error}") from error
    return Demo(plant.ORGANIZATION, plant.WAREHOUSES, plant.PEOPLE, is_new=not is_loaded)


def _organizations(cursor: psycopg.Cursor[Any]) -> tuple[bool, str | None]:
    row = cursor.execute(_QUERIES["organizations"], {"demo": plant.ORGANIZATION}).fetchone()
    if row is None:
        raise AssertionError("an aggregate always has a row")
    return bool(row[0]), row[1]


def _write(cursor: psycopg.Cursor[Any]) -> None:
    def each(name: str, rows: list[Mapping[str, object]]) -> None:
        cursor.executemany(_QUERIES[name], rows)

    cursor.execute(_QUERIES["act_as"], {"claims": plant.MANAGER.claims})
    each("organization", [{"id": plant.ORGANIZATION, "name": plant.ORGANIZATION_NAME}])
    each(
        "warehouse",
        [
            {
                "id": site.id,
                "organization": plant.ORGANIZATION,
                "name": site.name,
                "location": plant.LOCATIONS[site.id],
            }
            for site in plant.WAREHOUSES
        ],
    )
    each("person", [_person(person) for person in plant.PEOPLE])
    each(
        "access",
        [
            {"user": person.id, "warehouse": warehouse, "role": role}
            for person in plant.PEOPLE
            for warehouse, role in person.roles.items()
        ],
    )
    each("machine", [_fields(machine) for machine in plant.MACHINES])
    each("item", [_fields(item) | {"reorder_quantity": 2 * item.reorder_point} for item in plant.ITEMS])
    each(
        "first_stock",
        [_fields(item) | {"id": plant.demo_id("opening", str(item.id)), "item": item.id} for item in plant.ITEMS],
    )
    each("template", [_fields(template) for template in maintenance.TEMPLATES])
    each("schedule", [_fields(schedule) for schedule in maintenance.SCHEDULES])
    each("order", [_fields(order) | _place(order) for order in plant.ORDERS])
    staff = Staff(plant.PEOPLE)
    hands = {site.id: cycle(staff.of(site.id, "technician")) for site in plant.WAREHOUSES}
    begun = [order for order in plant.ORDERS if order.status != "open"]
    each("assignment", [_place(order) | {"user": next(hands[order.machine.warehouse]).id} for order in begun])
    each("progress", [{"order": order.id, "status": order.status} for order in begun])


def _person(person: Person) -> Mapping[str, object]:
    warehouse, role = next(iter(person.roles.items()))
    return {"id": person.id, "name": person.name, "warehouse": warehouse, "role": role}


def _place(order: plant.DemoOrder) -> dict[str, object]:
    return {"order": order.id, "machine": order.machine.id, "warehouse": order.machine.warehouse}


def _fields(
    thing: plant.DemoMachine | plant.DemoItem | plant.DemoOrder | maintenance.DemoTemplate | maintenance.DemoSchedule,
) -> dict[str, object]:
    """Return the fields of a slotted dataclass as they are: nothing nested is copied."""
    return {field.name: getattr(thing, field.name) for field in fields(thing)}
