"""filter/matcher.py: true, false or unknown. Whether PostgreSQL agrees, edge/test_conditions.py asks it."""

import pytest
from tests.unit.filter.shapes import condition

from floorcast.filter.matcher import compile_matcher
from floorcast.filter.row import Row, RowMismatch, read_row


def says(text: str, row: bytes) -> bool | None:
    """What a filter says of a row."""
    return compile_matcher(condition(text))(read_row(row))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status=eq.a", None),
        ("status=neq.a", None),
        ("status=not.in.(a,b)", None),
        ("status=in.()", False),
        ("status=like.%", None),
        ("number=lt.5", None),
        ("status=is.null", True),
        ("status=not.is.null", False),
        ("open=is.true", False),
        ("open=not.is.true", True),
        ("status=isdistinct.a", True),
        ("status=not.isdistinct.a", False),
        ("or(status.eq.a,priority.eq.high)", True),
        ("or(status.eq.a,priority.eq.low)", None),
        ("or(status.eq.a,number.lt.5)", None),
        ("status=eq.a,priority=eq.high", None),
        ("status=eq.a,priority=eq.low", False),
        ("not.and(status.eq.a,priority.eq.low)", True),
        ("not.or(status.eq.a,priority.eq.low)", None),
    ],
)
def test_what_was_compared_with_null_is_unknown(text: str, expected: bool | None) -> None:  # noqa: FBT001
    """Neither a filter nor its opposite lets such a row through."""
    assert says(text, b'{"status":null,"number":null,"open":null,"priority":"high"}') is expected


def test_a_column_that_a_row_does_not_have_is_null() -> None:
    """A row of the trail from before the column was added."""
    assert says("status=is.null", b"{}") is True
    assert says("status=eq.a", b"{}") is None


def test_digits_beyond_a_float_count() -> None:
    """A row with the next greater price is another row."""
    row = b'{"cost":12345678901234567890.12}'
    assert says("cost=eq.12345678901234567890.120", row) is True
    assert says("cost=eq.12345678901234567890.13", row) is False


def test_a_row_that_floats_were_made_of_is_read_as_well_as_it_goes() -> None:
    """Up to fifteen digits a float is what was written."""
    matches = compile_matcher(condition("cost=eq.183.0500"))
    assert matches(Row({"cost": 183.05})) is True


def test_a_value_of_another_type_is_no_answer() -> None:
    """A column changed its type; the value itself is not said, since it may be what not everybody sees."""
    with pytest.raises(RowMismatch, match="number") as mismatch:
        says("number=eq.5", b'{"number":"secret"}')
    assert "secret" not in str(mismatch.value)
