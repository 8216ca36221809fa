"""What a gateway remembers of the stream."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.gateway import AT, NORTH, SOUTH, an_operation

from floorcast.gateway.memory import PAGE_BYTES, Memory
from floorcast.operation import EVERYWHERE, Operation

places = st.sampled_from([NORTH, SOUTH, "user:anna", "organization:quarry", EVERYWHERE])
ticks = st.lists(st.lists(st.tuples(places, st.integers(0, 2_000)), max_size=4), max_size=30)


def _operations(drawn: list[tuple[str, int]]) -> list[Operation]:
    return [an_operation(n, place, text="x" * size) for n, (place, size) in enumerate(drawn, 1)]


@given(ticks, st.integers(0, 60_000), st.sets(places, min_size=2), st.integers(0, 30), st.integers(0, 30))
def test_what_is_remembered_is_what_happened_or_it_says_that_it_is_not(
    drawn: list[list[tuple[str, int]]], most: int, asked: set[str], after: int, upto: int
) -> None:
    """Against a list of everything."""
    memory = Memory(most)
    memory.begin(0)
    for tick, operations in enumerate(drawn, 1):
        memory.note(tick, AT, _operations(operations))
    after %= len(drawn) + 1
    upto = after + upto % (len(drawn) - after + 1)
    past = memory.read(sorted(asked), after, upto)
    assert (past is None) == (after < memory.since)
    if past is not None:
        wanted = asked - {EVERYWHERE}
        expected = [
            (tick, [each for each in _operations(operations) if each.warehouse in wanted])
            for tick, operations in enumerate(drawn, 1)
            if after < tick
        ]
        found = [(each.tick, list(each.operations)) for each in past.ticks if each.tick <= upto]
        assert found == [each for each in expected if each[1] and each[0] <= min(upto, past.upto)]


def test_what_a_tick_brought_to_several_places_is_one_tick_however_large() -> None:
    """In its own order; a page ends behind a tick and not within one."""
    memory = Memory(10 * PAGE_BYTES)
    memory.begin(0)
    large = "x" * (PAGE_BYTES // 2)
    memory.note(1, AT, [an_operation(1, SOUTH, text=large), an_operation(2, NORTH, text=large)])
    memory.note(2, AT, [an_operation(1, NORTH), an_operation(2, SOUTH), an_operation(3, NORTH)])
    page = memory.read([NORTH, SOUTH], 0, 2)
    assert page is not None
    assert (page.upto, [[each.n for each in tick.operations] for tick in page.ticks]) == (1, [[1, 2]])
    page = memory.read([NORTH, SOUTH], 1, 2)
    assert page is not None
    assert (page.upto, [[each.n for each in tick.operations] for tick in page.ticks]) == (2, [[1, 2, 3]])


def test_it_holds_no_more_than_it_may() -> None:
    """The oldest goes first, and its place with it."""
    memory = Memory(10_000)
    memory.begin(7)
    for tick in range(8, 100):
        memory.note(tick, AT, [an_operation(1, f"w{tick}", text="x" * 2_000)])
    assert memory.since > 90
    assert memory.read(["w8"], 7, 99) is None
    oldest = memory.read([f"w{memory.since + 1}"], memory.since, 99)
    assert oldest is not None
    assert [each.tick for each in oldest.ticks] == [memory.since + 1]
    assert memory.read(["w99"], 98, 99) is not None
    assert len(memory._places) < 5
    memory.begin(3)
    assert (memory.since, memory._places, memory.read(["w99"], 3, 3).ticks) == (3, {}, ())  # type: ignore[union-attr]


def test_a_large_tick_is_remembered_as_one_that_has_to_be_read() -> None:
    """By those whom it concerned."""
    memory = Memory(10_000)
    memory.begin(0)
    memory.note_large(1, AT, [NORTH, EVERYWHERE])
    memory.note(2, AT, [replace(an_operation(), warehouse=SOUTH)])
    north, south = memory.read([NORTH], 0, 2), memory.read([SOUTH], 0, 2)
    assert north is not None
    assert south is not None
    assert [(each.tick, each.large, each.operations) for each in north.ticks] == [(1, True, ())]
    assert [each.tick for each in south.ticks] == [2]
