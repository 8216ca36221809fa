"""`floorcast simulate`: the people of the demo factory at work."""

import asyncio
import contextlib
from random import Random
from typing import Annotated

import typer

from floorcast.cli.reach import reach_database, reach_settings
from floorcast.errors import FloorcastError
from floorcast.factory.simulate import simulate as keep_busy
from floorcast.factory.step import Step
from floorcast.journal import keep_journal
from floorcast.lifecycle import run_process


def simulate(
    rate: Annotated[float, typer.Option(min=0.01, max=500, help="What happens per second, on average.")] = 1.0,
    warehouse: Annotated[
        list[str] | None, typer.Option(help="Only in this warehouse, by name or id; may be given again.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed on the same data chooses the same.")] = None,
    *,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print each thing that happens.")] = False,
) -> None:
    """Keep the demo factory busy: breakdowns, repairs, stock takes, transfers, by the people in it.

    Each is a transaction of ordinary SQL as that person, under row level security. It works on the demo factory that
    `floorcast up` loads and leaves other data in the same database alone. A restart of the database is waited out.
    DATABASE_URL names the database; without it, it is the one of the `floorcast up` that runs here.
    """
    try:
        settings, url = reach_settings(), reach_database()
    except FloorcastError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None

    def say(step: Step) -> None:
        if verbose:
            typer.echo(f"{step.person.name}: {step.says}")

    async def main(stop: asyncio.Event) -> None:
        random = Random(seed)  # noqa: S311 — decides who drops a part, guards nothing
        work = asyncio.create_task(keep_busy(url, rate=rate, warehouses=warehouse or [], random=random, happened=say))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        # At once: what was not committed is undone by the server, and nothing else is held.
        for task in (stopped, work):
            task.cancel()
        # A broken pipe: whoever read us (head, less) has seen enough.
        with contextlib.suppress(asyncio.CancelledError, BrokenPipeError):
            await work

    keep_journal(settings.log_format)
    raise typer.Exit(run_process("simulate", main))
