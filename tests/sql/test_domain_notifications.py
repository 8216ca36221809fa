"""Notifications: each event is told once, to those who should look at it, and to nobody else."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.sql.plant import (
    Connection,
    Plant,
    acting_as,
    add_machine,
    add_order,
    add_part,
    add_schedule,
    add_template,
    assign,
    take,
    value,
)

LEADS = ["admin", "manager", "supervisor"]


def told(owner: Connection, plant: Plant) -> list[tuple[str, str, str]]:
    """Type, title and the role of the person told, of every notification; the list is empty again afterwards."""
    roles = {person: role for role, person in plant.people.items()}
    rows = owner.execute("delete from public.notifications returning type, title, user_id").fetchall()
    return sorted((row["type"], row["title"], roles[row["user_id"]]) for row in rows)


def set_status(owner: Connection, machine: UUID, status: str) -> None:
    """Bring a machine to a status."""
    owner.execute("update public.equipment set status = %s where id = %s", [status, machine])


def announce(connection: Connection, warehouse: UUID, person: UUID, **columns: object) -> UUID:
    """Write an announcement; returns the key."""
    columns = {"warehouse_id": warehouse, "user_id": person, "type": "announcement", "title": "FIRE DRILL", **columns}
    names = ", ".join(columns)
    places = ", ".join(["%s"] * len(columns))
    key: UUID = value(
        connection, f"insert into public.notifications ({names}) values ({places}) returning id", *columns.values()
    )
    return key


def test_whoever_is_put_on_an_order_is_told_unless_he_did_it_himself(owner: Connection, plant: Plant) -> None:
    """Handing it on tells the next one; taking somebody off tells nobody."""
    order = add_order(owner, plant.north, number="WO-1", equipment_id=plant.machine)
    with acting_as(owner, plant.people["supervisor"]):
        assign(owner, order, plant.people["technician"])
    row = owner.execute("select * from public.notifications").fetchone()
    assert row is not None
    assert (row["warehouse_id"], row["work_order_id"], row["equipment_id"]) == (plant.north, order, plant.machine)
    assert told(owner, plant) == [("assigned", "WO-1 is yours: BUCKET WON'T OPEN", "technician")]

    owner.execute("update public.work_order_assignments set user_id = %s, role = 'lead'", [plant.people["contractor"]])
    assert [role for _, _, role in told(owner, plant)] == ["contractor"]

    owner.execute("update public.work_order_assignments set role = 'helper'")
    owner.execute("delete from public.work_order_assignments")
    with acting_as(owner, plant.people["technician"]):
        assign(owner, order, plant.people["technician"])
    assert told(owner, plant) == []


def test_a_machine_that_matters_is_told_when_it_goes_down_and_when_it_is_back(owner: Connection, plant: Plant) -> None:
    """To those who lead; what happens in between, and to lesser machines, is on the board."""
    owner.execute("update public.equipment set criticality = 'critical', location = 'HALL 2'")
    for status in ("degraded", "down", "down", "in_maintenance", "operational"):
        set_status(owner, plant.machine, status)

    assert value(owner, "select distinct body from public.notifications") == "HALL 2"
    assert told(owner, plant) == [
        *[("equipment_back", "A Excavator is back: in maintenance", role) for role in LEADS],
        *[("equipment_down", "A Excavator is down", role) for role in LEADS],
    ]

    set_status(owner, plant.machine, "down")
    told(owner, plant)
    set_status(owner, plant.machine, "retired")
    owner.execute("update public.equipment set criticality = 'medium', status = 'standby'")
    set_status(owner, plant.machine, "down")
    assert told(owner, plant) == []


def test_nobody_is_told_what_he_did_himself(owner: Connection, plant: Plant) -> None:
    """The manager who stops the machine knows."""
    owner.execute("update public.equipment set criticality = 'high'")
    with acting_as(owner, plant.people["manager"]):
        set_status(owner, plant.machine, "down")
    assert [role for _, _, role in told(owner, plant)] == ["admin", "supervisor"]


def test_a_person_who_left_is_told_nothing(owner: Connection, plant: Plant) -> None:
    """A deactivated person has no screen."""
    owner.execute("update public.equipment set criticality = 'high'")
    owner.execute("update public.users set deleted_at = now() where id = %s", [plant.people["manager"]])
    set_status(owner, plant.machine, "down")
    assert [role for _, _, role in told(owner, plant)] == ["admin", "supervisor"]


def test_a_part_is_told_by_the_statement_that_takes_it_to_its_reorder_point(owner: Connection, plant: Plant) -> None:
    """Not at every piece below; and a promise counts as taken."""
    owner.execute("update public.inventory_items set reorder_point = 8, reorder_quantity = 20, part_number = 'B-1'")
    assert told(owner, plant) == [], "setting a reorder point is somebody's decision"

    take(owner, plant.part, 1)
    assert told(owner, plant) == []
    owner.execute(
        "insert into public.inventory_transactions (item_id, transaction_type, quantity) values (%s, 'reserve', 1)",
        [plant.part],
    )
    row = owner.execute("select distinct body, item_id from public.notifications").fetchone()
    assert row == {"body": "Order 20 piece.", "item_id": plant.part}
    assert told(owner, plant) == [
        ("below_reorder_point", "B-1 Bearing 6204: 8 piece available, to be ordered at 8", role)
        for role in ("inventory_clerk", "manager")
    ]

    take(owner, plant.part, 1)
    owner.execute("update public.inventory_items set name = 'Bearing'")
    assert told(owner, plant) == []


def test_a_part_without_a_reorder_point_is_never_told(owner: Connection, plant: Plant) -> None:
    """Null: never."""
    take(owner, plant.part, 10)
    assert told(owner, plant) == []


def test_an_escalated_order_is_told_to_those_who_lead(owner: Connection, plant: Plant) -> None:
    """By its line in the timeline; other lines tell nobody."""
    order = add_order(owner, plant.north, number="WO-1")
    for event in ("commented", "escalated"):
        owner.execute(
            "insert into public.work_order_timeline (work_order_id, event_type) values (%s, %s)", [order, event]
        )
    assert told(owner, plant) == [("escalated", "WO-1 waits for somebody: BUCKET WON'T OPEN", role) for role in LEADS]


def test_due_maintenance_is_told_to_those_who_lead(owner: Connection, plant: Plant) -> None:
    """Its order is there, and nobody is on it yet."""
    add_schedule(owner, plant.machine, add_template(owner, plant.north))
    owner.execute("select floorcast.create_due_work_orders('2024-01-31T06:00Z')")
    assert told(owner, plant) == [
        ("maintenance_due", "WO-2026-000001 is due: Monthly service: Excavator".replace("2026", year(owner)), role)
        for role in LEADS
    ]
    add_order(owner, plant.north)
    assert told(owner, plant) == []


def year(owner: Connection) -> str:
    """The year of a number that is made now."""
    this: str = value(owner, "select to_char(now() at time zone 'UTC', 'YYYY')")
    return this


def test_many_events_of_a_statement_are_told_as_a_number(owner: Connection, plant: Plant) -> None:
    """An import must neither fill everybody's list nor take minutes."""
    owner.execute("update public.equipment set criticality = 'high'")
    for number in range(19):
        add_machine(owner, plant.north, f"machine {number}")
    owner.execute("update public.equipment set criticality = 'high'")
    owner.execute("update public.equipment set status = 'down'")
    assert len(told(owner, plant)) == 20 * len(LEADS)

    add_machine(owner, plant.north, "one more")
    owner.execute("update public.equipment set criticality = 'high', status = 'operational'")
    assert value(owner, "select count(equipment_id) from public.notifications") == 20 * len(LEADS)
    told(owner, plant)
    owner.execute("update public.equipment set status = 'down'")
    assert value(owner, "select count(equipment_id) from public.notifications") == 0
    assert told(owner, plant) == [("equipment_down", "21 machines are down", role) for role in LEADS]


def test_orders_of_a_statement_are_counted_for_each_person(owner: Connection, plant: Plant) -> None:
    """Whoever gets two of many is told both."""
    orders = [add_order(owner, plant.north) for _ in range(25)]
    technician, contractor = plant.people["technician"], plant.people["contractor"]
    pairs = [(order, technician) for order in orders] + [(order, contractor) for order in orders[:2]]
    places = ", ".join(["(%s, %s)"] * len(pairs))
    owner.execute(
        f"insert into public.work_order_assignments (work_order_id, user_id) values {places}".encode(),
        [key for pair in pairs for key in pair],
    )
    rows = told(owner, plant)
    assert [role for *_, role in rows].count("contractor") == 2
    assert [title for _, title, role in rows if role == "technician"] == ["25 work orders were assigned to you"]


def test_only_the_person_it_is_for_reads_a_notification(owner: Connection, plant: Plant) -> None:
    """Not his manager, not the admin."""
    technician = plant.people["technician"]
    announce(owner, plant.north, technician)
    for role, person in plant.people.items():
        for source in ("public.notifications", "visible.notifications"):
            with acting_as(owner, person):
                seen = value(owner, f"select count(*) from {source}")
            assert seen == (1 if role == "technician" else 0), (role, source)

    owner.execute("delete from public.user_warehouse_access where user_id = %s", [technician])
    with acting_as(owner, technician):
        assert value(owner, "select count(*) from visible.notifications") == 0


def test_a_person_marks_his_own_as_read_and_changes_nothing_else(owner: Connection, plant: Plant) -> None:
    """And nobody writes or deletes one."""
    technician = plant.people["technician"]
    mine = announce(owner, plant.north, technician)
    other = announce(owner, plant.north, plant.people["manager"])
    with acting_as(owner, technician):
        for key in (mine, other):
            owner.execute("update public.notifications set read_at = now() where id = %s", [key])
    assert value(owner, "select array_agg(id) from public.notifications where read_at is not null") == [mine]

    for attempt in (
        "update public.notifications set title = 'PARTY'",
        "update public.notifications set user_id = gen_random_uuid()",
        "update public.notifications set warehouse_id = gen_random_uuid()",
        "delete from public.notifications",
        "insert into public.notifications (user_id, title) select user_id, 'PARTY' from public.notifications",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(owner, technician):
            owner.execute(attempt.encode())


def test_whom_it_is_for_never_changes(owner: Connection, plant: Plant) -> None:
    """Not even by a server: he was shown it."""
    announce(owner, plant.north, plant.people["technician"])
    with pytest.raises(psycopg.errors.RestrictViolation), acting_as(owner, None, "service_role"):
        owner.execute("update public.notifications set user_id = %s", [plant.people["manager"]])


def test_a_server_announces_to_people_of_the_warehouse_only(owner: Connection, plant: Plant) -> None:
    """A server that gets the person wrong would tell one customer of another."""
    with acting_as(owner, None, "service_role"):
        announce(owner, plant.north, plant.people["kiosk"])
    for stranger in (plant.stranger, uuid4()):
        with pytest.raises(psycopg.errors.ForeignKeyViolation), acting_as(owner, None, "service_role"):
            announce(owner, plant.north, stranger)


@pytest.mark.parametrize(
    ("column", "constraint"),
    [
        ("work_order_id", "a_notification_is_in_the_warehouse_of_its_work_order"),
        ("equipment_id", "a_notification_is_in_the_warehouse_of_its_machine"),
        ("item_id", "a_notification_is_in_the_warehouse_of_its_item"),
    ],
)
def test_a_notification_is_about_something_of_its_warehouse(
    owner: Connection, plant: Plant, column: str, constraint: str
) -> None:
    """A row never points into another warehouse."""
    elsewhere = {
        "work_order_id": add_order(owner, plant.south),
        "equipment_id": add_machine(owner, plant.south),
        "item_id": add_part(owner, plant.south, 1),
    }
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match=constraint):
        announce(owner, plant.north, plant.people["kiosk"], **{column: elsewhere[column]})


def test_what_moves_away_is_forgotten_and_what_is_deleted_too(owner: Connection, plant: Plant) -> None:
    """The notification stays with whom it is for; a machine that was ever down can still be moved."""
    machine = add_machine(owner, plant.north)
    order = add_order(owner, plant.north, equipment_id=machine)
    about: dict[str, Any] = {"equipment_id": machine, "work_order_id": order}
    announce(owner, plant.north, plant.people["kiosk"], **about)

    owner.execute("update public.equipment set warehouse_id = %s where id = %s", [plant.south, machine])

    row = owner.execute("select warehouse_id, equipment_id, work_order_id from public.notifications").fetchone()
    assert row == {"warehouse_id": plant.north, "equipment_id": None, "work_order_id": None}

    announce(owner, plant.south, plant.stranger, **about)
    owner.execute("delete from public.work_orders where id = %s", [order])
    owner.execute("delete from public.equipment where id = %s", [machine])
    assert value(owner, "select count(*) from public.notifications") == 2


@pytest.mark.parametrize(
    ("column", "wrong", "constraint"),
    [
        ("type", "gossip", "a_notification_has_a_known_type"),
        ("title", " ", "a_notification_has_a_title"),
        ("body", "x" * 2001, "the_text_of_a_notification_is_short"),
        ("read_at", "infinity", "a_notification_is_read_at_a_time"),
    ],
)
def test_an_illegal_notification_is_refused_by_a_sentence(
    owner: Connection, plant: Plant, column: str, wrong: object, constraint: str
) -> None:
    """The name of the constraint says what is true of every row."""
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        announce(owner, plant.north, plant.people["kiosk"], **{column: wrong})


def test_what_is_unread_is_renewed_and_not_told_twice(owner: Connection, plant: Plant) -> None:
    """A machine that goes down and up all day is a line for each, which says the last of it and comes to the top."""
    owner.execute("update public.equipment set criticality = 'high'")
    for _ in range(5):
        for status in ("down", "operational"):
            set_status(owner, plant.machine, status)
    set_status(owner, plant.machine, "down")
    set_status(owner, plant.machine, "standby")

    manager = plant.people["manager"]
    lines = owner.execute("select title from public.notifications where user_id = %s order by created_at", [manager])
    assert [row["title"] for row in lines] == ["A Excavator is down", "A Excavator is back: standby"]

    owner.execute("update public.notifications set read_at = now() where user_id = %s", [manager])
    set_status(owner, plant.machine, "down")
    count = "select count(*) from public.notifications where user_id = %s and type = 'equipment_down'"
    assert value(owner, count, manager) == 2
    assert value(owner, count, plant.people["admin"]) == 1


def test_each_machine_and_each_person_has_a_line(owner: Connection, plant: Plant) -> None:
    """Only what is about the very same is renewed."""
    other = add_machine(owner, plant.north)
    owner.execute("update public.equipment set criticality = 'high'")
    set_status(owner, plant.machine, "down")
    owner.execute("delete from public.notifications where user_id = %s", [plant.people["admin"]])
    owner.execute("update public.equipment set status = 'operational'")
    owner.execute("update public.equipment set status = 'down'")

    rows = owner.execute(
        "select user_id, array_agg(equipment_id) as machines from public.notifications"
        " where type = 'equipment_down' group by user_id"
    ).fetchall()
    assert len(rows) == len(LEADS)
    assert all(set(row["machines"]) == {plant.machine, other} and len(row["machines"]) == 2 for row in rows)
