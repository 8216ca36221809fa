"""Sessions that are ended, a server that restarts: the relay comes back by itself and loses nothing."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from tests.fixtures.cells import Cells, scribble
from tests.fixtures.observed import Observed
from tests.fixtures.postgres import Database
from tests.fixtures.proxy import OpenLink
from tests.fixtures.relay import Stream, a_relay, running, stream_of
from tests.fixtures.time import UNIT

from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.observe import DoorbellSet, LeadershipLost, LeadershipTaken, LeaderSilent, Standby, TickPublished

pytestmark = pytest.mark.usefixtures("quick_election")

END = """
select pg_terminate_backend(pid) from pg_stat_activity
where application_name = %s and datname = current_database()
"""


@pytest.mark.parametrize("session", ["floorcast relay", "floorcast relay bell"])
async def test_a_session_that_is_ended_costs_a_moment(stream: Stream, observed: Observed, session: str) -> None:
    """pg_terminate_backend of the leader, or of its bell, under load, again and again."""
    receiver = await stream.receiver()
    writers = [await stream.cells.session() for _ in range(3)]
    async with running(stream.relay()):
        writing = [
            asyncio.create_task(scribble(writer, random.Random(seed), 100_000)) for seed, writer in enumerate(writers)
        ]
        for _ in range(4):
            await observed.wait_for(LeadershipTaken)
            await observed.wait_for(TickPublished)
            await stream.connection.execute(END, [session])
            if session == "floorcast relay":
                await observed.wait_for(LeadershipLost)
            else:
                # A busy relay needs no bell, and notices when it wants to sleep.
                break
        for task in writing:
            task.cancel()
        await asyncio.wait(writing)
        await stream.cells.put(1)
        await observed.wait_for(LeadershipTaken)
        await stream.cells.put(2)
        await stream.drained(receiver)
    await stream.check_receiver(receiver)
    await stream.check_feed()
    assert receiver.incarnations == [receiver.incarnation]


async def test_a_bell_that_dies_while_all_is_quiet_is_noticed_at_once(stream: Stream, observed: Observed) -> None:
    """Nobody would hear the next change before the safety look."""
    receiver = await stream.receiver()
    async with running(stream.relay()):
        await observed.wait_for(DoorbellSet, lambda event: event.state == "idle")
        await stream.connection.execute(END, ["floorcast relay bell"])
        await observed.wait_for(LeadershipLost)
        await observed.wait_for(LeadershipTaken, lambda _: len(observed.of(LeadershipTaken)) > 1)
        await stream.cells.put(1)
        await stream.drained(receiver)
    await stream.check_receiver(receiver)


@pytest.fixture
async def own_stream(own_database: Database, redis_url: str) -> AsyncIterator[Stream]:
    """A stream over a PostgreSQL of its own."""
    async with AsyncExitStack() as stack:
        cells = Cells(own_database, stack)
        await cells.create()
        yield await stack.enter_async_context(stream_of(cells, redis_url))


@pytest.mark.parametrize("crash", [False, True])
async def test_a_server_that_restarts_or_crashes_is_waited_for(
    own_stream: Stream, own_postgres: EmbeddedPostgres, own_database: Database, observed: Observed, *, crash: bool
) -> None:
    """After a crash the state of the bell is zero: writers ring, and the next leader reads what they wrote."""
    async with running(own_stream.relay()):
        for key in range(5):
            await own_stream.cells.put(key)
            await observed.wait_for(TickPublished)
        if crash:
            own_postgres.kill()
            await asyncio.to_thread(own_postgres.start)
        else:
            await asyncio.to_thread(own_postgres.restart)
        await observed.wait_for(LeadershipTaken, lambda _: len(observed.of(LeadershipTaken)) > 1, within=30 * UNIT)
        async with AsyncExitStack() as stack:
            cells = Cells(own_database, stack)
            cells.owner = await cells.session()
            stream = await stack.enter_async_context(stream_of(cells, own_stream.redis_url))
            receiver = await stream.receiver()
            await cells.put(100)
            await stream.drained(receiver)
            await stream.check_receiver(receiver)
            await stream.check_feed()
            assert receiver.incarnations == [receiver.incarnation]


async def test_a_standby_takes_over_from_a_leader_that_falls_silent(
    stream: Stream, observed: Observed, proxy: OpenLink
) -> None:
    """The leader's cable is pulled: its session stays, and the lock with it, until the standby ends it."""
    link = await proxy(stream.cells.database.service_url)
    receiver = await stream.receiver()
    leader, standby = a_relay(link.url, stream.redis_url), stream.relay()
    async with running(leader):
        await observed.wait_for(LeadershipTaken)
        async with running(standby):
            await observed.wait_for(Standby)
            await stream.cells.put(1)
            await stream.drained(receiver)
            link.freeze()
            await stream.cells.put(2)
            await observed.wait_for(LeaderSilent)
            await observed.wait_for(LeadershipTaken, lambda _: len(observed.of(LeadershipTaken)) > 1)
            await stream.cells.put(3)
            await stream.drained(receiver)
            # The first one wakes up and finds its session gone; it stands by.
            await link.heal()
            await observed.wait_for(LeadershipLost)
            await observed.wait_for(Standby)
            await stream.cells.put(4)
            await stream.drained(receiver)
    await stream.check_receiver(receiver)
    await stream.check_feed()
    assert receiver.incarnations == [receiver.incarnation]


async def test_a_standby_takes_over_at_once_when_the_leader_goes(stream: Stream, observed: Observed) -> None:
    """Its lock falls with its session; nobody waits for silence."""
    receiver = await stream.receiver()
    async with running(stream.relay()):
        await observed.wait_for(LeadershipTaken)
        async with running(stream.relay()):
            await observed.wait_for(Standby)
            await stream.connection.execute(END, ["floorcast relay bell"])
            await stream.cells.put(1)
            await stream.drained(receiver)
    assert observed.of(LeaderSilent) == []
    await stream.check_receiver(receiver)


async def test_a_leader_at_work_on_a_long_query_is_not_ended(stream: Stream, observed: Observed) -> None:
    """A tick of a million rows must not cost it the lead, or the next leader would be ended over the same tick."""
    receiver = await stream.receiver()
    async with running(stream.relay()):
        await observed.wait_for(LeadershipTaken)
        async with running(stream.relay()):
            await observed.wait_for(Standby)
            blocker = await stream.cells.session()
            async with blocker.transaction():
                # Its query takes as long as this lock is held: three times what counts as silence.
                await blocker.execute("lock table floorcast.tick in access exclusive mode")
                await blocker.execute("select pg_sleep(1.5)")
            await stream.cells.put(1)
            await stream.drained(receiver)
    assert observed.of(LeaderSilent) == []
    assert len(observed.of(LeadershipTaken)) == 1


async def test_a_leader_whose_answer_is_not_taken_counts_as_silent(stream: Stream, observed: Observed) -> None:
    """Its session is active for as long as it cannot send; a stopped process would keep the lead for ever."""
    async with stream.cells.database.service("floorcast_relay") as hung:
        await hung.execute("select pg_advisory_lock(floorcast.leader_lock())")
        # More than sockets buffer, and nobody reads it.
        hung.pgconn.send_query(b"select repeat('x', 1000000) from generate_series(1, 100)")
        hung.pgconn.flush()
        async with running(stream.relay()):
            await observed.wait_for(LeaderSilent)
            await observed.wait_for(LeadershipTaken)
        await hung.close()
