"""The command line: one file per command."""

import importlib

import typer

app = typer.Typer(
    name="floorcast",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Floorcast: every committed change of the plant, on every screen that may see it, in milliseconds.",
)

_COMMANDS = ("up", "migrate", "relay", "gateway", "simulate", "replay", "token", "tail", "doctor", "settings")
"""In the order in which a newcomer meets them; `floorcast.cli.<name>` holds a function or a Typer of that name."""

for _name in _COMMANDS:
    _command = getattr(importlib.import_module(f"floorcast.cli.{_name}"), _name)
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_name)
    else:
        app.command(_name)(_command)
