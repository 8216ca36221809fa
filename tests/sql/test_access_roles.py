"""Who may write what: each role in its own warehouse, and nobody in another's."""

from uuid import UUID

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
    value,
)

PEOPLE = {"requester", "technician", "contractor", "inventory_clerk", "supervisor", "manager", "admin"}
WORKERS = {"technician", "contractor", "supervisor", "manager", "admin"}
CLERKS = {"inventory_clerk", "supervisor", "manager", "admin"}

# What is written, as SQL with the plant's keys, and who may.
WRITES: dict[str, tuple[str, set[str]]] = {
    "opens an order": (
        "insert into public.work_orders (warehouse_id, title) values (%(north)s, 'LEAKING')",
        PEOPLE,
    ),
    "starts an order": ("update public.work_orders set status = 'in_progress' where id = %(order)s", WORKERS),
    "retires an order": ("select floorcast.retire('public.work_orders', %(order)s)", {"admin"}),
    "deletes an order for good": ("delete from public.work_orders where id = %(order)s", set()),
    "assigns": (
        """insert into public.work_order_assignments (work_order_id, user_id)
        values (%(order)s, %(technician)s)""",
        {"technician", "supervisor", "manager", "admin"},
    ),
    "unassigns": (
        "delete from public.work_order_assignments where work_order_id = %(assigned)s",
        {"technician", "supervisor", "manager", "admin"},
    ),
    "comments": (
        """insert into public.work_order_timeline (work_order_id, event_type)
        values (%(order)s, 'commented')""",
        PEOPLE,
    ),
    "writes history": (
        "insert into public.work_order_timeline (work_order_id, event_type) values (%(order)s, 'verified')",
        set(),
    ),
    "rewrites history": ("update public.work_order_timeline set details = '{}'", set()),
    "dates a comment back": (
        """insert into public.work_order_timeline (work_order_id, event_type, timestamp)
        values (%(order)s, 'commented', 'epoch')""",
        set(),
    ),
    "sets a machine down": ("update public.equipment set status = 'down' where id = %(machine)s", WORKERS),
    "reads a meter": ("update public.equipment set meter_hours = 200 where id = %(machine)s", WORKERS),
    "adds a machine": (
        "insert into public.equipment (warehouse_id, name) values (%(north)s, 'Crusher')",
        {"supervisor", "manager", "admin"},
    ),
    "retires a machine": ("select floorcast.retire('public.equipment', %(machine)s)", {"manager", "admin"}),
    "restores a machine": ("select floorcast.restore('public.equipment', %(retired)s)", {"manager", "admin"}),
    "deletes a machine for good": ("delete from public.equipment where id = %(machine)s", set()),
    "retires a machine past the function": (
        "update public.equipment set deleted_at = now() where id = %(machine)s",
        set(),
    ),
    "lists a part": (
        "insert into public.inventory_items (warehouse_id, name) values (%(north)s, 'Seal')",
        CLERKS,
    ),
    "sets a reorder point": (
        "update public.inventory_items set reorder_point = 5 where id = %(part)s",
        CLERKS,
    ),
    "sets a quantity": ("update public.inventory_items set quantity = 500 where id = %(part)s", set()),
    "lists a part with stock": (
        "insert into public.inventory_items (warehouse_id, name, quantity) values (%(north)s, 'Seal', 5)",
        set(),
    ),
    "takes a part": (
        """insert into public.inventory_transactions (item_id, transaction_type, quantity)
        values (%(part)s, 'issue', 1)""",
        WORKERS | CLERKS,
    ),
    "books a stock take": (
        """insert into public.inventory_transactions (item_id, transaction_type, quantity, reason)
        values (%(part)s, 'adjustment', 1, 'count')""",
        CLERKS,
    ),
    "dates a movement back": (
        """insert into public.inventory_transactions (item_id, transaction_type, quantity, created_at)
        values (%(part)s, 'issue', 1, 'epoch')""",
        set(),
    ),
    "renames the warehouse": (
        "update public.warehouses set name = 'Nord' where id = %(north)s",
        {"manager", "admin"},
    ),
    "gives the warehouse away": (
        "update public.warehouses set organization_id = gen_random_uuid() where id = %(north)s",
        set(),
    ),
    "gives access": (
        """insert into public.user_warehouse_access (user_id, warehouse_id, role)
        values (%(stranger)s, %(north)s, 'technician')""",
        {"manager", "admin"},
    ),
    "makes an admin": (
        """insert into public.user_warehouse_access (user_id, warehouse_id, role)
        values (%(stranger)s, %(north)s, 'admin')""",
        {"admin"},
    ),
    "promotes to admin": (
        "update public.user_warehouse_access set role = 'admin' where user_id = %(technician)s",
        {"admin"},
    ),
    "dismisses an admin": (
        "delete from public.user_warehouse_access where user_id = %(admin)s",
        {"admin"},
    ),
    "dismisses a technician": (
        "delete from public.user_warehouse_access where user_id = %(technician)s",
        {"manager", "admin"},
    ),
}

# An insert that names somebody else as the one who writes.
FORGERIES = (
    """insert into public.work_order_timeline (work_order_id, event_type, actor)
    values (%(order)s, 'commented', %(other)s)""",
    """insert into public.work_order_assignments (work_order_id, user_id, actor)
    values (%(order)s, %(other)s::uuid, %(other)s::text)""",
    """insert into public.inventory_transactions (item_id, transaction_type, quantity, actor)
    values (%(part)s, 'issue', 1, %(other)s)""",
)


@pytest.fixture
def keys(owner: Connection, plant: Plant) -> dict[str, object]:
    """What the statements of WRITES name."""
    assigned = add_order(owner, plant.north)
    assign(owner, assigned, plant.people["contractor"])
    retired = add_machine(owner, plant.north, "Old crusher")
    owner.execute("select floorcast.retire('public.equipment', %s)", [retired])
    return {
        "retired": retired,
        "north": plant.north,
        "order": add_order(owner, plant.north),
        "assigned": assigned,
        "machine": add_machine(owner, plant.north),
        "part": plant.part,
        "technician": plant.people["technician"],
        "admin": plant.people["admin"],
        "stranger": plant.stranger,
    }


def rows_written(
    service: Connection, person: UUID | None, statement: str, keys: dict[str, object], role: str = "authenticated"
) -> int:
    """How many rows the statement writes as that person; all of it is rolled back."""
    with service.transaction(force_rollback=True), acting_as(service, person, role):
        return service.execute(statement.encode(), keys).rowcount


def succeeds(service: Connection, person: UUID, statement: str, keys: dict[str, object]) -> bool:
    """Whether the statement writes something as that person; it is refused, or finds no row, otherwise."""
    try:
        return rows_written(service, person, statement, keys) > 0
    except psycopg.errors.InsufficientPrivilege:
        return False


@pytest.mark.parametrize("write", WRITES)
def test_each_write_is_for_the_roles_that_it_is_for(
    service: Connection, plant: Plant, keys: dict[str, object], write: str
) -> None:
    """Every role tries it in its own warehouse; kiosks and viewers succeed at nothing."""
    statement, allowed = WRITES[write]

    assert {role for role in ROLES if succeeds(service, plant.people[role], statement, keys)} == allowed


@pytest.mark.parametrize("write", WRITES)
def test_the_admin_of_another_warehouse_writes_nothing_here(
    service: Connection, plant: Plant, keys: dict[str, object], write: str
) -> None:
    """A role holds where it was given. What he cannot see he also cannot name as a parent."""
    statement, _ = WRITES[write]
    try:
        assert not succeeds(service, plant.stranger, statement, keys)
    except psycopg.errors.ForeignKeyViolation as refused:
        assert "you may not see it" in str(refused)  # noqa: PT017 - either refusal will do


def test_a_machine_moves_only_where_the_person_may_write_too(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """The new row is judged like the old one."""
    move = "update public.equipment set warehouse_id = %(south)s where id = %(machine)s"
    keys: dict[str, object] = {"south": plant.south, "machine": plant.machine}
    supervisor = plant.people["supervisor"]
    assert not succeeds(service, supervisor, move, keys)

    give = "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, %s)"
    owner.execute(give, [supervisor, plant.south, "viewer"])
    assert not succeeds(service, supervisor, move, keys)

    owner.execute("update public.user_warehouse_access set role = 'technician' where warehouse_id = %s", [plant.south])
    assert succeeds(service, supervisor, move, keys)


@pytest.mark.parametrize("statement", FORGERIES)
def test_nobody_writes_in_the_name_of_another(
    owner: Connection, service: Connection, plant: Plant, statement: str
) -> None:
    """A person is refused; a trusted server, which loads history, is not."""
    order = add_order(owner, plant.north)
    keys: dict[str, object] = {"order": order, "part": plant.part, "other": str(plant.people["supervisor"])}

    assert not succeeds(service, plant.people["admin"], statement, keys)
    with acting_as(service, None, role="service_role"):
        service.execute(statement.encode(), keys)


@pytest.mark.parametrize("write", WRITES)
def test_a_server_may_do_all(service: Connection, keys: dict[str, object], write: str) -> None:
    """Its grants and policies leave nothing out; what stops it is the data."""
    statement, _ = WRITES[write]
    try:
        assert rows_written(service, None, statement, keys, role="service_role") > 0
    except psycopg.errors.ForeignKeyViolation:
        assert write == "gives the warehouse away"


def test_a_person_sees_his_own_access_and_a_manager_all_of_his_warehouse(service: Connection, plant: Plant) -> None:
    """Who else may come in is for those who decide it."""
    seen = {}
    for role in ("technician", "manager", "admin"):
        with acting_as(service, plant.people[role]):
            seen[role] = set(value(service, "select array_agg(user_id) from public.user_warehouse_access"))

    everybody = set(plant.people.values())
    assert seen == {"technician": {plant.people["technician"]}, "manager": everybody, "admin": everybody}


def test_a_part_of_another_warehouse_is_as_good_as_not_there(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """Naming its key and one's own warehouse does not help either."""
    part = add_part(owner, plant.south, 5)
    take = "insert into public.inventory_transactions (item_id, warehouse_id, transaction_type, quantity)"

    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation, match="a_transaction_is_in_the_warehouse_of_its_item"),
        acting_as(service, plant.people["admin"]),
    ):
        service.execute(f"{take} values (%s, %s, 'issue', 1)".encode(), [part, plant.north])
