"""Reads who and what is where, to decide which people play a part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from floorcast.database.queries import load_queries
from floorcast.errors import FactoryError
from floorcast.factory.person import Person, Staff, Warehouse

_QUERIES = load_queries("directory.sql", "floorcast.factory")

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Directory:
    """The warehouses of a database and the people in them."""

    warehouses: tuple[Warehouse, ...]
    # How many organizations they belong to.
    organizations: int
    staff: Staff

    def find(self, name: str) -> Warehouse:
        """Return the warehouse with this id or name, whatever its capitals.

        Raises:
            FactoryError: there is none, or several have the name; lists what there is.
        """
        wanted = name.strip().lower()
        found = [site for site in self.warehouses if wanted in (str(site.id), site.name.lower())]
        if len(found) == 1:
            return found[0]
        names = ", ".join(site.name for site in self.warehouses) or "none"
        problem = "Several warehouses are" if found else "No warehouse is"
        raise FactoryError(f"{problem} called {name!r}. There are: {names}.")


async def read_directory(connection: Connection) -> Directory:
    """Read warehouses and people, as `service_role`.

    Raises:
        FactoryError: the database is not migrated, or the login is no trusted server.
    """
    try:
        async with connection.transaction():
            await connection.execute(_QUERIES["become"])
            sites = await (await connection.execute(_QUERIES["warehouses"])).fetchall()
            people = await (await connection.execute(_QUERIES["people"])).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise FactoryError("The database is not migrated yet. Run `floorcast migrate up` first.") from error
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue) as error:
        raise FactoryError(
            f"The login of DATABASE_URL may not act as service_role: {error.diag.message_primary}. "
            "`floorcast doctor` says what it lacks."
        ) from error
    return Directory(
        tuple(Warehouse(row[0], row[1]) for row in sites),
        len({row[2] for row in sites}),
        Staff(tuple(Person(row[0], row[1], {UUID(site): role for site, role in row[2].items()}) for row in people)),
    )


async def find_machine(connection: Connection, tag: str, warehouses: Sequence[UUID]) -> tuple[UUID, UUID] | None:
    """Return id and warehouse of the machine with this tag in one of the warehouses, if there is one."""
    async with connection.transaction():
        await connection.execute(_QUERIES["become"])
        parameters = {"tag": tag, "warehouses": list(warehouses)}
        row = await (await connection.execute(_QUERIES["machines"], parameters)).fetchone()
    return None if row is None else (row[0], row[1])


async def find_item(connection: Connection, part_number: str, warehouse: UUID) -> UUID | None:
    """Return the id of a part in a warehouse, if it is kept there."""
    async with connection.transaction():
        await connection.execute(_QUERIES["become"])
        parameters = {"part_number": part_number, "warehouse": warehouse}
        row = await (await connection.execute(_QUERIES["item"], parameters)).fetchone()
    return None if row is None else row[0]
