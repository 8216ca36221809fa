"""The edge of the simulation: look at the floor, let the scenario choose, perform, wait, again."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random

import psycopg

from floorcast.database.queries import load_queries
from floorcast.errors import FactoryError
from floorcast.factory import directory, plant
from floorcast.factory.demo import demo_user
from floorcast.factory.floor import Floor, Item, Machine, Order
from floorcast.factory.person import Staff, Warehouse
from floorcast.factory.scenario import choose
from floorcast.factory.session import Session, StepRefused, as_person
from floorcast.factory.step import Step

_FLOOR = load_queries("floor.sql", "floorcast.factory")

_PARAMETERS = {
    # Only what the demo brought: other data in the same database is left in peace.
    "machines": [machine.id for machine in plant.MACHINES],
    "items": [item.id for item in plant.ITEMS],
}

_LONGEST_PAUSE = 4.0
"""Times the mean: people do not work like a clock, but nobody wants to watch nothing."""


async def simulate(
    url: str,
    *,
    rate: float,
    warehouses: Sequence[str] = (),
    random: Random,
    happened: Callable[[Step], None] = lambda _: None,
    steps: int | None = None,
) -> None:
    """Keep the demo factory busy until cancelled, or for so many `steps`; `rate` is steps per second, on average.

    `warehouses` (ids or names) limits it to some. A lost database is waited for. `happened` is told of each step.

    Raises:
        FactoryError: the demo factory is not in this database, or has no such warehouse.
        DatabaseUnavailable: it cannot be reached at the start.
    """
    session = Session(url, "simulate")
    try:
        await session.open()
        who = await directory.read_directory(await session.connection())
        theirs = {site.id for site in plant.WAREHOUSES}
        sites = tuple(site for site in who.warehouses if site.id in theirs)
        if not sites:
            raise FactoryError("The demo factory is not in this database. `floorcast up` loads it into an empty one.")
        only = frozenset(who.find(name).id for name in warehouses) or frozenset(site.id for site in sites)
        while steps is None or steps > 0:
            floor = (await _look(session, sites, who.staff)).only(only)
            step = choose(floor, random)
            if step is not None:
                await _try(session, step, happened)
            steps = None if steps is None else steps - 1
            await asyncio.sleep(min(random.expovariate(rate), _LONGEST_PAUSE / rate))
    finally:
        await session.close()


async def _try(session: Session, step: Step, happened: Callable[[Step], None]) -> None:
    try:
        await session.perform(step)
    except StepRefused:
        # Somebody else was there since we looked (took the last part, closed the order): so is life in a factory.
        return
    happened(step)


async def _look(session: Session, sites: Sequence[Warehouse], staff: Staff) -> Floor:
    """Read the floor as the demo's manager, whose warehouses are all of it; waits for a lost database."""
    while True:
        connection = await session.connection()
        try:
            async with as_person(connection, demo_user()):
                machines = await (await connection.execute(_FLOOR["machines"], _PARAMETERS)).fetchall()
                orders = await (await connection.execute(_FLOOR["orders"], _PARAMETERS)).fetchall()
                items = await (await connection.execute(_FLOOR["items"], _PARAMETERS)).fetchall()
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            await session.lose(error)
            continue
        present = {row[0] for row in machines}
        return Floor(
            sites,
            staff,
            [Machine(*row) for row in machines],
            [Order(*row) for row in orders if row[2] in present],
            [Item(*row) for row in items],
        )
