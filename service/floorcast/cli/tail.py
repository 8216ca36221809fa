"""`floorcast tail`: what happens in a warehouse, in a terminal, as it happens."""

import asyncio
import os
import sys
from contextlib import aclosing
from decimal import Decimal
from typing import Annotated

import orjson
import typer

from floorcast.cli.reach import reach_settings
from floorcast.cli.token import sign
from floorcast.client import Event, Joined, follow
from floorcast.client.reading import Reading, visible
from floorcast.client.warehouses import find_warehouse, read_warehouses
from floorcast.errors import ClientError, FloorcastError, SettingsError
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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, as it came.")] = False,
) -> None:
    """Show changes of a warehouse as they arrive: time, position, table, what changed, and by whom.

    It begins with what happens from now on, comes back by itself when the connection is lost, and says so: what
    happened meanwhile is not shown. Ctrl-C ends it.
    """
    wanted = [name.strip() for name in tables.split(",") if name.strip()]
    try:
        # Settings matter only to those who left something out: tail also runs where no server is.
        url = url or f"ws://127.0.0.1:{load_settings().port}"
        asyncio.run(_tail(url, token or _demo_token(), warehouse, wanted or None, as_json=as_json))
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # Whoever read us (head, less) has seen enough. Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (FloorcastError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


async def _tail(url: str, token: str, name: str, tables: list[str] | None, *, as_json: bool) -> None:
    warehouse = find_warehouse(await read_warehouses(url, token), name)
    stream = follow(url, token, warehouse.id, tables=tables, parse_float=Decimal, waiting=_say_lost)
    reading = Reading()
    async with aclosing(stream):
        async for item in stream:
            match item:
                case Joined(response=response, after=after):
                    reading.forget()
                    again = "" if after is None else "again, with a gap: "
                    _say(f"{again}{warehouse.name} as {response.get('role')}, from {response.get('position')} on")
                case Event("changes", payload) if as_json:
                    for operation in payload["changes"]:
                        print(_json(operation), flush=True)  # noqa: T201 — the product of this command
                case Event("changes", payload):
                    for line in reading.lines(payload):
                        print(line, flush=True)  # noqa: T201 — the product of this command
                case Event("revoked", payload):
                    raise ClientError("revoked", str(payload.get("reason", "access was withdrawn")))
                case _:
                    pass


def _demo_token() -> str:
    """Return a token of the demo's manager, whose link `floorcast up` shows too; for no other database."""
    settings = reach_settings()
    if load_settings().database_url is not None or settings.database_url is None:
        raise SettingsError("Give --token, or set FLOORCAST_TOKEN; `floorcast token` makes one for a person.")
    return sign(settings, user=str(demo_user().id), role="authenticated", seconds=_TOKEN_SECONDS)


def _json(operation: object) -> str:
    # A Decimal goes out with the digits that came in.
    return orjson.dumps(operation, default=lambda number: orjson.Fragment(str(number))).decode()


def _say_lost(loss: ClientError, delay: float) -> None:
    _say(f"lost ({loss}); trying again in {delay:.1f} s")


def _say(text: str) -> None:
    typer.echo(f"-- {visible(text)}", err=True)
