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


async def test_every_trigger_says_what_it_is_for(database: Database) -> None:
    """On its table: the comment of the function says what it does wherever it hangs."""
    assert not await silent(
        database,
        f"""
        select t.tgrelid::regclass || ' ' || t.tgname
        from pg_trigger as t
        join pg_class as c on c.oid = t.tgrelid
        where
            c.relnamespace = any({OURS}) and not t.tgisinternal and t.tgparentid = 0
            and obj_description(t.oid, 'pg_trigger') is null
        """,
    )


async def test_every_policy_says_whom_it_lets(database: Database) -> None:
    """Its expression says how; whether that is what was meant, only a sentence can tell."""
    assert not await silent(
        database,
        f"""
        select p.polrelid::regclass || ' ' || p.polname
        from pg_policy as p
        join pg_class as c on c.oid = p.polrelid
        where c.relnamespace = any({OURS}) and obj_description(p.oid, 'pg_policy') is null
        """,
    )


async def test_every_view_says_what_it_shows(database: Database) -> None:
    """Those of schema visible too, which are made by floorcast.protect()."""
    assert not await silent(
        database,
        """
        select c.oid::regclass::text
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where
            n.nspname in ('public', 'floorcast', 'visible')
            and c.relkind in ('v', 'm') and obj_description(c.oid, 'pg_class') is null
        """,
    )
