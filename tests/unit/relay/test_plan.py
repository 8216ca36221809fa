"""What of a tick is published, and what Redis may forget."""

from dataclasses import replace

from tests.builders import OTHER_WAREHOUSE, WAREHOUSE, a_change
from tests.fixtures.gateway import an_operation

from floorcast.change import Change
from floorcast.relay.plan import LARGEST_ENTRY, Retention, feed_tick
from floorcast.stream.entry import FeedTick
from floorcast.tick import LARGE_BYTES, LARGE_COUNT, TickHeader

HEADER = TickHeader(tick=5, seal="05", previous_seal="04", at="2026-11-23T10:11:12.345678+00:00", count=2, bytes=200)


def moves(count: int) -> list[Change]:
    """Changes of which each makes two operations."""
    return [a_change(n=n, warehouse=OTHER_WAREHOUSE, old_warehouse=WAREHOUSE) for n in range(1, count + 1)]


def test_a_tick_is_published_with_its_seals_and_its_operations_in_order() -> None:
    """A reader checks the seals and needs nothing else to apply it."""
    tick = feed_tick("i", HEADER, [a_change(n=1), a_change(n=2, op="delete")])
    assert (tick.tick, tick.seal, tick.previous_seal, tick.at) == (5, "05", "04", HEADER.at)
    assert (tick.incarnation, tick.count, tick.large) == ("i", 2, False)
    assert [operation.n for operation in tick.operations] == [1, 2]


def test_a_large_tick_marks_the_logs_that_it_concerns() -> None:
    """Or the next entry of such a log would hide that something came between."""
    header = replace(HEADER, count=LARGE_COUNT + 1)
    assert feed_tick("i", header, (), ("north", "south")).warehouses == ("north", "south")
    by_operations = feed_tick("i", HEADER, moves(LARGEST_ENTRY // 2 + 1))
    assert sorted(by_operations.warehouses) == sorted({WAREHOUSE, OTHER_WAREHOUSE})
    assert feed_tick("i", HEADER, moves(1)).warehouses == ()


def test_a_large_tick_is_a_marker() -> None:
    """It is never held in memory whole, here as little as in Redis."""
    for header in (replace(HEADER, count=LARGE_COUNT + 1), replace(HEADER, bytes=LARGE_BYTES + 1)):
        tick = feed_tick("i", header, ())
        assert tick.large
        assert tick.operations == ()


def test_a_tick_whose_moves_double_past_what_a_script_takes_is_a_marker_too() -> None:
    """A Lua call takes under 8,000 values; past it the tick could never be published."""
    assert not feed_tick("i", HEADER, moves(LARGEST_ENTRY // 2)).large
    assert feed_tick("i", HEADER, moves(LARGEST_ENTRY // 2 + 1)).large


def published(retention: Retention, number: int, size: int) -> None:
    """Count a tick with one operation of that size."""
    operations = (an_operation(1, WAREHOUSE, "t", "enter", new=b"x" * size),)
    retention.published(FeedTick(number, "", "", "", "", 1, large=False, operations=operations))


def test_nothing_is_forgotten_within_the_budget() -> None:
    """Gateways that were away read on from Redis."""
    retention = Retention(1_000_000)
    for number in range(1, 10):
        published(retention, number, 1_000)
    assert retention.floor == 0


def test_the_oldest_ticks_go_when_the_budget_is_spent() -> None:
    """The floor only rises, one behind the newest at most."""
    retention = Retention(10_000)
    floors = []
    for number in range(1, 20):
        published(retention, number, 1_000)
        floors.append(retention.floor)
    assert floors == sorted(floors)
    assert 10 < retention.floor < 20


def test_the_newest_tick_stays_however_large_it_is() -> None:
    """A feed without its newest entry would look like a lost one."""
    retention = Retention(1)
    for number in range(1, 5):
        published(retention, number, 1_000_000)
        assert retention.floor <= number


def test_a_large_tick_marks_no_log_of_a_room() -> None:
    """Nobody resumes a room from ticks, and rooms are as many as people care to name."""
    tick = feed_tick(
        "i", replace(HEADER, count=LARGE_COUNT + 1), (), ["north", "channel:private:board", "channel:public:board"]
    )
    assert tick.warehouses == ("north",)
