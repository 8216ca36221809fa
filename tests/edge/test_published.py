"""Which tables a publication of Supabase's lets take part."""

from tests.fixtures.postgres import Database

from floorcast.database.grants import read_base
from floorcast.database.shapes import published_tables


async def test_a_publication_narrows_the_tables(database: Database) -> None:
    """Without one all take part; with an empty one none does. A gateway that begins knows of it."""
    async with database.owner() as connection:
        assert await published_tables(connection) is None
        await connection.execute("create publication supabase_realtime")
        assert await published_tables(connection) == frozenset()
        await connection.execute("alter publication supabase_realtime add table public.equipment, floorcast.canary")
        assert await published_tables(connection) == {"equipment", "floorcast.canary"}
        assert (await read_base(connection)).published == {"equipment", "floorcast.canary"}


async def test_a_partitioned_table_takes_part_as_its_partitions_do(database: Database) -> None:
    """A publication names these, and what is told of is the whole table; whatever it is called."""
    async with database.owner() as connection:
        for statement in (
            'create schema "Hall 1"',
            'create table "Hall 1"."Gauges" (id int primary key, warehouse_id uuid) partition by range (id)',
            'create table "Hall 1".early partition of "Hall 1"."Gauges" for values from (1) to (9)',
            """select floorcast.track('"Hall 1"."Gauges"')""",
            'create publication supabase_realtime for table "Hall 1"."Gauges"',
        ):
            await connection.execute(statement.encode())
        (name,) = await published_tables(connection) or ()
        assert "Gauges" in name
