"""Positions: parsed strictly, ordered as the stream is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.position import Position

LARGEST = 2**63 - 1
numbers = st.integers(0, LARGEST)
positions = st.builds(Position, numbers, numbers)


@given(positions)
def test_what_is_written_is_read_back(position: Position) -> None:
    """A cursor goes out as text and comes back as text."""
    assert Position.parse(str(position)) == position


@given(positions, positions)
def test_order_is_by_tick_and_then_by_place(one: Position, other: Position) -> None:
    """Never as text: `9-0` comes before `10-0`."""
    assert (one < other) == ((one.tick, one.n) < (other.tick, other.n))


def test_a_tick_itself_comes_before_its_changes() -> None:
    """`<tick>-0` names the whole tick and is where its first change is looked for."""
    assert Position(9, 5) < Position(10) < Position(10, 1)
    assert str(Position(10)) == "10-0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "-",
        "1-",
        "-1",
        "1-2-3",
        "01-0",
        "1-00",
        "+1-0",
        "1--0",
        " 1-0",
        "1-0 ",
        "1-0\n",
        "1_0-0",
        "\u0661-\u0660",
        "$",
        "*",
        "1-*",
        f"{LARGEST + 1}-0",
        f"0-{LARGEST + 1}",
        "9" * 5000 + "-0",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """Redis would take some of these to mean something else (`$`, `*`, a bare number)."""
    with pytest.raises(ValueError, match="not a position"):
        Position.parse(text)


def test_a_refusal_does_not_repeat_a_whole_flood() -> None:
    """What came in goes to the log."""
    with pytest.raises(ValueError, match="not a position") as refusal:
        Position.parse("x" * 10_000)
    assert len(str(refusal.value)) < 200
