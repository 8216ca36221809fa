"""The long trials: a whole history replayed to people of every role, and every fault in turn while it is replayed."""

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.trial import faults
from tests.trial.floor import Process, Reader
from tests.trial.hall import Fault, Hall, Wound, join_when_granted
from tests.trial.line import Refused, wait_on
from tests.trial.trail import Trail

from floorcast.factory import plant

ROLES = (
    "requester",
    "technician",
    "contractor",
    "inventory_clerk",
    "supervisor",
    "manager",
    "admin",
    "kiosk",
    "viewer",
)
NORTH, SOUTH, CENTRAL = (str(site.id) for site in plant.WAREHOUSES)
SITES = {"north": NORTH, "south": SOUTH, "central": CENTRAL}

FAULTS: Mapping[str, Fault] = {
    "kill -9 of the leading relay": faults.kill_relay,
    "SIGSTOP of the leading relay": faults.freeze_relay,
    "kill -9 of the other gateway": faults.kill_gateway,
    "kill -9 of Redis, back empty": faults.kill_redis,
    "FLUSHALL": faults.flush_redis,
    "SIGSTOP of Redis for 3 s": faults.freeze_redis,
    "restart of Postgres": faults.restart_postgres,
    "kill -9 of Postgres": faults.kill_postgres,
}

_HOURS = 3_600.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Account:
    """What a trial came to."""

    orders: int
    seconds: float
    changes: int
    ticks: int
    listeners: int
    # Changes heard, by all listeners together.
    deliveries: int
    # From capture to receipt, seconds, of every frame.
    waits: Sequence[float]
    faults: Sequence[str]
    wounds: Mapping[str, Sequence[Wound]] = field(default_factory=dict)
    # Screens that were cut and their pictures read again.
    rejoins: int = 0

    def wait(self, percent: int) -> float:
        """The percentile of the waits."""
        return statistics.quantiles(self.waits, n=100)[percent - 1]


async def replay_to_everybody(hall: Hall, file: Path, say: Say = print) -> Account:
    """Replay at full speed; one listener per role and warehouse, one with two, one with none, one for a while."""
    floor = hall.floor
    for site, warehouse in SITES.items():
        for role in ROLES:
            reader = await asyncio.to_thread(floor.add_reader, f"{role} in {site}", **{site: role})
            await hall.seat(reader, warehouse)
    await hall.seat(floor.demo_reader("Technician Six"), NORTH, CENTRAL)
    stranger = await hall.seat(await asyncio.to_thread(floor.add_reader, "nobody's"))
    guest = await hall.seat(await asyncio.to_thread(floor.add_reader, "guest"))
    found = []
    for warehouse in SITES.values():
        found += await _expect_refusal(stranger.join(warehouse), "nobody's")
    # A warehouse hears about five changes for each line of the file.
    lines = len((await asyncio.to_thread(file.read_bytes)).splitlines())
    begun = time.monotonic()
    replay = floor.run("replay", "replay", str(file), "--workers", "4")
    manager = hall.witnesses[ROLES.index("manager")]
    await wait_on(lambda: manager.heard() >= lines, "the replay is under way", 600)
    found += await _expect_refusal(guest.join(NORTH), "the guest before the grant")
    await asyncio.to_thread(floor.grant, guest.reader.id, NORTH, "viewer")
    granted = await join_when_granted(guest, NORTH)
    say(f"access granted at tick {granted.after}")
    await wait_on(lambda: len(granted.operations) >= lines, "the guest hears the replay", 600)
    await asyncio.to_thread(floor.query, "delete from public.user_warehouse_access where user_id = %s", guest.reader.id)
    await wait_on(lambda: granted.closed is not None, "the guest is told", 60)
    found += await _expect_refusal(guest.join(NORTH), "the guest after the withdrawal")
    say(f"access withdrawn after {len(granted.operations)} changes")
    found += await _end_of(replay, say)
    seconds = time.monotonic() - begun
    await hall.settle()
    trail, faults_found = await hall.audit()
    found += faults_found
    found += [f"{witness.reader.name} was cut: {witness.cut}" for witness in hall.witnesses if witness.cut]
    if stranger.heard():
        found.append("nobody's heard something")
    return _account(hall, trail, seconds, found)


async def replay_through_faults(hall: Hall, file: Path, rounds: int, say: Say = print) -> Account:
    """Replay while every fault happens in turn, so many rounds; after each, hold the load still and compare all."""
    floor = hall.floor
    manager, viewer = floor.demo_reader("Manager One"), floor.demo_reader("Wall Screen South")
    for gateway in range(len(floor.gateways)):
        other = (gateway + 1) % len(floor.gateways)
        await hall.show(manager, NORTH, [gateway, other])
        await hall.show(viewer, SOUTH, [gateway, other])
    begun = time.monotonic()
    hall.keep_busy(20)
    replay = floor.run("replay", "replay", str(file), "--workers", "1")
    load = [*hall.load, replay]
    wounds: dict[str, list[Wound]] = {name: [] for name in FAULTS}
    found: list[str] = []
    for number in range(1, rounds + 1):
        for gateway in range(len(floor.gateways)):
            await hall.seat(manager, NORTH, SOUTH, CENTRAL, gateway=gateway)
        for name, fault in FAULTS.items():
            await _fill(hall, manager)
            if fault is faults.kill_gateway:
                # Those of earlier rounds have moved to the gateway that lived.
                await hall.show(viewer, SOUTH, [0, 1])
            wound = await hall.suffer(fault)
            wounds[name].append(wound)
            faults_found = await _compare(hall, load)
            found += [f"after {name} ({number}): {fault_found}" for fault_found in faults_found]
            say(
                f"round {number}: {name}: longest wait {wound.longest_wait:.2f} s, longest silence "
                f"{wound.longest_silence:.2f} s; {len(faults_found)} faults found {faults_found[:1]}"
            )
    found += await _end_of(replay, say)
    seconds = time.monotonic() - begun
    await hall.rest()
    await hall.settle()
    trail, faults_found = await hall.audit()
    return _account(hall, trail, seconds, found + faults_found, wounds)


async def _fill(hall: Hall, reader: Reader) -> None:
    """See to it that somebody listens to all warehouses at each gateway."""
    for gateway in range(len(hall.floor.gateways)):
        url = hall.floor.gateway_url(gateway)
        if not any(witness.url == url and witness.cut is None for witness in hall.witnesses):
            await hall.seat(reader, NORTH, SOUTH, CENTRAL, gateway=gateway)


async def _compare(hall: Hall, load: Sequence[Process]) -> list[str]:
    """Hold the load still, wherever it is, transactions open; compare everything; let it go on."""
    for process in load:
        if process.exit_code is None:
            process.freeze()
    try:
        await hall.settle()
        return (await hall.audit())[1]
    finally:
        for process in load:
            process.thaw()


async def _end_of(replay: Process, say: Say) -> list[str]:
    """Wait for the end of a replay; lines that it refused are said, anything worse is a fault."""
    code = await asyncio.to_thread(replay.wait, _HOURS)
    if code:
        say(replay.said())
    return [] if code in (0, 1) else [f"the replay ended with {code}"]


async def _expect_refusal(join: object, who: str) -> list[str]:
    try:
        await join  # type: ignore[misc]
    except Refused as refused:
        return [] if refused.code == "forbidden" else [f"{who} was refused with {refused.code}"]
    return [f"{who} was let in"]


def _account(
    hall: Hall,
    trail: Trail,
    seconds: float,
    found: Sequence[str],
    wounds: Mapping[str, Sequence[Wound]] | None = None,
) -> Account:
    ((orders,),) = hall.floor.query(
        "select count(*) from public.work_orders where status = 'completed' and scheduled_start is not null"
    )
    return Account(
        orders=orders,
        seconds=seconds,
        changes=trail.changes,
        ticks=trail.last,
        listeners=len(hall.witnesses),
        deliveries=sum(witness.heard() for witness in hall.witnesses),
        waits=[each.at - each.written for witness in hall.witnesses for each in witness.arrivals],
        faults=found,
        wounds=wounds or {},
        rejoins=sum(len(screen.losses) for screen in hall.screens),
    )
