"""The doorbell's protocol, one step at a time on real sessions: writers, and a leader played by hand.

Its proof is a model with four sabotages that a checker must find. Each is named here at the test that would find it in
the code: BLIND (writers do not look at K), NOWAIT (K taken without waiting for silent writers), NOLAST (no read after
K is taken), LATECLEAR (read first, clear the bell afterwards). The relay's own steps: flow/test_relay_doorbell.py.
"""

import asyncio

import pytest
from tests.fixtures.cells import Cells
from tests.fixtures.postgres import Connection
from tests.fixtures.time import UNIT

from floorcast.database.doorbell import Bell, give_silence_back, set_busy, set_idle, take_silence
from floorcast.database.ticks import close_tick

LONG = 60_000


class Stage:
    """A leader's session, a writer's, and a listener's."""

    def __init__(self, cells: Cells, leader: Connection, writer: Connection, listener: Connection) -> None:
        """Nothing has happened yet; the state is idle and K is free."""
        self.cells = cells
        self.leader = leader
        self.writer = writer
        self._listener = listener
        self._key = 0

    async def write(self, connection: Connection | None = None) -> None:
        """One statement that changes a row."""
        self._key += 1
        await self.cells.put(self._key, connection=connection or self.writer)

    async def bells(self) -> int:
        """How often it has rung since the last look; a bell of our own marks the end."""
        await self._listener.execute("notify floorcast, 'end'")
        heard = 0
        async for notification in self._listener.notifies(timeout=10 * UNIT):
            if notification.payload == "end":
                return heard
            heard += 1
        raise AssertionError("our own bell did not come back")

    async def found(self) -> int:
        """How many changes a read by the leader finds."""
        closed = await close_tick(self.leader)
        return 0 if closed is None else closed.header.count

    async def holds(self) -> list[tuple[str, bool]]:
        """Mode of every hold of K, and whether it is granted."""
        cursor = await self.cells.owner.execute(
            "select mode, granted from pg_locks where locktype = 'advisory' and objsubid = 1"
            " and database = (select oid from pg_database where datname = current_database())"
            " and (classid::bigint << 32) | objid::bigint = floorcast.silence_lock() order by 1"
        )
        return [(mode, granted) for mode, granted in await cursor.fetchall()]

    async def sleep(self) -> None:
        """Have the leader fall asleep, when nobody is silent."""
        await set_idle(self.leader)
        assert await take_silence(self.leader)


@pytest.fixture
async def stage(cells: Cells) -> Stage:
    """The sessions; `listener` is one more that only listens."""
    listener = await cells.session()
    await listener.execute("listen floorcast")
    return Stage(cells, await cells.relay_session(), await cells.session(), listener)


async def test_while_no_relay_ever_ran_writers_ring(stage: Stage) -> None:
    """Others may listen, too."""
    await stage.write()
    assert await stage.bells() == 1
    assert await stage.holds() == []


async def test_an_idle_leader_is_rung_for(stage: Stage) -> None:
    """Once per transaction, whatever it did: equal payloads fold."""
    await stage.sleep()
    async with stage.writer.transaction():
        await stage.write()
        await stage.write()
    assert await stage.bells() == 1


async def test_a_busy_leader_is_not_rung_for_and_cannot_fall_asleep_over_it(stage: Stage) -> None:
    """The silent writer holds K shared until it ends. NOWAIT: a leader that slept now would never hear of it."""
    await set_busy(stage.leader, LONG)
    async with stage.writer.transaction():
        await stage.write()
        assert await stage.holds() == [("ShareLock", True)]
        await set_idle(stage.leader)
        assert not await take_silence(stage.leader)
    assert await stage.bells() == 0
    assert await stage.holds() == []
    assert await take_silence(stage.leader)
    # NOLAST: it committed after the last read and rang for nobody.
    assert await stage.found() == 1


async def test_a_silent_writer_that_rolls_back_lets_go(stage: Stage) -> None:
    """There is nothing to sleep over."""
    await set_busy(stage.leader, LONG)
    async with stage.writer.transaction(force_rollback=True):
        await stage.write()
    assert await take_silence(stage.leader)
    assert await stage.found() == 0


async def test_many_silent_writers_hold_it_together(stage: Stage) -> None:
    """Each to its own end; the leader waits for the last."""
    await set_busy(stage.leader, LONG)
    other = await stage.cells.session()
    async with other.transaction():
        async with stage.writer.transaction():
            await stage.write(stage.writer)
            await stage.write(other)
            assert await stage.holds() == [("ShareLock", True)] * 2
        await set_idle(stage.leader)
        assert not await take_silence(stage.leader)
    assert await take_silence(stage.leader)
    assert await stage.found() == 2


async def test_a_writer_that_saw_busy_too_late_rings(stage: Stage) -> None:
    """BLIND: the state still says busy to whoever read it just before; that K is held tells that it is not."""
    await stage.sleep()
    await set_busy(stage.cells.owner, LONG)
    await stage.write()
    assert await stage.bells() == 1


async def test_a_leader_that_died_silences_the_bell_only_so_long(stage: Stage) -> None:
    """The state is a deadline, which it does not renew any more."""
    await set_busy(stage.leader, -1)
    await stage.write()
    assert await stage.bells() == 1


async def test_what_was_written_silently_for_a_dead_leader_is_found_by_the_next(stage: Stage) -> None:
    """It waits for whoever is still silent, whatever state the dead one left, and then reads."""
    dying = await stage.cells.relay_session()
    await set_busy(dying, LONG)
    await stage.writer.execute("begin")
    await stage.write()
    await dying.close()
    await set_idle(stage.leader)
    assert not await take_silence(stage.leader)
    await stage.write(stage.cells.owner)
    assert await stage.bells() == 1
    await stage.writer.execute("commit")
    assert await take_silence(stage.leader)
    assert await stage.found() == 2


async def test_a_rolled_back_savepoint_lets_go_of_its_own_hold_only(stage: Stage) -> None:
    """What stands outside of it is still silent, and still unread."""
    await set_busy(stage.leader, LONG)
    async with stage.writer.transaction():
        await stage.write()
        async with stage.writer.transaction(force_rollback=True):
            await stage.write()
        await set_idle(stage.leader)
        assert not await take_silence(stage.leader)
    assert await take_silence(stage.leader)
    assert await stage.found() == 1


async def test_a_rolled_back_savepoint_that_was_alone_lets_go(stage: Stage) -> None:
    """Its rows are gone with it; what the transaction does next decides anew, and rings."""
    await set_busy(stage.leader, LONG)
    async with stage.writer.transaction():
        async with stage.writer.transaction(force_rollback=True):
            await stage.write()
        await stage.sleep()
        await stage.write()
    assert await stage.bells() == 1
    assert await stage.found() == 1


async def test_a_transaction_may_be_silent_first_and_ring_later(stage: Stage) -> None:
    """The leader went from busy to draining between its statements: it is heard of twice rather than never."""
    await set_busy(stage.leader, LONG)
    async with stage.writer.transaction():
        await stage.write()
        await set_idle(stage.leader)
        await stage.write()
        assert not await take_silence(stage.leader)
    assert await stage.bells() == 1
    assert await take_silence(stage.leader)
    assert await stage.found() == 2


async def test_a_transaction_may_ring_first_and_be_silent_later(stage: Stage) -> None:
    """Its bell comes at its commit and costs a look."""
    async with stage.writer.transaction():
        await stage.write()
        await set_busy(stage.leader, LONG)
        await stage.write()
        assert await stage.holds() == [("ShareLock", True)]
    assert await stage.bells() == 1
    assert await stage.found() == 2


async def test_a_silent_commit_between_a_read_and_the_lock_is_found_by_the_last_read(stage: Stage) -> None:
    """NOLAST: no bell, no lock, no later reason to look."""
    await set_busy(stage.leader, LONG)
    await stage.writer.execute("begin")
    await stage.write()
    await set_idle(stage.leader)
    assert not await take_silence(stage.leader)
    assert await stage.found() == 0
    await stage.writer.execute("commit")
    assert await take_silence(stage.leader)
    assert await stage.bells() == 0
    assert await stage.found() == 1


async def test_a_leader_that_goes_back_to_busy_has_nobody_ring(stage: Stage) -> None:
    """While one silent transaction stays open, others would ring for everything: better busy than that."""
    await set_busy(stage.leader, LONG)
    async with stage.writer.transaction():
        await stage.write()
        await set_idle(stage.leader)
        assert not await take_silence(stage.leader)
        await stage.write(stage.cells.owner)
        assert await stage.bells() == 1
        await set_busy(stage.leader, LONG)
        await stage.write(stage.cells.owner)
        assert await stage.bells() == 0


async def test_a_leader_gives_k_back_when_it_becomes_busy(stage: Stage) -> None:
    """Or writers would go on ringing for one who reads anyway."""
    await stage.sleep()
    await set_busy(stage.leader, LONG)
    await stage.write()
    assert await stage.bells() == 1
    await give_silence_back(stage.leader)
    await stage.write()
    assert await stage.bells() == 0


async def test_state_and_lock_are_seen_past_an_old_snapshot(stage: Stage) -> None:
    """A writer in REPEATABLE READ began before the leader fell asleep; what it sees of the state must be now."""
    await set_busy(stage.leader, LONG)
    await stage.writer.execute("begin isolation level repeatable read")
    await stage.writer.execute("select * from cells")
    await stage.sleep()
    await stage.write()
    await stage.writer.execute("commit")
    assert await stage.bells() == 1


async def test_a_bell_between_clearing_and_reading_is_heard_again(stage: Stage) -> None:
    """LATECLEAR: cleared after reading, this one would be taken for a change that was read."""
    bell = await Bell.listen(stage.cells.database.service_url)
    try:
        await stage.sleep()
        assert not bell.clear()
        assert await stage.found() == 0
        await stage.write()
        await bell.wait(10 * UNIT)
        assert bell.clear()
        assert not bell.clear()
        assert await stage.found() == 1
    finally:
        await bell.close()


async def test_a_bell_hears_only_from_when_it_listens(stage: Stage) -> None:
    """What was before is found by reading once after LISTEN."""
    await stage.write()
    bell = await Bell.listen(stage.cells.database.service_url)
    try:
        await stage.write()
        await bell.wait(10 * UNIT)
        assert bell.clear()
        assert await stage.found() == 2
    finally:
        await bell.close()


async def test_a_bell_whose_session_ended_says_so(stage: Stage) -> None:
    """It wakes whoever waits; silence would look like a quiet night."""
    bell = await Bell.listen(stage.cells.database.service_url)
    try:
        waiting = asyncio.create_task(bell.wait(10 * UNIT))
        await stage.cells.owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'floorcast relay bell'"
        )
        async with asyncio.timeout(5 * UNIT):
            await waiting
        with pytest.raises(Exception, match="the doorbell's session ended"):
            bell.clear()
    finally:
        await bell.close()


async def test_waiting_for_the_bell_ends_in_time(stage: Stage) -> None:
    """The safety look."""
    bell = await Bell.listen(stage.cells.database.service_url)
    try:
        async with asyncio.timeout(5 * UNIT):
            await bell.wait(0.01)
        assert not bell.clear()
    finally:
        await bell.close()
