"""Beside what a Supabase project already has: its owner is no superuser there, and nothing of Supabase's is ours."""

from typing import Any

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.fixtures.snapshot import dump
from tests.fixtures.supabase import SCHEMAS
from tests.sql.plant import acting_as, add_order, build_plant, connect, value

from floorcast.database import migrate
from floorcast.embedded.postgres import EmbeddedPostgres

THEIRS = [f"--schema={schema}" for schema in SCHEMAS]
CLUSTER = """
select r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication,
    r.rolbypassrls, r.rolconfig::text,
    array_agg(m.roleid::regrole::text order by 1) filter (where m.roleid is not null) as member_of
from pg_roles as r
left join pg_auth_members as m on m.member = r.oid and m.roleid::regrole::text not like 'floorcast%%'
where r.rolname not like 'floorcast%%'
group by 1, 2, 3, 4, 5, 6, 7, 8, 9
order by 1
"""
DATABASE = """
select 'default privileges' as what, defaclrole::regrole::text || defaclnamespace::regnamespace::text
    || defaclobjtype::text || defaclacl::text as how
from pg_default_acl
union all
select 'schema public', concat_ws(' ', nspowner::regrole, a.grantee::regrole, a.privilege_type)
from pg_namespace
cross join aclexplode(nspacl) as a
where nspname = 'public' and a.grantee::regrole::text not like 'floorcast%%'
union all
select 'publication', pubowner::regrole::text || coalesce((
    select string_agg(prrelid::regclass::text, ',') from pg_publication_rel where prpubid = p.oid
), '')
from pg_publication as p
union all
select 'event trigger', evtname || evtowner::regrole::text || evtenabled::text from pg_event_trigger
order by 1, 2
"""
RIGHTS = """
with ours as (
    select 'schema ' || n.nspname as what, n.nspacl as acl, n.nspowner as owner
    from pg_namespace as n where n.nspname in ('floorcast', 'visible')
    union all
    select
        c.relkind::text || ' ' || c.oid::regclass::text,
        coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)),
        c.relowner
    from pg_class as c
    where c.relnamespace::regnamespace::text in ('public', 'floorcast', 'visible')
        and c.relkind in ('r', 'p', 'v', 'S', 'm') and not c.relispartition and c.relname not like 'todos%%'
    union all
    select 'column ' || a.attrelid::regclass::text || '.' || a.attname, a.attacl, c.relowner
    from pg_attribute as a
    join pg_class as c on c.oid = a.attrelid
    where c.relnamespace::regnamespace::text in ('public', 'floorcast', 'visible') and a.attacl is not null
    union all
    select
        'function ' || regexp_replace(p.oid::regprocedure::text, '_[0-9]+_', '_N_'),
        coalesce(p.proacl, acldefault('f', p.proowner)),
        p.proowner
    from pg_proc as p
    where p.pronamespace::regnamespace::text in ('public', 'floorcast', 'visible') and p.proname <> 'hello'
)
select concat_ws(
    ' ', case when a.grantee = 0 then 'public' else a.grantee::regrole::text end, a.privilege_type, 'on', o.what
) as line
from ours as o
cross join aclexplode(o.acl) as a
where a.grantee <> o.owner
"""


def look(url: str, query: str) -> list[dict[str, Any]]:
    """The rows of a query."""
    with connect(url) as connection:
        return connection.execute(query.encode(), []).fetchall()


def test_the_owner_of_a_project_is_no_superuser(supabase: Database) -> None:
    """Else none of this would prove anything."""
    with connect(supabase.owner_url) as postgres:
        assert value(postgres, "select rolsuper from pg_roles where rolname = current_user") is False
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            postgres.execute("create table auth.ours (id int)")


def test_nothing_of_supabase_is_changed_by_up_or_down(supabase: Database, supabase_server: EmbeddedPostgres) -> None:
    """Neither its schemas, functions, owners and rights, nor its roles, default privileges and publication."""
    admin_url = supabase_server.url_for(supabase.name)
    theirs = dump(supabase_server, supabase, *THEIRS, owners=True)
    roles, database = look(admin_url, CLUSTER), look(admin_url, DATABASE)
    whole = dump(supabase_server, supabase, owners=True)

    migrate.up(supabase.owner_url)
    assert dump(supabase_server, supabase, *THEIRS, owners=True) == theirs
    assert look(admin_url, CLUSTER) == roles
    assert look(admin_url, DATABASE) == database
    first = dump(supabase_server, supabase, owners=True)

    migrate.down(supabase.owner_url, None)
    assert dump(supabase_server, supabase, owners=True) == whole
    assert look(admin_url, CLUSTER) == roles
    assert look(admin_url, DATABASE) == database

    migrate.up(supabase.owner_url)
    assert dump(supabase_server, supabase, owners=True) == first


def test_rights_are_those_of_a_plain_database(migrated_supabase: Database, database: Database) -> None:
    """Whatever the project's default privileges gave to anon, authenticated and service_role was taken back."""
    here, there = (
        {row["line"] for row in look(url, RIGHTS)} for url in (migrated_supabase.owner_url, database.owner_url)
    )
    assert (here - there, there - here) == (set(), set())


def test_anon_may_do_nothing_with_what_is_ours(migrated_supabase: Database) -> None:
    """Asked of the server, so that inherited rights and those of PUBLIC count too."""
    with connect(migrated_supabase.owner_url) as postgres:
        open_to_all = postgres.execute(
            """
            select concat_ws(' ', c.oid::regclass::text, p.privilege) as line
            from pg_class as c
            cross join unnest(array[
                'select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'
            ]) as p (privilege)
            where c.relnamespace::regnamespace::text in ('public', 'floorcast', 'visible')
                and c.relkind in ('r', 'p', 'v') and c.relname <> 'todos'
                and has_table_privilege('anon', c.oid, p.privilege)
            union all
            select concat_ws(' ', n.nspname, 'usage') from pg_namespace as n
            where n.nspname in ('floorcast', 'visible') and has_schema_privilege('anon', n.oid, 'usage')
            """
        ).fetchall()
    assert [row["line"] for row in open_to_all] == []


def test_people_write_and_see_through_authenticator(migrated_supabase: Database) -> None:
    """As PostgREST does it: capture names the person, row level security keeps the other warehouse away."""
    with connect(migrated_supabase.owner_url) as postgres, connect(migrated_supabase.service_url) as authenticator:
        plant = build_plant(postgres)
        order = add_order(postgres, plant.north)
        with acting_as(authenticator, plant.people["technician"]):
            changed = authenticator.execute(
                "update public.work_orders set status = 'in_progress' where id = %s", [order]
            ).rowcount
        with acting_as(authenticator, plant.stranger):
            seen = value(authenticator, "select count(*) from public.work_orders where id = %s", order)
            meddled = authenticator.execute(
                "update public.work_orders set status = 'completed' where id = %s", [order]
            ).rowcount
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(authenticator, None, "anon"):
            authenticator.execute("select from public.work_orders")
        actors = postgres.execute(
            "select actor from floorcast.change where table_name = 'work_orders' and op = 'update'"
        ).fetchall()
    assert (changed, seen, meddled) == (1, 0, 0)
    assert [row["actor"] for row in actors] == [str(plant.people["technician"])]


def test_a_trigger_that_the_owner_of_messages_let_us_make_comes_again_and_goes(
    migrated_supabase: Database, supabase_server: EmbeddedPostgres
) -> None:
    """It may be made and not dropped by whom it was granted to; it goes with its function, and the table stays."""
    with connect(supabase_server.url_for(migrated_supabase.name)) as superuser:
        superuser.execute("grant trigger on realtime.messages to postgres")
        hung = "select count(*) from pg_trigger where tgrelid = 'realtime.messages'::regclass"
        for _ in range(2):
            migrate.up(migrated_supabase.owner_url, reapply=True)
            assert value(superuser, hung) == 1
        migrate.down(migrated_supabase.owner_url, None)
        assert value(superuser, hung) == 0
