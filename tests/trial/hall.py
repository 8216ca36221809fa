"""A floor with everybody who listens on it and whoever keeps it busy: what a trial is made of."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

import psycopg
from tests.trial.feed import audit_feed
from tests.trial.floor import STRETCH, Floor, Process, Reader
from tests.trial.line import Refused, wait_on
from tests.trial.screen import Screen
from tests.trial.trail import Trail, read_trail
from tests.trial.witness import MARK, Hearing, Witness, longest_silence, longest_wait

from floorcast.factory import plant

_WAREHOUSES = tuple(str(site.id) for site in plant.WAREHOUSES)
_MARKED = [next(each.id for each in plant.MACHINES if str(each.warehouse) == site) for site in _WAREHOUSES]

_SOME = 10
"""Changes that everybody hears before a fault and after it."""

Fault = Callable[[Floor], None]
"""Breaks something and does what a supervisor would do about it; blocks until that is done."""


@dataclass(frozen=True, slots=True)
class Wound:
    """What a fault did to those who were not cut."""

    # From the fault to the first change that was written after it was over and heard by all, seconds.
    healed_after: float
    # Longest time from a commit to its arrival, among what arrived meanwhile.
    longest_wait: float
    # Longest time without any change.
    longest_silence: float


@dataclass
class Hall:
    """Everybody and everything of one trial."""

    floor: Floor
    witnesses: list[Witness] = field(default_factory=list)
    screens: list[Screen] = field(default_factory=list)
    # Whoever keeps it busy.
    load: list[Process] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def seat(self, reader: Reader, *warehouses: str, gateway: int | None = None) -> Witness:
        """Let somebody listen at a gateway, by default at each in turn.

        A grant that was just given may take a moment to arrive.
        """
        turn = len(self.witnesses) % len(self.floor.gateways) if gateway is None else gateway
        witness = Witness(reader, self.floor.gateway_url(turn))
        self.witnesses.append(witness)
        await witness.connect()
        for warehouse in warehouses:
            await join_when_granted(witness, warehouse)
        return witness

    async def show(self, reader: Reader, warehouse: str, gateways: Sequence[int]) -> Screen:
        """Put up a screen, which tries these gateways in turn; returns when it shows something."""
        screen = Screen(reader, warehouse, [self.floor.gateway_url(number) for number in gateways])
        self.screens.append(screen)
        await screen.start()
        await wait_on(lambda: screen.complete >= 0, "the screen shows something")
        return screen

    def keep_busy(self, rate: float, *, seed: int = 1) -> None:
        """Let the people of the demo factory work, so many steps a second."""
        self.load.append(self.floor.run("simulate", "simulate", "--rate", str(rate), "--seed", str(seed)))

    async def rest(self) -> None:
        """End the load."""
        while self.load:
            await asyncio.to_thread(self.load.pop().stop)

    async def close(self) -> None:
        """Hang up everywhere."""
        for screen in self.screens:
            await screen.stop()
        for witness in self.witnesses:
            await witness.close()

    async def mark(self) -> float:
        """Write to every warehouse and wait until all who are not cut have heard of it; return when (Unix)."""
        text = f"{MARK}{next(self._numbers)}"
        async with asyncio.timeout(30 * STRETCH):
            while True:
                try:
                    update = "update public.equipment set location = %s where id = any(%s)"
                    await asyncio.to_thread(self.floor.query, update, text, _MARKED)
                    break
                except psycopg.OperationalError:
                    await asyncio.sleep(0.02)
        await wait_on(
            lambda: all(_has_heard(witness, text) for witness in self.witnesses if witness.cut is None),
            lambda: f"{text} was heard by {[w.reader.name for w in self.witnesses if _has_heard(w, text)]} only",
            30,
        )
        return time.time()

    async def suffer(self, fault: Fault) -> Wound:
        """Inflict a fault and wait until changes flow again to everybody who was not cut."""
        await self.mark()
        await self._hear_more()
        begun = time.time()
        await asyncio.to_thread(fault, self.floor)
        ended = await self.mark()
        await self._hear_more()
        survivors = [witness for witness in self.witnesses if witness.cut is None and witness.heard()]
        return Wound(
            ended - begun,
            max(longest_wait(witness, begun, ended) for witness in survivors),
            max(longest_silence(witness, begun, ended) for witness in survivors),
        )

    async def _hear_more(self) -> None:
        """Wait until the load has reached everybody: a fault in a silent hall would prove little."""
        before = {id(witness): witness.heard() for witness in self.witnesses}
        await wait_on(
            lambda: all(
                witness.heard() >= before[id(witness)] + _SOME for witness in self.witnesses if witness.cut is None
            ),
            "everybody hears of the load",
            30,
        )

    async def settle(self) -> int:
        """Wait until everybody has heard that everything was said; return the last tick."""
        last = await asyncio.to_thread(self.floor.settle)
        await wait_on(
            lambda: all(each.complete >= last for each in self._present()),
            lambda: f"complete up to {last}: {[(each.reader.name, each.complete) for each in self._present()]}",
            40,
        )
        return last

    def _present(self) -> "list[Witness | Screen]":
        return [*(witness for witness in self.witnesses if witness.cut is None), *self.screens]

    async def audit(self) -> tuple[Trail, list[str]]:
        """Return the trail, and every fault of everybody and of the feed; nobody may write meanwhile.

        Those who were cut are not asked to be complete, only to have heard nothing wrong until then.
        """
        trail = await asyncio.to_thread(read_trail, self.floor.owner_url)
        faults = [fault for witness in self.witnesses for fault in witness.audit(trail)]
        for screen in self.screens:
            faults += await asyncio.to_thread(screen.differences, self.floor.owner_url)
        with contextlib.closing(self.floor.redis_client()) as client:
            faults += audit_feed(client, trail).faults
        if trail.waiting:
            faults.append(f"{trail.waiting} changes are in no tick")
        return trail, [*faults, *trail.broken_chains()]


async def join_when_granted(witness: Witness, warehouse: str) -> Hearing:
    """Join as soon as the gateway has heard of the grant."""
    async with asyncio.timeout(10 * STRETCH):
        while True:
            try:
                return await witness.join(warehouse)
            except Refused as refused:
                if refused.code != "forbidden":
                    raise
                await asyncio.sleep(0.02)


def _has_heard(witness: Witness, mark: str) -> bool:
    """Whether a mark arrived on every topic that goes on."""
    return all(mark in hearing.marks for hearing in witness.hearings.values() if hearing.closed is None)
