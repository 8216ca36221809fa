"""A page of the past: cut to what somebody lacks, and as large as it is."""

import sys

from tests.fixtures.gateway import an_operation

from floorcast.past import Past, PastTick, in_order

TICKS = tuple(PastTick(tick, "at", (an_operation(tick),), large=False) for tick in (3, 5, 8))


def test_a_page_is_cut_to_what_lies_between_two_ticks() -> None:
    """The first of them is held already, the second is not; it says how far it is complete."""
    page = Past(9, TICKS)
    assert page.between(0, 20) == page
    assert page.between(3, 8) == Past(8, TICKS[1:])
    assert page.between(5, 7) == Past(7, ())
    assert page.between(2, 3) == Past(3, TICKS[:1])


def test_a_page_weighs_more_the_more_it_holds() -> None:
    """About what it takes in memory: a cache is bounded by it."""
    one, wide = an_operation(1), an_operation(1, text="x" * 5000)
    sizes = [Past(9, (PastTick(1, "at", operations, large=False),)).size for operations in ((), (one,), (wide,))]
    assert 0 < Past(9, ()).size < sizes[0] < sizes[1] < sizes[2]
    assert sizes[2] - sizes[1] == 2 * 5000
    assert sizes[1] - sizes[0] >= sys.getsizeof(one) + sys.getsizeof(one.key)


def test_operations_of_several_places_are_in_the_order_of_the_tick() -> None:
    """A row that moves leaves before it enters, whichever place was read first."""
    leave, enter = an_operation(2, "north", op="leave"), an_operation(2, "south", op="enter")
    first = an_operation(1, "south")
    assert in_order([enter, first, leave]) == (first, leave, enter)
