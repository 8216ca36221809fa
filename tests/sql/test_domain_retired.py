"""What is retired takes nothing new, and takes along what hangs on it."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.fixtures.tampering import FORGET
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
    connect,
    value,
    wait_until_blocked,
)


def retire(connection: Connection, table: str, key: UUID) -> None:
    """Retire a row."""
    connection.execute(f"select floorcast.retire('public.{table}', %s)".encode(), [key])


@pytest.fixture
def keys(owner: Connection, plant: Plant) -> dict[str, object]:
    """Of what is in use and, with gone_ before its name, of what is retired."""
    part = add_part(owner, plant.north, 0, "Gone belt")
    order = add_order(owner, plant.north, number="WO-GONE", equipment_id=plant.machine)
    machine, template = (
        add_machine(owner, plant.north, "Gone crusher"),
        add_template(owner, plant.north, name="Gone plan"),
    )
    for table, key in (
        ("inventory_items", part),
        ("work_orders", order),
        ("equipment", machine),
        ("maintenance_templates", template),
    ):
        retire(owner, table, key)
    return {
        "north": plant.north,
        "path": f"{plant.north}/leak.jpg",
        "machine": plant.machine,
        "order": add_order(owner, plant.north),
        "part": plant.part,
        "template": add_template(owner, plant.north),
        "technician": plant.people["technician"],
        "admin": plant.people["admin"],
        "gone_machine": machine,
        "gone_order": order,
        "gone_part": part,
        "gone_template": template,
    }


ON_WHAT_IS_RETIRED = {
    "opens an order": (
        (
            "insert into public.work_orders (warehouse_id, title, equipment_id)"
            " values (%(north)s, 'LEAKING', %(gone_machine)s)"
        ),
        'machine "Gone crusher"',
    ),
    "comments": (
        (
            "insert into public.work_order_timeline ({place}work_order_id, event_type)"
            " values ({north}%(gone_order)s, 'commented')"
        ),
        'work order "WO-GONE"',
    ),
    "assigns": (
        (
            "insert into public.work_order_assignments ({place}work_order_id, user_id)"
            " values ({north}%(gone_order)s, %(technician)s)"
        ),
        'work order "WO-GONE"',
    ),
    "attaches": (
        (
            "insert into public.work_order_attachments"
            " ({place}work_order_id, file_name, content_type, byte_size, storage_path)"
            " values ({north}%(gone_order)s, 'leak.jpg', 'image/jpeg', 1, %(path)s)"
        ),
        'work order "WO-GONE"',
    ),
    "moves stock": (
        (
            "insert into public.inventory_transactions ({place}item_id, transaction_type, quantity)"
            " values ({north}%(gone_part)s, 'receipt', 1)"
        ),
        'item "Gone belt"',
    ),
    "takes a part for it": (
        (
            "insert into public.inventory_transactions ({place}item_id, transaction_type, quantity, work_order_id)"
            " values ({north}%(part)s, 'issue', 1, %(gone_order)s)"
        ),
        'work order "WO-GONE"',
    ),
    "makes it part of a machine": (
        (
            "insert into public.equipment_hierarchy ({place}parent_id, child_id)"
            " values ({north}%(machine)s, %(gone_machine)s)"
        ),
        'machine "Gone crusher"',
    ),
    "makes a machine part of it": (
        (
            "insert into public.equipment_hierarchy ({place}parent_id, child_id)"
            " values ({north}%(gone_machine)s, %(machine)s)"
        ),
        'machine "Gone crusher"',
    ),
    "writes what was done to it": (
        (
            "insert into public.equipment_maintenance_history ({place}equipment_id, hours)"
            " values ({north}%(gone_machine)s, 1)"
        ),
        'machine "Gone crusher"',
    ),
    "plans its maintenance": (
        (
            "insert into public.maintenance_schedules"
            " ({place}equipment_id, template_id, schedule_type, frequency, next_due)"
            " values ({north}%(gone_machine)s, %(template)s, 'months', 1, '2099-01-01')"
        ),
        'machine "Gone crusher"',
    ),
    "plans by it": (
        (
            "insert into public.maintenance_schedules"
            " ({place}equipment_id, template_id, schedule_type, frequency, next_due)"
            " values ({north}%(machine)s, %(gone_template)s, 'months', 1, '2099-01-01')"
        ),
        'template "Gone plan"',
    ),
}


@pytest.mark.parametrize("place", ["", "warehouse_id, "], ids=["place left out", "place given"])
@pytest.mark.parametrize("attempt", ON_WHAT_IS_RETIRED)
def test_people_attach_nothing_to_what_is_retired(
    owner: Connection, keys: dict[str, object], attempt: str, place: str
) -> None:
    """Not even an admin who gives the warehouse himself: nobody would see it. Servers do, for they load history."""
    query, parent = ON_WHAT_IS_RETIRED[attempt]
    statement = query.format(place=place, north="%(north)s, " if place else "").encode()
    admin = keys["admin"]
    assert isinstance(admin, UUID)

    with pytest.raises(psycopg.errors.ForeignKeyViolation) as refused, acting_as(owner, admin):
        owner.execute(statement, keys)

    assert refused.value.diag.message_primary == f"{parent} is retired and takes nothing new; nothing was written"
    assert refused.value.diag.message_hint is not None
    with acting_as(owner, None, "service_role"):
        owner.execute(statement, keys)


def test_an_order_is_not_moved_onto_a_retired_machine(owner: Connection, keys: dict[str, object], plant: Plant) -> None:
    """Neither at once nor later; but what else is changed of an order on one is nobody's mistake."""
    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation, match='machine "Gone crusher" is retired'),
        acting_as(owner, plant.people["technician"]),
    ):
        owner.execute("update public.work_orders set equipment_id = %(gone_machine)s where id = %(order)s", keys)

    owner.execute("update public.work_orders set equipment_id = %(gone_machine)s where id = %(order)s", keys)
    with acting_as(owner, plant.people["technician"]):
        owner.execute(
            "update public.work_orders set equipment_id = equipment_id, status = 'in_progress' where id = %(order)s",
            keys,
        )
        owner.execute("update public.work_orders set status = 'completed' where id = %(order)s", keys)


def test_what_is_retired_elsewhere_is_not_named(owner: Connection, plant: Plant) -> None:
    """Whoever may not be there is told what he is told of rows that do not exist."""
    part = add_part(owner, plant.south, 0, "Secret seal")
    retire(owner, "inventory_items", part)

    with pytest.raises(psycopg.errors.Error) as refused, acting_as(owner, plant.people["admin"]):
        owner.execute(
            "insert into public.inventory_transactions (warehouse_id, item_id, transaction_type, quantity)"
            " values (%s, %s, 'receipt', 1)",
            [plant.north, part],
        )

    assert "Secret" not in str(refused.value)


@pytest.mark.parametrize("first", ["comment", "retirement"])
def test_who_comments_while_an_order_is_retired_waits_or_is_waited_for(
    database: Database, owner: Connection, plant: Plant, first: str
) -> None:
    """Of the two one comes first and the other knows."""
    order = add_order(owner, plant.north)
    comment = "insert into public.work_order_timeline (work_order_id, event_type) values (%s, 'commented')"
    retirement = "select floorcast.retire('public.work_orders', %s)"
    one, two = (comment, retirement) if first == "comment" else (retirement, comment)

    def write(connection: Connection) -> None:
        with acting_as(connection, plant.people["admin"]):
            connection.execute(two.encode(), [order])

    with connect(database.owner_url) as other, ThreadPoolExecutor() as pool:
        with acting_as(owner, plant.people["admin"]):
            owner.execute(one.encode(), [order])
            waiting = pool.submit(write, other)
            wait_until_blocked(database.owner_url, other)
        if first == "comment":
            waiting.result()
        else:
            with pytest.raises(psycopg.errors.ForeignKeyViolation, match="is retired and takes nothing new"):
                waiting.result()


@pytest.mark.parametrize("obstacle", ["left", "has no access"])
def test_nobody_is_put_on_an_order_who_cannot_do_it(owner: Connection, plant: Plant, obstacle: str) -> None:
    """He would be waited for in vain. Servers load who was put on orders long ago."""
    person = plant.people["technician"] if obstacle == "left" else plant.stranger
    if obstacle == "left":
        owner.execute("update public.users set deleted_at = now() where id = %s", [person])
    order = add_order(owner, plant.north)

    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation, match="has left or has no access to this warehouse"),
        acting_as(owner, plant.people["supervisor"]),
    ):
        owner.execute(
            "insert into public.work_order_assignments (warehouse_id, work_order_id, user_id) values (%s, %s, %s)",
            [plant.north, order, person],
        )

    with acting_as(owner, None, "service_role"):
        assign(owner, order, person)


def test_an_item_is_retired_when_nothing_of_it_is_left(owner: Connection, plant: Plant) -> None:
    """Else parts would lie on a shelf that no list knows. The sentence has the figures; what is promised counts too."""
    owner.execute("update public.inventory_items set reserved = 2 where id = %s", [plant.part])

    with pytest.raises(psycopg.errors.RestrictViolation) as refused, acting_as(owner, plant.people["manager"]):
        retire(owner, "inventory_items", plant.part)

    assert refused.value.diag.message_primary == (
        'there is stock of "Bearing 6204": 10 piece on hand, 2 reserved; it was not retired'
    )
    assert refused.value.diag.message_hint is not None
    with pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute("update public.inventory_items set deleted_at = now()")
    owner.execute("update public.inventory_items set quantity = 0, reserved = 0")
    with acting_as(owner, plant.people["manager"]):
        retire(owner, "inventory_items", plant.part)


def test_a_schedule_of_what_is_retired_may_still_be_paused(owner: Connection, plant: Plant) -> None:
    """Only what is attached is looked at, not whatever hangs there already."""
    machine = add_machine(owner, plant.north)
    schedule = add_schedule(owner, machine, add_template(owner, plant.north))
    retire(owner, "equipment", machine)

    with acting_as(owner, plant.people["supervisor"]):
        owner.execute("update public.maintenance_schedules set active = false where id = %s", [schedule])

    assert value(owner, "select active from public.maintenance_schedules where id = %s", schedule) is False


def shown(connection: Connection, order: UUID) -> dict[str, int]:
    """How many rows of an order its admin sees, by table."""
    return {
        table: value(connection, f"select count(*) from visible.work_order_{table} where work_order_id = %s", order)
        for table in ("assignments", "timeline", "attachments")
    }


@pytest.fixture
def order(owner: Connection, plant: Plant) -> UUID:
    """An order with a technician, a timeline of four entries, and two attachments."""
    order = add_order(owner, plant.north)
    assign(owner, order, plant.people["technician"])
    for name in ("one", "two"):
        owner.execute(
            "insert into public.work_order_attachments"
            " (work_order_id, file_name, content_type, byte_size, storage_path) values (%s, %s, 'image/jpeg', 1, %s)",
            [order, name, name],
        )
    return order


def test_what_hangs_on_an_order_is_retired_and_restored_with_it(owner: Connection, plant: Plant, order: UUID) -> None:
    """Its first entry has the title of an order that is gone; what was taken back by itself stays taken back."""
    other = add_order(owner, plant.north)
    owner.execute(
        "select floorcast.retire('public.work_order_attachments', a.id) from public.work_order_attachments as a"
        " where a.file_name = 'two'"
    )
    admin = plant.people["admin"]
    with acting_as(owner, admin):
        before = shown(owner, order)
        retire(owner, "work_orders", order)
        after = shown(owner, order)
        untouched = shown(owner, other)
        owner.execute("select floorcast.restore('public.work_orders', %s)", [order])
        restored = shown(owner, order)

    assert before == {"assignments": 1, "timeline": 4, "attachments": 1}
    assert after == dict.fromkeys(before, 0)
    assert untouched == {"assignments": 0, "timeline": 1, "attachments": 0}
    assert restored == before


def test_an_attachment_does_not_come_back_before_its_order(owner: Connection, order: UUID) -> None:
    """Its name would tell what the order was about."""
    file = value(owner, "select min(id::text)::uuid from public.work_order_attachments where work_order_id = %s", order)
    restore = "select floorcast.restore('public.work_order_attachments', %s)"
    retire(owner, "work_orders", order)

    with pytest.raises(psycopg.errors.RestrictViolation, match="the work order of this attachment is retired"):
        owner.execute(restore, [file])

    owner.execute("select floorcast.restore('public.work_orders', %s)", [order])
    owner.execute(restore, [file])


def test_many_orders_are_retired_by_one_statement(owner: Connection, plant: Plant) -> None:
    """A server's UPDATE that also changes another order, at another time, and back again."""
    orders = [add_order(owner, plant.north) for _ in range(3)]
    for order in orders:
        assign(owner, order, plant.people["technician"])

    owner.execute(
        "update public.work_orders set deleted_at = '2026-01-01', title = 'x' where id = any (%s)", [orders[:2]]
    )
    owner.execute(
        "update public.work_orders"
        " set title = 'y', deleted_at = case when id = %s then deleted_at else '2026-01-02' end",
        [orders[0]],
    )

    rows = owner.execute(
        "select w.deleted_at, array_agg(distinct t.deleted_at) as entries, array_agg(distinct a.deleted_at) as people"
        " from public.work_orders as w join public.work_order_timeline as t on t.work_order_id = w.id"
        " join public.work_order_assignments as a on a.work_order_id = w.id group by w.id order by w.deleted_at"
    ).fetchall()
    assert [str(row["deleted_at"].date()) for row in rows] == ["2026-01-01", "2026-01-02", "2026-01-02"]
    assert all(row["entries"] == row["people"] == [row["deleted_at"]] for row in rows)
    owner.execute("update public.work_orders set deleted_at = null")
    assert value(owner, "select count(deleted_at) from public.work_order_timeline") == 0


def test_what_is_loaded_with_a_retired_order_is_retired(owner: Connection, plant: Plant) -> None:
    """A server that loads history shows nobody the title of what is gone, and an order that comes back has it all."""
    order = add_order(owner, plant.north, deleted_at="2026-01-01T00:00Z")
    assign(owner, order, plant.people["technician"])

    with acting_as(owner, plant.people["admin"]):
        assert shown(owner, order) == {"assignments": 0, "timeline": 0, "attachments": 0}
    owner.execute("select floorcast.restore('public.work_orders', %s)", [order])
    with acting_as(owner, plant.people["admin"]):
        assert shown(owner, order) == {"assignments": 1, "timeline": 2, "attachments": 0}


def test_screens_are_told_that_what_hangs_on_an_order_went_with_it(owner: Connection, order: UUID) -> None:
    """In the trail each is retired, behind its order, and back again behind it; nothing else is written."""
    owner.execute(FORGET)
    retire(owner, "work_orders", order)
    owner.execute("select floorcast.restore('public.work_orders', %s)", [order])

    rows = owner.execute("select table_name, old_retired, retired from floorcast.change order by seq").fetchall()
    tables = ["work_orders", "work_order_assignments", *["work_order_timeline"] * 4, *["work_order_attachments"] * 2]
    assert [tuple(row.values()) for row in rows] == [
        *((table, False, True) for table in tables),
        *((table, True, False) for table in tables),
    ]


@pytest.mark.parametrize("table", ["work_order_assignments", "work_order_timeline"])
def test_what_hangs_on_an_order_is_not_retired_by_itself(owner: Connection, plant: Plant, table: str) -> None:
    """An assignment is taken away by DELETE, by whom the rules let, and the timeline stays."""
    order = add_order(owner, plant.north)
    assign(owner, order, plant.people["technician"])
    with (
        pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="are not retired"),
        acting_as(owner, plant.people["admin"]),
    ):
        retire(owner, table, order)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(owner, plant.people["admin"]):
        owner.execute(f"update public.{table} set deleted_at = now()".encode())


@pytest.mark.parametrize("state", ["active", "paused"])
def test_a_template_is_retired_when_no_schedule_uses_it(owner: Connection, plant: Plant, state: str) -> None:
    """Else maintenance would end without a word: a schedule whose template is gone makes no orders."""
    template = add_template(owner, plant.north)
    manager = plant.people["manager"]
    for number in (1, 2):
        add_schedule(owner, add_machine(owner, plant.north, f"machine {number}"), template, active=state == "active")

    with pytest.raises(psycopg.errors.RestrictViolation) as refused, acting_as(owner, manager):
        retire(owner, "maintenance_templates", template)

    assert refused.value.diag.message_primary == (
        'template "Monthly service" is used by 2 maintenance schedules; it was not retired'
    )
    assert refused.value.diag.message_hint is not None
    owner.execute("update public.maintenance_schedules set deleted_at = now()")
    with acting_as(owner, manager):
        retire(owner, "maintenance_templates", template)
