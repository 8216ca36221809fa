"""Delays between attempts: growing, bounded, never equal for everybody."""

from random import Random

from floorcast.backoff import Backoff


def test_delays_double_up_to_a_bound_and_keep_a_random_half() -> None:
    """Each lies between half of its bound and the bound."""
    backoff = Backoff(Random(1), first_seconds=1, largest_seconds=8)
    for bound in (1, 2, 4, 8, 8, 8):
        assert bound / 2 <= backoff.next_seconds() <= bound


def test_a_success_begins_anew() -> None:
    """The next loss is tried again at once."""
    backoff = Backoff(Random(1), first_seconds=1, largest_seconds=60)
    for _ in range(5):
        backoff.next_seconds()
    backoff.reset()
    assert backoff.next_seconds() <= 1


def test_an_attempt_after_years_does_not_overflow() -> None:
    """Doubling ends long before floats do."""
    backoff = Backoff(Random(1))
    for _ in range(5000):
        assert backoff.next_seconds() <= backoff.largest_seconds
