"""`floorcast simulate`: the people of the demo factory at work."""

import asyncio
import signal
from random import Random
from typing import Annotated

import typer

from floorcast.errors import FloorcastError
from floorcast.factory.simulate import simulate as keep_busy
from floorcast.factory.step import Step
from floorcast.settings import load_settings


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
    """
    try:
        url = load_settings().database_url
        if url is None:
            raise typer.BadParameter("DATABASE_URL is not set; `floorcast up --simulate` needs none.")
        random = Random(seed)  # noqa: S311 — decides who drops a part, guards nothing
        asyncio.run(_until_stopped(url, rate, warehouse or [], random, verbose=verbose))
    except FloorcastError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


async def _until_stopped(url: str, rate: float, warehouses: list[str], random: Random, *, verbose: bool) -> None:
    def say(step: Step) -> None:
        if verbose:
            typer.echo(f"{step.person.name}: {step.says}")

    work = asyncio.create_task(keep_busy(url, rate=rate, warehouses=warehouses, random=random, happened=say))
    for end in (signal.SIGTERM, signal.SIGINT):
        # At once: what was not committed is undone by the server, and nothing else is held.
        asyncio.get_running_loop().add_signal_handler(end, work.cancel)
    await asyncio.wait([work])
    if not work.cancelled():
        work.result()
