"""What is not a table, a column or a function has a comment too: it says what the thing is for.

Tables, columns, sequences and functions are looked at in test_catalogue.py.
"""

from tests.fixtures.postgres import Connection, Database

OURS = "array['floorcast', 'public']::regnamespace[]"


async def silent(database: Database, query: str) -> list[str]:
    """Return what a query finds: names of things that have no comment."""
    async with database.owner() as connection:
        return await _names(connection, query)


async def _names(connection: Connection, query: str) -> list[str]:
    return [row[0] for row in await (await connection.execute(query.encode())).fetchall()]


async def test_every_index_says_what_it_is_for(database: Database) -> None:
    """Nobody dares to drop an index whose purpose he does not know. Those of keys have the key's sentence."""
    assert not await silent(
        database,
        f"""
        select i.indexrelid::regclass::text
        from pg_index as i
        join pg_class as c on c.oid = i.indexrelid
        join pg_class as t on t.oid = i.indrelid
        where
            c.relnamespace = any({OURS}) and not t.relispartition and obj_description(c.oid, 'pg_class') is null
            and not exists (select from pg_constraint as k where k.conindid = c.oid and k.conrelid = t.oid)
        """,
    )
