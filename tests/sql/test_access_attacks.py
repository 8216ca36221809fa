"""Attacks beside the matrix: by somebody who speaks SQL as `authenticated` and knows how Postgres works inside."""

import pytest
from tests.sql.plant import Connection, Plant, acting_as, add_machine, add_order, assign, value

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
        " values (%(order)s, 'a.jpg', 'image/jpeg', 1, 'files/a.jpg')"
    ),
    "insert into public.inventory_locations (warehouse_id, name, capacity) values (%(north)s, 'Shelf', 20)",
    "update public.inventory_items set location_id = (select l.id from public.inventory_locations as l)",
    "update public.equipment set status = 'down' where id = %(machine)s",
    "update public.user_warehouse_access set role = 'viewer' where user_id = %(kiosk)s",
    "select floorcast.retire('public.equipment', %(other)s)",
    "select floorcast.restore('public.equipment', %(other)s)",
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
