"""`floorcast consumers`: list, move, remove."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from floorcast.cli.reach import reach_database
from floorcast.database.batches import OwnerRefused
from floorcast.database.caller import Caller
from floorcast.database.consumers import ConsumerBook
from floorcast.errors import FloorcastError

consumers = typer.Typer(
    no_args_is_help=True,
    help="Programs whose position is kept for them: see how they stand (list), move and remove them.\n\n"
    "The database is the one that DATABASE_URL names, else that of the `floorcast up` that runs here.",
)

_SERVER = Caller("service_role", json.dumps({"role": "service_role"}))

AnswerT = TypeVar("AnswerT")

Name = Annotated[str, typer.Argument(help="The consumer's name.")]


@consumers.command(name="list")
def show() -> None:
    """Print each consumer: how far behind it is, what it has parked, and until when the trail is kept for it."""
    rows = _ask(lambda book: book.listed(_SERVER))
    if not rows:
        typer.echo("There are no consumers.")
        return
    head = ("NAME", "OWNER", "TICK", "BEHIND", "SECONDS", "OUT", "WAITING", "DEAD", "KEPT UNTIL")
    table = [
        head,
        *(
            (
                row["name"],
                row["owner"],
                str(row["tick"]),
                str(row["lag_ticks"]),
                f"{row['lag_seconds']:.0f}",
                str(row["workers"]),
                str(row["waiting"]),
                str(row["dead"]),
                row["kept_until"],
            )
            for row in rows
        ),
    ]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    for line in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@consumers.command()
def move(
    name: Name,
    tick: Annotated[int | None, typer.Option("--tick", min=0, help="Behind this tick.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Behind what was closed by then, as ISO 8601.")] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Where this cursor of any stream stands.")] = None,
) -> None:
    """Have a consumer go on from elsewhere; from now, if nothing is said. Batches that are out come again."""
    if sum(each is not None for each in (tick, at, cursor)) > 1:
        raise typer.BadParameter("give one of --tick, --at and --cursor")
    reached = _ask(
        lambda book: (
            book.move_to_cursor(_SERVER, name, cursor)
            if cursor is not None
            else book.move(_SERVER, name, tick=tick, at=at)
        )
    )
    typer.echo(f"{name} goes on behind tick {reached}.")


@consumers.command()
def remove(name: Name) -> None:
    """Remove a consumer with its position and what it parked; the trail is not kept for it any more."""
    _ask(lambda book: book.remove(_SERVER, name))
    typer.echo(f"{name} is removed.")


def _ask(question: Callable[[ConsumerBook], Awaitable[AnswerT]]) -> AnswerT:
    """Return the answer, or end with a sentence on stderr."""

    async def asking() -> AnswerT:
        book = ConsumerBook(reach_database(), connections=1)
        await book.open()
        try:
            return await question(book)
        finally:
            await book.close()

    try:
        return asyncio.run(asking())
    except (FloorcastError, OwnerRefused) as error:
        reason = f" ({error.detail})" if isinstance(error, OwnerRefused) and error.detail else ""
        typer.echo(f"{error}{reason}", err=True)
        raise typer.Exit(1) from error
