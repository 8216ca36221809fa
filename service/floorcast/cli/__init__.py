"""The command line: one file per command."""

import importlib
import sys

import typer

from floorcast.errors import FloorcastError

app = typer.Typer(
    name="floorcast",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Floorcast: every committed change of the plant, on every screen that may see it, in milliseconds.",
)

_COMMANDS = (
    "up",
    "migrate",
    "relay",
    "gateway",
    "maintain",
    "simulate",
    "replay",
    "token",
    "tail",
    "doctor",
    "audit",
    "consumers",
    "settings",
)
"""In the order in which a newcomer meets them; `floorcast.cli.<name>` holds a function or a Typer of that name."""

for _name in _COMMANDS:
    _command = getattr(importlib.import_module(f"floorcast.cli.{_name}"), _name)
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_name)
    else:
        app.command(_name)(_command)


def main() -> None:
    """Run a command; an error of ours that no command answered for is told by its own sentence, with exit code 1."""
    try:
        app()
    except FloorcastError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
