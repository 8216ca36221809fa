"""When a process that died is started again."""

from random import Random

from floorcast.supervisor.restart import HEALTHY_SECONDS, Restarts


def test_a_process_that_keeps_dying_waits_longer_each_time() -> None:
    """Doubling, up to half a minute."""
    restarts = Restarts(Random(1))
    delays = [restarts.delay_after(0.1) for _ in range(12)]
    bounds = [min(30.0, 0.5 * 2**death) for death in range(12)]
    assert all(bound / 2 <= delay <= bound for delay, bound in zip(delays, bounds, strict=True))


def test_a_healthy_minute_is_forgiven() -> None:
    """A process that ran for long and died is back at once."""
    restarts = Restarts(Random(1))
    for _ in range(10):
        restarts.delay_after(0.1)
    assert restarts.delay_after(HEALTHY_SECONDS) <= 0.5


def test_a_minute_less_a_moment_is_not() -> None:
    """Dying every fifty-nine seconds is dying again and again."""
    restarts = Restarts(Random(1))
    for _ in range(10):
        restarts.delay_after(0.1)
    assert restarts.delay_after(HEALTHY_SECONDS - 0.1) > 10
