"""The timeline: what happens to an order is written there, once, by whom, with what it was and what it is."""

from time import monotonic
from typing import Any
from uuid import UUID

from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, Plant, acting_as, add_order, assign, connect, value


def events(connection: Connection, order: UUID) -> list[tuple[str, dict[str, Any]]]:
    """Type and details of an order's events after its creation, oldest first."""
    rows = connection.execute(
        "select event_type, details from public.work_order_timeline where work_order_id = %s order by timestamp",
        [order],
    ).fetchall()
    return [(row["event_type"], row["details"]) for row in rows][1:]


def test_a_new_order_begins_its_timeline(owner: Connection, plant: Plant) -> None:
    """With what a feed shows of it, attributed to the session's role."""
    order = add_order(owner, plant.north)

    row = owner.execute("select * from public.work_order_timeline").fetchone()
    assert row is not None
    assert (row["event_type"], row["work_order_id"], row["warehouse_id"]) == ("created", order, plant.north)
    assert row["details"]["title"] == "BUCKET WON'T OPEN"
    assert row["actor"] == value(owner, "select 'system:' || session_user")


def test_each_status_is_written_under_the_word_that_people_use(owner: Connection, plant: Plant) -> None:
    """One line per change, with what it was and what it is."""
    order = add_order(owner, plant.north)
    path = [
        "in_progress",
        "on_hold",
        "in_progress",
        "completed",
        "open",
        "in_progress",
        "completed",
        "verified",
        "closed",
        "open",
        "cancelled",
    ]

    for status in path:
        owner.execute("update public.work_orders set status = %s where id = %s", [status, order])

    assert [event for event, _ in events(owner, order)] == [
        "status_changed",
        "status_changed",
        "status_changed",
        "completed",
        "reopened",
        "status_changed",
        "completed",
        "verified",
        "status_changed",
        "reopened",
        "status_changed",
    ]
    steps = [(details["from"], details["to"]) for _, details in events(owner, order)]
    assert steps == list(zip(["open", *path], path, strict=False))


def test_priority_and_schedule_are_lines_of_their_own(owner: Connection, plant: Plant) -> None:
    """One UPDATE that changes three things writes three lines."""
    order = add_order(owner, plant.north)

    owner.execute(
        "update public.work_orders"
        " set status = 'assigned', priority = 'critical', due_at = '2026-12-01T12:00Z' where id = %s",
        [order],
    )

    written = dict(events(owner, order))
    assert written["status_changed"] == {"from": "open", "to": "assigned"}
    assert written["priority_changed"] == {"from": "medium", "to": "critical"}
    assert written["scheduled"]["from"] == {"start": None, "end": None, "due": None}
    assert written["scheduled"]["to"]["due"].startswith("2026-12-01T12:00:00")
    assert len(written) == 3


def test_taking_a_date_away_is_a_change_of_schedule(owner: Connection, plant: Plant) -> None:
    """Null is a value here: not planned."""
    order = add_order(owner, plant.north, due_at="2026-12-01T12:00Z")

    owner.execute("update public.work_orders set due_at = null where id = %s", [order])

    assert [event for event, _ in events(owner, order)] == ["scheduled"]


def test_what_no_feed_shows_writes_nothing(owner: Connection, plant: Plant) -> None:
    """A new description, an update of the same values, an update of no row."""
    order = add_order(owner, plant.north)

    owner.execute("update public.work_orders set description = 'SEE PHOTO' where id = %s", [order])
    owner.execute("update public.work_orders set status = status, priority = priority")
    owner.execute("update public.work_orders set status = 'closed' where false")

    assert events(owner, order) == []


def test_a_statement_over_many_orders_writes_one_line_for_each(owner: Connection, plant: Plant) -> None:
    """And none for those that were there already."""
    owner.execute(
        "insert into public.work_orders (warehouse_id, title, priority)"
        " select %s, 'order ' || n, case when n <= 40 then 'high' else 'low' end"
        " from generate_series(1, 100) as n",
        [plant.north],
    )

    owner.execute("update public.work_orders set priority = 'high'")

    query = "select count(*) from public.work_order_timeline where event_type = %s"
    assert value(owner, query, "created") == 100
    assert value(owner, query, "priority_changed") == 60


def test_a_session_that_began_with_one_row_is_not_slow_with_many(
    database: Database, owner: Connection, plant: Plant
) -> None:
    """A plan made for one row would compare every old row with every new one; a new session knows better."""
    assign(owner, add_order(owner, plant.north), plant.people["technician"])
    updates = ("update public.work_orders set priority = %s", "update public.work_order_assignments set role = %s")
    for update in updates:
        owner.execute(update.encode(), ["low"])
    owner.execute(
        "insert into public.work_orders (warehouse_id, title) select %s, 'x' from generate_series(1, 6000)",
        [plant.north],
    )
    owner.execute(
        "insert into public.work_order_assignments (work_order_id, user_id) select id, %s from public.work_orders",
        [plant.people["contractor"]],
    )

    def seconds(connection: Connection, update: str, text: str) -> float:
        began = monotonic()
        connection.execute(update.encode(), [text])
        return monotonic() - began

    with connect(database.owner_url) as fresh:
        for update in updates:
            assert seconds(owner, update, "high") < 4 * seconds(fresh, update, "critical") + 0.2


def test_assigning_and_unassigning_are_written(owner: Connection, plant: Plant) -> None:
    """By key: a name could never be erased from the sealed trail."""
    order = add_order(owner, plant.north)
    technician = plant.people["technician"]

    assign(owner, order, technician)
    owner.execute("delete from public.work_order_assignments")

    person = {"user_id": str(technician), "role": "technician"}
    assert events(owner, order) == [("assigned", person), ("unassigned", person)]


def test_handing_over_is_both(owner: Connection, plant: Plant) -> None:
    """An UPDATE of the person takes one off and puts another on."""
    order = add_order(owner, plant.north)
    assign(owner, order, plant.people["technician"])

    owner.execute("update public.work_order_assignments set user_id = %s", [plant.people["contractor"]])

    people = [(event, details["user_id"]) for event, details in events(owner, order)]
    assert sorted(people[1:]) == [
        ("assigned", str(plant.people["contractor"])),
        ("unassigned", str(plant.people["technician"])),
    ]


def test_an_order_that_moves_writes_no_assignment(owner: Connection, plant: Plant) -> None:
    """Its assignments only follow it; its timeline goes with it, and later lines are of the new warehouse."""
    order = add_order(owner, plant.north)
    assign(owner, order, plant.people["technician"])

    owner.execute(
        "update public.work_orders set warehouse_id = %s, status = 'assigned' where id = %s",
        [plant.south, order],
    )

    assert [event for event, _ in events(owner, order)] == ["assigned", "status_changed"]
    assert value(owner, "select array_agg(distinct warehouse_id) from public.work_order_timeline") == [plant.south]


def test_an_order_that_is_deleted_takes_its_children_along(owner: Connection, plant: Plant) -> None:
    """Its assignments end without a timeline to say so in."""
    order = add_order(owner, plant.north)
    assign(owner, order, plant.people["technician"])

    owner.execute("delete from public.work_orders where id = %s", [order])

    assert value(owner, "select count(*) from public.work_order_timeline") == 0
    assert value(owner, "select count(*) from public.work_order_assignments") == 0


def test_the_person_of_the_token_is_the_actor(owner: Connection, plant: Plant) -> None:
    """Triggers run with more rights than the person, and still write his name."""
    with acting_as(owner, plant.people["technician"]):
        order = add_order(owner, plant.north)
        owner.execute("update public.work_orders set status = 'in_progress' where id = %s", [order])

    actors = value(owner, "select array_agg(distinct actor) from public.work_order_timeline")
    assert actors == [str(plant.people["technician"])]


def test_a_role_without_a_token_is_the_actor(owner: Connection, plant: Plant) -> None:
    """Never nobody, and not the owner of the trigger."""
    with acting_as(owner, None, role="service_role"):
        add_order(owner, plant.north)

    assert value(owner, "select actor from public.work_order_timeline") == "system:service_role"


def test_events_of_one_transaction_keep_their_order(owner: Connection, plant: Plant) -> None:
    """By the clock: now() would be one moment for all of them."""
    with owner.transaction():
        order = add_order(owner, plant.north)
        for status in ("assigned", "in_progress", "completed"):
            owner.execute("update public.work_orders set status = %s where id = %s", [status, order])

    assert [details["to"] for _, details in events(owner, order)] == ["assigned", "in_progress", "completed"]


def test_the_order_is_captured_before_what_follows_from_it(owner: Connection, plant: Plant) -> None:
    """A screen must not hear of a completion of an order that it holds as open."""
    order = add_order(owner, plant.north, status="in_progress")
    before = value(owner, "select max(seq) from floorcast.change")

    owner.execute("update public.work_orders set status = 'completed' where id = %s", [order])

    rows = owner.execute("select table_name from floorcast.change where seq > %s order by seq", [before]).fetchall()
    assert [row["table_name"] for row in rows] == ["work_orders", "work_order_timeline"]


def test_parts_taken_for_an_order_are_written(owner: Connection, plant: Plant) -> None:
    """Issues to the order, not what is merely reserved for it."""
    order = add_order(owner, plant.north)

    owner.execute(
        "insert into public.inventory_transactions (item_id, transaction_type, quantity, work_order_id)"
        " values (%(item)s, 'reserve', 1, %(order)s), (%(item)s, 'issue', 2.5, %(order)s),"
        " (%(item)s, 'issue', 1, null)",
        {"item": plant.part, "order": order},
    )

    details = {"item_id": str(plant.part), "item": "Bearing 6204", "quantity": 2.5, "unit": "piece"}
    assert events(owner, order) == [("part_used", details)]
