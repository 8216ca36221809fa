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


def look(url: str, query: str) -> list[dict[str, Any]]:
    """The rows of a query."""
    with connect(url) as connection:
        return connection.execute(query.encode(), []).fetchall()


@pytest.fixture
def migrated(supabase: Database) -> Database:
    """A project with Floorcast in it, put there by its owner."""
    migrate.up(supabase.owner_url)
    return supabase


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


def test_people_write_and_see_through_authenticator(migrated: Database) -> None:
    """As PostgREST does it: capture names the person, row level security keeps the other warehouse away."""
    with connect(migrated.owner_url) as postgres, connect(migrated.service_url) as authenticator:
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
