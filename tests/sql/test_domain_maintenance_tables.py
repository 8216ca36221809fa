"""What templates, schedules and history of maintenance may hold, and what follows from a schedule's calendar."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.sql.plant import Connection, Plant, acting_as, add_machine, add_order, add_schedule, add_template, value

MIDNIGHT = "2024-01-01T00:00Z"


@pytest.fixture
def monthly(owner: Connection, plant: Plant) -> UUID:
    """A template of north."""
    return add_template(owner, plant.north)


def schedule_row(owner: Connection, schedule: UUID) -> dict[str, Any]:
    """The schedule as it is now, its times as people write them."""
    row = owner.execute(
        """
        select
            s.*,
            to_char(s.next_due at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as due,
            to_char(s.anchor at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as counted_from,
            to_char(s.order_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as ordered
        from public.maintenance_schedules as s where s.id = %s
        """,
        [schedule],
    ).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("column", "wrong", "constraint"),
    [
        ("name", " ", "a_template_has_a_name"),
        ("work_order_type", "other", "a_template_has_a_type_of_work_order"),
        ("priority", "urgent", "a_template_has_a_known_priority"),
        ("tasks", '{"first": "GREASE"}', "tasks_are_a_list_of_texts"),
        ("tasks", '["GREASE", 1]', "tasks_are_a_list_of_texts"),
        ("tasks", '[["GREASE"]]', "tasks_are_a_list_of_texts"),
        ("parts", '{"name": "Filter"}', "parts_are_a_list_of_names_with_quantities"),
        ("parts", '["Filter"]', "parts_are_a_list_of_names_with_quantities"),
        ("parts", '[{"name": "Filter"}]', "parts_are_a_list_of_names_with_quantities"),
        ("parts", '[{"name": "Filter", "quantity": "two"}]', "parts_are_a_list_of_names_with_quantities"),
        ("parts", '[{"name": "Filter", "quantity": 0}]', "parts_are_a_list_of_names_with_quantities"),
        ("parts", '[{"name": ["Filter"], "quantity": 1}]', "parts_are_a_list_of_names_with_quantities"),
        ("parts", '[[{"name": "Filter", "quantity": 1}]]', "parts_are_a_list_of_names_with_quantities"),
        ("estimated_duration", "-1 hour", "a_maintenance_takes_a_year_at_most"),
        ("estimated_duration", "2 years", "a_maintenance_takes_a_year_at_most"),
    ],
)
def test_an_illegal_template_is_refused_by_a_sentence(
    owner: Connection, plant: Plant, column: str, wrong: str, constraint: str
) -> None:
    """Screens and orders read these lists without asking what is in them."""
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        add_template(owner, plant.north, **{column: wrong})


def test_a_template_says_what_is_needed(owner: Connection, plant: Plant) -> None:
    """The lists that people mean are accepted."""
    add_template(
        owner,
        plant.north,
        name="Quarterly",
        tasks="[]",
        parts='[{"name": "Filter", "quantity": 0.5, "unit": "litre", "part_number": "F-1"}]',
        estimated_duration="90 minutes",
    )


def test_a_name_names_one_template_until_it_is_retired(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """A template is chosen by its name."""
    with pytest.raises(psycopg.errors.UniqueViolation, match="a_name_names_one_template"):
        add_template(owner, plant.north)
    owner.execute("update public.maintenance_templates set deleted_at = now() where id = %s", [monthly])
    add_template(owner, plant.north)


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"schedule_type": "years"}, "a_schedule_has_a_known_type|a_schedule_has_a_frequency"),
        ({"frequency": 0}, "a_schedule_has_a_frequency"),
        ({"frequency": 1201}, "a_schedule_has_a_frequency"),
        ({"basis": "mood"}, "a_schedule_counts_from_the_due_or_from_the_completion"),
        ({"next_due": None}, "a_schedule_is_by_calendar_or_by_meter"),
        ({"next_due_meter": 100}, "a_schedule_is_by_calendar_or_by_meter"),
        ({"schedule_type": "meter_hours"}, "a_schedule_is_by_calendar_or_by_meter"),
        ({"schedule_type": "meter_hours", "next_due_meter": "NaN"}, "the_due_of_a_meter_is_not_negative"),
        ({"schedule_type": "meter_hours", "next_due_meter": -1}, "the_due_of_a_meter_is_not_negative"),
        (
            {"schedule_type": "meter_hours", "next_due_meter": 1, "lead": "1 day"},
            "only_a_calendar_has_a_lead",
        ),
        ({"next_due": "infinity"}, "a_due_is_a_time_of_this_calendar"),
        ({"next_due": "1066-10-14T09:00Z"}, "a_due_is_a_time_of_this_calendar"),
        ({"lead": "-1 day"}, "a_lead_is_a_year_at_most"),
        ({"lead": "400 days"}, "a_lead_is_a_year_at_most"),
        ({"grace": "-1 day"}, "a_grace_is_a_year_at_most"),
    ],
)
def test_an_illegal_schedule_is_refused_by_a_sentence(
    owner: Connection, plant: Plant, monthly: UUID, columns: dict[str, object], constraint: str
) -> None:
    """Each of these would make the job fail, or never end."""
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        add_schedule(owner, plant.machine, monthly, **columns)


def test_a_time_zone_that_nobody_knows_is_refused(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """Else the job would find out, at every run."""
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="Mars/Olympus"):
        add_schedule(owner, plant.machine, monthly, time_zone="Mars/Olympus")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="Mars/Olympus"):
        add_schedule(
            owner, plant.machine, monthly, schedule_type="meter_hours", next_due_meter=1, time_zone="Mars/Olympus"
        )


def test_a_schedule_is_in_the_warehouse_of_its_machine_and_its_template(
    owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """The warehouse is the machine's unless given, and neither key points elsewhere."""
    schedule = add_schedule(owner, plant.machine, monthly)
    assert schedule_row(owner, schedule)["warehouse_id"] == plant.north

    abroad = add_machine(owner, plant.south)
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="a_schedule_is_in_the_warehouse_of_its_template"):
        add_schedule(owner, abroad, monthly)
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="a_schedule_is_in_the_warehouse_of_its_machine"):
        add_schedule(owner, abroad, monthly, warehouse_id=plant.north)


def test_an_order_of_a_schedule_is_on_its_machine_and_the_only_one_of_its_due(
    owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """The second line behind the job's lock."""
    schedule = add_schedule(owner, plant.machine, monthly)
    order = {"schedule_id": schedule, "schedule_due": MIDNIGHT}
    other = add_machine(owner, plant.north)

    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="an_order_of_a_schedule_is_on_its_machine"):
        add_order(owner, plant.north, equipment_id=other, **order)
    for lacking in ({"schedule_id": schedule}, {"schedule_due": MIDNIGHT}):
        with pytest.raises(psycopg.errors.CheckViolation, match="an_order_of_a_schedule_has_a_due_and_a_machine"):
            add_order(owner, plant.north, equipment_id=plant.machine, **lacking)
    with pytest.raises(psycopg.errors.CheckViolation, match="an_order_of_a_schedule_has_a_due_and_a_machine"):
        add_order(owner, plant.north, **order)
    add_order(owner, plant.north, equipment_id=plant.machine, **order)
    with pytest.raises(psycopg.errors.UniqueViolation, match="a_due_makes_one_work_order"):
        add_order(owner, plant.north, equipment_id=plant.machine, **order)


def test_an_order_is_made_as_long_before_the_due_as_the_lead_says(
    owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """Kept by a trigger, since the job must find it in an index."""
    schedule = add_schedule(owner, plant.machine, monthly, lead="3 days 6 hours")
    assert schedule_row(owner, schedule)["ordered"] == "2024-01-28 00:00"

    owner.execute("update public.maintenance_schedules set lead = '0', order_at = now() where id = %s", [schedule])
    assert schedule_row(owner, schedule)["ordered"] == "2024-01-31 06:00"


def test_dues_are_counted_from_the_first_until_people_set_another(
    owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """The end of February is a month after the end of January; the day before is somebody's decision."""
    schedule = add_schedule(owner, plant.machine, monthly, anchor="2001-01-01T00:00Z")
    for due, counted_from in [
        ("2024-02-29 06:00", "2024-01-31 06:00"),
        ("2024-02-28 06:00", "2024-02-28 06:00"),
        ("2023-12-28 06:00", "2023-12-28 06:00"),
    ]:
        owner.execute("update public.maintenance_schedules set next_due = %s where id = %s", [due + "Z", schedule])
        row = schedule_row(owner, schedule)
        assert (row["due"], row["counted_from"]) == (due, counted_from)


def test_a_schedule_that_is_resumed_makes_up_for_its_newest_due_only(
    owner: Connection, plant: Plant, monthly: UUID
) -> None:
    """What fell due in a pause was not due; but a machine that comes back is not to wait a whole month."""
    schedule = add_schedule(owner, plant.machine, monthly, schedule_type="days", frequency=7)
    owner.execute("update public.maintenance_schedules set active = false where id = %s", [schedule])
    owner.execute("update public.maintenance_schedules set active = true where id = %s", [schedule])

    row = schedule_row(owner, schedule)
    age = value(owner, "select now() - next_due from public.maintenance_schedules where id = %s", schedule)
    assert 0 <= age.days < 7
    assert row["counted_from"] == "2024-01-31 06:00"


def test_what_was_missed_is_not_in_time(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """A history without a completion is of something that was not done."""
    schedule = add_schedule(owner, plant.machine, monthly)
    with pytest.raises(psycopg.errors.CheckViolation, match="what_was_missed_is_not_in_time"):
        owner.execute(
            "insert into public.maintenance_history (warehouse_id, schedule_id, due_at, in_time)"
            " values (%s, %s, now(), true)",
            [plant.north, schedule],
        )


@pytest.mark.parametrize("forever", ["infinity", "-infinity"])
def test_access_ends_at_a_time_or_has_an_open_end(owner: Connection, plant: Plant, forever: str) -> None:
    """JSON has no word for infinity, and null says it already."""
    with pytest.raises(psycopg.errors.CheckViolation, match="access_ends_at_a_time"):
        owner.execute(
            "update public.user_warehouse_access set ends_at = %s where user_id = %s",
            [forever, plant.people["technician"]],
        )


def test_those_who_lead_plan_and_those_who_work_only_read(owner: Connection, plant: Plant, monthly: UUID) -> None:
    """A technician sees when his machine is due; when that is, is not his to decide."""
    with acting_as(owner, plant.people["supervisor"]):
        mine = add_template(owner, plant.north, name="Weekly")
        schedule = add_schedule(owner, plant.machine, mine)
        owner.execute("update public.maintenance_schedules set next_due = '2024-03-01Z' where id = %s", [schedule])
    with acting_as(owner, plant.people["technician"]):
        for table in ("maintenance_templates", "maintenance_schedules"):
            assert value(owner, f"select count(*) from visible.{table}") > 0
        owner.execute("update public.maintenance_schedules set next_due = '2030-01-01Z'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(owner, plant.people["technician"]):
        add_schedule(owner, plant.machine, monthly)
    with acting_as(owner, plant.stranger):
        for table in ("maintenance_templates", "maintenance_schedules", "maintenance_history"):
            assert value(owner, f"select count(*) from visible.{table}") == 0
    assert schedule_row(owner, schedule)["due"] == "2024-03-01 00:00"


@pytest.mark.parametrize(
    "attempt",
    [
        "update public.maintenance_schedules set anchor = now()",
        "update public.maintenance_schedules set last_completed_at = now()",
        "update public.maintenance_schedules set equipment_id = gen_random_uuid()",
        "update public.maintenance_templates set warehouse_id = gen_random_uuid()",
        "update public.work_orders set schedule_id = null",
        "update public.work_orders set schedule_due = now()",
        "delete from public.maintenance_schedules",
        "update public.maintenance_history set in_time = true",
        "delete from public.maintenance_history",
    ],
)
def test_not_even_an_admin_writes_what_follows_from_the_work(owner: Connection, plant: Plant, attempt: str) -> None:
    """History and the dues that orders are for are facts."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(owner, plant.people["admin"]):
        owner.execute(attempt.encode())
