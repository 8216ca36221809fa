"""Which tables a publication of Supabase's lets take part."""

from tests.fixtures.postgres import Database

from floorcast.database.shapes import published_tables


async def test_a_publication_narrows_the_tables(database: Database) -> None:
    """Without one all take part; with an empty one none does."""
    async with database.owner() as connection:
        assert await published_tables(connection) is None
        await connection.execute("create publication supabase_realtime")
        assert await published_tables(connection) == frozenset()
        await connection.execute("alter publication supabase_realtime add table public.equipment, floorcast.canary")
        assert await published_tables(connection) == {"equipment", "floorcast.canary"}
