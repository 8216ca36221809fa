"""Schedules of preventive maintenance, run and looked at."""

from uuid import UUID

from tests.sql.plant import Connection, value

RUN = "select floorcast.create_due_work_orders(%s)"


def run(connection: Connection, upto: str) -> int:
    """Run the job as of a time; how many orders it made."""
    return len(connection.execute(RUN.encode(), [upto]).fetchall())


def orders(owner: Connection, schedule: UUID) -> list[str]:
    """The dues that have an order, as days."""
    rows = owner.execute(
        "select (schedule_due at time zone 'UTC')::date::text as due from public.work_orders"
        " where schedule_id = %s order by schedule_due",
        [schedule],
    ).fetchall()
    return [row["due"] for row in rows]


def next_due(owner: Connection, schedule: UUID) -> str:
    """The schedule's next due, as a day."""
    due: str = value(
        owner,
        "select (next_due at time zone 'UTC')::date::text from public.maintenance_schedules where id = %s",
        schedule,
    )
    return due


def history(owner: Connection, schedule: UUID) -> list[tuple[str, bool, bool]]:
    """The dues that have a history: the day, whether it was done, whether in time."""
    rows = owner.execute(
        "select (due_at at time zone 'UTC')::date::text as due, completed_at is not null as done, in_time"
        " from public.maintenance_history where schedule_id = %s order by due_at",
        [schedule],
    ).fetchall()
    return [(row["due"], row["done"], row["in_time"]) for row in rows]


def finish(owner: Connection, schedule: UUID, at: str, status: str = "completed") -> None:
    """Bring the newest order of a schedule to an end; work that is completed was begun."""
    newest = "(select id from public.work_orders where schedule_id = %s order by schedule_due desc limit 1)"
    if status == "completed":
        begin = f"update public.work_orders set status = 'in_progress', actual_start = %s where id = {newest}"
        owner.execute(begin.encode(), [at, schedule])
    end = f"update public.work_orders set status = %s, actual_end = %s where id = {newest}"
    owner.execute(end.encode(), [status, at, schedule])
