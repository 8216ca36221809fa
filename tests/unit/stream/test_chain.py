"""What is proved of the logs, and what is not."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from floorcast.past import Past, PastTick
from floorcast.stream.chain import LogRead, LogsRead, proven
from floorcast.stream.entry import LogEntry


def an_entry(tick: int, behind: int | None) -> LogEntry:
    """An entry that tells nothing but that it is there."""
    return LogEntry(tick, behind, f"at {tick}", large=False, fields={})


def found(*logs: LogRead, limit: int = 9, behind: int | None = 0) -> LogsRead:
    """What is read of history `one`, published up to tick 9."""
    return LogsRead("one", 9, behind, 9, limit, logs)


CHAIN = [an_entry(2, 0), an_entry(5, 2), an_entry(9, 5)]
WHOLE = Past(9, tuple(PastTick(tick, f"at {tick}", (), large=False) for tick in (2, 5, 9)))


def test_a_chain_from_what_the_reader_holds_to_the_newest_tick_is_an_answer() -> None:
    """Whether it holds the very tick that the first entry follows, or a later one."""
    assert proven(found(LogRead(9, None, CHAIN)), "one", 0) == WHOLE
    assert proven(found(LogRead(9, None, CHAIN[1:])), "one", 4) == WHOLE.between(4, 9)
    assert proven(found(LogRead(9, None, CHAIN[:2])), "one", 0) is None, "its newest is not there"
    assert proven(found(LogRead(9, None, [])), "one", 5) is None


def test_a_chain_that_is_cut_short_goes_on_beyond_the_limit() -> None:
    """The first entry past it says that there is nothing between."""
    assert proven(found(LogRead(9, 5, CHAIN[:2]), limit=7), "one", 0) == WHOLE.between(0, 7)
    assert proven(found(LogRead(9, 6, CHAIN[:2]), limit=7), "one", 0) is None
    assert proven(found(LogRead(9, None, CHAIN[:2]), limit=7), "one", 0) is None
    assert proven(found(LogRead(9, 2, []), limit=4), "one", 3) == Past(4, ())


def test_a_place_without_a_log_had_nothing_as_far_back_as_that_is_known() -> None:
    """Not further."""
    nothing = LogRead(None, None, [])
    assert proven(found(nothing, behind=3), "one", 3) == Past(9, ())
    assert proven(found(nothing, behind=3), "one", 2) is None
    assert proven(found(nothing, behind=None), "one", 3) is None


def test_one_place_that_is_not_proved_leaves_all_without_an_answer() -> None:
    """A page is complete for all of them."""
    whole, holed = LogRead(9, None, CHAIN), LogRead(9, None, CHAIN[1:])
    assert proven(found(whole, holed), "one", 0) is None
    assert proven(found(whole, whole), "one", 0) == WHOLE


def test_what_several_places_had_is_told_tick_by_tick() -> None:
    """Not place by place."""
    evens, odds = LogRead(8, None, [an_entry(2, 0), an_entry(8, 2)]), LogRead(9, None, [*CHAIN[1:2], an_entry(9, 5)])
    odds = replace(odds, entries=[replace(odds.entries[0], behind=0), odds.entries[1]])
    answer = proven(found(evens, odds), "one", 0)
    assert answer is not None
    assert [each.tick for each in answer.ticks] == [2, 5, 8, 9]


def test_nothing_is_proved_where_redis_is_at_another_place_than_its_logs() -> None:
    """Another history, another tick, nothing at all, or nothing new."""
    good = found(LogRead(9, None, CHAIN))
    assert proven(good, "one", 0) is not None
    for bad in (
        replace(good, incarnation="two"),
        replace(good, incarnation=""),
        replace(good, tick=8),
        replace(good, tick=None, known_upto=None),
        replace(good, known_upto=None),
        replace(good, limit=0),
    ):
        assert proven(bad, "one", 0) is None


def test_an_entry_that_does_not_say_what_it_follows_proves_nothing() -> None:
    """An earlier version wrote it."""
    assert proven(found(LogRead(9, None, [*CHAIN[:1], replace(CHAIN[1], behind=None), *CHAIN[2:]])), "one", 0) is None


ticks = st.lists(st.integers(1, 30), unique=True, min_size=1).map(sorted)


@given(ticks, st.sets(st.integers(0, 30)), st.integers(0, 30), st.integers(0, 30))
def test_whatever_is_missing_from_a_log_is_missed(told: list[int], lost: set[int], after: int, limit: int) -> None:
    """Any entries, at any end; what is left is answered only if none of them would have been in the answer."""
    log = [an_entry(tick, behind) for behind, tick in zip([0, *told], told, strict=False) if tick not in lost]
    beyond = next((entry.behind for entry in log if entry.tick > limit), None)
    read = LogRead(told[-1], beyond, [entry for entry in log if after < entry.tick <= limit])
    answer = proven(LogsRead("one", 30, 0, 30, limit, [read]), "one", after)
    if answer is not None:
        assert [each.tick for each in answer.ticks] == [tick for tick in told if after < tick <= limit]
    if not lost and after < limit:
        assert answer is not None
