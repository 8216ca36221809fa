"""database/shapes.py: what tracked tables look like, read from a real catalogue."""

from tests.fixtures.postgres import Database

from floorcast.database.grants import read_base
from floorcast.database.shapes import read_shapes
from floorcast.shape import TableShape


async def test_a_shape_is_what_the_catalogue_says(database: Database) -> None:
    """Types of a domain, of an enumeration and of a schema of somebody's own can be told apart."""
    async with database.owner() as owner:
        for statement in (
            "create schema plant",
            "create domain plant.short as varchar(20)",
            "create domain plant.code as plant.short",
            "create type plant.state as enum ('on', 'off')",
            "create type plant.uuid as (word text)",
            "create table plant.lathes (gone int, site uuid, code plant.code, state plant.state, odd plant.uuid)",
            "alter table plant.lathes add hours numeric(12, 2), add names text[], add primary key (code, site)",
            "alter table plant.lathes drop column gone",
            "select floorcast.track('plant.lathes', 'site')",
            "create table lists (id int primary key)",
            "select floorcast.track('lists', null)",
        ):
            await owner.execute(statement)  # type: ignore[arg-type]
    async with database.service("floorcast_gateway") as gateway:
        shapes = await read_shapes(gateway)
        columns = {
            "site": "uuid",
            "code": "varchar",
            "state": "enum",
            "odd": "plant.uuid",
            "hours": "numeric",
            "names": "_text",
        }
        assert shapes["plant.lathes"] == TableShape(
            "plant.lathes", columns, ("code", "site"), "warehouse", "site", False
        )
        assert list(shapes["plant.lathes"].columns) == list(columns)
        assert (shapes["users"].scope, shapes["users"].place_column) == ("person", "id")
        assert (shapes["organizations"].scope, shapes["warehouses"].place_column) == ("organization", "id")
        assert shapes["work_orders"].columns["due_at"] == "timestamptz"
        # Nobody is sent rows of these.
        assert not any(table == "lists" or table.startswith("floorcast.") for table in shapes)
        base = await read_base(gateway)
        assert base.shapes == shapes
        assert base.tables <= shapes.keys()
