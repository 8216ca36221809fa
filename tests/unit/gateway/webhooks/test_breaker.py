"""A receiver that is down is asked once in a while, and not flooded when it comes back."""

from random import Random

from floorcast.gateway.webhooks.breaker import Breaker
from floorcast.gateway.webhooks.schedule import Patience

PATIENCE = Patience(failures=3, open_seconds=10.0, longest_open_seconds=40.0)


def a_breaker() -> Breaker:
    """A circuit that is closed."""
    return Breaker(PATIENCE, Random(1))


def an_open_one(now: float = 0.0) -> Breaker:
    """One that opened at `now`, for at most ten seconds."""
    breaker = a_breaker()
    for _ in range(3):
        assert breaker.enter(now) == 0
        breaker.failed(now)
    assert breaker.state == "open"
    return breaker


def test_some_failures_in_a_row_open_the_circuit() -> None:
    """Not one, and none that are divided by a success."""
    breaker = a_breaker()
    for _ in range(4):
        assert breaker.failed(0.0) is None
        assert breaker.failed(0.0) is None
        assert not breaker.taken()
    assert breaker.failed(0.0) is None
    assert breaker.failed(0.0) is None
    seconds = breaker.failed(0.0)
    assert seconds is not None
    assert 5 <= seconds <= 10


def test_nothing_is_posted_while_it_is_open() -> None:
    """Whoever asks is told when to ask again."""
    breaker = an_open_one()
    until = breaker.open_until
    assert breaker.enter(1.0) == until - 1.0
    assert breaker.enter(until - 0.001) > 0


def test_one_trial_goes_through_when_the_time_is_over() -> None:
    """All others wait for what comes of it."""
    breaker = an_open_one()
    assert breaker.enter(100.0) == 0
    assert breaker.enter(100.0) > 0
    assert breaker.enter(200.0) > 0
    assert breaker.taken()
    assert breaker.enter(200.0) == breaker.enter(200.0) == 0


def test_a_trial_that_fails_keeps_it_open_for_longer() -> None:
    """Twice as long each time, up to a bound."""
    breaker = an_open_one()
    now = 100.0
    for bound in (20, 40, 40):
        assert breaker.enter(now) == 0
        seconds = breaker.failed(now)
        assert seconds is not None
        assert bound / 2 <= seconds <= bound
        now += 100.0
    assert breaker.enter(now) == 0
    assert breaker.taken()
    # From the start again.
    opened = [breaker.failed(now) for _ in range(3)][-1]
    assert opened is not None
    assert opened <= 10


def test_what_was_under_way_when_it_opened_does_not_keep_it_open() -> None:
    """Eight shares that fail at the same moment are one failure of the receiver."""
    breaker = an_open_one()
    until = breaker.open_until
    for _ in range(8):
        assert breaker.failed(0.5) is None
    assert breaker.open_until == until


def test_a_receiver_that_asks_for_time_gets_it_at_once() -> None:
    """Without as many failures, for all shares, and no less than it asked for."""
    breaker = a_breaker()
    assert breaker.failed(5.0, 120.0) == 120.0
    assert breaker.enter(6.0) == 119.0
    assert breaker.failed(6.0, 60.0) is None
    assert breaker.failed(6.0, 300.0) == 300.0
    assert breaker.enter(305.0) == 1.0
    assert breaker.enter(306.0) == 0


def test_a_trial_that_was_broken_off_is_made_again() -> None:
    """Else nobody would ever try."""
    breaker = an_open_one()
    assert breaker.enter(100.0) == 0
    breaker.gave_up()
    assert breaker.enter(100.0) == 0
