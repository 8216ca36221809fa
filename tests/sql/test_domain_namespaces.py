"""schema/: what is created only where it is absent, and what every table owes its reader."""

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from tests.fixtures.postgres import Database, temporary_database
from tests.sql.plant import Connection, connect, value

from floorcast.database.migrate import Migrator
from floorcast.embedded.postgres import EmbeddedPostgres

# As a Supabase project brings it, cut down to what matters here.
SUPABASE = """
create schema auth;
create function auth.uid() returns uuid stable language sql
as $$ select '00000000-0000-0000-0000-000000000001'::uuid $$;
create function auth.email() returns text stable language sql as $$ select 'x' $$;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
"""


def test_a_token_is_read_from_all_claims_or_from_one_setting_per_claim(owner: Connection) -> None:
    """Both ways of PostgREST, new and old; null where there is none, and where the setting is empty."""
    person = str(uuid4())
    ask = "select array[auth.uid()::text, auth.role(), auth.jwt() ->> 'sub']"
    assert value(owner, ask) == [None, None, None]
    with owner.transaction():
        claims = json.dumps({"sub": person, "role": "authenticated"})
        owner.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        assert value(owner, ask) == [person, "authenticated", person]
    assert value(owner, ask) == [None, None, None]
    with owner.transaction():
        owner.execute("select set_config('request.jwt.claim.sub', %s, true)", [person])
        owner.execute("select set_config('request.jwt.claim.role', 'anon', true)")
        assert value(owner, ask) == [person, "anon", None]


def test_what_supabase_brought_is_neither_replaced_nor_dropped(empty_database: Database) -> None:
    """Up and down again leave its schema and functions as they were; what was missing came and went."""
    functions = (
        "select array_agg(proname::text order by proname) from pg_proc where pronamespace = 'auth'::regnamespace"
    )
    migrator = Migrator(empty_database.owner_url)
    with connect(empty_database.owner_url) as owner:
        owner.execute(SUPABASE.encode())

        migrator.up()
        assert value(owner, functions) == ["email", "jwt", "role", "uid"]
        assert str(value(owner, "select auth.uid()")).endswith("1")
        assert value(owner, "select has_table_privilege('anon', 'public.work_orders', 'select')") is False

        migrator.down(None)
        assert value(owner, functions) == ["email", "uid"]


def test_down_leaves_nothing_of_ours(empty_database: Database) -> None:
    """Tables, functions, sequences and schemas go, the ledger of migrations aside."""
    migrator = Migrator(empty_database.owner_url)
    with connect(empty_database.owner_url) as owner:
        migrator.up()
        owner.execute("insert into public.organizations (name) values ('Quarry')")
        migrator.down(None)

        assert value(owner, "select to_regnamespace('auth')") is None
        left = owner.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " or relkind = 'S' and relname like 'work\\_orders\\_of%'"
        ).fetchall()
        assert left == []
        migrator.up()


def test_two_databases_of_one_cluster_migrate_at_the_same_time(own_postgres: EmbeddedPostgres) -> None:
    """Roles belong to the cluster: both find them missing, and both end with them."""
    roles = "anon, authenticated, service_role, floorcast_relay, floorcast_gateway"
    with (
        psycopg.connect(own_postgres.url_for("postgres"), autocommit=True) as owner,
        temporary_database(own_postgres, "one") as one,
        temporary_database(own_postgres, "two") as two,
        ThreadPoolExecutor(2) as pool,
    ):
        owner.execute(f"drop role {roles}".encode())
        for migrated in [pool.submit(Migrator(database.owner_url).up) for database in (one, two)]:
            assert migrated.result().migrations[0] == "0001_namespaces_and_roles"
        # A role that another database needs survives the rollback of one.
        Migrator(one.owner_url).down(None)
        owner.execute("set role authenticated")


def test_every_table_and_column_says_what_it_holds(owner: Connection) -> None:
    """The comments are the reference of the schema; a new column without one is found here."""
    silent = owner.execute(
        """
        select c.relname, a.attname
        from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attnum >= 0 and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
            and col_description(c.oid, a.attnum) is null
        union all
        select c.relname, null
        from pg_class as c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and obj_description(c.oid) is null
        """
    ).fetchall()
    assert silent == []


@pytest.mark.parametrize("kind", ["c", "f"])
def test_every_check_and_foreign_key_is_named_by_its_law(owner: Connection, kind: str) -> None:
    """Not table_column_check: the name is what a person reads when the row is refused."""
    named_by_default = owner.execute(
        "select conname from pg_constraint where connamespace = 'public'::regnamespace and contype = %s"
        " and conname ~ '_(check|fkey)[0-9]*$'",
        [kind],
    ).fetchall()
    assert named_by_default == []
