"""The logins that our processes use: each may become what it needs, and is nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, Plant, connect, value

from floorcast.embedded.postgres import LOGINS, SERVICE, EmbeddedPostgres

PEOPLE = {"anon", "authenticated", "service_role"}
MAY_BECOME = {
    "floorcast_relay_login": {"floorcast_relay"},
    # First pictures are read as the role of the caller's token.
    "floorcast_gateway_login": {"floorcast_gateway", *PEOPLE},
    "floorcast_maintain_login": {"floorcast_maintain"},
    # The demo factory's and the tests'; nobody else needs one for everything.
    SERVICE: {"floorcast_relay", "floorcast_gateway", "floorcast_maintain", *PEOPLE},
}


@contextmanager
def logged_in(server: EmbeddedPostgres, database: Database, process: str) -> Iterator[Connection]:
    """A session of a process's own login."""
    with connect(server.url_for(database.name, LOGINS[process])) as connection:
        yield connection


def test_no_role_of_ours_is_above_the_rules(owner: Connection) -> None:
    """Superusers and BYPASSRLS see everything, CREATEROLE makes itself a member of anything, REPLICATION copies all."""
    powerful = owner.execute(
        """
        select rolname from pg_roles
        where (rolname like 'floorcast%%' or rolname = any(%s))
            and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit)
        """,
        [sorted(PEOPLE)],
    ).fetchall()
    assert powerful == []


def test_each_login_may_become_what_its_process_needs(owner: Connection) -> None:
    """By whatever path of memberships; a login that is not in the list above is one that nobody thought about."""
    rows = owner.execute(
        """
        select login.rolname as login, array_agg(role.rolname::text) filter (where role.oid is not null) as roles
        from pg_roles as login
        left join pg_roles as role on role.oid <> login.oid and pg_has_role(login.oid, role.oid, 'member')
        where login.rolcanlogin and not login.rolsuper
        group by login.rolname
        """
    ).fetchall()
    assert {row["login"]: set(row["roles"] or ()) for row in rows} == MAY_BECOME


def test_a_group_is_in_no_other_group(owner: Connection) -> None:
    """Else a right given to one would reach whoever is in the other."""
    nested = owner.execute(
        "select m.roleid::regrole::text as of from pg_auth_members as m"
        " join pg_roles as r on r.oid = m.member where not r.rolcanlogin"
        " and r.rolname = any(%s)",
        [sorted(set().union(*MAY_BECOME.values()))],
    ).fetchall()
    assert nested == []


@pytest.mark.parametrize("process", LOGINS)
def test_a_login_sees_nothing_before_it_becomes_something(
    postgres_server: EmbeddedPostgres, database: Database, process: str, plant: Plant
) -> None:
    """NOINHERIT: what its roles may do, it may do only on purpose."""
    assert plant.organization
    with logged_in(postgres_server, database, process) as connection:
        for table in ("public.work_orders", "public.users", "floorcast.change"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select from {table}".encode())


@pytest.mark.parametrize("process", LOGINS)
def test_a_login_cannot_become_what_another_process_is(
    postgres_server: EmbeddedPostgres, database: Database, process: str
) -> None:
    """Whoever takes over one process has not taken the others."""
    mine = MAY_BECOME[LOGINS[process]]
    with logged_in(postgres_server, database, process) as connection:
        for role in sorted(MAY_BECOME[SERVICE] | {"postgres", SERVICE}):
            if role in mine:
                connection.execute(f"set role {role}".encode())
                assert value(connection, "select current_user::text as name") == role
                connection.execute("reset role")
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"set role {role}".encode())
