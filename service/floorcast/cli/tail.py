"""`floorcast tail`: what happens in a warehouse, in a terminal, as it happens."""

import asyncio
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, TypedDict

import orjson
import typer

from floorcast.cli.reach import reach_settings
from floorcast.cli.token import sign
from floorcast.client import Change, Changes, FileCursor, Forgotten, WarehouseView
from floorcast.client.reading import Reading, visible
from floorcast.client.warehouses import find_warehouse, read_warehouses
from floorcast.errors import FloorcastError, SettingsError
from floorcast.factory.demo import demo_user
from floorcast.settings import load_settings

_TOKEN_SECONDS = 7 * 24 * 3600


def tail(
    warehouse: Annotated[str, typer.Argument(help="The warehouse, by name or id.")],
    *,
    url: Annotated[
        str | None, typer.Option(help="Where the gateway is, as ws://host:port. Default: PORT on this machine.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="FLOORCAST_TOKEN",
            help="A person's token; `floorcast token` makes one. Default: the demo manager's, beside `floorcast up`.",
        ),
    ] = None,
    tables: Annotated[str, typer.Option(help="Only these tables, separated by commas.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="Only rows of a table that meet a filter: 'work_orders:status=in.(open,assigned)'. May be repeated."
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="Only these columns of a table: 'work_orders:number,status'. May be repeated."),
    ] = None,
    origin: Annotated[
        str, typer.Option("--from", help="Where to begin: `snapshot` (the picture, then changes), `now`, or a cursor.")
    ] = "snapshot",
    cursor_file: Annotated[
        Path | None,
        typer.Option(help="Keep the cursor in this file, and go on from it the next time, without a gap."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line for each change, as it came.")
    ] = False,
) -> None:
    """Show changes of a warehouse as they arrive: time, position, table, what changed, and by whom.

    When the connection is lost it comes back by itself and goes on where it was: nothing is left out, and it says
    what it did. Ctrl-C ends it.
    """
    wanted = [name.strip() for name in tables.split(",") if name.strip()]
    try:
        # Settings matter only to those who left something out: tail also runs where no server is.
        url = url or f"ws://127.0.0.1:{load_settings().port}"
        asked: _Asked = {
            "tables": wanted or None,
            "where": _by_table("--where", where),
            "columns": {table: names.split(",") for table, names in _by_table("--columns", columns).items()},
            "start": origin,
            "cursor": None if cursor_file is None else FileCursor(cursor_file),
        }
        asyncio.run(_tail(url, token or _demo_token, warehouse, asked, as_json=as_json))
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # Whoever read us (head, less) has seen enough. Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (FloorcastError, ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


class _Asked(TypedDict):
    """What of the warehouse, and from where on; see WarehouseView."""

    tables: list[str] | None
    where: dict[str, str]
    columns: dict[str, list[str]]
    start: str
    cursor: FileCursor | None


async def _tail(url: str, token: str | Callable[[], str], name: str, asked: _Asked, *, as_json: bool) -> None:
    warehouse = find_warehouse(await read_warehouses(url, token if isinstance(token, str) else token()), name)
    reading = Reading()
    async with WarehouseView(url, token, warehouse.id, keep_rows=False, parse_float=Decimal, **asked) as view:
        async for event in view:
            match event:
                case Forgotten(error=error, final=True):
                    raise error
                case Changes(changes=changes):
                    for line in map(_json, changes) if as_json else reading.lines(event):
                        print(line, flush=True)  # noqa: T201 — the product of this command
                case _:
                    note = reading.note(event)
                    if note is not None:
                        typer.echo(f"-- {visible(warehouse.name)}: {note}", err=True)


def _by_table(option: str, given: list[str] | None) -> dict[str, str]:
    """Read `table:…`, which may be given several times; raises ValueError for anything else."""
    found: dict[str, str] = {}
    for text in given or ():
        table, colon, rest = text.partition(":")
        if not (table and colon and rest) or table in found:
            problem = "names a table twice" if table in found else "is not of the form table:…"
            raise ValueError(f"{option} {text!r} {problem}")
        found[table.strip()] = rest.strip()
    return found


def _demo_token() -> str:
    """Return a token of the demo's manager, whose link `floorcast up` shows too; for no other database."""
    settings = reach_settings()
    if load_settings().database_url is not None or settings.database_url is None:
        raise SettingsError("Give --token, or set FLOORCAST_TOKEN; `floorcast token` makes one for a person.")
    return sign(settings, user=str(demo_user().id), role="authenticated", seconds=_TOKEN_SECONDS)


def _json(change: Change) -> str:
    # A Decimal goes out with the digits that came in.
    return orjson.dumps(change.wire, default=lambda number: orjson.Fragment(str(number))).decode()
