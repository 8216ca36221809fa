"""When the relay waits for the bell, and when it reads by itself."""

import pytest

from floorcast.relay.rhythm import (
    BELLS_TO_BUSY,
    DRAIN_SECONDS,
    QUIET_SECONDS,
    REST,
    REST_SECONDS,
    TICK_SECONDS,
    WINDOW_SECONDS,
    Rhythm,
)


def ring(rhythm: Rhythm, *, every: float, reading: float, times: int = 3 * BELLS_TO_BUSY) -> int | None:
    """Ring again and again; the number of the bell at which it becomes busy."""
    for bell in range(times):
        if rhythm.rung(1000 + bell * every, reading):
            return bell + 1
    return None


def test_bells_in_quick_succession_make_it_busy() -> None:
    """From here on reading is cheaper for everybody than being rung for."""
    assert ring(Rhythm(), every=WINDOW_SECONDS / BELLS_TO_BUSY / 2, reading=0.0001) == BELLS_TO_BUSY


def test_a_bell_now_and_then_leaves_it_idle() -> None:
    """Fifty commits a second are read one by one, each within a few milliseconds."""
    assert ring(Rhythm(), every=0.02, reading=0.002) is None


@pytest.mark.parametrize("flush", [0.01, 0.02, 0.05])
def test_slow_flushes_make_it_busy_although_few_bells_can_come(flush: float) -> None:
    """Ringing writers commit one after the other, so the slower the disk, the fewer the bells: and the dearer."""
    assert ring(Rhythm(), every=flush, reading=flush) == BELLS_TO_BUSY


def test_without_adaptive_it_never_becomes_busy() -> None:
    """FLOORCAST_DOORBELL=always promises other listeners a bell for every transaction."""
    assert ring(Rhythm(adaptive=False), every=0, reading=1) is None


def test_bells_before_a_busy_time_do_not_count_after_it() -> None:
    """Else one bell after a busy time would make it busy again."""
    rhythm = Rhythm()
    assert ring(rhythm, every=0, reading=0) == BELLS_TO_BUSY
    rhythm.became_busy(1001)
    assert not rhythm.rung(1001, 0)


def test_it_is_quiet_when_nothing_was_found_for_a_while() -> None:
    """Counted from the last find, or from when it became busy."""
    rhythm = Rhythm()
    rhythm.became_busy(10)
    assert not rhythm.is_quiet(9.999 + QUIET_SECONDS)
    assert rhythm.is_quiet(10.001 + QUIET_SECONDS)
    rhythm.found(1, 10.1)
    assert not rhythm.is_quiet(10.09 + QUIET_SECONDS)
    rhythm.found(0, 11)
    assert rhythm.is_quiet(11)


def test_looks_at_the_silence_lock_become_rarer_up_to_a_bound() -> None:
    """A silent writer may stay open for an hour."""
    rhythm = Rhythm()
    rhythm.began_draining()
    pauses = [rhythm.drain_pause() for _ in range(20)]
    assert pauses[0] == DRAIN_SECONDS[0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == DRAIN_SECONDS[1]
    rhythm.began_draining()
    assert rhythm.drain_pause() == DRAIN_SECONDS[0]


def test_busy_it_rests_at_least_as_long_as_it_read() -> None:
    """Under heavy load a read takes long, and writers need the machine too."""
    rhythm = Rhythm()
    assert rhythm.busy_pause(0.001) == pytest.approx(TICK_SECONDS - 0.001)
    assert rhythm.busy_pause(0.02) == pytest.approx(0.02 * REST)


def test_after_a_huge_tick_it_does_not_rest_for_as_long_as_that_took() -> None:
    """It would renew nothing, hear nothing and say nothing meanwhile: writers ring, and a standby takes its lead."""
    assert Rhythm().busy_pause(10) <= REST_SECONDS
