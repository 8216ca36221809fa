"""How much a row may hold, and that what happens happens on a day."""

import json

import psycopg
import pytest
from tests.sql.plant import Connection, Plant, add_order, add_schedule, add_template, value

# Not ours to cut: what a token calls its person.
NAMED_BY_TOKENS = "actor"

# Of each kind of text one that people write, with what is too much.
TOO_MUCH = (
    ("work_orders", "title", "X" + " " * 500),
    ("work_orders", "description", "x" * 131073),
    ("work_orders", "completion_notes", "ü" * 65537),
    ("equipment", "name", " " * 200 + "X"),
    ("equipment", "asset_tag", "x" * 201),
    ("equipment", "specifications", json.dumps({"manual": "x" * 65536})),
    ("inventory_items", "unit", "x" * 51),
    ("warehouses", "settings", json.dumps({"logo": "x" * 65536})),
    # A few bytes in the column, a hundred thousand in a frame.
    ("warehouses", "settings", '{"limit": 1e131071}'),
    ("organizations", "settings", json.dumps({"logo": "x" * 65536})),
    ("users", "profile_data", json.dumps({"photo": "x" * 65536})),
    ("users", "display_name", "x" * 201),
)

MOMENTS = {
    "work_orders": (
        "due_at",
        "scheduled_start",
        "scheduled_end",
        "actual_start",
        "actual_end",
        "status_changed_at",
        "verified_at",
    ),
    "equipment": ("status_changed_at",),
    "equipment_maintenance_history": ("performed_at",),
    "work_order_timeline": ("timestamp",),
    "work_order_assignments": ("assigned_at",),
}


@pytest.mark.parametrize(("table", "column", "what"), TOO_MUCH)
def test_a_row_holds_no_archive(owner: Connection, plant: Plant, table: str, column: str, what: str) -> None:
    """It is sent to every screen of the warehouse, and kept in the trail for ever."""
    add_order(owner, plant.north)
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(f"update public.{table} set {column} = %s".encode(), [what])


def test_every_text_and_document_has_a_limit(owner: Connection) -> None:
    """Of the next column that is added too."""
    unlimited = owner.execute(
        """
        select format('%%s.%%s', c.relname, a.attname) as name from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
            and a.atttypid = any(array['text', 'json', 'jsonb', 'bytea', 'xml', 'tstzmultirange']::regtype[])
            and a.attname <> %s
            and not exists (
                select from pg_constraint as k
                where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any(k.conkey)
                    and pg_get_constraintdef(k.oid) ~ format(
                        '(length\\(\\(?%%1$s(\\)?::text)?\\)|pg_column_size\\(%%1$s\\)) <= '
                        || '|%%1$s = ANY|%%1$s ~ ''\\^.*\\{\\d+\\}\\$''',
                        a.attname
                    )
            )
        order by 1
        """,
        [NAMED_BY_TOKENS],
    ).fetchall()
    # A zone that nobody knows is refused by the trigger that counts in it.
    assert [row["name"] for row in unlimited] == ["maintenance_schedules.time_zone"]


def test_the_longest_notes_go_into_the_history(owner: Connection, plant: Plant) -> None:
    """What triggers write from other columns has room for them, although each character is escaped there."""
    order = add_order(owner, plant.north, equipment_id=plant.machine, status="in_progress", title="\x01" * 500)
    owner.execute(
        "update public.work_orders set status = 'completed', completion_notes = %s where id = %s",
        ["\x01" * 131072, order],
    )
    assert value(owner, "select length(details ->> 'notes') from public.equipment_maintenance_history") == 131072


def test_the_longest_template_makes_an_order(owner: Connection, plant: Plant) -> None:
    """Else maintenance would stop for a text that was accepted."""
    tasks = json.dumps([""] * 8190)
    part = {"name": "", "quantity": 1}
    parts = json.dumps([part] * (32768 // (len(json.dumps(part)) + 2)))
    template = add_template(owner, plant.north, tasks=tasks, parts=parts, safety_notes="x" * 16384)
    add_schedule(owner, plant.machine, template)
    assert value(owner, "select count(*) from floorcast.create_due_work_orders('2100-01-01')") == 1
    assert value(owner, "select octet_length(description) from public.work_orders") > 65_536


@pytest.mark.parametrize("number", ["", "  ", "X" * 51, "X" + " " * 50])
def test_a_number_can_be_said(owner: Connection, plant: Plant, number: str) -> None:
    """It stands in every list and is read out over the radio."""
    with pytest.raises(psycopg.errors.CheckViolation, match="a_work_order_has_a_short_number"):
        add_order(owner, plant.north, number=number)


@pytest.mark.parametrize("when", ["infinity", "-infinity"])
@pytest.mark.parametrize(("table", "column"), [(table, column) for table in MOMENTS for column in MOMENTS[table]])
def test_what_happens_happens_on_a_day(owner: Connection, plant: Plant, table: str, column: str, when: str) -> None:
    """No client can show a day called infinity, and nothing is ever after it."""
    order = add_order(owner, plant.north)
    others = {
        "work_orders": {"warehouse_id": plant.north, "title": "LEAKING"},
        "equipment": {"warehouse_id": plant.north, "name": "Crusher"},
        "equipment_maintenance_history": {"equipment_id": plant.machine},
        "work_order_timeline": {"work_order_id": order, "event_type": "commented"},
        "work_order_assignments": {"work_order_id": order, "user_id": plant.people["technician"]},
    }[table]
    columns = {**others, f'"{column}"': when}
    query = f"insert into public.{table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})"
    with pytest.raises(psycopg.errors.CheckViolation, match="day"):
        owner.execute(query.encode(), list(columns.values()))
