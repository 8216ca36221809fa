"""database/shapes.py: what tracked tables look like, read from a real catalogue."""

import pytest
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
        layout = f"2:-1,3:-1,4:-1,5:-1,6:{((12 << 16) | 2) + 4},7:-1"
        assert shapes["plant.lathes"] == TableShape(
            "plant.lathes", columns, ("code", "site"), "warehouse", "site", False, layout
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


@pytest.mark.parametrize(
    "statement",
    [
        "alter table public.cells alter column hours type numeric(8, 1)",
        "alter table public.cells alter column word type varchar(3)",
        "alter table public.cells drop column last, add column last int",
    ],
)
async def test_a_table_whose_rows_were_written_anew_is_another_one(database: Database, statement: str) -> None:
    """No tick tells of the values that an ALTER TABLE made: a cursor must not lead over it."""
    async with database.owner() as owner, database.service("floorcast_gateway") as gateway:
        await owner.execute(
            "create table public.cells (id int primary key, site uuid, hours numeric(12, 2), word varchar(9), last int)"
        )
        await owner.execute("select floorcast.track('cells', 'site')")
        before = (await read_shapes(gateway))["cells"]
        await owner.execute(statement)  # type: ignore[arg-type]
        after = (await read_shapes(gateway))["cells"]
        assert before.columns == after.columns
        assert before.fingerprint != after.fingerprint
