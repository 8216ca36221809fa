"""Historical work orders in a CSV file: lines become orders, or refusals that say why. Pure: text in, facts out.

Columns: `BscStartDate, Asset, OriginalShorttext, PMType, Cost`. Nothing is mended on the way: a line that
cannot be played exactly as it is written is refused, so that what is in the database is what was in the file.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

COLUMNS = ("BscStartDate", "Asset", "OriginalShorttext", "PMType", "Cost")

LONGEST_TEXT = 500
"""Characters of a title that the database takes."""

LARGEST_COST = Decimal(10) ** 12
"""Costs are numeric(14, 2): twelve digits before the point."""

TYPES: Mapping[str, str] = {
    "PM01": "corrective",  # repair
    "PM02": "preventive",  # replacement: planned, with a part from stock
    "PM04": "improvement",  # capital work
    "PM05": "preventive",  # standing order for wear parts
    "PM06": "emergency",  # accident damage
    "PM13": "corrective",  # repair of a part in the workshop
}
"""What the file's maintenance types are among our types of work orders."""

TAKES_A_PART = frozenset({"PM02"})
"""Types of work for which a part is taken from stock."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_ASSET = re.compile(r"[\w.\-/ ]{1,50}")


@dataclass(frozen=True, slots=True)
class HistoricalOrder:
    """One line of the file that can be played."""

    # Its line in the file, counting the header as 1.
    line: int
    # The day it was begun, at midnight UTC: the file does not know the hour.
    begun: datetime
    asset: str
    # As the technician typed it, every blank and misspelling kept.
    text: str
    # PM01 …; a key of TYPES.
    kind: str
    # In the file's currency; negative for a credit.
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that cannot be played, and why."""

    line: int
    reason: str


class NotHistoryError(ValueError):
    """The file is not one of work orders at all; says which columns are missing."""


def read_history(lines: Iterable[str], assets: frozenset[str] | None = None) -> Iterator[HistoricalOrder | Refusal]:
    """Read the lines of a CSV file; `assets` are those that are known, None takes any.

    Every order is one line; a blank line is passed over. Text that was not UTF-8 is expected as lone
    surrogates (`errors="surrogateescape"`), so that its line can be refused and the others read.

    Raises:
        NotHistoryError: a column is missing.
    """
    numbered = enumerate(lines, start=1)
    _, first = next(numbered, (1, ""))
    header = _fields(first)
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise NotHistoryError(
            f"The first line names no {', '.join(missing)}; expected are the columns {', '.join(COLUMNS)}."
        )
    for number, line in numbered:
        if not line.strip():
            continue
        try:
            yield _order(number, _row(header, line), assets)
        except (ValueError, csv.Error) as error:
            yield Refusal(number, str(error))


def _fields(line: str) -> list[str]:
    # Line by line, so that a quote that is never closed costs its own line and not all that follow.
    return next(csv.reader([line.rstrip("\r\n")], strict=True), [])


def _row(header: Sequence[str], line: str) -> Mapping[str, str]:
    fields = _fields(line)
    if len(fields) != len(header):
        raise ValueError(f"{len(fields)} columns instead of {len(header)}: is a comma in the text not quoted?")
    return dict(zip(header, fields, strict=True))


def _order(line: int, row: Mapping[str, str], assets: frozenset[str] | None) -> HistoricalOrder:
    return HistoricalOrder(
        line,
        _date(row["BscStartDate"]),
        _asset(row["Asset"], assets),
        _text(row["OriginalShorttext"]),
        _kind(row["PMType"]),
        _cost(row["Cost"]),
    )


def _date(text: str) -> datetime:
    try:
        if _DATE.fullmatch(text):
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise ValueError(f"bad date {text!r}: expected YYYY-MM-DD")


def _asset(text: str, assets: frozenset[str] | None) -> str:
    if not text.strip():
        raise ValueError("no asset")
    if assets is not None and text not in assets:
        raise ValueError(f"unknown asset {text!r}: known are {', '.join(sorted(assets))}")
    if not _ASSET.fullmatch(text) or text != text.strip():
        raise ValueError(f"bad asset {text[:60]!r}: expected letters and digits, at most 50")
    return text


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("empty text")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"the text has {len(text)} characters; at most {LONGEST_TEXT} fit a title")
    if "\0" in text:
        raise ValueError("the text holds a NUL character, which no database text can")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text is not UTF-8") from None
    return text


def _kind(text: str) -> str:
    if text not in TYPES:
        raise ValueError(f"unknown PMType {text!r}: known are {', '.join(TYPES)}")
    return text


def _cost(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"bad number {text[:60]!r} as cost: expected for example 183.05")
    cost = Decimal(text)
    if abs(cost) >= LARGEST_COST:
        raise ValueError(f"the cost {text[:60]} is too large: twelve digits before the point fit")
    if cost != round(cost, 2):
        raise ValueError(f"the cost {text[:60]} has more than two digits after the point")
    return cost
