"""filter/kinds.py: values of each type. Whether PostgreSQL agrees, edge/test_conditions.py asks it."""

from decimal import Decimal

import pytest

from floorcast.filter.kinds import KINDS


@pytest.mark.parametrize(
    ("type_", "text", "written"),
    [
        ("bool", " tRu ", "true"),
        ("bool", "off", "false"),
        ("int2", "-32768", "-32768"),
        ("int8", "+9007199254740993", "9007199254740993"),
        ("numeric", "1e3", "1000"),
        ("numeric", "-0.000", "0"),
        ("numeric", ".50", "0.5"),
        ("numeric", "nan", "NaN"),
        ("numeric", "-Infinity", "-Infinity"),
        ("numeric", "0e999999", "0"),
        ("float8", "1e-3", "0.001"),
        ("float8", "-0", "0.0"),
        ("float4", "16777217", "16777216.0"),
        ("uuid", "{A0EEBC999C0B4EF8BB6D6BB9BD380A11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("bpchar", "a  ", "a"),
        ("text", "a  ", "a  "),
        ("date", "2026-11-23", "2026-11-23"),
        ("timestamptz", "2026-11-23T10:00:00-03:30", "2026-11-23T13:30:00+00:00"),
        ("timestamp", "2026-11-23T10:00:00-03:30", "2026-11-23T10:00:00+00:00"),
        ("timestamp", "infinity", "infinity"),
    ],
)
def test_a_value_is_written_in_one_way(type_: str, text: str, written: str) -> None:
    """Equal filters are equal texts."""
    assert KINDS[type_].write(KINDS[type_].cast(text)) == written


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("bool", "2"),
        ("bool", ""),
        ("bool", "truee"),
        ("int2", "32768"),
        ("int4", "1.0"),
        ("int4", "0x10"),
        ("int4", "1_000"),
        ("int8", "٣"),
        ("int8", "9" * 4000),
        ("numeric", "1e"),
        ("numeric", "1e1001"),
        ("numeric", "1e-1001"),
        ("numeric", "1e999999999999999999999"),
        ("numeric", "1,5"),
        ("float8", "1e309"),
        ("float4", "1e39"),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1"),
        ("uuid", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("uuid", " a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("date", "2026-02-30"),
        ("date", "0044-03-15 BC"),
        ("date", "10000-01-01"),
        ("date", "20261123"),
        ("date", "2026-W01-1"),
        ("timestamptz", "2026-11-23T24:00:00Z"),
        ("timestamptz", "2026-11-23T10:60:00Z"),
        ("timestamptz", "2026-11-23T10:00:00+16:00"),
        ("timestamptz", "0001-01-01T00:00:00+01:00"),
        ("timestamptz", "now"),
        ("timestamptz", "2026-11-23T10"),
    ],
)
def test_what_is_no_value_of_the_type_is_refused(type_: str, text: str) -> None:
    """What PostgreSQL would not take, and what would not mean the same tomorrow or elsewhere."""
    with pytest.raises(ValueError, match=r"^it is "):
        KINDS[type_].cast(text)


@pytest.mark.parametrize(
    ("type_", "in_order"),
    [
        ("numeric", ["-Infinity", -1, Decimal("0.1"), Decimal("0.10000000000000000000001"), 10**30, "Infinity", "NaN"]),
        ("float8", ["-Infinity", -1, Decimal("1e-300"), 1.5, "Infinity", "NaN"]),
        ("text", ["", " ", "A", "Z", "a", "z", "é", "ﬀ", "😀"]),
        ("bool", [False, True]),
        (
            "date",
            ["-infinity", "0044-03-15 BC", "0001-12-31 BC", "0001-01-01", "9999-12-31", "10000-01-01", "infinity"],
        ),
        (
            "timestamptz",
            [
                "-infinity",
                "0001-12-31T23:59:59+00:00 BC",
                "2026-11-23T10:00:00+02:00",
                "2026-11-23T08:00:00.000001+00:00",
                "294276-12-31T23:59:59+00:00",
                "infinity",
            ],
        ),
    ],
)
def test_the_values_of_rows_are_in_order(type_: str, in_order: list[object]) -> None:
    """NaN behind everything, letters by code point, years before Christ before it."""
    values = [KINDS[type_].read(found) for found in in_order]
    assert values == sorted(values)
    assert len(set(values)) == len(values)


def test_a_day_of_the_year_before_the_first_is_a_leap_day() -> None:
    """The calendar goes on backwards, without a year 0: the first before Christ is one that four divides."""
    read = KINDS["date"].read
    assert read("0001-03-01 BC") - read("0001-02-28 BC") == 2
    assert read("0001-01-01") - read("0001-12-31 BC") == 1
    assert read("0002-03-01 BC") - read("0002-02-28 BC") == 1


def test_a_moment_is_rounded_to_microseconds() -> None:
    """It has no more in the database."""
    cast, write = KINDS["timestamptz"].cast, KINDS["timestamptz"].write
    assert write(cast("2026-11-23T23:59:59.9999999Z")) == "2026-11-24T00:00:00+00:00"
    assert write(cast("2026-11-23 10:11:12.1234564")) == "2026-11-23T10:11:12.123456+00:00"


@pytest.mark.parametrize(
    ("type_", "found"),
    [("int4", "1"), ("int4", True), ("bool", 1), ("text", 1), ("numeric", "abc"), ("numeric", True), ("date", "x")],
)
def test_what_a_row_cannot_have_there_is_no_value(type_: str, found: object) -> None:
    """The table was changed, or the row is from before it was."""
    with pytest.raises((TypeError, ValueError, ArithmeticError)):
        KINDS[type_].read(found)
