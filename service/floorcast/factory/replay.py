"""The edge of a replay: several sessions play the assets side by side, each asset in its own order."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4, uuid5

from floorcast.errors import FactoryError
from floorcast.factory import directory
from floorcast.factory.casting import SPARES_NUMBER, Crew, Script, crew_of, spread
from floorcast.factory.history import HistoricalOrder, NotHistoryError, Refusal, read_history
from floorcast.factory.person import Warehouse
from floorcast.factory.session import Session, StepRefused
from floorcast.factory.step import Step, command

_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file holds: orders by asset, each in its order, and what cannot be played."""

    orders: Mapping[str, Sequence[HistoricalOrder]]
    refusals: Sequence[Refusal]

    @property
    def total(self) -> int:
        """How many orders there are to play."""
        return sum(len(orders) for orders in self.orders.values())


@dataclass(slots=True)
class Outcome:
    """How a replay went."""

    # Names this replay; an order's id is uuid5(run, "order/<line>").
    run: UUID
    completed: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    # Where the assets were played.
    warehouses: Mapping[str, Warehouse] = field(default_factory=dict)


def read_plan(path: Path, assets: frozenset[str] | None, limit: int | None) -> Plan:
    """Read a file; at most `limit` orders are kept, the first of the file.

    Raises:
        FactoryError: the file cannot be read or is not one of work orders.
    """
    orders: dict[str, list[HistoricalOrder]] = {}
    refusals: list[Refusal] = []
    count = 0
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as lines:
            for item in read_history(lines, assets):
                if limit is not None and count == limit:
                    break
                if isinstance(item, Refusal):
                    refusals.append(item)
                else:
                    orders.setdefault(item.asset, []).append(item)
                    count += 1
    except OSError as error:
        raise FactoryError(f"{path} cannot be read: {error.strerror}.") from error
    except NotHistoryError as error:
        raise FactoryError(f"{path}: {error}") from error
    # A day may hold several orders of an asset; sorting is stable, so they stay as the file has them.
    return Plan({asset: sorted(each, key=lambda order: order.begun) for asset, each in orders.items()}, refusals)


async def replay(
    url: str,
    plan: Plan,
    *,
    assets: Mapping[str, str],
    days_per_second: float | None,
    workers: int,
    completed: Callable[[], None] = lambda: None,
) -> Outcome:
    """Play a plan; `url` is a login that may become `authenticated` and `service_role`.

    `assets` puts assets into warehouses by id or name; without it they are spread over all. `days_per_second`
    None plays as fast as it goes. `completed` is called after each order, played or refused.

    Raises:
        FactoryError: the database has nobody who could play, or more than one organization and no `assets`.
        DatabaseUnavailable: it cannot be reached at the start. Later losses are waited out.
    """
    outcome = Outcome(uuid4(), refusals=list(plan.refusals))
    async with AsyncExitStack() as stack:
        sessions: asyncio.Queue[Session] = asyncio.Queue()
        for _ in range(workers):
            session = Session(url, "replay")
            stack.push_async_callback(session.close)
            sessions.put_nowait(session)
        first = sessions.get_nowait()
        await first.open()
        sessions.put_nowait(first)
        players = await _cast(sessions, plan, assets, outcome)
        stage = _Stage(sessions, _Clock(plan, days_per_second), outcome, completed)
        async with asyncio.TaskGroup() as group:
            # The longest first: it decides when all are done.
            for asset in sorted(players, key=lambda asset: -len(plan.orders[asset])):
                group.create_task(_play(players[asset], plan.orders[asset], stage), name=asset)
    outcome.refusals.sort(key=lambda refusal: refusal.line)
    return outcome


class _Clock:
    """Says how long to wait before a day of history begins."""

    def __init__(self, plan: Plan, days_per_second: float | None) -> None:
        self._days_per_second = days_per_second
        begun = [orders[0].begun for orders in plan.orders.values() if orders]
        self._first_day = min(begun, default=None)
        self._started = asyncio.get_running_loop().time()

    def wait_seconds(self, day: datetime) -> float:
        if self._days_per_second is None or self._first_day is None:
            return 0.0
        days = (day - self._first_day).total_seconds() / _SECONDS_PER_DAY
        return self._started + days / self._days_per_second - asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class _Stage:
    """What all assets share while they are played."""

    # Sessions that nobody uses at the moment; an order holds one from its first step to its last.
    sessions: asyncio.Queue[Session]
    clock: _Clock
    outcome: Outcome
    completed: Callable[[], None]


async def _cast(
    sessions: asyncio.Queue[Session], plan: Plan, assets: Mapping[str, str], outcome: Outcome
) -> Mapping[str, Script]:
    """Find people, machines and spares; create machines and spares that are missing."""
    session = await sessions.get()
    try:
        who = await directory.read_directory(await session.connection())
        if assets:
            given = {asset: who.find(name) for asset, name in assets.items()}
            places: Mapping[str, Warehouse] = {asset: given[asset] for asset in plan.orders}
        elif who.organizations > 1:
            raise FactoryError("The database holds several organizations. Say where to play: --assets A=<warehouse>,…")
        elif not who.warehouses:
            raise FactoryError("The database holds no warehouse. `floorcast up` loads a demo factory.")
        else:
            places = spread(plan.orders, who.warehouses)
        scripts = {}
        for asset, wished in places.items():
            # A machine that was moved since the last replay is played where it stands now, unless told otherwise.
            nearby = [wished.id] if assets else [each.id for each in who.warehouses]
            found = await directory.find_machine(await session.connection(), asset, nearby)
            site = wished if found is None else next(s for s in who.warehouses if s.id == found[1])
            crew = crew_of(site, who.staff)
            machine = found[0] if found else await _add_machine(session, crew, asset, outcome.run)
            scripts[asset] = Script(outcome.run, crew, machine, await _spares(session, crew, outcome.run))
        outcome.warehouses = {asset: script.crew.warehouse for asset, script in scripts.items()}
        return scripts
    finally:
        sessions.put_nowait(session)


async def _add_machine(session: Session, crew: Crew, asset: str, run: UUID) -> UUID:
    machine = uuid5(run, f"machine/{asset}")
    add = command("add_machine", machine=machine, warehouse=crew.warehouse.id, tag=asset, name=f"Asset {asset}")
    await session.perform(Step(crew.supervisor, (add,), f"asset {asset} is added"))
    return machine


async def _spares(session: Session, crew: Crew, run: UUID) -> UUID:
    found = await directory.find_item(await session.connection(), SPARES_NUMBER, crew.warehouse.id)
    if found is not None:
        return found
    item = uuid5(run, f"spares/{crew.warehouse.id}")
    add = command(
        "add_item",
        item=item,
        warehouse=crew.warehouse.id,
        part_number=SPARES_NUMBER,
        name="Replacement part (replayed)",
        category="replay",
    )
    await session.perform(Step(crew.clerk, (add,), "spares are added"))
    return item


async def _play(script: Script, orders: Sequence[HistoricalOrder], stage: _Stage) -> None:
    """Play the orders of one asset, one after the other."""
    for order in orders:
        if (wait := stage.clock.wait_seconds(order.begun)) > 0:
            await asyncio.sleep(wait)
        session = await stage.sessions.get()
        try:
            for step in script.steps_of(order):
                await session.perform(step)
        except StepRefused as refusal:
            stage.outcome.refusals.append(Refusal(order.line, str(refusal)))
        else:
            stage.outcome.completed += 1
        finally:
            stage.sessions.put_nowait(session)
        stage.completed()
