"""When a canary is due, what its coming means, and what it means when it does not come."""

import heapq
from itertools import pairwise
from random import Random

import pytest

from floorcast.gateway.canary import Canary

EVERY = 10.0


def a_canary(seed: int = 1, every: float = EVERY) -> Canary:
    """One that began at second 0."""
    canary = Canary(every, Random(seed))
    canary.begin(0.0)
    return canary


def write(canary: Canary, beat: int, now: float, *, by_us: bool = True) -> float | None:
    """Write one, which takes no time."""
    canary.writing(now)
    return canary.wrote(beat, now, by_us=by_us)


def test_many_gateways_write_about_one_together() -> None:
    """Each sees each come a moment later, and waits again; so a hundred of them cost no more than two."""
    flight = 0.02
    flock = [a_canary(seed) for seed in range(100)]
    writes = [0.0]
    heap = [(canary.wait(0.0), number, -1) for number, canary in enumerate(flock)]
    heapq.heapify(heap)
    while (event := heapq.heappop(heap))[0] < 100 * EVERY:
        now, number, beat = event
        canary = flock[number]
        if beat >= 0:
            canary.came(beat, now)
        elif canary.wait(now) <= 0:
            write(canary, len(writes), now)
            writes.append(now)
            for other in range(len(flock)):
                heapq.heappush(heap, (now + flight, other, len(writes) - 1))
        if beat < 0:
            heapq.heappush(heap, (now + max(canary.wait(now), 0.01), number, -1))
    assert 70 <= len(writes) <= 200
    longest = max(later - earlier for earlier, later in pairwise(writes[1:]))
    assert longest <= 1.25 * EVERY + 1


def test_the_round_is_measured_by_who_wrote_it_from_write_to_feed() -> None:
    """Clocks of two machines are never compared: of another gateway's canary it is known only that it came."""
    canary = a_canary()
    assert write(canary, 5, 3.0) is None
    assert canary.came(5, 3.25) == 0.25
    assert canary.came(6, 9.0) is None
    assert write(canary, 7, 20.0, by_us=False) is None
    assert canary.came(7, 21.0) is None
    assert canary.verdict(21.5, fresh=True) == (True, "came 0.5 s ago, the last one of this gateway within 250 ms")


def test_a_feed_that_is_faster_than_the_answer_is_measured_too() -> None:
    """The commit is on its way to the feed while the answer is on its way to us."""
    canary = a_canary()
    canary.writing(3.0)
    assert canary.came(5, 3.125) is None
    assert canary.wrote(5, 3.5, by_us=True) == 0.125
    assert canary.verdict(100.0, fresh=True)[0] is False


def test_while_it_is_rare_and_comes_nothing_is_missing() -> None:
    """An idle system must not be called ill because canaries are far between."""
    canary = a_canary()
    assert canary.verdict(0.0, fresh=True) == (True, "did not come yet, is not late")
    now = 0.0
    for beat in range(50):
        now += canary.wait(now)
        assert canary.verdict(now, fresh=True)[0]
        write(canary, beat, now)
        canary.came(beat, now + 0.01)


@pytest.mark.parametrize(
    ("fresh", "leg"),
    [
        (False, "nor do signs of progress: relay or Redis are silent"),
        (True, "while signs of progress do: it was not captured (see floorcast.track), or the relay does not read it"),
    ],
)
def test_one_that_was_written_and_does_not_come_names_the_leg_behind_postgres(*, fresh: bool, leg: str) -> None:
    """Progress tells whether it was lost before the leader or behind it."""
    canary = a_canary()
    write(canary, 5, 3.0)
    assert canary.verdict(7.9, fresh=fresh)[0]
    assert canary.verdict(8.5, fresh=fresh) == (False, f"written 5.5 s ago and did not come, {leg}")
    # A write that failed after it says nothing about the one before.
    canary.writing(9.0)
    canary.failed("refused", 9.5)
    assert canary.verdict(9.5, fresh=fresh)[1].startswith("written 6.5 s ago")
    # Written again, by whomever: the first one is still missing since then.
    write(canary, 6, 14.0)
    assert canary.verdict(14.0, fresh=fresh)[1].startswith("written 11.0 s ago")
    canary.came(6, 15.0)
    assert canary.verdict(15.0, fresh=fresh)[0]


def test_one_from_before_does_not_stand_for_one_that_is_missing() -> None:
    """It was on its way when the way was lost."""
    canary = a_canary()
    write(canary, 5, 3.0)
    canary.came(4, 4.0)
    assert not canary.verdict(8.5, fresh=True)[0]


def test_one_that_cannot_be_written_names_postgres() -> None:
    """Not at once: another gateway's canary may come, and then the way is open all the same."""
    canary = a_canary()
    canary.writing(9.0)
    canary.failed("Postgres cannot be reached: refused", 9.0)
    assert 0 < canary.wait(9.0) <= 2.0
    assert canary.verdict(12.0, fresh=True)[0]
    assert canary.verdict(18.0, fresh=True) == (
        False,
        "did not come for 18.0 s and could not be written: Postgres cannot be reached: refused",
    )
    canary.came(1, 19.0)
    assert canary.verdict(19.0, fresh=True)[0]


def test_one_whose_writing_hangs_names_postgres_as_well() -> None:
    """There is no answer and no error."""
    canary = a_canary()
    canary.writing(9.0)
    assert canary.verdict(18.0, fresh=True)[1].endswith("could not be written: Postgres does not answer")


def test_a_new_beginning_misses_nothing_of_before() -> None:
    """Another history may count from one again, and what it lost will never come."""
    canary = a_canary()
    write(canary, 500, 3.0)
    canary.begin(20.0)
    assert canary.verdict(24.0, fresh=True)[0]
    assert write(canary, 2, 25.0) is None
    assert canary.came(2, 25.5) == 0.5


def test_switched_off_it_is_never_due_and_never_missing() -> None:
    """But seen where other gateways write it."""
    canary = a_canary(every=0.0)
    assert canary.wait(1e9) == float("inf")
    assert canary.came(3, 5.0) is None
    assert canary.wait(1e9) == float("inf")
    assert canary.verdict(1e9, fresh=False) == (True, "switched off by FLOORCAST_CANARY_SECONDS=0")


def test_one_that_was_written_late_is_not_said_to_be_unwritable() -> None:
    """The gateway was held up; what is missing is known all the same."""
    canary = a_canary()
    write(canary, 5, 17.0)
    assert canary.verdict(18.0, fresh=True)[1].startswith("written 1.0 s ago and did not come, while")
