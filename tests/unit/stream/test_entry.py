"""How a tick looks in Redis, and back."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import OTHER_WAREHOUSE, WAREHOUSE
from tests.fixtures.gateway import an_operation

from floorcast.change import MESSAGES
from floorcast.operation import CHANNEL, EVERYWHERE, Operation
from floorcast.position import Position
from floorcast.stream.entry import FeedProgress, FeedTick, log_fields, read_entry, read_log_entry, tick_fields

names, texts = st.text(max_size=9), st.binary(max_size=40)
operations = st.lists(
    st.builds(
        Operation,
        st.integers(1, 9),
        st.integers(1, 2**63 - 1),
        names,
        names,
        st.sampled_from(["enter", "update", "leave"]),
        st.sampled_from(["insert", "update", "delete"]),
        texts,
        st.none() | texts,
        st.none() | texts,
        names,
        names,
    )
).map(tuple)
ticks = st.builds(
    FeedTick,
    st.integers(1, 2**62),
    st.text(),
    st.text(),
    st.text(),
    st.text(),
    st.integers(0, 2**62),
    st.booleans(),
    operations,
)


def as_mapping(fields: list[bytes]) -> Mapping[bytes, bytes]:
    """What Redis gives back of a flat list; a field that was named twice would be lost here."""
    return dict(zip(fields[::2], fields[1::2], strict=True))


@given(ticks)
def test_what_is_written_is_read_back(tick: FeedTick) -> None:
    """Rows byte for byte, whatever is in them; operations of one change beside each other."""
    assert read_entry(f"{tick.tick}-0".encode(), as_mapping(tick_fields(tick))) == tick


def test_two_equal_operations_are_two() -> None:
    """A field's name begins with a number of its own, since a stream entry read as a map folds equal names."""
    twice = (an_operation(),) * 2
    tick = FeedTick(1, "", "", "", "", 2, large=False, operations=twice)
    assert len(as_mapping(tick_fields(tick))) == 3


@given(ticks)
def test_logs_have_what_was_told_in_each_place(tick: FeedTick) -> None:
    """It is what those who were away will be told; what concerns everybody is in no log."""
    logs = log_fields(tick)
    assert set(logs) == {each.warehouse for each in tick.operations} - {EVERYWHERE}
    for place, fields in logs.items():
        entry = read_log_entry(b"7-0", [b"behind", b"3", *fields])
        assert (entry.tick, entry.behind, entry.at, entry.large) == (7, 3, tick.at, tick.large)
        assert tuple(entry.operations) == tuple(each for each in tick.operations if each.warehouse == place)


def test_a_large_tick_marks_the_logs_of_the_places_that_it_concerns() -> None:
    """Or nobody would know that something happened there."""
    tick = FeedTick(1, "", "", "at", "", 5000, large=True, operations=(), warehouses=(WAREHOUSE, OTHER_WAREHOUSE))
    entries = {place: read_log_entry(b"1-0", fields) for place, fields in log_fields(tick).items()}
    assert {place: (entry.large, list(entry.operations)) for place, entry in entries.items()} == {
        WAREHOUSE: (True, []),
        OTHER_WAREHOUSE: (True, []),
    }


def test_an_entry_of_an_earlier_version_says_behind_nothing() -> None:
    """So it proves nothing, whatever it meant by the one before."""
    (fields,) = log_fields(FeedTick(9, "", "", "at", "", 1, large=False, operations=(an_operation(),))).values()
    assert read_log_entry(b"9-0", [b"previous", b"8-0", *fields]).behind is None


def test_progress_is_read_with_its_place_behind_the_tick() -> None:
    """The reader goes on from there, so the place must be exact."""
    progress = read_entry(b"7-3", {b"progress": b"2026-11-23T10:11:12.345678+00:00"})
    assert progress == FeedProgress(7, 3, "2026-11-23T10:11:12.345678+00:00")
    assert progress.position == Position(7, 3)


def test_an_entry_that_is_neither_is_refused() -> None:
    """Somebody else wrote into the feed; guessing would skip a tick."""
    with pytest.raises(KeyError):
        read_entry(b"7-0", {b"something": b"else"})


def test_a_room_has_no_log() -> None:
    """Nobody resumes there from ticks; the feed has what was said."""
    said = replace(an_operation(), table=MESSAGES, warehouse=f"{CHANNEL}:private:board")
    tick = FeedTick(1, "", "", "", "", 2, large=False, operations=(said, an_operation()))
    assert set(log_fields(tick)) == {an_operation().warehouse}
    assert read_entry(b"1-0", as_mapping(tick_fields(tick))) == tick
