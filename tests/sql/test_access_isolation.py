"""Row level security: what a person reads is his warehouses and nothing else."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.sql.plant import (
    ROLES,
    Connection,
    Plant,
    acting_as,
    add_machine,
    add_order,
    add_part,
    assign,
    build_plant,
    take,
    value,
)

TABLES = (
    "equipment",
    "work_orders",
    "work_order_assignments",
    "work_order_timeline",
    "inventory_items",
    "inventory_transactions",
)


@pytest.fixture
def plant(owner: Connection) -> Plant:
    """A plant with a row of every kind in both warehouses."""
    plant = build_plant(owner)
    add_machine(owner, plant.south)
    for warehouse, person, part in (
        (plant.north, plant.people["technician"], plant.part),
        (plant.south, plant.stranger, add_part(owner, plant.south, 5)),
    ):
        order = add_order(owner, warehouse)
        assign(owner, order, person)
        take(owner, part)
    return plant


def warehouses_in(connection: Connection, table: str) -> set[Any]:
    """The warehouses whose rows the session sees."""
    return {
        row["warehouse_id"]
        for row in connection.execute(f"select warehouse_id from public.{table}".encode()).fetchall()
    }


@pytest.mark.parametrize("table", TABLES)
def test_everybody_reads_his_warehouse_and_no_other(service: Connection, plant: Plant, table: str) -> None:
    """Each role, each table."""
    for role in ROLES:
        with acting_as(service, plant.people[role]):
            assert warehouses_in(service, table) == {plant.north}, role


@pytest.mark.parametrize("table", TABLES)
def test_access_to_two_warehouses_shows_both_and_ends_when_it_is_withdrawn(
    owner: Connection, service: Connection, plant: Plant, table: str
) -> None:
    """user_warehouse_access is the law, from the next statement on."""
    person = plant.people["viewer"]
    owner.execute(
        "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, 'viewer')",
        [person, plant.south],
    )
    with acting_as(service, person):
        assert warehouses_in(service, table) == {plant.north, plant.south}

    owner.execute("delete from public.user_warehouse_access where user_id = %s", [person])
    with acting_as(service, person):
        assert warehouses_in(service, table) == set()


@pytest.mark.usefixtures("plant")
@pytest.mark.parametrize("table", TABLES)
def test_a_token_without_access_shows_nothing(service: Connection, table: str) -> None:
    """Somebody unknown, and nobody at all."""
    for person in (uuid4(), None):
        with acting_as(service, person):
            assert warehouses_in(service, table) == set()


@pytest.mark.parametrize("statement", ["select 1 from {}", "delete from {}"])
def test_anon_is_refused(service: Connection, plant: Plant, statement: str) -> None:
    """Whatever default privileges the database hands out."""
    for table in (*TABLES, "organizations", "warehouses", "users", "user_warehouse_access"):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            acting_as(service, plant.people["admin"], role="anon"),
        ):
            service.execute(statement.format(f"public.{table}").encode())


@pytest.mark.parametrize("table", TABLES)
def test_servers_see_everything(service: Connection, plant: Plant, table: str) -> None:
    """Also where service_role does not bypass row level security, as on Supabase it does."""
    with acting_as(service, None, role="service_role"):
        assert warehouses_in(service, table) == {plant.north, plant.south}


def test_the_older_setting_of_one_claim_is_understood(service: Connection, plant: Plant) -> None:
    """PostgREST before 9 set request.jwt.claim.sub."""
    with service.transaction():
        service.execute("set local role authenticated")
        service.execute("select set_config('request.jwt.claim.sub', %s, true)", [str(plant.people["kiosk"])])
        assert warehouses_in(service, "equipment") == {plant.north}


def test_one_sees_ones_own_organization_warehouses_and_colleagues(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """And nobody of the other warehouse."""
    owner.execute("insert into public.organizations (name) values ('Other')")
    with acting_as(service, plant.people["requester"]):
        assert value(service, "select array_agg(name) from public.organizations") == ["Quarry"]
        assert value(service, "select array_agg(name) from public.warehouses") == ["North"]
        people = set(value(service, "select array_agg(id) from public.users"))
    assert people == set(plant.people.values())


def test_somebody_without_access_still_sees_himself(owner: Connection, service: Connection, plant: Plant) -> None:
    """His own row, with which a form can say who is signed in."""
    person = plant.people["requester"]
    owner.execute("delete from public.user_warehouse_access where user_id = %s", [person])
    with acting_as(service, person):
        assert value(service, "select array_agg(id) from public.users") == [person]


@pytest.mark.parametrize("column", ["email", "profile_data", "*"])
def test_contact_data_is_not_readable_in_the_table(service: Connection, plant: Plant, column: str) -> None:
    """Row level security cannot hide a column, so the column is not granted, to admins neither: they read the view."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["admin"]):
        service.execute(f"select {column} from public.users".encode())


@pytest.mark.parametrize("table", TABLES)
def test_access_is_looked_up_once_per_statement_and_not_per_row(service: Connection, plant: Plant, table: str) -> None:
    """The policy is an InitPlan, evaluated before the first row, and serves as an index condition."""
    with acting_as(service, plant.people["viewer"]):
        service.execute("set local enable_seqscan = off")
        rows = service.execute(f"explain select * from visible.{table}".encode()).fetchall()
    plan = "\n".join(row["QUERY PLAN"] for row in rows)
    assert "InitPlan" in plan
    assert "SubPlan" not in plan.replace("InitPlan", "")
    assert "Index Cond: (warehouse_id = ANY" in plan or table == "work_order_assignments", plan


def test_every_table_has_row_level_security(owner: Connection) -> None:
    """A table that somebody adds and forgets would be open to all."""
    open_tables = owner.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        " and not relrowsecurity"
    ).fetchall()
    assert open_tables == []
