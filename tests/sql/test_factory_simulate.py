"""The simulation against the real rules: row level security, constraints and triggers judge what it does."""

import asyncio
import signal
import subprocess
import sys
from random import Random
from typing import Any

import pytest
from tests.fixtures.observed import Observed
from tests.fixtures.postgres import Database

from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.errors import FactoryError
from floorcast.factory import demo, plant
from floorcast.factory.scenario import MOST_UNFINISHED
from floorcast.factory.session import Session, StepRefused
from floorcast.factory.simulate import simulate
from floorcast.factory.step import Step, command
from floorcast.observe import DatabaseBack, DatabaseLost

FAST = 100_000.0


async def rows(database: Database, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return what the owner sees."""
    async with database.owner() as connection:
        return await (await connection.execute(query, parameters)).fetchall()  # type: ignore[arg-type]


async def test_hundreds_of_steps_break_no_rule(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one is refused while nobody else is there, and open orders stay few."""
    demo.load(database.owner_url)
    refused: list[str] = []
    perform = Session.perform

    async def keep_refusals(self: Session, step: Step) -> None:
        try:
            await perform(self, step)
        except StepRefused as refusal:
            refused.append(str(refusal))
            raise

    monkeypatch.setattr(Session, "perform", keep_refusals)
    happened: list[Step] = []
    await simulate(database.service_url, rate=FAST, random=Random(11), happened=happened.append, steps=400)
    assert refused == []
    assert len(happened) == 400
    counts = await rows(
        database,
        "select count(*) from public.work_orders where status in ('open', 'assigned', 'in_progress', 'on_hold')"
        " group by warehouse_id",
    )
    # A machine that moves, and an order that is reopened, may bring one more.
    assert all(count <= MOST_UNFINISHED + 3 for (count,) in counts)


async def test_what_happens_is_done_by_people(database: Database) -> None:
    """The trail names somebody of the demo for every change."""
    demo.load(database.owner_url)
    await simulate(database.service_url, rate=FAST, random=Random(3), steps=60)
    actors = {
        row[0]
        for row in await rows(
            database, "select distinct actor from floorcast.change where table_name <> 'floorcast.tracked'"
        )
    }
    assert actors <= {str(person.id) for person in plant.PEOPLE}
    assert len(actors) > 4


async def test_only_the_warehouses_that_were_asked_for_are_busy(database: Database) -> None:
    """By name; the others stay as they are."""
    demo.load(database.owner_url)
    (before,) = await rows(database, "select max(seq) from floorcast.change")
    await simulate(database.service_url, rate=FAST, random=Random(3), steps=60, warehouses=["south plant"])
    touched = await rows(database, "select distinct warehouse from floorcast.change where seq > %s", before[0])
    assert touched == [(str(plant.SOUTH.id),)]


async def test_a_database_without_the_demo_is_left_alone(database: Database) -> None:
    """Invented breakdowns among real ones would be a disaster."""
    with pytest.raises(FactoryError, match="not in this database"):
        await simulate(database.service_url, rate=FAST, random=Random(1), steps=1)


async def test_a_login_that_may_not_act_as_people_is_told_so(database: Database) -> None:
    """An unknown warehouse too: by name, with those that there are."""
    demo.load(database.owner_url)
    with pytest.raises(FactoryError, match="Central Stores, North Plant, South Plant"):
        await simulate(database.service_url, rate=FAST, random=Random(1), steps=1, warehouses=["West"])


async def test_row_level_security_refuses_a_step_instead_of_doing_nothing(database: Database) -> None:
    """An UPDATE of a row that one may not see touches nothing, and says nothing."""
    demo.load(database.owner_url)
    stranger = next(person for person in plant.PEOPLE if person.name == "Technician Three")
    order = plant.ORDERS[1]
    session = Session(database.service_url, "test")
    try:
        step = Step(stranger, (command("set_order_status", order=order.id, status="on_hold"),), "holding it")
        with pytest.raises(StepRefused, match="may not do `set_order_status` here"):
            await session.perform(step)
    finally:
        await session.close()
    assert await rows(database, "select status from public.work_orders where id = %s", order.id) == [(order.status,)]


async def test_a_restarted_database_is_waited_out(
    own_postgres: EmbeddedPostgres, own_database: Database, observed: Observed
) -> None:
    """People go on where they were."""
    demo.load(own_database.owner_url)
    something = asyncio.Event()

    async def next_step() -> None:
        something.clear()
        async with asyncio.timeout(20):
            await something.wait()

    def happened(_: Step) -> None:
        something.set()

    work = asyncio.create_task(simulate(own_database.service_url, rate=200, random=Random(2), happened=happened))
    try:
        await next_step()
        await asyncio.to_thread(own_postgres.restart)
        await observed.wait_for(DatabaseLost)
        await observed.wait_for(DatabaseBack)
        await next_step()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_the_command_ends_at_once_when_it_is_told_to(database: Database) -> None:
    """SIGTERM in the middle of a pause; exit code 0."""
    demo.load(database.owner_url)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "floorcast",
        "simulate",
        "--rate",
        "5",
        "--verbose",
        stdout=subprocess.PIPE,
        env={"DATABASE_URL": database.service_url, "FLOORCAST_JWT_SECRET": "x" * 32, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert b":" in await process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await process.wait() == 0
