"""A crowd that missed the same: it is cut and encoded once for all, and the loop is given back between their steps."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from tests.fixtures.errands import Counter, Reader, a_counter, answer, ids, turns, until
from tests.fixtures.gateway import NORTH, TABLES, Stream, a_base, an_operation, readable

from floorcast.change import OWNER_RULE
from floorcast.gateway import errand
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.portion import Portion, Portions
from floorcast.operation import Operation

CROWD = [f"user{number}" for number in range(40)]
ROWS = 600


@pytest.fixture
async def counter() -> AsyncIterator[Counter]:
    """Forty who may be in north; pages of a large tick have half of its rows."""
    stream = Stream(page_size=ROWS // 2).granting(**{user: {NORTH: "technician"} for user in CROWD})
    async with a_counter(stream, memory_bytes=8_388_608) as counter:
        yield counter


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> Tally[int]:
    """How often each row was cut, for whomever."""
    counted: Tally[int] = Tally()
    cut = Portions.cut

    def count(portions: Portions, lens: object, operations: Sequence[Operation]) -> Portion:
        counted.update(operation.n for operation in operations)
        return cut(portions, lens, operations)  # type: ignore[arg-type]

    monkeypatch.setattr(Portions, "cut", count)
    return counted


def _crowd(counter: Counter, **payload: object) -> list[Reader]:
    readers = [counter.reader(user, 1_000_000) for user in CROWD]
    for reader in readers:
        reader.join(**payload)  # type: ignore[arg-type]
    return readers


def _rows(count: int = ROWS) -> list[Operation]:
    return [an_operation(n) for n in range(1, count + 1)]


async def test_a_large_tick_is_cut_once_for_all_who_see_the_same(counter: Counter, cuts: Tally[int]) -> None:
    """Of two lenses, each has its own; everybody is told everything."""
    readers = _crowd(counter)
    other = counter.reader(CROWD[0], 1_000_000)
    other.join(tables=["work_orders"])
    counter.tick(*_rows(), large=True)
    await until(lambda: not counter.errands)
    assert set(cuts.values()) == {2}
    for reader in (*readers, other):
        assert ids(reader.frames()) == list(range(1, ROWS + 1))


async def test_those_who_write_the_same_in_another_version_share_what_was_cut(
    counter: Counter, cuts: Tally[int]
) -> None:
    """Their frames differ, the rows in them do not."""
    anna, bert = counter.reader(CROWD[0], 1_000_000), counter.reader(CROWD[1], 1_000_000)
    bert.session.version = 1
    anna.join()
    bert.session.receive(b'{"topic":"warehouse:north","event":"phx_join","payload":{"from":"now"},"ref":"1"}', 0.0)
    counter.tick(*_rows(10), large=True)
    await until(lambda: not counter.errands)
    assert set(cuts.values()) == {1}
    assert len(bert.transport.written) >= 2, "what it was told, and the end"


@pytest.mark.parametrize("remembered", [True, False])
async def test_the_same_gap_is_cut_once_for_all_who_come_back_behind_it(
    counter: Counter, cuts: Tally[int], *, remembered: bool
) -> None:
    """Out of memory or from further back; and read from there once for each tick that the gateway has reached."""
    first = counter.reader(CROWD[0])
    first.join()
    cursor = str(answer(first.frames())["cursor"])
    first.session.end()
    for n in range(1, ROWS + 1):
        counter.tick(an_operation(n, text="x" * 300))
    cuts.clear()
    if not remembered:
        counter.hub.memory.begin(counter.hub.position)
    readers = _crowd(counter, origin=cursor)
    await until(lambda: not counter.errands)
    assert set(cuts.values()) == {1}
    for reader in readers:
        assert ids(reader.frames()) == list(range(1, ROWS + 1))


@pytest.mark.parametrize("large", [True, False])
async def test_what_is_somebodys_own_is_told_to_him_alone(cuts: Tally[int], *, large: bool) -> None:
    """In its place among what all are told, though that was made before for another."""
    mine = OWNER_RULE, {"table_name": "letters", "column_name": "text", "actions": ["select"]}
    base = a_base(tables=TABLES | {"letters"}, policy=(readable("work_orders"), mine))
    base = replace(base, grants={user: {NORTH: "technician"} for user in CROWD})
    async with a_counter(Stream(base=base, page_size=2), memory_bytes=8_388_608) as counter:
        first = counter.reader(CROWD[0])
        first.join()
        cursor = str(answer(first.frames())["cursor"])
        first.session.end()
        readers = _crowd(counter) if large else []
        rows = [an_operation(1), an_operation(2, table="letters", text=CROWD[7]), an_operation(3)]
        counter.tick(*rows, large=large)
        if not large:
            cuts.clear()
            readers = _crowd(counter, origin=cursor)
        await until(lambda: not counter.errands)
        assert set(cuts.values()) == {1}
        told = {reader.session.user: ids(reader.frames()) for reader in readers}
        assert told.pop(CROWD[7]) == [1, 2, 3]
        assert set(map(tuple, told.values())) == {(1, 3)}


async def test_what_is_kept_weighs_what_is_somebodys_own_in_it_too() -> None:
    """Else a large tick of a thousand people's letters would be held whole, and count as nothing."""
    mine = OWNER_RULE, {"table_name": "letters", "column_name": "text", "actions": ["select"]}
    base = a_base(
        tables=TABLES | {"letters"}, policy=(readable("work_orders"), mine), grants={"anna": {NORTH: "viewer"}}
    )
    async with a_counter(Stream(base=base)) as counter:
        counter.reader().join()
        letters = [an_operation(n, table="letters", text=f"somebody {n}") for n in range(1, ROWS)]
        counter.tick(*letters, large=True)
        await until(lambda: not counter.errands)
        own = sum(len(each.new or b"") for each in letters)
        assert counter.catch_ups._sources.replays._shown.held_bytes > own


async def test_of_a_crowd_of_errands_few_take_a_step_in_a_turn(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever they are sent; so what comes live waits for a few of them and not for all."""
    readers = _crowd(counter)
    puts = 0
    put = Outbox.put

    def count(outbox: Outbox, *arguments: object) -> bool:
        nonlocal puts
        puts += 1
        return put(outbox, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Outbox, "put", count)
    counter.tick(*_rows(), large=True)
    most = 0
    while counter.errands:
        before = puts
        await asyncio.sleep(0)
        most = max(most, puts - before)
    # At the end of his last step somebody may hear of progress too.
    assert 0 < most <= 2 * errand._STEPS_AT_ONCE
    assert puts > len(readers) * 4


async def test_nothing_is_kept_when_nobody_is_told_of_the_past(counter: Counter) -> None:
    """What a crowd shared is gone with the next tick after it."""
    _crowd(counter)
    counter.tick(*_rows(), large=True)
    await until(lambda: not counter.errands)
    await turns()
    replays = counter.catch_ups._sources.replays
    assert replays._shown.held_bytes
    counter.tick(replace(an_operation(1), xid=9_000))
    assert not replays._shown.held_bytes
    assert not replays._portions.held_bytes
