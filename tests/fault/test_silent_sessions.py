"""A session to Postgres that falls silent without a word: pulled cables, firewalls that forget, proxies that hang."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from tests.fixtures.observed import Observed
from tests.fixtures.postgres import Database
from tests.fixtures.proxy import Link, OpenLink, Way
from tests.fixtures.relay import Stream, a_relay, running
from tests.fixtures.time import UNIT

from floorcast.database import doorbell
from floorcast.database import vigil as vigil_module
from floorcast.database.connect import connect
from floorcast.database.doorbell import Bell
from floorcast.database.vigil import vigil
from floorcast.errors import DatabaseUnavailable
from floorcast.gateway.trail import PostgresTrail
from floorcast.observe import DoorbellSet, LeadershipLost, LeadershipTaken, SessionSilent, TickClosed
from floorcast.relay import relay as relay_module

pytestmark = pytest.mark.usefixtures("quick_election")

LISTENERS = "select pid from pg_stat_activity where application_name = 'floorcast relay bell'"

Listen = Callable[[str], Awaitable[Bell]]


@pytest.fixture
def quick_vigil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second of silence instead of four."""
    monkeypatch.setattr(vigil_module, "SILENT_SECONDS", 0.5)


@pytest.fixture
async def bell_link(stream: Stream, proxy: OpenLink, monkeypatch: pytest.MonkeyPatch) -> Link:
    """A link that only the listening session goes through."""
    link = await proxy(stream.cells.database.service_url)
    listen = Bell.listen
    monkeypatch.setattr(Bell, "listen", lambda _: listen(link.url))
    return link


async def again(observed: Observed) -> None:
    """Wait until leading has begun a second time."""
    await observed.wait_for(LeadershipTaken, lambda _: len(observed.of(LeadershipTaken)) > 1, within=20 * UNIT)


@pytest.mark.parametrize("ways", [("there", "back"), ("back",)])
async def test_a_listening_session_that_falls_silent_is_replaced(
    stream: Stream, observed: Observed, bell_link: Link, monkeypatch: pytest.MonkeyPatch, ways: tuple[Way, ...]
) -> None:
    """It hears nothing and is told nothing: without an echo, each change would wait for the safety look for ever."""
    for setting in ("ECHO_SECONDS", "DEAF_SECONDS"):
        monkeypatch.setattr(doorbell, setting, 0.5)
    receiver = await stream.receiver()
    async with running(stream.relay()):
        await observed.wait_for(DoorbellSet, lambda event: event.state == "idle")
        bell_link.silence(*ways)
        # Not heard by anybody who could be told of it, and found by the safety look.
        await stream.cells.put(1)
        silent = await observed.wait_for(SessionSilent, within=15 * UNIT)
        await again(observed)
        await observed.wait_for(DoorbellSet, lambda _: observed.of(DoorbellSet)[-1].state == "idle")
        await stream.cells.put(2)
        await stream.drained(receiver)
    assert silent.session == "floorcast relay bell"
    await stream.check_receiver(receiver)


async def test_an_echo_is_not_taken_for_somebodys_bell(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it rings itself, a relay on which nobody else rings stays asleep, and hears whoever does."""
    monkeypatch.setattr(doorbell, "ECHO_SECONDS", 0.0)
    monkeypatch.setattr(relay_module, "SIGN_SECONDS", 0.0)
    monkeypatch.setattr(relay_module, "SAFETY_SECONDS", 0.002)
    echoes = await stream.cells.session()
    await echoes.execute(f"listen {doorbell.ECHO}".encode())
    receiver = await stream.receiver()
    async with running(stream.relay()):
        await observed.wait_for(DoorbellSet, lambda event: event.state == "idle")
        observed.forget()
        heard = [echo async for echo in echoes.notifies(timeout=10 * UNIT, stop_after=40)]
        for key in range(5):
            await stream.cells.put(key)
            await observed.wait_for(TickClosed)
        await stream.drained(receiver)
    assert len(heard) >= 40
    assert observed.of(DoorbellSet) == []
    assert observed.of(LeadershipLost) == []
    await stream.check_receiver(receiver)


async def test_a_bell_that_hears_its_echo_is_kept(
    stream: Stream, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over many rounds, with patience for none that is lost."""
    monkeypatch.setattr(doorbell, "ECHO_SECONDS", 0.01)
    monkeypatch.setattr(relay_module, "SIGN_SECONDS", 0.01)
    monkeypatch.setattr(relay_module, "SAFETY_SECONDS", 0.01)
    async with running(stream.relay()):
        await observed.wait_for(LeadershipTaken)
        cursor = await stream.connection.execute(LISTENERS)
        before = await cursor.fetchall()
        for key in range(100):
            await stream.cells.put(key)
            await observed.wait_for(TickClosed)
        cursor = await stream.connection.execute(LISTENERS)
        assert await cursor.fetchall() == before
    assert observed.of(SessionSilent) == []


@pytest.mark.usefixtures("quick_vigil")
async def test_a_leader_whose_session_falls_silent_begins_again_by_itself(
    stream: Stream, observed: Observed, proxy: OpenLink
) -> None:
    """No standby is there to end it; without a look at itself it would wait for an answer for ever."""
    link = await proxy(stream.cells.database.service_url)
    receiver = await stream.receiver()
    async with running(a_relay(link.url, stream.redis_url)):
        await stream.cells.put(1)
        await stream.drained(receiver)
        link.silence()
        await stream.cells.put(2)
        await observed.wait_for(SessionSilent, lambda event: event.session == "floorcast relay", within=15 * UNIT)
        await again(observed)
        await stream.drained(receiver)
    await stream.check_receiver(receiver)
    await stream.check_feed()


@pytest.mark.usefixtures("quick_vigil")
async def test_a_network_that_is_silent_as_a_whole_is_noticed_too(
    stream: Stream, observed: Observed, proxy: OpenLink
) -> None:
    """Nobody can be asked, so nobody answers: the session is given up, and comes back with the network."""
    link = await proxy(stream.cells.database.service_url)
    receiver = await stream.receiver()
    async with running(a_relay(link.url, stream.redis_url)):
        await observed.wait_for(LeadershipTaken)
        link.freeze()
        await observed.wait_for(SessionSilent, within=15 * UNIT)
        await observed.wait_for(LeadershipLost)
        await stream.cells.put(1)
        await link.heal()
        await again(observed)
        await stream.drained(receiver)
    await stream.check_receiver(receiver)


@pytest.mark.usefixtures("quick_vigil")
async def test_a_session_at_work_is_left_alone(database: Database, observed: Observed) -> None:
    """A tick of a million rows takes longer than any patience."""
    connection = await connect(database.service_url, role=None, application="long")
    async with connection, vigil(database.service_url, connection):
        cursor = await connection.execute("select pg_sleep(1.5)")
        assert await cursor.fetchone() == ("",)
    assert observed.of(SessionSilent) == []


@pytest.mark.usefixtures("quick_vigil")
async def test_whoever_waits_on_a_silent_session_is_told_at_once(
    database: Database, proxy: OpenLink, observed: Observed
) -> None:
    """With an error, not with a cancellation that itself waits for the server."""
    link = await proxy(database.service_url)
    connection = await connect(link.url, role=None, application="silent")
    async with vigil(link.url, connection):
        await connection.execute("select 1")
        link.silence("back")
        asked = asyncio.create_task(connection.execute("select 1"))
        silent = await observed.wait_for(SessionSilent, within=10 * UNIT)
        with pytest.raises(psycopg.OperationalError):
            await asked
    assert silent.session == "silent"
    assert connection.closed


@pytest.mark.usefixtures("quick_vigil")
async def test_a_gateway_whose_session_falls_silent_asks_on_another(
    database: Database, proxy: OpenLink, observed: Observed
) -> None:
    """It stands still for as long as it waits, and all its screens with it."""
    link = await proxy(database.service_url)
    trail = PostgresTrail(link.url)
    await trail.begin()
    link.silence("there")
    with pytest.raises(DatabaseUnavailable):
        await trail.begin()
    assert (await trail.begin()).tick == 0
    assert [event.session for event in observed.of(SessionSilent)] == ["floorcast gateway"]
    await trail.aclose()


async def test_the_kernel_gives_up_a_peer_that_vanished_within_seconds(database: Database) -> None:
    """A session on which nothing is asked is looked after by nobody else."""
    async with await connect(database.service_url, role=None, application="idle") as connection:
        with socket.socket(fileno=os.dup(connection.fileno())) as twin:
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            idle, interval, count, unanswered = (twin.getsockopt(socket.IPPROTO_TCP, option) for option in options)
            assert twin.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert idle + interval * count <= 12
    assert 0 < unanswered <= 12_000
