"""Attacks beside the matrix: by somebody who speaks SQL as `authenticated` and knows how Postgres works inside."""

from uuid import UUID, uuid4

import psycopg
import pytest
from tests.sql.plant import Connection, Plant, acting_as, add_machine, add_order, add_warehouse, assign, value

TYPES = ("uuid", "text", "jsonb", "json", "timestamptz", "regclass", "bytea")

# What runs definers of every kind: policies, triggers on rows and on statements, capture, functions that people call.
ACTIONS = (
    "insert into public.work_orders (warehouse_id, title, equipment_id) values (%(north)s, 'LEAKING', %(machine)s)",
    "update public.work_orders set status = 'completed' where id = %(order)s",
    "insert into public.work_order_assignments (work_order_id, user_id) values (%(order)s, %(manager)s)",
    "delete from public.work_order_assignments where work_order_id = %(order)s",
    "insert into public.inventory_transactions (item_id, transaction_type, quantity) values (%(part)s, 'issue', 1)",
    "insert into public.equipment_hierarchy (parent_id, child_id) values (%(machine)s, %(other)s)",
    "insert into public.equipment_maintenance_history (equipment_id) values (%(machine)s)",
    (
        "insert into public.work_order_attachments (work_order_id, file_name, content_type, byte_size, storage_path)"
        " values (%(order)s, 'a.jpg', 'image/jpeg', 1, %(north)s || '/a.jpg')"
    ),
    "insert into public.inventory_locations (warehouse_id, name, capacity) values (%(north)s, 'Shelf', 20)",
    "update public.inventory_items set location_id = (select l.id from public.inventory_locations as l)",
    "update public.equipment set status = 'down' where id = %(machine)s",
    "update public.user_warehouse_access set role = 'viewer' where user_id = %(kiosk)s",
    "select floorcast.retire('public.equipment', %(other)s)",
    "select floorcast.restore('public.equipment', %(other)s)",
    "select * from floorcast.retired('public.equipment')",
    "select * from visible.users",
    "select floorcast.my_people_for('users', 'select')",
)


@pytest.fixture
def keys(owner: Connection, plant: Plant) -> dict[str, object]:
    """What ACTIONS name."""
    order = add_order(owner, plant.north, equipment_id=plant.machine, status="in_progress")
    assign(owner, order, plant.people["contractor"])
    return {
        "north": plant.north,
        "machine": plant.machine,
        "other": add_machine(owner, plant.north),
        "order": order,
        "part": plant.part,
        "manager": plant.people["manager"],
        "kiosk": plant.people["kiosk"],
    }


@pytest.mark.parametrize("name", TYPES)
def test_a_temporary_type_is_not_taken_for_the_real_one(
    service: Connection, plant: Plant, keys: dict[str, object], name: str
) -> None:
    """A domain runs its check wherever a value becomes one: in a definer that would be with the rights of the owner."""
    with service.transaction(), acting_as(service, plant.people["manager"]):
        service.execute(
            f"create function pg_temp.trap(pg_catalog.{name}) returns pg_catalog.bool language plpgsql as"
            " $$ begin raise exception 'caught as %', current_user; end $$".encode()
        )
        service.execute(f"create domain pg_temp.{name} as pg_catalog.{name} check (pg_temp.trap(value))".encode())
        for action in ACTIONS:
            service.execute(action.encode(), keys)


def test_a_temporary_table_is_not_taken_for_the_real_one(
    owner: Connection, service: Connection, plant: Plant, keys: dict[str, object]
) -> None:
    """Every relation of ours, and the catalogues, shadowed by a temporary one without columns."""
    names = value(
        owner,
        "select array_agg(distinct relname::text) from pg_class where relkind in ('r', 'p', 'v')"
        " and relnamespace = any(array['public', 'floorcast', 'pg_catalog']::regnamespace[])",
    )
    with service.transaction(), acting_as(service, plant.people["manager"]):
        for name in names:
            service.execute(f'create temporary table "{name}" ()'.encode())
        for action in ACTIONS:
            service.execute(action.encode(), keys)


def test_a_hidden_figure_cannot_be_guessed(owner: Connection, service: Connection, plant: Plant) -> None:
    """What changes nothing is no change, except of what the writer is not shown: else he guesses until it is none."""
    order = add_order(owner, plant.north, actual_cost="183.50")
    versions: dict[str, list[object]] = {"technician": [], "manager": []}
    for role, seen in versions.items():
        for guess in ("183.50", "20"):
            with service.transaction(force_rollback=True), acting_as(service, plant.people[role]):
                write = "update public.work_orders set actual_cost = %s where id = %s returning version"
                seen.append(value(service, write, guess, order))

    assert versions == {"technician": [2, 2], "manager": [1, 2]}


def test_numbers_of_another_organization_are_neither_drawn_nor_told(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """An order that names another organization is refused before it has a number, and before that is compared."""
    other = value(owner, "insert into public.organizations (name) values ('Other') returning id")
    elsewhere = add_warehouse(owner, other, "Elsewhere")
    add_order(owner, elsewhere)
    said = set()
    for organization in (other, uuid4()):
        with (
            pytest.raises(psycopg.errors.ForeignKeyViolation) as refused,
            acting_as(service, plant.people["admin"]),
        ):
            service.execute(
                "insert into public.work_orders (warehouse_id, organization_id, title) values (%s, %s, 'X')",
                [plant.north, organization],
            )
        said.add(str(refused.value.diag.message_primary).replace(str(organization), "…"))
    assert len(said) == 1

    # Nor does who is sent away at the door leave a gap.
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["admin"]):
        service.execute("insert into public.work_orders (warehouse_id, title) values (%s, 'X')", [elsewhere])
    assert value(owner, "select last_value from floorcast.work_orders_of_" + str(other).replace("-", "")) == 1


@pytest.mark.parametrize("column", ["actor", "assigned_at", "warehouse_id"])
def test_who_assigned_and_when_is_not_rewritten(
    owner: Connection, service: Connection, plant: Plant, column: str
) -> None:
    """Else an assignment could be put down to somebody who never made it; its role may be changed."""
    order = add_order(owner, plant.north)
    assign(owner, order, plant.people["contractor"])
    with acting_as(service, plant.people["technician"]):
        service.execute("update public.work_order_assignments set role = 'lead'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["admin"]):
        service.execute(f"update public.work_order_assignments set {column} = default".encode())


def test_the_path_of_a_file_elsewhere_is_neither_taken_nor_told(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """Paths are unique across warehouses, so each has a folder of its own."""
    path = f"{plant.south}/report.pdf"
    attach = (
        "insert into public.work_order_attachments"
        " (work_order_id, file_name, content_type, byte_size, storage_path)"
        " values (%s, 'a.pdf', 'application/pdf', 1, %s)"
    )
    here, there = add_order(owner, plant.north), add_order(owner, plant.south)
    owner.execute(attach.encode(), [there, path])
    others = (f"{plant.south}/other.pdf", f"files/{plant.south}/{plant.north}/a.pdf", f"{plant.north}s/a.pdf", "a.pdf")
    for taken in (path, *others):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.people["admin"]):
            service.execute(attach.encode(), [here, taken])
    with acting_as(service, plant.people["requester"]):
        for mine in (f"{plant.north}/report.pdf", f"files/{plant.north}/report.pdf"):
            service.execute(attach.encode(), [here, mine])


def test_a_prepared_statement_answers_who_asks_and_not_who_prepared_it(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """A pool hands one connection to many people: a plan that is kept must not keep whose it was."""
    add_order(owner, plant.north, actual_cost=183)
    add_order(owner, plant.south, actual_cost=7)
    service.execute("set plan_cache_mode = force_generic_plan")
    with acting_as(service, plant.people["manager"]):
        service.execute("prepare costs as select array_agg(actual_cost order by actual_cost) from visible.work_orders")

    def costs(person: UUID | None, role: str = "authenticated") -> object:
        with acting_as(service, person, role):
            return value(service, "execute costs")

    for _ in range(2):
        assert costs(plant.people["manager"]) == [183]
        assert costs(plant.people["viewer"]) == [None]
        assert costs(plant.stranger) == [7]
        assert costs(None, "service_role") == [7, 183]
        assert costs(None) is None
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        costs(plant.people["manager"], "anon")


def test_a_cursor_that_outlives_its_transaction_holds_what_its_opener_saw(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """And no more: it is filled when it is committed, with the claims of then."""
    add_order(owner, plant.south)
    with acting_as(service, plant.people["viewer"]):
        service.execute("declare held cursor with hold for select id from visible.work_orders")
    with acting_as(service, plant.stranger):
        assert service.execute("fetch all from held").fetchall() == []


LEAKS = (
    # A function of somebody's own, as cheap as can be, in every place where it could run before rows are sorted out.
    "select id from visible.work_orders where pg_temp.overhear(title)",
    "select id from public.work_orders where pg_temp.overhear(title)",
    "select id from visible.work_orders as w where pg_temp.overhear(w.actual_cost::text)",
    "select u.id from visible.users as u join visible.work_orders as w on pg_temp.overhear(u.email || w.title)",
    "select pg_temp.overhear(title) from (select title from public.work_orders offset 0) as w",
    "update public.work_orders set priority = 'low' where pg_temp.overhear(title)",
    "delete from public.work_order_assignments where pg_temp.overhear(actor)",
    (
        "insert into public.equipment (warehouse_id, name)"
        " select w.warehouse_id, w.title from visible.work_orders as w where pg_temp.overhear(w.title)"
    ),
    "select id from public.work_orders order by pg_temp.overhear(title)",
    "select count(*) filter (where pg_temp.overhear(title)) from public.work_orders",
)


@pytest.mark.parametrize("leak", LEAKS)
def test_a_function_in_a_condition_hears_of_no_other_row(
    owner: Connection, service: Connection, plant: Plant, leak: str
) -> None:
    """Row level security and barriers come before whatever is not known to keep a secret."""
    order = add_order(owner, plant.south, title="SECRET", actual_cost=777)
    assign(owner, order, plant.stranger)
    heard: list[str] = []
    service.add_notice_handler(lambda notice: heard.append(str(notice.message_primary)))
    with service.transaction(force_rollback=True), acting_as(service, plant.people["supervisor"]):
        service.execute(
            "create function pg_temp.overhear(said text) returns boolean language plpgsql cost 0.0000001 as"
            " $$ begin raise notice 'heard %', said; return true; end $$"
        )
        service.execute("set local enable_seqscan = off")
        service.execute(leak.encode())
    assert not [said for said in heard if "SECRET" in said or "777" in said]


REFUSED = (
    "create table public.mine (id int)",
    "create table floorcast.mine (id int)",
    "create view visible.mine as select 1",
    "create schema mine",
    "create policy mine on public.equipment using (true)",
    "alter table public.equipment disable row level security",
    "alter table public.equipment disable trigger all",
    "create trigger mine before insert on public.equipment for each row execute function floorcast.touch()",
    (
        "create temporary table lure (like public.equipment) on commit drop;"
        " create trigger lure before update on lure for each row execute function floorcast.touch()"
    ),
    "set session_replication_role = replica",
    "set role floorcast_viewer",
    "set session authorization postgres",
    "copy public.equipment from program 'id'",
    "copy public.equipment (warehouse_id, name) from stdin",
    "copy public.users to stdout",
    "lock table public.equipment in access exclusive mode",
    "lock table floorcast.grants in share mode",
    "select * from visible.equipment for update",
    "select pg_read_file('postgresql.conf')",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'",
    "alter default privileges for role floorcast_viewer grant all on tables to public",
    "comment on table public.equipment is 'mine'",
    "refresh materialized view public.equipment",
    "truncate public.equipment",
    "explain analyze select email from public.users",
    "create extension dblink",
    "create event trigger mine on ddl_command_start execute function floorcast.touch()",
    "create publication mine for table public.equipment",
    "select lo_import('/etc/passwd')",
)


@pytest.mark.parametrize("statement", REFUSED)
def test_what_an_admin_of_a_warehouse_may_not_do_to_the_database(
    service: Connection, plant: Plant, statement: str
) -> None:
    """He is admin of a warehouse, not of Postgres."""
    with pytest.raises(psycopg.Error) as refused, acting_as(service, plant.people["admin"]):
        service.execute(statement.encode())
    assert refused.value.sqlstate in {"42501", "0A000"}, refused.value


@pytest.mark.parametrize(
    "upsert",
    [
        "on conflict (id) do update set name = excluded.name",
        "on conflict (id) do update set warehouse_id = excluded.warehouse_id returning name",
    ],
)
def test_an_upsert_does_not_reach_the_row_of_another_warehouse(
    owner: Connection, service: Connection, plant: Plant, upsert: str
) -> None:
    """It conflicts, and that is all."""
    insert = "insert into public.equipment (id, warehouse_id, name) values (%s, %s, 'Mine')"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, plant.stranger):
        service.execute(f"{insert} {upsert}".encode(), [plant.machine, plant.south])
    assert value(owner, "select name from public.equipment where id = %s", plant.machine) == "Excavator"


def test_the_planner_tells_nothing_of_hidden_columns(owner: Connection, service: Connection, plant: Plant) -> None:
    """Statistics hold values, and estimates are made from them."""
    owner.execute(
        "insert into public.users (organization_id, email) select %s, 'm' || n || '@example.com'"
        " from generate_series(1, 500) as n",
        [plant.organization],
    )
    owner.execute("analyze public.users")
    with acting_as(service, plant.people["technician"]):
        assert value(service, "select count(*) from pg_stats where tablename = 'users' and attname = 'email'") == 0
        estimates = {
            service.execute(f"explain select id from visible.users where email {test}".encode()).fetchall()[0][
                "QUERY PLAN"
            ]
            for test in ("> 'm1@'", "> 'zzz'")
        }
    assert len(estimates) == 1


ARGUMENTS = {
    "regclass": "'pg_temp.lure'",
    "jsonb": """'{"id": "0f8b6c5e-0000-4000-8000-000000000000"}'""",
    "uuid": "'0f8b6c5e-0000-4000-8000-000000000000'",
    "timestamp with time zone": "clock_timestamp()",
    "bigint": "1",
}


@pytest.mark.parametrize("kind", ["uuid", "text"])
def test_a_definer_that_is_told_a_table_runs_nothing_of_a_table_of_ones_own(
    owner: Connection, service: Connection, plant: Plant, kind: str
) -> None:
    """Neither when it is called nor when its query is planned: a key's type may be a function of the caller's."""
    definers = owner.execute(
        "select p.oid::regproc::text as name, array("
        "select a::regtype::text from unnest(p.proargtypes::oid[]) with ordinality as u (a, n) order by u.n"
        ") as arguments from pg_proc as p"
        " where p.pronamespace = 'floorcast'::regnamespace and p.prosecdef"
        " and 'regclass'::regtype = any (p.proargtypes::oid[])"
        " and has_function_privilege('authenticated', p.oid, 'execute')"
    ).fetchall()
    assert {"floorcast.history", "floorcast.as_of", "floorcast.retire", "floorcast.restore"} <= {
        definer["name"] for definer in definers
    }
    said: list[str] = []
    service.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
    with service.transaction(force_rollback=True), acting_as(service, plant.people["admin"]):
        service.execute(
            f"create function pg_temp.trap(v {kind}) returns boolean language plpgsql as"
            " $$ begin raise notice 'trapped %', current_user; return true; end $$".encode()
        )
        service.execute(f"create domain pg_temp.lured as {kind} check (pg_temp.trap(value))".encode())
        service.execute(
            "create temporary table lure"
            " (id pg_temp.lured primary key, warehouse_id uuid, version bigint, deleted_at timestamptz)"
        )
        service.execute("insert into lure (id) values ('0f8b6c5e-0000-4000-8000-000000000000')")
        assert said == ["trapped authenticated"]
        for definer in definers:
            given = ", ".join(ARGUMENTS[argument] for argument in definer["arguments"])
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState), service.transaction():
                service.execute(f"select * from {definer['name']}({given})".encode())
    assert said == ["trapped authenticated"]
