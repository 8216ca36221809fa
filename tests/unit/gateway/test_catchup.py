"""Errands: from a picture or a cursor to the present, exactly, and no errand without its joining."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.fixtures.errands import Counter, a_counter, answer, ids, turns, until
from tests.fixtures.gateway import AT, NORTH, SOUTH, ScriptedPicture, Stream, a_fact, a_grant, an_operation, seal
from tests.fixtures.observed import Observed

from floorcast.change import TRACKED
from floorcast.database.picture_request import PictureRequest
from floorcast.errors import DatabaseUnavailable
from floorcast.gateway import errand
from floorcast.observe import CaughtUp, TaskFailed
from floorcast.operation import EVERYWHERE, Operation
from floorcast.tick import Anchor


@pytest.fixture
def stream() -> Stream:
    """Anna may be in north and south, Bert in north."""
    return Stream().granting(anna={NORTH: "technician", SOUTH: "technician"}, bert={NORTH: "technician"})


@pytest.fixture
async def counter(stream: Stream) -> AsyncIterator[Counter]:
    """A gateway without sockets."""
    async with a_counter(stream) as counter:
        yield counter


async def _cursor(counter: Counter, user: str = "anna") -> str:
    reader = counter.reader(user)
    reader.join()
    reader.session.end()
    return str(answer(reader.frames())["cursor"])


def _picture(counter: Counter, **vary: Any) -> ScriptedPicture:
    anchor = counter.hub.seals.anchor
    rows = {"work_orders": [{"id": 1}]}
    return replace(ScriptedPicture(anchor.tick, anchor.seal, "first", "", True, AT, rows), **vary)


def _show(counter: Counter, *pictures: ScriptedPicture) -> list[tuple[PictureRequest, int]]:
    """Give these pictures, one a read; returns what is asked for."""
    asked, given = [], list(pictures)

    async def read(request: PictureRequest, *, not_before: int) -> ScriptedPicture:
        asked.append((request, not_before))
        await counter.past.may_read.wait()
        return given.pop(0)

    counter.past.read = read  # type: ignore[method-assign]
    return asked


async def test_a_picture_stays_compared_until_nothing_of_it_can_come_any_more(counter: Counter) -> None:
    """The first news of progress may be older than the picture; a member is live only behind the second."""
    _show(counter, _picture(counter, snapshot="710:710:", clean=False))
    anna = counter.reader()
    anna.join("snapshot")
    await until(lambda: "snapshot" in [event for event, _ in anna.frames()])
    counter.progress()
    await turns()
    assert counter.errands == 1
    counter.tick(replace(an_operation(2), xid=705), replace(an_operation(3), xid=715))
    await turns()
    assert ids(anna.frames()) == [3]
    counter.progress()
    await until(lambda: not counter.errands)
    assert anna.frames()[-1][0] == "progress"
    counter.tick(an_operation(4))
    assert ids(anna.frames()) == [4]


async def test_a_picture_is_compared_with_two_ticks_behind_it_each_as_it_comes(counter: Counter) -> None:
    """The first may have been cut before the picture was taken; what the second brings may have been running then."""
    _show(counter, _picture(counter, snapshot="710:710:", clean=False))
    anna = counter.reader()
    anna.join("snapshot")
    for n in (1, 2):
        await turns()
        counter.tick(replace(an_operation(n), xid=700 + n), replace(an_operation(10 + n), xid=710 + n))
    await until(lambda: not counter.errands)
    counter.tick(replace(an_operation(20), xid=720))
    assert ids(anna.frames()) == [11, 12, 20]


async def test_a_picture_that_is_ahead_waits_for_its_tick(counter: Counter) -> None:
    """The answer names where the picture stands, which is where its changes begin."""
    picture = _picture(counter, tick=1, seal=seal(1))
    _show(counter, picture)
    anna = counter.reader()
    anna.join("snapshot")
    await turns()
    assert anna.frames() == []
    counter.tick(an_operation(2))
    await until(lambda: not counter.errands)
    counter.tick(an_operation(3))
    frames = anna.frames()
    assert answer(frames)["position"] == "1-0"
    assert [event for event, _ in frames] == ["phx_reply", "snapshot", "changes"]
    assert ids(frames) == [3]
    assert picture.closed


async def test_a_picture_that_is_behind_is_followed_from_where_it_stands(counter: Counter) -> None:
    """What was delivered while it was read comes after it."""
    _show(counter, _picture(counter, tick=0))
    counter.past.may_read.clear()
    anna = counter.reader()
    anna.join("snapshot")
    counter.tick(an_operation(2))
    counter.past.may_read.set()
    await until(lambda: not counter.errands)
    frames = anna.frames()
    assert answer(frames)["position"] == "0-0"
    assert ids(frames) == [2]


async def test_a_picture_of_another_history_or_of_a_tick_that_never_comes_is_not_shown(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up, and the join may be tried again."""
    monkeypatch.setattr(errand, "REACH_SECONDS", 0.05)
    pictures = _picture(counter, incarnation="second"), _picture(counter, seal="lost"), _picture(counter, tick=9)
    _show(counter, *pictures)
    for reason in ("incarnation", "incarnation", "future"):
        anna = counter.reader()
        anna.join("snapshot")
        await until(lambda: not counter.errands)
        ((event, payload),) = anna.frames()
        assert (event, payload["status"], payload["response"]["reason"]) == ("phx_reply", "error", reason)
    assert all(picture.closed for picture in pictures)


async def test_a_picture_is_asked_for_as_of_the_last_change_of_access(counter: Counter) -> None:
    """One that was read for others before it may show what the caller could not see then."""
    asked = _show(counter, _picture(counter), _picture(counter))
    counter.tick(an_operation())
    counter.tick(a_grant("anna", NORTH, "manager", 1, "technician"))
    counter.tick(an_operation())
    for user in ("anna", "bert"):
        counter.reader(user).join("snapshot")
        await until(lambda: not counter.errands)
    assert [not_before for _, not_before in asked] == [2, 0]


async def test_a_picture_is_asked_for_as_of_the_last_tick_that_tracked_a_table(counter: Counter) -> None:
    """A table that was made again has none of the rows that it had."""
    asked = _show(counter, _picture(counter))
    counter.tick(an_operation())
    counter.tick(a_fact(TRACKED, EVERYWHERE, {"table": "badges", "tracked": True, "person": None, "anew": True}))
    counter.tick(an_operation())
    counter.reader().join("snapshot")
    await until(lambda: not counter.errands)
    assert [not_before for _, not_before in asked] == [2]


async def test_a_picture_that_was_being_read_when_a_table_was_made_again_is_not_shown(counter: Counter) -> None:
    """It has the rows of the table that was dropped, and no tick says that these are gone."""
    picture = _picture(counter)
    _show(counter, picture)
    counter.past.may_read.clear()
    anna = counter.reader()
    anna.join("snapshot")
    await turns()
    # Sent again since the same look that found it: the set of tables is what it was.
    counter.hub.chronicle.note(
        counter.tick(an_operation()),
        [a_fact(TRACKED, EVERYWHERE, {"table": "badges", "tracked": True, "person": None, "anew": True})],
    )
    counter.past.may_read.set()
    await until(lambda: not counter.errands)
    frames = anna.frames()
    assert "snapshot" not in [event for event, _ in frames]
    assert answer(frames)["reason"] == "schema"
    assert picture.closed


async def test_access_that_was_another_before_the_gateway_began_is_looked_up(stream: Stream) -> None:
    """Withdrawn and given again while nobody of this gateway was there to see it; a colleague goes on."""
    async with a_counter(stream) as before:
        cursor = await _cursor(before)
    stream.close_tick(a_grant("anna", NORTH, None, 1, "technician"))
    stream.close_tick(an_operation(2))
    stream.close_tick(a_grant("anna", NORTH, "technician", 3))
    async with a_counter(stream) as counter:
        anna, bert = counter.reader(), counter.reader("bert")
        anna.join(cursor)
        bert.join(cursor)
        await until(lambda: not counter.errands)
        assert answer(anna.frames())["reason"] == "policy"
        assert ids(bert.frames()) == [2]


async def test_a_cursor_of_what_a_restore_took_away_is_refused_however_far_back_it_is(stream: Stream) -> None:
    """Name and numbers of its history are those of this one, and nothing but the seal of its anchor tells."""
    async with a_counter(stream) as before:
        kept = await _cursor(before)
        before.tick(an_operation(1))
        lost = await _cursor(before)
    stream.ticks = [replace(header, seal="restored") for header in stream.ticks]
    stream.close_tick(an_operation(2))
    async with a_counter(stream) as counter:
        anna, bert = counter.reader(), counter.reader("bert")
        anna.join(lost)
        bert.join(kept)
        await until(lambda: not counter.errands)
        assert answer(anna.frames())["reason"] == "incarnation"
        assert ids(bert.frames()) == [1, 2]


async def test_what_is_not_kept_any_more_is_said_in_the_answer(stream: Stream) -> None:
    """Though what happened to access is: a page that is not there is no page without anything in it."""

    async def page(*_: object) -> None:
        return None

    async with a_counter(stream) as before:
        cursor = await _cursor(before)
    stream.close_tick(an_operation(1))
    async with a_counter(stream) as counter:
        counter.past.page = page  # type: ignore[assignment]
        anna = counter.reader()
        anna.join(cursor)
        await until(lambda: not counter.errands)
        assert answer(anna.frames())["reason"] == "trimmed"


async def test_much_that_was_missed_is_sent_by_an_errand(counter: Counter, observed: Observed) -> None:
    """A little is sent in the very call, whether or not it is remembered; much would hold up everybody else."""
    cursor = await _cursor(counter)
    counter.tick(an_operation(1, text="x" * 100))
    counter.reader().join(cursor)
    assert observed.of(CaughtUp)[-1].how == "memory"
    for n in range(2, 5):
        counter.tick(an_operation(n, text="x" * 30_000))
    anna = counter.reader()
    anna.join(cursor)
    await until(lambda: not counter.errands)
    assert observed.of(CaughtUp)[-1] == CaughtUp("errand", 4)
    assert ids(anna.frames()) == [1, 2, 3, 4]


async def test_a_page_that_cannot_be_read_is_read_later_and_none_is_sent_twice(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of a large tick; its end comes once, too."""
    counter.stream.page_size = 2
    whole, failures = counter.past.pages, []

    async def pages(tick: int, places: Sequence[str], anchor: Anchor) -> AsyncIterator[tuple[Operation, ...]]:
        async for page in whole(tick, places, anchor):
            yield page
            if len(failures) < 2:
                failures.append(page)
                raise DatabaseUnavailable("Postgres was taken away by the test")

    monkeypatch.setattr(counter.past, "pages", pages)
    monkeypatch.setattr("floorcast.backoff.Backoff.next_seconds", lambda _: 0.0)
    anna = counter.reader()
    anna.join()
    counter.tick(*(an_operation(n) for n in range(1, 6)), large=True)
    await until(lambda: not counter.errands)
    frames = anna.frames()
    assert len(failures) == 2
    assert ids(frames) == [1, 2, 3, 4, 5]
    assert [payload["end"] for event, payload in frames if event == "changes"] == [False, False, False, True]


async def test_a_fault_of_ours_ends_the_topic_with_a_reason(counter: Counter, observed: Observed) -> None:
    """Never silence."""

    async def pages(*_: object) -> None:
        raise RuntimeError("a mistake")

    counter.hub.memory.begin(99)
    counter.past.page = pages  # type: ignore[assignment]
    anna, cursor = counter.reader(), await _cursor(counter)
    counter.tick(an_operation())
    anna.join(cursor)
    await until(lambda: not counter.errands)
    assert answer(anna.frames())["reason"] == "internal"
    assert "a mistake" in observed.of(TaskFailed)[-1].error


@pytest.mark.parametrize("end", ["closed", "left", "joined again", "revoked"])
async def test_an_errand_ends_with_its_joining(counter: Counter, end: str) -> None:
    """Whatever ends it; no picture comes afterwards, and no task is left behind."""
    _show(counter, _picture(counter), _picture(counter))
    counter.past.may_read.clear()
    anna = counter.reader()
    anna.join("snapshot")
    await until(lambda: counter.errands)
    if end == "closed":
        anna.session.end()
    elif end == "left":
        anna.say("phx_leave")
    elif end == "joined again":
        anna.join()
    else:
        counter.tick(a_grant("anna", NORTH, None, 1, "technician"))
    await until(lambda: not counter.errands)
    counter.past.may_read.set()
    await turns()
    assert "snapshot" not in [event for event, _ in anna.frames()]
    assert (NORTH in counter.hub._warehouses) == (end == "joined again")


async def test_a_gateway_that_ends_leaves_no_errand(stream: Stream) -> None:
    """They are cancelled, and waited for."""
    async with a_counter(stream) as counter:
        counter.past.may_read.clear()
        counter.reader().join("snapshot")
        await asyncio.sleep(0)
        assert counter.errands == 1
    assert counter.errands == 0


async def test_a_large_tick_of_which_the_changes_of_access_are_not_known_any_more_is_read_again(
    counter: Counter,
) -> None:
    """They say who left by it; rows without them would be told to look as if nobody had."""

    async def nothing(after: int, upto: int, anchor: Anchor) -> None:
        """More changes of access than are read, or not kept any more."""

    counter.past.access = nothing  # type: ignore[method-assign]
    anna = counter.reader()
    anna.join()
    counter.tick(an_operation(1), a_grant("bert", NORTH, None, 2, "technician"), large=True)
    await until(lambda: not counter.errands)
    (_, (event, why), (ending, _)) = anna.frames()
    assert (event, why["reason"], ending) == ("must_refetch", "trimmed", "phx_error")


async def test_others_have_their_turn_while_much_that_was_folded_is_made_ready(counter: Counter) -> None:
    """An outcome of thousands of rows is no reason to keep the loop from everybody else."""
    cursor = await _cursor(counter)
    for _ in range(3):
        counter.tick(*(an_operation(n, text="x" * 40) for n in range(1_000)))
    anna = counter.reader()
    anna.join(cursor, history="newest")
    passed = 0
    while counter.errands:
        await asyncio.sleep(0)
        passed += 1
    assert sorted(ids(anna.frames())) == list(range(1_000))
    assert passed > 1_000 // 256


async def test_what_was_told_at_once_is_taken_back_when_access_is_withdrawn(counter: Counter) -> None:
    """As what is live: beyond the write that is under way nothing leaves, though it came with his join's answer."""
    cursor = await _cursor(counter)
    for number in range(1, 11):
        counter.tick(an_operation(number, text="x" * 2_500))
    anna = counter.reader()
    anna.transport.room = 1
    anna.join(cursor)
    counter.tick(a_grant("anna", NORTH, None, 1, "technician"))
    anna.transport.take()
    frames = anna.frames()
    assert [event for event, _ in frames][-2:] == ["revoked", "phx_close"]
    assert len(ids(frames)) < 8, "of ten, as many as one write has"
