"""triggers/5_access: the rules are rows, and policies, views and grants follow them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import (
    ROLES,
    Connection,
    Plant,
    acting_as,
    add_machine,
    add_order,
    connect,
    value,
    wait_until_blocked,
)

MANAGERS = {"manager", "admin"}


@pytest.mark.parametrize("role", ROLES)
def test_costs_read_null_below_the_managers(owner: Connection, service: Connection, plant: Plant, role: str) -> None:
    """The row is seen by all, the column by some; digits are kept for who may see them."""
    add_order(owner, plant.north, actual_cost="183.50")

    with acting_as(service, plant.people[role]):
        cost = value(service, "select actual_cost::text from visible.work_orders")

    assert cost == ("183.50" if role in MANAGERS else None)


def test_a_hidden_column_cannot_be_asked_for_in_other_ways(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """Neither the table itself, nor a condition, nor an error tells it."""
    order = add_order(owner, plant.north, actual_cost=183)
    technician = plant.people["technician"]
    for query in (
        "select actual_cost from public.work_orders",
        "select w from public.work_orders as w",
        "select id from public.work_orders where actual_cost > 100",
        "update public.work_orders set title = title where actual_cost > 100",
        "update public.work_orders set title = title returning actual_cost",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, technician):
            service.execute(query.encode())

    with acting_as(service, technician):
        # Were the condition tried before the column is hidden, the division would fail.
        probe = "select id from visible.work_orders where 1 / (actual_cost - 183) > 0 or id = %s"
        assert value(service, probe, order) == order


def test_a_person_reads_his_own_contact_data(service: Connection, plant: Plant) -> None:
    """Managers read everybody's, others their own."""
    seen = {}
    for role in ("technician", "manager"):
        with acting_as(service, plant.people[role]):
            seen[role] = {row["id"] for row in service.execute("select id from visible.users where email is not null")}

    assert seen == {"technician": {plant.people["technician"]}, "manager": set(plant.people.values())}


def test_a_manager_elsewhere_does_not_read_contact_data_here(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """A role holds where it was given: the admin of south who is a viewer in north sees names there."""
    give = "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, 'viewer')"
    owner.execute(give, [plant.stranger, plant.north])

    with acting_as(service, plant.stranger):
        rows = service.execute("select id, email from visible.users").fetchall()

    assert {row["id"] for row in rows} == {*plant.people.values(), plant.stranger}
    assert [row["id"] for row in rows if row["email"] is not None] == [plant.stranger]


def test_a_server_reads_everything_in_the_views(owner: Connection, service: Connection, plant: Plant) -> None:
    """Its token may name a system that is no uuid."""
    add_order(owner, plant.north, actual_cost=183)
    with service.transaction():
        service.execute("set local role service_role")
        service.execute("""select set_config('request.jwt.claims', '{"sub": "erp", "role": "service_role"}', true)""")
        assert value(service, "select actual_cost from visible.work_orders") == 183
        assert value(service, "select count(*) from visible.users where email is not null") == len(ROLES) + 1
        assert value(service, "select count(*) from visible.warehouses") == 2
        assert value(service, "select count(*) from visible.organizations") == 1


def test_nobody_in_particular_reads_no_view(owner: Connection, service: Connection, plant: Plant) -> None:
    """Anon has no way into the schema, and a token without a person sees no row."""
    add_order(owner, plant.north)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, None, role="anon"):
        service.execute("select * from visible.work_orders")
    with acting_as(service, None):
        assert value(service, "select count(*) from visible.work_orders") == 0


@pytest.mark.parametrize(
    "leave",
    [
        "update public.users set deleted_at = now() where id = %(person)s",
        "update public.warehouses set deleted_at = now() where id = %(north)s",
        "update public.organizations set deleted_at = now()",
        "delete from public.user_warehouse_access where user_id = %(person)s",
    ],
)
def test_access_ends_with_person_warehouse_and_organization(
    owner: Connection, service: Connection, plant: Plant, leave: str
) -> None:
    """In SQL at once, and in the grants that gateways follow; it comes back when they do."""
    person = plant.people["admin"]
    add_order(owner, plant.north)

    def seen() -> tuple[object, object]:
        with acting_as(service, person):
            orders = value(service, "select count(*) from visible.work_orders")
        return orders, value(owner, "select count(*) from floorcast.grants where user_id = %s", str(person))

    assert seen() == (1, 1)
    owner.execute(leave.encode(), {"person": person, "north": plant.north})
    assert seen() == (0, 0)

    if "deleted_at" in leave:
        owner.execute(leave.replace("now()", "null").encode(), {"person": person, "north": plant.north})
        assert seen() == (1, 1)


def test_who_comes_into_a_warehouse_is_introduced_there(owner: Connection, plant: Plant) -> None:
    """His record changes with the grant, and with no change of his role: else screens there would show an id."""
    person = plant.people["kiosk"]

    def introduced() -> object:
        return value(owner, "select introduced_at from public.users where id = %s", person)

    first = introduced()
    assert first is not None
    owner.execute("update public.user_warehouse_access set role = 'viewer' where user_id = %s", [person])
    assert introduced() == first
    give = "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, 'kiosk')"
    owner.execute(give, [person, plant.south])
    assert introduced() != first


def test_grants_are_what_access_is_in_effect(owner: Connection, plant: Plant) -> None:
    """Access given to somebody who left, or in a retired warehouse, is no grant."""
    owner.execute("update public.users set deleted_at = now() where id = %s", [plant.people["viewer"]])
    owner.execute("update public.warehouses set deleted_at = now() where id = %s", [plant.south])
    for person, warehouse in ((plant.people["viewer"], plant.south), (plant.people["kiosk"], plant.south)):
        give = "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, 'kiosk')"
        owner.execute(give, [person, warehouse])

    rows = owner.execute("select user_id, warehouse, role from floorcast.grants").fetchall()

    here = {(str(plant.people[role]), str(plant.north), role) for role in ROLES if role != "viewer"}
    assert {tuple(row.values()) for row in rows} == here


def test_nobody_may_be_in_a_warehouse_that_is_retired(owner: Connection, service: Connection, plant: Plant) -> None:
    """Nor a trusted server; what is in it is seen by nobody until it is back."""
    questions = ("select count(*) from floorcast.my_warehouses()", "select count(*) from public.equipment")
    retire = "update public.warehouses set deleted_at = %s where id = %s"
    for retired, seen in (("now", [0, 0]), (None, [1, 1])):
        owner.execute(retire, [retired, plant.north])
        with acting_as(service, plant.people["technician"]):
            assert [value(service, question) for question in questions] == seen


def test_a_retired_row_is_hidden_and_kept(owner: Connection, service: Connection, plant: Plant) -> None:
    """From people in table and view, from servers in the view; and it comes back as it was."""
    machine, manager = plant.machine, plant.people["manager"]
    counts = ("select count(*) from public.equipment", "select count(*) from visible.equipment")

    def seen() -> list[object]:
        with acting_as(service, manager):
            return [value(service, query) for query in counts]

    with acting_as(service, manager):
        service.execute("select floorcast.retire('public.equipment', %s)", [machine])
        service.execute("select floorcast.retire('public.equipment', %s)", [machine])
    assert seen() == [0, 0]
    assert value(owner, "select version from public.equipment") == 2
    with acting_as(service, None, role="service_role"):
        assert [value(service, query) for query in counts] == [1, 0]

    with acting_as(service, manager):
        service.execute("select floorcast.restore('public.equipment', %s)", [machine])
    assert seen() == [1, 1]
    assert value(
        owner, "select array_agg(actor order by seq) from floorcast.change where table_name = 'equipment'"
    ) == [
        "system:postgres",
        str(manager),
        str(manager),
    ]


def retired(connection: Connection, table: str) -> list[dict[str, Any]]:
    """What is listed as retired."""
    query = "select r from floorcast.retired(%s::text::regclass) as r"
    return [row["r"] for row in connection.execute(query.encode(), [f"public.{table}"])]


def test_who_may_restore_a_row_finds_it(owner: Connection, service: Connection, plant: Plant) -> None:
    """Nobody else does: not in another role, not in another warehouse."""
    order, kept = add_order(owner, plant.north, actual_cost=183), add_machine(owner, plant.north)
    for table, key in (("equipment", plant.machine), ("work_orders", order)):
        owner.execute("select floorcast.retire(%s::text::regclass, %s)", [f"public.{table}", key])
    listed = {}
    for role, person in {**plant.people, "stranger": plant.stranger}.items():
        with acting_as(service, person):
            listed[role] = {table: retired(service, table) for table in ("equipment", "work_orders")}

    seen = {role: {table for table, rows in tables.items() if rows} for role, tables in listed.items()}
    assert {role for role, tables in seen.items() if "equipment" in tables} == {"manager", "admin"}
    assert {role for role, tables in seen.items() if "work_orders" in tables} == {"admin"}
    (machine,) = listed["manager"]["equipment"]
    assert UUID(machine["id"]) == plant.machine != kept
    assert machine["deleted_at"]
    with acting_as(service, None, role="service_role"):
        assert [row["id"] for row in retired(service, "work_orders")] == [str(order)]
    with acting_as(service, plant.people["manager"]):
        service.execute("select floorcast.restore('public.equipment', %s)", [machine["id"]])
        assert retired(service, "equipment") == []


def test_the_list_of_what_is_retired_hides_what_the_views_hide(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """Whoever may restore an order need not see what it cost."""
    owner.execute(
        "update floorcast.table_rule set roles = '{viewer, manager}'"
        " where (table_name, action) = ('work_orders', 'delete')"
    )
    order = add_order(owner, plant.north, actual_cost=183)
    owner.execute("select floorcast.retire('public.work_orders', %s)", [order])
    costs = {}
    for role in ("viewer", "manager"):
        with acting_as(service, plant.people[role]):
            (row,) = retired(service, "work_orders")
            costs[role] = (row["title"] is None, row["actual_cost"])
    assert costs == {"viewer": (False, None), "manager": (False, 183)}


def test_what_went_with_its_order_is_not_listed_by_itself(owner: Connection, service: Connection, plant: Plant) -> None:
    """Who may take a file away, and so bring it back, need not be one who may see a retired order."""
    order = add_order(owner, plant.north)
    files = [
        value(
            owner,
            "insert into public.work_order_attachments"
            " (work_order_id, file_name, content_type, byte_size, storage_path)"
            " values (%s, 'a.jpg', 'image/jpeg', 1, %s) returning id::text",
            order,
            f"{plant.north}/{name}.jpg",
        )
        for name in ("a", "b")
    ]
    technician = plant.people["technician"]
    with acting_as(service, technician):
        service.execute("select floorcast.retire('public.work_order_attachments', %s)", [files[0]])
        assert [row["id"] for row in retired(service, "work_order_attachments")] == files[:1]
    owner.execute("select floorcast.retire('public.work_orders', %s)", [order])
    with acting_as(service, technician):
        assert retired(service, "work_order_attachments") == []
    with acting_as(service, None, role="service_role"):
        assert {row["id"] for row in retired(service, "work_order_attachments")} == set(files)


@pytest.mark.parametrize(
    "relation", ["public.user_warehouse_access", "public.work_order_assignments", "floorcast.grants"]
)
def test_only_of_entities_it_is_listed_what_is_retired(service: Connection, plant: Plant, relation: str) -> None:
    """With the sentence that retire() has."""
    with (
        acting_as(service, plant.people["admin"]),
        pytest.raises((psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.InsufficientPrivilege)),
    ):
        service.execute("select floorcast.retired(%s::text::regclass)", [relation])


def test_who_retires_an_old_version_is_told(owner: Connection, service: Connection, plant: Plant) -> None:
    """As with an UPDATE: what somebody else just changed is not put away unread."""
    owner.execute("update public.equipment set location = 'Bay 3' where id = %s", [plant.machine])
    retire = "select floorcast.retire('public.equipment', %s, %s)"
    with (
        pytest.raises(psycopg.Error, match="is at version 2, you held version 1; nothing was changed") as conflict,
        acting_as(service, plant.people["manager"]),
    ):
        service.execute(retire, [plant.machine, 1])
    assert conflict.value.sqlstate == "PT409"
    with acting_as(service, plant.people["manager"]):
        service.execute(retire, [plant.machine, 2])


@pytest.mark.parametrize(
    "retire",
    [
        "update public.warehouses set deleted_at = now() where id = %(south)s",
        "update public.users set deleted_at = now() where id = %(kiosk)s",
        "update public.organizations set deleted_at = now()",
        "update public.inventory_locations set deleted_at = now()",
    ],
)
@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_transaction_that_cannot_see_who_came_retires_nothing(
    owner: Connection, plant: Plant, retire: str, isolation: str
) -> None:
    """Access given since it began would outlive person and place, and a part would lie on a shelf that is gone."""
    owner.execute("insert into public.inventory_locations (warehouse_id, name) values (%s, 'A')", [plant.north])
    owner.execute(f"set default_transaction_isolation = '{isolation}'".encode())
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="at READ COMMITTED only"):
        owner.execute(retire.encode(), {"south": plant.south, "kiosk": plant.people["kiosk"]})


def test_a_rule_about_no_table_is_warned_of(owner: Connection) -> None:
    """It may be meant for a table to come; more likely it is misspelt, and hides nothing."""
    said: list[str] = []
    owner.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))

    owner.execute("insert into floorcast.column_rule values ('work_order', 'title', array['admin'])")
    owner.execute("insert into floorcast.column_rule values ('work_orders', 'title', array['admin'])")
    assert said == ["there is no table work_order yet: the rule holds from when it is made and protected"]


def test_a_changed_rule_ends_nobody_who_reads(owner: Connection, database: Database) -> None:
    """A reader holds the view and goes on to the table; a rule that took them the other way would end one of them."""
    owner.execute("insert into floorcast.column_rule values ('equipment', 'serial_number', array['admin'])")
    change = b"update floorcast.column_rule set roles = roles where table_name = 'equipment'"
    with connect(database.owner_url) as ruler, ThreadPoolExecutor(1) as pool:
        with owner.transaction():
            owner.execute("alter view visible.equipment set (security_barrier = true)")
            changing = pool.submit(ruler.execute, change)
            wait_until_blocked(database.owner_url, ruler)
            owner.execute("select from public.equipment")
        changing.result()


def test_a_rule_gives_up_on_a_table_that_stays_busy(owner: Connection, database: Database) -> None:
    """Whoever wants the table next queues behind it, so it does not wait for ever."""
    with connect(database.owner_url) as busy, busy.transaction():
        busy.execute("select from public.equipment")
        owner.execute("set lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            owner.execute("insert into floorcast.column_rule values ('equipment', 'serial_number', array['admin'])")


def test_a_table_that_no_role_reads_is_read_by_its_owner_index(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """The bell is looked at by everybody all day: his own few of everybody's many."""
    for person in plant.people.values():
        owner.execute(
            "insert into public.notifications (warehouse_id, user_id, type, title)"
            " select %s, %s, 'announcement', 'n' || n from generate_series(1, 500) as n",
            [plant.north, person],
        )
    owner.execute("analyze public.notifications")
    with acting_as(service, plant.people["viewer"]):
        rows = service.execute(
            "explain select * from visible.notifications where read_at is null order by created_at desc limit 20"
        ).fetchall()
    plan = "\n".join(row["QUERY PLAN"] for row in rows)
    assert "Seq Scan" not in plan, plan


@pytest.mark.parametrize("relation", ["public.work_order_timeline", "floorcast.change", "pg_catalog.pg_class"])
def test_only_entities_are_retired(service: Connection, plant: Plant, relation: str) -> None:
    """The function writes any table that it is given, so it is given only those that it is for."""
    with (
        pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="are not retired"),
        acting_as(service, plant.people["admin"]),
    ):
        service.execute("select floorcast.retire(%s::regclass, gen_random_uuid())", [relation])


def test_what_one_may_not_see_cannot_be_retired(service: Connection, plant: Plant) -> None:
    """Nor is there any telling whether it exists."""
    said = []
    for key in (plant.machine, plant.organization):
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused, acting_as(service, plant.stranger):
            service.execute("select floorcast.retire('public.equipment', %s)", [key])
        said.append(str(refused.value.diag.message_primary).replace(str(key), "…"))
    assert said[0] == said[1]


def test_adding_a_rule_is_an_insert(owner: Connection, service: Connection, plant: Plant) -> None:
    """It takes effect with its transaction, in grants, policies and view, and ends when it is deleted."""
    technician = plant.people["technician"]
    owner.execute("update public.equipment set serial_number = 'S-1'")

    def serial() -> object:
        with acting_as(service, technician):
            return value(service, "select serial_number from visible.equipment")

    assert serial() == "S-1"
    owner.execute("insert into floorcast.column_rule values ('equipment', 'serial_number', array['admin'])")
    assert serial() is None
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, technician):
        service.execute("select serial_number from public.equipment")

    owner.execute("update floorcast.column_rule set roles = roles || '{technician}' where table_name = 'equipment'")
    assert serial() == "S-1"
    owner.execute(
        "update floorcast.table_rule set roles = '{admin}' where table_name = 'equipment' and action = 'select'"
    )
    with acting_as(service, technician):
        assert value(service, "select count(*) from visible.equipment") == 0
        assert value(service, "select count(*) from public.equipment") == 0
    owner.execute("delete from floorcast.column_rule where table_name = 'equipment'")
    with acting_as(service, plant.people["admin"]):
        assert value(service, "select serial_number from public.equipment") == "S-1"


@pytest.mark.parametrize("column", ["id", "warehouse_id", "no_such_column"])
def test_a_rule_that_could_not_hold_is_refused(owner: Connection, column: str) -> None:
    """A key cannot be hidden, and a rule about nothing would be believed."""
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="a column rule of equipment hides a column"):
        owner.execute("insert into floorcast.column_rule values ('equipment', %s, array['admin'])", [column])


def test_an_owner_sees_his_rows_whole_and_others_do_not(owner: Connection, service: Connection, plant: Plant) -> None:
    """Where no role may read a table, each person reads what is for him, while he has access."""
    owner.execute(
        "create table public.letters"
        " (id int primary key, warehouse_id uuid, user_id uuid, text text, read_at timestamptz)"
    )
    owner.execute("insert into floorcast.owner_rule values ('letters', 'user_id', array['select', 'update'])")
    owner.execute("insert into floorcast.column_rule values ('letters', 'text', array['admin'])")
    owner.execute(
        "select floorcast.protect('public.letters', server_columns => '{text}', fixed_columns => '{warehouse_id}')"
    )
    technician, admin = plant.people["technician"], plant.people["admin"]
    owner.execute("insert into public.letters values (1, %s, %s, 'hello')", [plant.north, technician])

    for person, texts in ((technician, ["hello"]), (admin, None)):
        with acting_as(service, person):
            assert value(service, "select array_agg(text) from visible.letters") == texts
            written = service.execute("update public.letters set read_at = now()").rowcount
            assert written == (1 if texts else 0)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, technician):
        service.execute("update public.letters set user_id = null")
    with pytest.raises(psycopg.errors.RestrictViolation, match="is for the person it was made for"):
        owner.execute("update public.letters set user_id = %s", [admin])

    owner.execute("delete from public.user_warehouse_access where user_id = %s", [technician])
    with acting_as(service, technician):
        assert value(service, "select count(*) from visible.letters") == 0


def test_protecting_again_after_a_column_went_takes_it_out_of_the_view(owner: Connection) -> None:
    """`create or replace view` alone could not."""
    owner.execute("create table public.letters (id int primary key, warehouse_id uuid, text text, note text)")
    owner.execute("select floorcast.protect('public.letters')")
    owner.execute("alter table public.letters add column stamp text")
    owner.execute("select floorcast.protect('public.letters')")
    owner.execute("drop view visible.letters")
    owner.execute("alter table public.letters drop column note")
    owner.execute("select floorcast.protect('public.letters')")

    columns = value(
        owner,
        "select array_agg(attname::text order by attnum) from pg_attribute"
        " where attrelid = 'visible.letters'::regclass and attnum > 0",
    )
    assert columns == ["id", "warehouse_id", "text", "stamp"]
