"""When to try again: as the receiver asks, or later each time."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.gateway.webhooks.schedule import LONGEST_ASKED_SECONDS, Patience, asked_seconds

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0),
        ("Sunday, 01-Mar-26 12:01:30 GMT", 90.0),
        ("Sun, 01 Mar 2026 13:01:30 +0100", 90.0),
        # It is over: now.
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("999999999", LONGEST_ASKED_SECONDS),
        ("9" * 5_000, LONGEST_ASKED_SECONDS),
        ("Fri, 01 Mar 2999 12:00:00 GMT", LONGEST_ASKED_SECONDS),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("١٢", None),
    ],
)
def test_what_a_receiver_asks_for_is_obeyed(said: str, seconds: float | None) -> None:
    """In seconds or as a date, up to a day."""
    assert asked_seconds(said, NOW) == seconds


@given(st.text(max_size=40))
def test_whatever_it_says_is_read(said: str) -> None:
    """A receiver's header breaks nothing here."""
    seconds = asked_seconds(said, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_ASKED_SECONDS


def test_delays_grow_to_their_bound_and_differ() -> None:
    """Half of each is chance."""
    patience = Patience(first_seconds=1.0, largest_seconds=8.0)
    waits = patience.backoff(Random(1))
    delays = [waits.next_seconds() for _ in range(6)]
    for delay, bound in zip(delays, (1, 2, 4, 8, 8, 8), strict=True):
        assert bound / 2 <= delay <= bound
    assert patience.backoff(Random(2)).next_seconds() != delays[0]
