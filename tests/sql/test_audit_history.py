"""floorcast.history(): who changed what of a row when, as far as the caller may see it."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.fixtures.tampering import by_force
from tests.sql.plant import ROLES, Connection, Plant, acting_as, add_order, value

CLOSE = b"select floorcast.close_tick(2000, 1048576)"
MANAGERS = {"manager", "admin"}
GRANT = "insert into public.user_warehouse_access (user_id, warehouse_id, role) values (%s, %s, %s)"


def history(connection: Connection, table: str, key: UUID) -> list[dict[str, Any]]:
    """That of a row whose key is `id`."""
    query = "select * from floorcast.history(%s::text::regclass, jsonb_build_object('id', %s::uuid))"
    return connection.execute(query.encode(), [f"public.{table}", key]).fetchall()


def history_for(
    connection: Connection, person: UUID | None, table: str, key: UUID, role: str = "authenticated"
) -> list[dict[str, Any]]:
    """The same as a person's SQL runs."""
    with acting_as(connection, person, role):
        return history(connection, table, key)


def shape(rows: list[dict[str, Any]]) -> list[tuple[str, bool, bool]]:
    """Operation, and whether the row before and after is shown."""
    return [(row["op"], row["old"] is not None, row["new"] is not None) for row in rows]


def test_a_history_says_what_who_when_in_which_request_transaction_and_tick(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """From the first insert to the last delete, in order."""
    technician = plant.people["technician"]
    order = add_order(owner, plant.north)
    owner.execute(CLOSE)
    with acting_as(service, technician):
        service.execute("select set_config('floorcast.request_id', 'click 7', true)")
        service.execute("update public.work_orders set title = 'BELT TORN', priority = 'high' where id = %s", [order])
        xid = value(service, "select pg_current_xact_id()::text")
    owner.execute(CLOSE)
    owner.execute("delete from public.work_orders where id = %s", [order])
    rows = history(owner, "work_orders", order)
    assert shape(rows) == [("insert", False, True), ("update", True, True), ("delete", True, False)]
    assert [row["tick"] for row in rows] == [1, 2, None]
    changed = rows[1]
    assert (changed["actor"], changed["request_id"], changed["transaction"]) == (str(technician), "click 7", xid)
    assert set(changed["changed"]) == {"title", "priority", "version", "updated_at"}
    assert (changed["old"]["title"], changed["new"]["title"]) == ("BUCKET WON'T OPEN", "BELT TORN")
    assert [row["changed"] for row in (rows[0], rows[2])] == [None, None]
    assert {row["warehouse"] for row in rows} == {str(plant.north)}
    assert rows == sorted(rows, key=lambda row: row["at"])


@pytest.mark.parametrize("role", ROLES)
def test_costs_are_null_below_the_managers_and_not_named(
    owner: Connection, service: Connection, plant: Plant, role: str
) -> None:
    """In the rows as in what changed; a hidden column must not be told by a detour."""
    order = add_order(owner, plant.north, actual_cost="183.50")
    owner.execute("update public.work_orders set actual_cost = 184.5000, title = 'x' where id = %s", [order])
    _, changed = history_for(service, plant.people[role], "work_orders", order)
    sees = role in MANAGERS
    assert ("actual_cost" in changed["changed"]) == sees
    assert "title" in changed["changed"]
    assert (changed["old"]["actual_cost"] is not None) == sees
    assert (changed["new"]["actual_cost"] is not None) == sees
    assert changed["new"].keys() == changed["old"].keys() >= {"actual_cost", "title"}


def test_digits_stay_as_they_were_written(owner: Connection, service: Connection, plant: Plant) -> None:
    """Also in a row from which something was cut: 183.0500 is not 183.05, and 2^53 + 1 not 2^53."""
    owner.execute(
        "update public.inventory_items set quantity = 183.0500, unit_cost = 7.0100,"
        """ specifications = '{"serial": 9007199254740993, "unit_cost": 1.10}' where id = %s""",
        [plant.part],
    )
    query = (
        "select new ->> 'quantity' as quantity, new ->> 'unit_cost' as cost,"
        " new #>> '{specifications,serial}' as serial, new #>> '{specifications,unit_cost}' as inner_cost"
        " from floorcast.history('public.inventory_items', jsonb_build_object('id', %s::uuid)) where op = 'update'"
    )
    for role, cost in (("manager", "7.0100"), ("technician", None)):
        with acting_as(service, plant.people[role]):
            (row,) = service.execute(query.encode(), [plant.part]).fetchall()
        whole = value(owner, "select quantity::text from public.inventory_items where id = %s", plant.part)
        assert row == {"quantity": whole, "cost": cost, "serial": "9007199254740993", "inner_cost": "1.10"}


def test_another_warehouse_has_no_part_in_it(owner: Connection, service: Connection, plant: Plant) -> None:
    """Nor has nobody, nor who was given access and lost it, nor somebody who left."""
    order = add_order(owner, plant.north)
    assert history_for(service, plant.stranger, "work_orders", order) == []
    manager = plant.people["manager"]
    assert len(history_for(service, manager, "work_orders", order)) == 1
    owner.execute("update public.users set deleted_at = now() where id = %s", [manager])
    assert history_for(service, manager, "work_orders", order) == []
    supervisor = plant.people["supervisor"]
    owner.execute("delete from public.user_warehouse_access where user_id = %s", [supervisor])
    assert history_for(service, supervisor, "work_orders", order) == []
    for role in ("anon", "floorcast_relay", "floorcast_gateway"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            history_for(service, None, "work_orders", order, role)


def test_each_side_of_a_move_sees_its_own(owner: Connection, service: Connection, plant: Plant) -> None:
    """The old one that the row left, the new one that it came; neither what it was or became on the other."""
    owner.execute("update public.equipment set name = 'Before' where id = %s", [plant.machine])
    owner.execute(
        "update public.equipment set warehouse_id = %s, name = 'After' where id = %s", [plant.south, plant.machine]
    )
    owner.execute("update public.equipment set name = 'Later' where id = %s", [plant.machine])

    north = history_for(service, plant.people["manager"], "equipment", plant.machine)
    assert shape(north) == [("insert", False, True), ("update", True, True), ("update", True, False)]
    assert (north[-1]["old"]["name"], north[-1]["changed"], north[-1]["warehouse"]) == (
        "Before",
        ["warehouse_id"],
        str(plant.north),
    )
    south = history_for(service, plant.stranger, "equipment", plant.machine)
    assert shape(south) == [("update", False, True), ("update", True, True)]
    assert (south[0]["new"]["name"], south[0]["changed"], south[0]["warehouse"]) == (
        "After",
        ["warehouse_id"],
        str(plant.south),
    )
    assert str(plant.south) not in str(north)
    assert str(plant.north) not in str(south)

    owner.execute(GRANT, [plant.stranger, plant.north, "viewer"])
    both = history_for(service, plant.stranger, "equipment", plant.machine)
    assert len(both) == 4
    assert set(both[2]["changed"]) == {"warehouse_id", "name", "version", "updated_at"}


def test_a_cost_that_is_seen_on_one_side_of_a_move_only_is_not_compared(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """Whether it changed would tell of what it was on the side where it is hidden."""
    order = add_order(owner, plant.north, actual_cost=7)
    owner.execute(
        "update public.work_orders set warehouse_id = %s, actual_cost = 183 where id = %s", [plant.south, order]
    )
    owner.execute(GRANT, [plant.stranger, plant.north, "technician"])
    moved = history_for(service, plant.stranger, "work_orders", order)[1]
    assert (moved["old"]["actual_cost"], moved["new"]["actual_cost"]) == (None, 183)
    assert "actual_cost" not in moved["changed"]


def test_a_retired_row_goes_and_a_restored_one_comes(owner: Connection, service: Connection, plant: Plant) -> None:
    """What happened in between is for servers."""
    for statement in ("deleted_at = now()", "name = 'Hidden'", "deleted_at = null, name = 'Back'"):
        owner.execute(f"update public.equipment set {statement} where id = %s".encode(), [plant.machine])
    rows = history_for(service, plant.people["technician"], "equipment", plant.machine)
    assert shape(rows) == [("insert", False, True), ("update", True, False), ("update", False, True)]
    assert [row["changed"] for row in rows[1:]] == [["deleted_at"], ["deleted_at"]]
    assert "Hidden" not in str(rows)
    assert len(history_for(service, None, "equipment", plant.machine, "service_role")) == 4


def test_a_person_sees_the_history_of_his_own_record_whole(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """Contact data are hidden from colleagues, and not from himself, his managers and servers."""
    technician = plant.people["technician"]
    owner.execute("update public.users set email = 'new@example.com' where id = %s", [technician])
    seen = {
        who: [row["new"]["email"] is not None for row in history_for(service, person, "users", technician)]
        for who, person in {**plant.people, "stranger": plant.stranger}.items()
    }
    assert seen == {
        # Made, let into the warehouse, and given another address.
        **{role: [role in {"technician", "manager", "admin"}] * 3 for role in ROLES},
        "stranger": [],
    }
    owner.execute("delete from public.user_warehouse_access where user_id = %s", [technician])
    assert [row["new"]["email"] is not None for row in history_for(service, technician, "users", technician)] == [
        True
    ] * 3
    assert history_for(service, plant.people["manager"], "users", technician) == []


def test_who_may_see_a_table_only_of_his_own_rows_sees_only_their_history(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """One's own access is told, that of others is for managers."""
    query = (
        "select count(*) from floorcast.history('public.user_warehouse_access',"
        " jsonb_build_object('user_id', %s::uuid, 'warehouse_id', %s::uuid))"
    )
    technician, viewer = plant.people["technician"], plant.people["viewer"]
    found = {}
    for role in ("technician", "viewer", "manager"):
        with acting_as(service, plant.people[role]):
            found[role] = [value(service, query, person, plant.north) for person in (technician, viewer)]
    assert found == {"technician": [1, 0], "viewer": [0, 1], "manager": [1, 1]}
    owner.execute("delete from public.user_warehouse_access where user_id = %s", [technician])
    with acting_as(service, technician):
        assert value(service, query, technician, plant.north) == 0


def test_an_organization_is_seen_from_all_its_warehouses(owner: Connection, service: Connection, plant: Plant) -> None:
    """And from nobody else's."""
    other = value(owner, "insert into public.organizations (name) values ('Another') returning id")
    assert len(history_for(service, plant.stranger, "organizations", plant.organization)) == 1
    assert history_for(service, plant.stranger, "organizations", other) == []


def test_a_rule_that_changes_changes_what_of_the_past_is_seen(
    owner: Connection, service: Connection, plant: Plant
) -> None:
    """The past is under the access of today."""
    order = add_order(owner, plant.north)
    viewer = plant.people["viewer"]
    assert len(history_for(service, viewer, "work_orders", order)) == 1
    owner.execute(
        "update floorcast.table_rule set roles = '{manager}' where table_name = 'work_orders' and action = 'select'"
    )
    assert history_for(service, viewer, "work_orders", order) == []


def test_a_table_without_rules_is_for_servers(bins: Connection, service: Connection) -> None:
    """And one that is not tracked has no history."""
    bins.execute("insert into bins values (1, 'n')")
    query = b"select * from floorcast.history('public.bins', '{\"id\": 1}')"
    with acting_as(service, None, "service_role"):
        assert len(service.execute(query).fetchall()) == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="for trusted servers"), acting_as(service, None):
        service.execute(query)
    bins.execute("select floorcast.untrack('bins')")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="not tracked"):
        bins.execute(query)


@pytest.mark.parametrize("key", ["{}", "[]", "null", '{"ID": 1}', '{"id": "1", "x": 1}', '"1"'], ids=range(6))
def test_a_key_that_is_none_is_refused(bins: Connection, key: str) -> None:
    """An empty answer would look like a row without a past."""
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=r"the key of (public\.)?bins is id"):
        bins.execute("select floorcast.history('public.bins', %s::text::jsonb)", [key])


def test_a_key_is_found_however_it_is_written(owner: Connection) -> None:
    """Capitals of a uuid, a number as a text, names that need quotes, and a column that would be SQL."""
    evil = "x') || (select 'y"
    quoted = '"' + evil.replace('"', '""') + '"'
    owner.execute(
        f'create table odd ("Id" uuid, at timestamptz, {quoted} numeric, primary key ("Id", at, {quoted}))'.encode()
    )
    owner.execute("select floorcast.track('odd', null)")
    owner.execute("insert into odd values ('a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11', '2026-01-01 12:00Z', 1.50)")
    key = "jsonb_build_object('Id', 'A0EEBC999C0B4EF8BB6D6BB9BD380A11', 'at', '2026-01-01T13:00:00+01', %s::text, 1.50)"
    owner.execute("set timezone = 'Asia/Tokyo'")
    query = f"select op from floorcast.history('public.odd', {key})"
    assert owner.execute(query.encode(), [evil]).fetchall() == [{"op": "insert"}]


def test_the_tick_of_a_transaction_is_found_among_many(bins: Connection) -> None:
    """Also of one that was open while others were cut, and with some ticks gone."""
    bins.execute("insert into bins values (0, 'n')")
    for key in range(1, 12):
        bins.execute("insert into bins values (%s, 'n')", [key])
        bins.execute(CLOSE)
    query = "select tick from floorcast.history('public.bins', jsonb_build_object('id', %s::int))"
    assert [value(bins, query, key) for key in range(12)] == [1, *range(1, 12)]


def test_a_history_is_found_by_the_key_and_not_by_reading_the_trail(bins: Connection) -> None:
    """A trail has a billion rows, a row has a handful."""
    bins.execute("insert into bins select i, 'n' from generate_series(1, 20000) as i")
    bins.execute("analyze floorcast.change")
    plan = bins.execute(
        "explain select * from floorcast.change as c where c.table_name = 'bins' and c.key::text = '{\"id\" : 7}'"
    ).fetchall()
    text = "\n".join(str(*row.values()) for row in plan)
    assert "_key_idx" in text or "change_by_key" in text, text
    assert "Seq Scan on change_00000000" not in text


def test_a_row_of_a_transaction_that_is_yet_to_come_is_not_history(owner: Connection, plant: Plant) -> None:
    """Somebody put it there by force. What one's own open transaction did is, though its number may be the newest."""
    owner.execute(
        by_force(
            "insert into floorcast.change (xid, op, table_name, key, warehouse, actor, old, new)"
            " select '999999999999', 'update', table_name, key, warehouse, 'forged', new, new"
            f" from floorcast.change where table_name = 'equipment' and key ->> 'id' = '{plant.machine}'"
        )
    )
    with owner.transaction():
        owner.execute("update public.equipment set name = 'Mine' where id = %s", [plant.machine])
        rows = history(owner, "equipment", plant.machine)
    assert [row["op"] for row in rows] == ["insert", "update"]
    assert rows[-1]["new"]["name"] == "Mine"


RENAMINGS = (
    (
        "alter table public.work_orders rename column actual_cost to final_cost;"
        " update floorcast.column_rule set column_name = 'final_cost' where column_name = 'actual_cost'"
    ),
    "alter table public.work_orders drop column actual_cost cascade",
)


@pytest.mark.parametrize("renaming", RENAMINGS)
@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_a_former_name_does_not_publish_what_was_hidden(
    owner: Connection, service: Connection, plant: Plant, renaming: str, role: str
) -> None:
    """The rules know the columns of today; of a name that is none of them nobody can say who may see it."""
    order = add_order(owner, plant.north, actual_cost="183.50")
    owner.execute(CLOSE)
    before = value(owner, "select clock_timestamp()")
    owner.execute("update public.work_orders set actual_cost = 184, title = 'x' where id = %s", [order])
    owner.execute(
        f"drop view visible.work_orders cascade; {renaming};"
        " delete from floorcast.column_rule where table_name = 'work_orders' and column_name = 'actual_cost';"
        " select floorcast.apply_rules('work_orders')".encode()
    )
    created, changed = history_for(service, plant.people[role], "work_orders", order)
    assert [name for name in changed["changed"] if "cost" in name] == []
    then = "select r from floorcast.as_of('public.work_orders', %s) as r where r ->> 'id' = %s::text"
    with acting_as(service, plant.people[role]):
        was = value(service, then, before, str(order))
    for row in (created["new"], changed["old"], changed["new"], was):
        assert "title" in row
        assert not row.keys() & {"actual_cost", "final_cost"}
    # Servers are not people.
    assert history(owner, "work_orders", order)[0]["new"]["actual_cost"] == 183.5
