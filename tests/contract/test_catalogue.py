"""The migrated database's own catalogue: what every function, table and column of ours must have.

Stands in for a linter of function bodies, which needs an extension that the embedded server does not have.
"""

import re
from pathlib import Path

import pytest
from tests.contract.access_laws import LAWS, Law
from tests.fixtures.postgres import Connection, Database

OURS = "array['floorcast', 'public', 'auth', 'realtime']::regnamespace[]"


async def names(connection: Connection, query: str) -> list[str]:
    """Return the first column."""
    cursor = await connection.execute(query.encode())
    return [row[0] for row in await cursor.fetchall()]


async def test_no_function_depends_on_the_callers_search_path(database: Database) -> None:
    """Either the path is pinned, or names were bound when the body was parsed: else a caller chooses what runs.

    Not to nothing: temporary types are found before those of pg_catalog then, and whoever may create one called `text`
    has his own function run by a security definer (`tests/sql/test_access_attacks.py`).
    """
    async with database.owner() as connection:
        loose = await names(
            connection,
            f"""
            select p.oid::regprocedure::text
            from pg_proc as p
            join pg_language as l on l.oid = p.prolang
            where p.pronamespace = any({OURS}) and l.lanname in ('sql', 'plpgsql') and p.prosqlbody is null
                and not coalesce('search_path=pg_catalog, pg_temp' = any(p.proconfig), false)
            """,
        )
    assert not loose


async def test_every_function_has_a_comment(database: Database) -> None:
    """What psql's describe shows is what a person finds who has only the database."""
    async with database.owner() as connection:
        silent = await names(
            connection,
            f"""
            select p.oid::regprocedure::text
            from pg_proc as p
            where p.pronamespace = any({OURS}) and obj_description(p.oid, 'pg_proc') is null
            """,
        )
    assert not silent


async def test_every_table_column_and_sequence_has_a_comment(database: Database) -> None:
    """Partitions are spared, since they are their parent."""
    async with database.owner() as connection:
        silent = await names(
            connection,
            f"""
            select c.oid::regclass::text || coalesce('.' || a.attname, '')
            from pg_class as c
            left join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                and c.relkind in ('r', 'p', 'v')
            where c.relnamespace = any({OURS}) and c.relkind in ('r', 'p', 'v') and not c.relispartition
                and (obj_description(c.oid, 'pg_class') is null or col_description(c.oid, a.attnum) is null)
            union all
            select c.oid::regclass::text
            from pg_class as c
            where c.relnamespace = 'floorcast'::regnamespace and c.relkind = 'S'
                and obj_description(c.oid, 'pg_class') is null
                and not exists (select from pg_depend as d where d.objid = c.oid and d.deptype = 'i')
            """,
        )
    assert not silent


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.sentence)
async def test_laws_of_access(database: Database, law: Law) -> None:
    """Nothing in the catalogue breaks one; and what breaks it is named, so that the law is not an empty one."""
    async with database.owner() as connection:
        assert await names(connection, law.query) == []
        async with connection.transaction(force_rollback=True):
            await connection.execute(law.breach.encode())
            assert law.culprit in await names(connection, law.query)


def test_each_definer_says_why() -> None:
    """Whoever changes one must know what it is trusted for: a sentence above `security definer`, or in its head."""
    silent = [
        path.name
        for path in sorted(Path("triggers").glob("*/*.sql"))
        if "\nsecurity definer\n" in (text := path.read_text()) and not re.search(r"(?im)^-- .*\bdefiner\b", text)
    ]
    assert silent == []


async def test_triggers_fire_in_the_order_that_capture_needs(database: Database) -> None:
    """An AFTER ROW trigger fires before every statement trigger: its effect would be captured before its cause."""
    async with database.owner() as connection:
        wrong = await names(
            connection,
            f"""
            select c.relname || '.' || t.tgname
            from pg_trigger as t
            join pg_class as c on c.oid = t.tgrelid
            where c.relnamespace = any({OURS}) and not t.tgisinternal and not (
                -- BEFORE ROW on the row itself (bits 1 and 2), capture, refusal of TRUNCATE, effects on other tables
                (t.tgname like '\\_100\\_%' and t.tgtype & 3 = 3)
                or (t.tgname like '\\_500\\_capture\\_%' and t.tgtype & 3 = 0)
                or (t.tgname ~ '^_[156]00_refuse_' and t.tgtype & 3 = 2)
                or (t.tgname like '\\_600\\_%' and t.tgtype & 3 = 0)
            )
            """,
        )
    assert not wrong
