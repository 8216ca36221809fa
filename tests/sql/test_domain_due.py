"""The arithmetic of dues: no day is lost, none comes twice, and the 31st stays the 31st."""

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sql.plant import Connection, value

DUE = "floorcast.due(%s, %s, %s, %s, %s)"
NUMBER = "floorcast.due_number(%s, %s, %s, %s, %s)"

# Summer time on both halves of the earth, half an hour of it, and none.
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kolkata"])
CALENDARS = st.tuples(
    st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 — bounds are naive
    st.sampled_from(["days", "weeks", "months"]),
    st.integers(1, 400),
    ZONES,
)

# One database for all examples: the functions read nothing and leave nothing.
on_one_database = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Calendar = tuple[datetime, str, int, str]


def due(owner: Connection, schedule: Calendar, number: int) -> datetime:
    """The due of that number."""
    moment: datetime = value(owner, f"select {DUE}", *schedule, number)
    return moment


def due_number(owner: Connection, schedule: Calendar, at: datetime) -> int:
    """The number of the newest due."""
    number: int = value(owner, f"select {NUMBER}", *schedule, at)
    return number


@on_one_database
@given(schedule=CALENDARS, seconds=st.integers(-(10**8), 10**10))
def test_a_time_lies_between_the_newest_due_and_the_next(owner: Connection, schedule: Calendar, seconds: int) -> None:
    """Else the job would skip a due, or make an order for one that is not there yet."""
    at = schedule[0] + timedelta(seconds=seconds)
    number = due_number(owner, schedule, at)

    assert due(owner, schedule, number + 1) > at
    if number < 0:
        assert at < schedule[0]
    else:
        assert due(owner, schedule, number) <= at


@on_one_database
@given(schedule=CALENDARS, number=st.integers(0, 200))
def test_a_due_is_found_by_its_number_and_the_number_by_the_due(
    owner: Connection, schedule: Calendar, number: int
) -> None:
    """Each due is one number, so that moving on neither stands still nor jumps, also where clocks change."""
    this = due(owner, schedule, number)
    assert due_number(owner, schedule, this) == number
    assert due_number(owner, schedule, this - timedelta(microseconds=1)) == number - 1


@on_one_database
@given(schedule=CALENDARS, number=st.integers(1, 200))
def test_months_keep_the_day_and_days_the_hour(owner: Connection, schedule: Calendar, number: int) -> None:
    """Reckoned by Python's own calendar; only the hour that spring leaves out is another one."""
    anchor, kind, frequency, zone = schedule
    first = anchor.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if kind == "months":
        months = first.month - 1 + number * frequency
        year, month = first.year + months // 12, months % 12 + 1
        expected = first.replace(year=year, month=month, day=min(first.day, calendar.monthrange(year, month)[1]))
    else:
        expected = first + timedelta(days=number * frequency * (7 if kind == "weeks" else 1))

    found = value(owner, f"select {DUE} at time zone %s", *schedule, number, zone)
    assert timedelta(0) <= found - expected <= timedelta(hours=1)
    assert found == expected or found.date() == expected.date()


def test_the_31st_stays_the_31st(owner: Connection) -> None:
    """February has no 31st; March has, and counting on from the 29th would have lost it for good."""
    schedule = (datetime(2024, 1, 31, 6, tzinfo=UTC), "months", 1, "UTC")
    assert [due(owner, schedule, number).day for number in range(6)] == [31, 29, 31, 30, 31, 30]


def test_six_in_the_morning_stays_six_in_the_morning(owner: Connection) -> None:
    """The shift begins by the clock on the wall."""
    zone = ZoneInfo("Europe/Berlin")
    schedule = (datetime(2024, 3, 30, 6, tzinfo=zone), "days", 1, "Europe/Berlin")
    assert [due(owner, schedule, number).astimezone(zone).hour for number in range(3)] == [6, 6, 6]


def test_a_due_in_the_hour_that_comes_twice_comes_once(owner: Connection) -> None:
    """Half past two of summer and half past two of winter look the same: the first would make two orders."""
    summer = datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    schedule = (summer, "days", 1, "Europe/Berlin")
    assert due(owner, schedule, 0) == summer
    assert due(owner, schedule, 1) == datetime(2024, 10, 28, 1, 30, tzinfo=UTC)
    assert due_number(owner, schedule, summer + timedelta(hours=2)) == 0
