"""How long do changes pause for two hundred clients when something breaks, and is everything right afterwards?

One floor (two relays, two gateways, PostgreSQL and Redis with their defaults), links between any two parts, the demo's
people at work, and every fault of tests/trial/breakages.py in turn. After each the accounts are settled exactly.

    python -m bench.faults [--held 3] [--write]
"""

import argparse
import asyncio
import os
import re
import sys
from datetime import UTC, datetime

from bench.reliability import DOCUMENT
from tests.fixtures.postgres import server_home
from tests.trial.breakages import BREAKAGES, DISK
from tests.trial.clock import Clock, faketime_library
from tests.trial.crowd import Breakage, Cost, Crowd
from tests.trial.disk import may_mount
from tests.trial.floor import Floor

BEGIN, END = "<!-- faults: begin -->\n", "<!-- faults: end -->"

CLIENTS, STEPS_PER_SECOND = 200, 30
HOUR = 3_600


def main() -> None:
    """Run the trial, print the table, write it into the document if asked to; exit 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held", type=float, default=3.0, help="how long a fault lasts that can last, seconds")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    arguments = parser.parse_args()
    busy = os.getloadavg()[0]
    breakages = {name: what for name, what in BREAKAGES.items() if name not in DISK or may_mount()}
    costs = asyncio.run(_suffer(breakages, arguments.held, clock=False))
    if faketime_library() is not None:
        costs |= asyncio.run(_suffer({}, arguments.held, clock=True))
    found = [fault for cost in costs.values() for fault in cost.faults]
    for fault in found[:20]:
        print(f"FAULT: {fault[:2_000]}")
    text = _table(costs, arguments.held, busy)
    print(f"\n{text}")
    if arguments.write and not found:
        pattern = re.compile(re.escape(BEGIN) + ".*" + re.escape(END), re.DOTALL)
        DOCUMENT.write_text(pattern.sub(lambda _: BEGIN + text + END, DOCUMENT.read_text()))
    sys.exit(1 if found else 0)


async def _suffer(breakages: dict[str, Breakage], held: float, *, clock: bool) -> dict[str, Cost]:
    with server_home() as home:
        time = Clock(home) if clock else None
        floor = Floor(home, relays=2, gateways=2, wired=True, clock=time)
        crowd = Crowd(floor)
        if time is not None:
            breakages = {
                "clock set back by an hour": lambda _, held: time.hold(-HOUR, held),
                "clock set forward by an hour": lambda _, held: time.hold(0, held),
            }
        try:
            await asyncio.to_thread(floor.start)
            await crowd.gather(CLIENTS, rate=STEPS_PER_SECOND)
            costs = {}
            for name, what in breakages.items():
                cost = costs[name] = await crowd.suffer(what, held)
                print(f"{name}: {cost.median:.2f} s ({cost.worst:.2f} s); {len(cost.faults)} found", flush=True)
            return costs
        finally:
            await crowd.close()
            await asyncio.to_thread(floor.end)


def _table(costs: dict[str, Cost], held: float, busy: float) -> str:
    today = datetime.now(UTC).date().isoformat()
    applied = sum(cost.applied for cost in costs.values())
    found = sum(len(cost.faults) for cost in costs.values())
    lines = [
        f"Measured {today} with {CLIENTS} clients at two gateways on {os.cpu_count()} cores that they shared with",
        f"servers, writers and other work (load average before: {busy:.1f}). What can last lasted {held:g} s.",
        f"{applied:,} ticks were applied by clients and compared; {found} faults were found in them.",
        "",
        "| fault | pause of changes: median of the clients, and the worst | connections lost | pictures read again |",
        "|---|---|---|---|",
    ]
    for name, cost in costs.items():
        again = ", ".join(f"{count} (`{reason}`)" for reason, count in cost.refetches.items()) or "–"
        lines.append(f"| {name} | {cost.median:.2f} s, {cost.worst:.2f} s | {cost.losses or '–'} | {again} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
