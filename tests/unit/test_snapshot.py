"""A snapshot as text, and what it sees."""

import pytest

from floorcast.snapshot import Snapshot


def test_it_sees_what_had_ended_and_nothing_that_was_running_or_came_later() -> None:
    """Whoever was running then is told again, though its number is small."""
    snapshot = Snapshot.parse("700:710:703,705")
    assert [xid for xid in range(698, 713) if snapshot.sees(xid)] == [698, 699, 700, 701, 702, 704, 706, 707, 708, 709]


def test_one_without_anybody_running_has_an_empty_end() -> None:
    """As PostgreSQL writes it."""
    assert Snapshot.parse("5:5:") == Snapshot(5, 5, frozenset())


@pytest.mark.parametrize("text", ["", "5", "5:5", "5:5:,", "a:5:", "5:5:6,", "5:5:6 ", "-5:5:", "5:5:٣"])
def test_what_postgres_does_not_write_is_none(text: str) -> None:
    """A cursor carries one, and a cursor is whatever a client sends."""
    with pytest.raises(ValueError, match="not a snapshot"):
        Snapshot.parse(text)
