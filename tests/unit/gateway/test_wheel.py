"""One clock for every socket."""

from hypothesis import given
from hypothesis import strategies as st

from floorcast.gateway.wheel import Wheel


@given(
    st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=30),
    st.lists(st.floats(0, 30), min_size=1, max_size=20),
)
def test_everything_is_due_once_never_early_and_at_most_a_grain_late(
    scheduled: list[tuple[float, bool]], steps: list[float]
) -> None:
    """Unless it was cancelled; whatever the steps in which time passes."""
    wheel: Wheel[int] = Wheel(0.25, 0.0)
    slots = {item: wheel.schedule(item, at) for item, (at, _) in enumerate(scheduled)}
    for item, (_, cancelled) in enumerate(scheduled):
        if cancelled:
            wheel.cancel(item, slots[item])
    now, seen = 0.0, []
    for step in [*steps, 200.0]:
        before, now = now, now + step
        for item in wheel.advance(now):
            seen.append(item)
            assert scheduled[item][0] <= now
            assert before < scheduled[item][0] + 0.5
    assert sorted(seen) == [item for item, (_, cancelled) in enumerate(scheduled) if not cancelled]


def test_what_is_scheduled_in_the_past_is_due_next() -> None:
    """A deadline that has passed is no deadline that is lost."""
    wheel: Wheel[str] = Wheel(1.0, 100.0)
    wheel.schedule("late", 3.0)
    assert wheel.advance(101.0) == ["late"]


def test_a_process_that_slept_for_a_day_catches_up_at_once() -> None:
    """By slots that hold something, not by seconds that passed."""
    wheel: Wheel[str] = Wheel(0.25, 0.0)
    wheel.schedule("a", 2.0)
    wheel.schedule("b", 1.0)
    assert wheel.advance(1e9) == ["b", "a"]


@given(
    st.lists(st.floats(0, 10), max_size=40),
    st.lists(st.integers(1, 7), min_size=1, max_size=60),
    st.sets(st.integers(0, 39)),
)
def test_what_is_due_may_be_taken_a_few_at_a_time(
    scheduled: list[float], portions: list[int], cancelled: set[int]
) -> None:
    """Each comes once, in the order of the slots; what is cancelled in between does not come at all."""
    wheel: Wheel[int] = Wheel(0.25, 0.0)
    slots = {item: wheel.schedule(item, at) for item, at in enumerate(scheduled)}
    seen: list[int] = []
    for most in portions:
        due = wheel.advance(20.0, most)
        assert len(due) <= most
        seen += due
    for item in cancelled & slots.keys():
        wheel.cancel(item, slots[item])
    early = list(seen)
    while due := wheel.advance(20.0, 3):
        seen += due
    assert [slots[item] for item in seen] == sorted(slots[item] for item in seen)
    assert sorted(seen) == sorted(set(early) | (slots.keys() - cancelled))
