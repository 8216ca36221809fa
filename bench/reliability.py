"""Is everything delivered, once, in order, to those who may see it; and how long does delivery pause at each fault?

Replays a file of work orders twice, each time on a floor of its own (PostgreSQL and Redis as they are by default, two
relays, two gateways, all of them processes): first to people of every role in every warehouse, at full speed; then
while each process and server is killed, stopped, emptied or restarted in turn. Everything that anybody heard is
compared with the audit trail, row for row.

    python -m bench.reliability excavators.csv [--rounds 3] [--write]
"""

import argparse
import asyncio
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.fixtures.postgres import server_home
from tests.trial.campaign import Account, replay_through_faults, replay_to_everybody
from tests.trial.floor import Floor
from tests.trial.hall import Hall

from floorcast import __version__

DOCUMENT = Path(__file__).parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->"

_STEPS = 100


def main() -> None:
    """Run both trials, print the tables, write them into the document if asked to; exit 1 when a fault was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="CSV of work orders, as for `floorcast replay`")
    parser.add_argument("--rounds", type=int, default=3, help="how often each fault happens")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/reliability.md")
    arguments = parser.parse_args()
    file = arguments.file.resolve()
    whole, _ = asyncio.run(_on_a_floor(lambda hall: replay_to_everybody(hall, file, _say)))
    _say(_sentence(whole))
    hurt, versions = asyncio.run(_on_a_floor(lambda hall: replay_through_faults(hall, file, arguments.rounds, _say)))
    _say(_sentence(hurt))
    found = [*whole.faults, *hurt.faults]
    for fault in found[:20]:
        print(f"FAULT: {fault[:2_000]}")
    text = _tables(whole, hurt, arguments.rounds, file.name, versions)
    print(f"\n{text}")
    if arguments.write and not found:
        document = DOCUMENT.read_text()
        pattern = re.compile(re.escape(BEGIN) + ".*" + re.escape(END), re.DOTALL)
        DOCUMENT.write_text(pattern.sub(lambda _: BEGIN + text + END, document))
    sys.exit(1 if found else 0)


async def _on_a_floor(trial: Callable[[Hall], Awaitable[Account]]) -> tuple[Account, str]:
    with server_home() as home:
        floor = Floor(home, relays=2, gateways=2)
        hall = Hall(floor)
        try:
            await asyncio.to_thread(floor.start)
            ((postgres,),) = floor.query("show server_version")
            with floor.redis_client() as client:
                redis = client.info("server")["redis_version"]
            versions = f"PostgreSQL {postgres}, Redis {redis}"
            return await trial(hall), versions
        finally:
            await hall.close()
            await asyncio.to_thread(floor.end)


def _sentence(account: Account) -> str:
    return (
        f"{account.orders} orders, {account.changes} changes in {account.ticks} ticks, {account.seconds:.0f} s, "
        f"{account.deliveries} deliveries to {account.listeners} listeners, {len(account.faults)} faults"
    )


def _tables(whole: Account, hurt: Account, rounds: int, file: str, versions: str) -> str:
    today = datetime.now(UTC).date().isoformat()
    machine = f"{os.cpu_count()} cores ({platform.machine()}), {versions}, Python {platform.python_version()}"
    lines = [
        f"Measured {today} with Floorcast {__version__} on {machine}; servers, relays, gateways, writers and listeners",
        f"shared the machine. File: `{file}`.",
        "",
        "| | replayed to everybody | replayed through faults |",
        "|---|---|---|",
        f"| work orders completed | {whole.orders:,} | {hurt.orders:,} |",
        f"| changes in the trail, ticks | {whole.changes:,} in {whole.ticks:,} | {hurt.changes:,} in {hurt.ticks:,} |",
        f"| connections that listened | {whole.listeners} | {hurt.listeners} |",
        f"| changes delivered and compared | {whole.deliveries:,} | {hurt.deliveries:,} |",
        f"| missing, doubled, foreign, out of order, unlike | {len(whole.faults)} | {len(hurt.faults)} |",
        f"| changes a second, pauses for comparison included | {_rate(whole)} | {_rate(hurt)} |",
        f"| capture → listener, median and 99 % | {_wait(whole)} | {_wait(hurt)} |",
        f"| screens that were cut and became equal again | – | {hurt.rejoins} |",
        "",
        f"Pauses for clients whose gateway lived, over {rounds} rounds (median, and the worst in brackets):",
        "",
        "| fault | longest wait of a change, commit → client | longest time without any change |",
        "|---|---|---|",
    ]
    for name, wounds in hurt.wounds.items():
        waits, silences = [w.longest_wait for w in wounds], [w.longest_silence for w in wounds]
        lines.append(f"| {name} | {_median(waits)} | {_median(silences)} |")
    return "\n".join(lines) + "\n"


def _wait(account: Account) -> str:
    quantiles = statistics.quantiles(account.waits, n=_STEPS)
    return f"{quantiles[49] * 1000:.0f} ms, {quantiles[98] * 1000:.0f} ms"


def _rate(account: Account) -> str:
    return f"{account.changes / account.seconds:,.0f}"


def _median(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} s ({max(seconds):.2f} s)"


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    main()
