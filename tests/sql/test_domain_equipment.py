"""Machines: their status is stamped, and they move with their history."""

from typing import Any

import psycopg
import pytest
from tests.sql.plant import Connection, Plant, add_order, add_warehouse, assign, value


def machine(owner: Connection, plant: Plant) -> dict[str, Any]:
    """The plant's machine as it is now."""
    row = owner.execute("select * from public.equipment where id = %s", [plant.machine]).fetchone()
    assert row is not None
    return row


def test_a_status_change_is_stamped_with_the_status_before_and_the_time(owner: Connection, plant: Plant) -> None:
    """A screen shows: down, was operational, since then."""
    before = machine(owner, plant)
    owner.execute("update public.equipment set status = 'down' where id = %s", [plant.machine])

    after = machine(owner, plant)
    assert (before["previous_status"], after["previous_status"]) == (None, "operational")
    assert after["status_changed_at"] > before["status_changed_at"]
    assert after["version"] == 2


def test_another_change_leaves_the_stamp_alone(owner: Connection, plant: Plant) -> None:
    """Moving a machine to another bay does not make it freshly down."""
    owner.execute("update public.equipment set status = 'down' where id = %s", [plant.machine])
    down = machine(owner, plant)

    owner.execute("update public.equipment set location = 'Bay 3' where id = %s", [plant.machine])

    after = machine(owner, plant)
    assert after["status_changed_at"] == down["status_changed_at"]
    assert after["previous_status"] == "operational"


def test_the_stamp_is_not_the_clients_to_set(owner: Connection, plant: Plant) -> None:
    """Both columns are facts about the row's past."""
    before = machine(owner, plant)

    owner.execute(
        "update public.equipment set previous_status = 'retired', status_changed_at = 'epoch' where id = %s",
        [plant.machine],
    )

    assert machine(owner, plant) == before


def test_a_machine_that_moves_takes_its_orders_and_their_children_along(owner: Connection, plant: Plant) -> None:
    """The people at the new site must read what was done to it."""
    order = add_order(owner, plant.north, equipment_id=plant.machine)
    assign(owner, order, plant.people["technician"])

    owner.execute("update public.equipment set warehouse_id = %s where id = %s", [plant.south, plant.machine])

    for table in ("work_orders", "work_order_assignments", "work_order_timeline"):
        assert value(owner, f"select array_agg(distinct warehouse_id) from public.{table}") == [plant.south]
    assert value(owner, "select count(*) from public.work_order_timeline") == 2


def test_a_move_is_captured_parents_first(owner: Connection, plant: Plant) -> None:
    """Each table's rows name both warehouses, and a machine leaves before its orders do."""
    add_order(owner, plant.north, equipment_id=plant.machine)
    before = value(owner, "select max(seq) from floorcast.change")

    owner.execute("update public.equipment set warehouse_id = %s where id = %s", [plant.south, plant.machine])

    changes = owner.execute(
        "select table_name, warehouse, old_warehouse from floorcast.change where seq > %s order by seq",
        [before],
    ).fetchall()
    assert [change["table_name"] for change in changes] == ["equipment", "work_orders", "work_order_timeline"]
    assert {change["warehouse"] for change in changes} == {str(plant.south)}
    assert {change["old_warehouse"] for change in changes} == {str(plant.north)}


def test_an_order_on_a_machine_does_not_move_alone(owner: Connection, plant: Plant) -> None:
    """It would name a machine that nobody at the new site can see."""
    order = add_order(owner, plant.north, equipment_id=plant.machine)

    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="a_work_order_is_in_the_warehouse_of_its_machine"):
        owner.execute("update public.work_orders set warehouse_id = %s where id = %s", [plant.south, order])


def test_a_machine_with_orders_does_not_leave_its_organization(owner: Connection, plant: Plant) -> None:
    """Nothing is shared between two organizations, a history neither."""
    add_order(owner, plant.north, equipment_id=plant.machine)
    other = value(owner, "insert into public.organizations (name) values ('Other') returning id")
    abroad = add_warehouse(owner, other, "Abroad")

    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="moves within its organization only"):
        owner.execute("update public.equipment set warehouse_id = %s where id = %s", [abroad, plant.machine])


def test_a_retired_machine_frees_its_tag(owner: Connection, plant: Plant) -> None:
    """The replacement gets the same paint."""
    again = "insert into public.equipment (warehouse_id, asset_tag, name) values (%s, 'A', 'Excavator, new')"
    with pytest.raises(psycopg.errors.UniqueViolation, match="an_asset_tag_names_one_machine"):
        owner.execute(again, [plant.north])

    owner.execute("update public.equipment set deleted_at = now() where id = %s", [plant.machine])
    owner.execute(again, [plant.north])
