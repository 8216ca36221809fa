"""Two hundred who come back, at both gateways; what each fault cost them, and the accounting after it."""

import asyncio
import contextlib
import statistics
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import psycopg
from tests.trial.feed import audit_feed
from tests.trial.floor import STRETCH, Floor, Process, Reader
from tests.trial.ledger import Ledger
from tests.trial.line import wait_on
from tests.trial.regular import Regular
from tests.trial.trail import read_trail

from floorcast.factory import plant

NORTH, SOUTH, CENTRAL = (str(site.id) for site in plant.WAREHOUSES)

WHO = (
    ("manager", "north"),
    ("technician", "north"),
    ("requester", "north"),
    ("manager", "south"),
    ("kiosk", "south"),
    ("admin", "central"),
    ("inventory_clerk", "central"),
    ("viewer", "central"),
)
"""Roles and warehouses, in turn."""

_SITES = {"north": NORTH, "south": SOUTH, "central": CENTRAL}
_MARKED = [next(each.id for each in plant.MACHINES if str(each.warehouse) == site) for site in _SITES.values()]
_MARK = "update public.equipment set location = %s where id = any(%s) returning pg_current_xact_id()::text"
_TICK_OF = "select min(tick) from floorcast.tick where pg_visible_in_snapshot(%s::xid8, snapshot)"

Breakage = Callable[[Floor, float], "int | None"]
"""Breaks something for so many seconds and puts it right; blocks. Returns the tick behind which history was lost."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a fault did to the crowd."""

    # For each client the longest time between two arrivals of changes around the fault, seconds.
    pauses: list[float]
    # How many connections were lost; why pictures had to be read again.
    losses: int
    refetches: dict[str, int]
    # Changes applied meanwhile, by all together.
    applied: int
    faults: list[str]

    @property
    def median(self) -> float:
        """Of the pauses."""
        return statistics.median(self.pauses)

    @property
    def worst(self) -> float:
        """Of the pauses."""
        return max(self.pauses)


@dataclass
class Crowd:
    """Everybody who comes back, and whoever keeps the floor busy."""

    floor: Floor
    regulars: list[Regular] = field(default_factory=list)
    load: list[Process] = field(default_factory=list)
    _marks: int = 0

    async def gather(self, count: int, *, rate: float) -> None:
        """Let so many come and the factory work, so many steps a second; returns when all have a picture."""
        readers = await asyncio.to_thread(self._readers)
        urls = [self.floor.client_url(number) for number in range(len(self.floor.gateways))]
        for number in range(count):
            reader, warehouse = readers[number % len(readers)]
            self.regulars.append(Regular(reader, warehouse, urls))
        # When the grants are known: a refusal would be a fault.
        await self._reach_gateways()
        for regular in self.regulars:
            regular.start()
        self.load.append(self.floor.run("simulate", "simulate", "--rate", str(rate), "--seed", "1"))
        await wait_on(lambda: all(regular.lives for regular in self.regulars), "everybody has a picture", 30)
        await self.mark()

    def _readers(self) -> list[tuple[Reader, str]]:
        return [(self.floor.add_reader(f"{role} in {site}", **{site: role}), _SITES[site]) for role, site in WHO]

    async def _reach_gateways(self) -> None:
        """Wait until gateways have heard what was written up to now."""
        from tests.trial.hall import Hall  # noqa: PLC0415

        hall = Hall(self.floor)
        try:
            for gateway in range(len(self.floor.gateways)):
                manager = self.floor.demo_reader("Manager One")
                await hall.seat(manager, *_SITES.values(), gateway=gateway)
            await hall.mark()
        finally:
            await hall.close()

    async def close(self) -> None:
        """Send everybody home."""
        for regular in self.regulars:
            await regular.stop()

    async def suffer(self, breakage: Breakage, held: float) -> Cost:
        """Break something for so long, wait until everybody hears of changes again, and settle the accounts."""
        await self._hear_more()
        losses = sum(regular.losses for regular in self.regulars)
        begun = time.time()
        fork = await asyncio.to_thread(breakage, self.floor, held)
        await self.mark()
        ended = time.time()
        refetches = Counter(life.ended for regular in self.regulars for life in regular.lives if life.ended is not None)
        pauses = [_pause(regular, begun, ended) for regular in self.regulars]
        applied, faults = await self.settle(fork)
        lost = sum(regular.losses for regular in self.regulars) - losses
        return Cost(pauses, lost, {str(reason): count for reason, count in refetches.items()}, applied, faults)

    async def mark(self) -> None:
        """Write to every warehouse and wait until all have it applied."""
        self._marks += 1
        await self._all_reach(await asyncio.to_thread(self._write_mark))

    async def _all_reach(self, tick: int) -> None:
        """Wait until everybody has everything up to a tick of the present history."""
        history = await asyncio.to_thread(self._incarnation)
        await wait_on(
            lambda: all(each.has_reached(tick, history) for each in self.regulars),
            lambda: f"tick {tick}: {[str(each) for each in self.regulars if not each.has_reached(tick, history)][:5]}",
            60,
        )

    def _incarnation(self) -> str:
        text = "select incarnation::text from floorcast.incarnation order by number desc limit 1"
        return str(self.floor.query(text)[0][0])

    async def _hear_more(self) -> None:
        """Wait until the load has reached everybody: a fault in a silent hall would prove little."""
        before = [len(regular.arrivals) for regular in self.regulars]
        await wait_on(
            lambda: all(len(each.arrivals) > old for each, old in zip(self.regulars, before, strict=True)),
            "everybody hears of the load",
            30,
        )

    def _write_mark(self) -> int:
        deadline = time.monotonic() + 60 * STRETCH
        while True:
            try:
                ((xid,), *_) = self.floor.query(_MARK, f"mark {self._marks}", _MARKED)
                break
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError):
                ((tick,),) = self.floor.query(_TICK_OF, xid)
                if tick is not None:
                    return int(tick)
            time.sleep(0.02)
        raise AssertionError("no tick sees the mark")

    async def settle(self, fork: int | None = None) -> tuple[int, list[str]]:
        """Hold the load still, transactions open; compare everything; let it go on."""
        for process in self.load:
            assert process.exit_code is None, f"{process.name} ended:\n{process.said()}"
            process.freeze()
        try:
            last = await asyncio.to_thread(self.floor.settle)
            await self._all_reach(last)
            applied = sum(len(life.applied) for regular in self.regulars for life in regular.lives)
            return applied, await asyncio.to_thread(self._account, fork)
        finally:
            for process in self.load:
                process.thaw()

    def _account(self, fork: int | None) -> list[str]:
        incarnation = self._incarnation()
        trail = read_trail(self.floor.owner_url)
        ledger = Ledger(trail, incarnation, fork=fork)
        found = ledger.audit(self.regulars) + ledger.compare_with_tables(self.floor.owner_url)
        with contextlib.closing(self.floor.redis_client()) as client:
            found += audit_feed(client, trail).faults
        return found + trail.broken_chains()


def _pause(regular: Regular, begun: float, ended: float) -> float:
    """The longest time between two arrivals that touches a span of Unix seconds."""
    # In the order in which they came: a clock that was set back must not shorten it.
    first = max(bisect_left(regular.arrivals, begun) - 1, 0)
    times = regular.arrivals[first:]
    return max((later - earlier for earlier, later in pairwise(times) if earlier <= ended), default=ended - begun)
