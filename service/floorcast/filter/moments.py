"""Days and moments as whole numbers, so that they compare exactly and infinity has its place (pure).

A day counts from 0001-01-01, which is 1; a moment counts microseconds from the beginning of that day. Rows have them as
PostgreSQL writes them, which knows years before Christ and beyond 9999. A filter names years from 1 to 9999.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

Moment = int | float
"""A whole number, or infinity."""

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECONDS_OF_DAY = 86400
_MILLION = 1_000_000
# The calendar repeats after 400 years.
_YEARS, _DAYS = 400, 146097
_INFINITIES = {"infinity": float("inf"), "-infinity": float("-inf"), "+infinity": float("inf")}

_WRITTEN = re.compile(
    r"(?P<year>\d{4,7})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:[Tt ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,30}))?)?"
    r" ?(?:[Zz]|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d)(?::(?P<seconds>\d\d))?)?)?)?"
    r"(?P<before> BC)?",
    re.ASCII,
)


def read_day(written: str) -> Moment:
    """Return the day that a row has.

    Raises:
        ValueError: it is not a date as PostgreSQL writes it.
    """
    try:
        return date.fromisoformat(written).toordinal()
    except ValueError:
        return _other(written, _day)


def read_moment(written: str) -> Moment:
    """Return the moment that a row has; without an offset, as if it were UTC.

    Raises:
        ValueError: it is not a timestamp as PostgreSQL writes it.
    """
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return _other(written, lambda found: _moment(found, with_offset=True))
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).__sub__(_FIRST) // _MICROSECOND


def cast_day(text: str) -> Moment:
    """Return the day that a filter names; whatever time of that day stands behind it is left out, as in SQL."""
    return _cast(text, lambda found: date.fromordinal(_day(found)).toordinal())


def cast_moment(text: str, *, with_offset: bool) -> Moment:
    """Return the moment that a filter names, to the microsecond; its offset counts or is left out, as in SQL.

    Raises:
        ValueError: it is none, and why.
    """
    return _cast(text, lambda found: (_at(_moment(found, with_offset=with_offset)) - _FIRST) // _MICROSECOND)


def write_day(day: Moment) -> str:
    """Return a filter's day as PostgreSQL reads it."""
    return _infinity(day) or date.fromordinal(int(day)).isoformat()


def write_moment(moment: Moment) -> str:
    """Return a filter's moment as PostgreSQL reads it, with the offset of UTC."""
    return _infinity(moment) or _at(int(moment)).isoformat()


def _at(moment: int) -> datetime:
    return _FIRST + timedelta(microseconds=moment)


def _infinity(moment: Moment) -> str | None:
    return None if isinstance(moment, int) else "infinity" if moment > 0 else "-infinity"


def _cast(text: str, count: Callable[[re.Match[str]], int]) -> Moment:
    try:
        return _other(text.strip(), count)
    except (ValueError, OverflowError):
        raise ValueError("it is written as in 2026-11-23 or 2026-11-23T10:11:12.5+00:00, or is infinity") from None


def _other(written: str, count: Callable[[re.Match[str]], int]) -> Moment:
    infinity = _INFINITIES.get(written.lower())
    if infinity is not None:
        return infinity
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise ValueError("no date or time")
    return count(found)


def _day(found: re.Match[str]) -> int:
    """Return the day of a year that `date` may not know, by way of one that it knows."""
    year = int(found["year"])
    # The year before 1 is 1 before Christ.
    since, known = divmod((1 - year if found["before"] else year) - 1, _YEARS)
    return since * _DAYS + date(known + 1, int(found["month"]), int(found["day"])).toordinal()


def _moment(found: re.Match[str], *, with_offset: bool) -> int:
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 – a clock has these
        raise ValueError("no time of a day")
    seconds = (_day(found) - 1) * _SECONDS_OF_DAY + (hour * 60 + minute) * 60 + second
    if with_offset and found["sign"]:
        hours, minutes, rest = (int(found[name] or 0) for name in ("hours", "minutes", "seconds"))
        if hours > 15 or minutes > 59 or rest > 59:  # noqa: PLR2004 – as far as PostgreSQL goes
            raise ValueError("no offset")
        offset = (hours * 60 + minutes) * 60 + rest
        seconds += offset if found["sign"] == "-" else -offset
    return seconds * _MILLION + round(Decimal(f"0.{found['fraction'] or 0}") * _MILLION)
