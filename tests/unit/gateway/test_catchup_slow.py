"""Readers who read slowly: each in the manner that he chose, at his own pace, and at nobody else's cost."""

from collections.abc import AsyncIterator

import pytest
from tests.fixtures.errands import Counter, Reader, a_counter, answer, ids, turns, until
from tests.fixtures.gateway import NORTH, SOUTH, Stream, a_grant, an_operation

LIMIT = 20_000


@pytest.fixture
def stream() -> Stream:
    """Anna may be in north and south, Bert in north."""
    return Stream().granting(anna={NORTH: "technician", SOUTH: "technician"}, bert={NORTH: "technician"})


@pytest.fixture
async def counter(stream: Stream) -> AsyncIterator[Counter]:
    """A gateway without sockets."""
    async with a_counter(stream) as counter:
        yield counter


def _write(counter: Counter, *numbers: int, place: str = NORTH) -> None:
    """A tick for each, of which five are more than may wait."""
    for n in numbers:
        counter.tick(an_operation(n, place, text="x" * 5_000))


async def _read_on(counter: Counter, reader: Reader) -> None:
    """Have the kernel take everything, until nothing is under way."""
    reader.transport.take()
    # What was cut off is seen to in the next turn.
    await turns()
    await until(lambda: not counter.errands)


async def test_who_is_cut_off_is_told_everything_once_when_he_reads_again(counter: Counter) -> None:
    """From the first frame that was taken back; others were not kept waiting."""
    anna, bert = counter.reader(limit=LIMIT), counter.reader("bert")
    anna.join()
    bert.join()
    anna.stall()
    _write(counter, 1, 2, 3, 4, 5, 6, 7)
    assert ids(bert.frames()) == [1, 2, 3, 4, 5, 6, 7]
    assert anna.outbox.waiting_bytes <= LIMIT
    await turns()
    _write(counter, 8, 9)
    await turns()
    assert anna.outbox.waiting_bytes <= LIMIT, "an errand waits for its reader"
    await _read_on(counter, anna)
    _write(counter, 10)
    assert ids(anna.frames()) == list(range(1, 11))


async def test_who_is_cut_off_twice_is_told_everything_once(counter: Counter) -> None:
    """In the middle of being told, and when he is live again."""
    anna = counter.reader(limit=LIMIT)
    anna.join()
    for first in (1, 11):
        anna.stall()
        _write(counter, *range(first, first + 8))
        await turns()
        anna.transport.take(room=8_000)
        await turns()
        _write(counter, first + 8, first + 9)
        await turns()
        await _read_on(counter, anna)
    assert ids(anna.frames()) == list(range(1, 21))


async def test_a_slow_board_is_told_the_newest_only(counter: Counter) -> None:
    """Of each row the state that it has now, however often it changed meanwhile."""
    anna = counter.reader(limit=LIMIT)
    anna.join(slow="newest")
    anna.stall()
    # The first is on its way when the kernel takes no more.
    _write(counter, 9, 2, 1, 2, 1, 2, 3)
    counter.tick(an_operation(2, op="leave"))
    await _read_on(counter, anna)
    first, folded = (payload for event, payload in anna.frames() if event == "changes")
    assert [change["key"]["id"] for change in first["changes"]] == [9]
    assert (folded["tick"], folded["folded"]) == (8, True)
    told = [(change["key"]["id"], change["op"]) for change in folded["changes"]]
    assert told == [(1, "update"), (3, "update"), (2, "leave")]


async def test_who_asked_for_it_is_closed_instead(counter: Counter) -> None:
    """A client that knows better what to do than we do."""
    anna = counter.reader(limit=LIMIT)
    anna.join(slow="close")
    anna.stall()
    _write(counter, *range(1, 8))
    await turns()
    assert anna.closed == "slow_reader"


async def test_of_two_topics_only_the_one_that_was_cut_off_is_behind(counter: Counter) -> None:
    """What the other brings meanwhile is neither lost nor doubled."""
    anna = counter.reader(limit=LIMIT)
    anna.join()
    anna.join(topic="warehouse:south")
    anna.stall()
    _write(counter, *range(1, 8))
    # In the same turn, after the cut: nobody has seen to it yet.
    _write(counter, 101, place=SOUTH)
    await turns()
    _write(counter, 102, place=SOUTH)
    _write(counter, 8)
    await _read_on(counter, anna)
    _write(counter, 103, place=SOUTH)
    _write(counter, 9)
    found = ids(anna.frames())
    assert [n for n in found if n < 100] == list(range(1, 10))
    assert [n for n in found if n > 100] == [101, 102, 103]


async def test_who_loses_access_while_he_reads_slowly_gets_nothing_more(counter: Counter) -> None:
    """Neither what waited for him nor what he would have been told later."""
    anna = counter.reader(limit=LIMIT)
    anna.join()
    anna.stall()
    _write(counter, *range(1, 8))
    await turns()
    assert counter.errands == 1
    counter.tick(a_grant("anna", NORTH, None, 1, "technician"))
    await _read_on(counter, anna)
    # The first was on its way when the kernel took no more.
    assert [event for event, _ in anna.frames()] == ["phx_reply", "changes", "revoked", "phx_close"]


async def test_who_is_gone_while_an_errand_waits_for_room_leaves_nothing(counter: Counter) -> None:
    """No task, no member."""
    anna = counter.reader(limit=LIMIT)
    anna.join()
    anna.stall()
    _write(counter, *range(1, 8))
    await turns()
    assert counter.errands == 1
    anna.session.end()
    await until(lambda: not counter.errands)
    assert not counter.hub._warehouses


async def test_a_picture_is_not_kept_for_who_does_not_read_it(stream: Stream) -> None:
    """It is given up after a time, and he has to ask again."""
    async with a_counter(stream, reading_seconds=0.05) as counter:
        counter.past.rows = {"work_orders": [{"id": n, "text": "x" * 50_000} for n in range(9)]}
        anna = counter.reader(limit=LIMIT)
        anna.join("now", topic="warehouse:south")
        anna.stall()
        anna.join("snapshot")
        await until(lambda: not counter.errands)
        anna.transport.take()
        frames = anna.frames()
        assert frames[-2][0] == "must_refetch"
        assert frames[-2][1]["reason"] == "trimmed"
        assert not any(payload.get("end") for event, payload in frames if event == "snapshot")


async def test_who_is_cut_off_in_the_middle_of_a_picture_has_to_read_it_again(counter: Counter) -> None:
    """Because another topic brought too much: a picture is kept for nobody, and that topic goes on."""
    counter.past.rows = {"work_orders": [{"id": n, "text": "x" * 50_000} for n in range(30)]}
    anna = counter.reader(limit=LIMIT)
    anna.join(topic="warehouse:south")
    anna.join("snapshot")
    shown = len(anna.transport.written)
    await until(lambda: len(anna.transport.written) > shown + 2)
    anna.stall()
    _write(counter, *range(1, 9), place=SOUTH)
    # The kernel has room again before anybody has seen to what was cut off.
    anna.transport.take()
    await turns()
    await until(lambda: not counter.errands)
    _write(counter, 9, place=SOUTH)
    frames = anna.frames()
    assert ids(frames) == list(range(1, 10))
    assert [payload["reason"] for event, payload in frames if event == "must_refetch"] == ["trimmed"]
    assert not any(payload["end"] for event, payload in frames if event == "snapshot")


async def test_a_picture_is_sent_as_fast_as_it_is_read(counter: Counter) -> None:
    """A part at a time; then what was missed, and he is live."""
    counter.past.rows = {"work_orders": [{"id": n, "text": "x" * 50_000} for n in range(9)]}
    anna = counter.reader(limit=LIMIT)
    anna.join(topic="warehouse:south")
    answer(anna.frames())
    anna.stall()
    anna.join("snapshot")
    for n in (100, 101, 102):
        await turns()
        _write(counter, n)
        assert anna.outbox.waiting_bytes <= LIMIT
        anna.transport.take(room=1)
    await _read_on(counter, anna)
    frames = anna.frames()
    shown = [row["id"] for event, payload in frames if event == "snapshot" for row in payload["rows"]["work_orders"]]
    assert shown == list(range(9))
    assert ids(frames) == [100, 101, 102]
