"""`floorcast replay`: history, played through the database by the people of the warehouses."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from floorcast.cli.reach import reach_database
from floorcast.errors import FloorcastError
from floorcast.factory.replay import Outcome, Plan, read_plan
from floorcast.factory.replay import replay as play

_SHOWN = 50
"""Refused lines that are shown one by one."""


def replay(
    file: Annotated[Path, typer.Argument(help="CSV with BscStartDate, Asset, OriginalShorttext, PMType, Cost.")],
    speed: Annotated[str, typer.Option(help="Days of history per second, or `max` for as fast as it goes.")] = "max",
    assets: Annotated[
        str,
        typer.Option(
            help="Where to play which asset, as A=<warehouse>,B=…, by name or id; others are refused. "
            "Without it, assets are spread over all warehouses."
        ),
    ] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Play at most so many orders, the first of the file.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Connections side by side; the order per asset is kept.")
    ] = 4,
) -> None:
    """Play historical work orders: created, assigned, started, parts taken, completed, with real text and cost.

    Each step is a transaction of its own, done by a person of the warehouse under row level security.
    Machines that are missing are added. Lines that cannot be played are reported with their number and why,
    and the others are played; the exit code is then 1. It works on DATABASE_URL, or on the database of the
    `floorcast up` that runs here.
    """
    errors = Console(stderr=True)
    try:
        places = _places(assets)
        days_per_second = _speed(speed)
        url = reach_database()
        plan = read_plan(file, frozenset(places) or None, limit)
        begun = time.monotonic()
        outcome = asyncio.run(_play(url, plan, places, days_per_second, workers=workers, console=errors))
    except FloorcastError as error:
        errors.print(str(error), markup=False, highlight=False)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        errors.print("Stopped; orders that were begun stay as they are.")
        raise typer.Exit(130) from None
    _report(outcome, time.monotonic() - begun, errors)
    if outcome.refusals:
        raise typer.Exit(1)


async def _play(
    url: str,
    plan: Plan,
    places: Mapping[str, str],
    days_per_second: float | None,
    *,
    workers: int,
    console: Console,
) -> Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("work orders", total=plan.total)
        return await play(
            url,
            plan,
            assets=places,
            days_per_second=days_per_second,
            workers=workers,
            completed=lambda: progress.advance(task),
        )


def _report(outcome: Outcome, seconds: float, errors: Console) -> None:
    where = ", ".join(f"{asset} in {site.name}" for asset, site in sorted(outcome.warehouses.items()))
    typer.echo(f"{outcome.completed} work orders completed in {seconds:.1f} s ({where or 'no asset'}).")
    if not outcome.refusals:
        return
    errors.print(f"{len(outcome.refusals)} lines were refused:")
    for refusal in outcome.refusals[:_SHOWN]:
        errors.print(f"  line {refusal.line}: {refusal.reason}", markup=False, highlight=False, soft_wrap=True)
    if len(outcome.refusals) > _SHOWN:
        errors.print(f"  … and {len(outcome.refusals) - _SHOWN} more.")


def _places(text: str) -> Mapping[str, str]:
    places = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        asset, equals, warehouse = part.partition("=")
        if not (asset.strip() and equals and warehouse.strip()):
            raise typer.BadParameter(f"{part!r} should be <asset>=<warehouse>", param_hint="--assets")
        places[asset.strip()] = warehouse.strip()
    return places


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise typer.BadParameter(
            f"{text!r} should be `max` or a number of days per second above 0", param_hint="--speed"
        )
    return speed
