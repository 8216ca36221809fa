"""`floorcast relay`: closes ticks in Postgres and publishes them to Redis."""

import typer

from floorcast.settings import load_settings


def relay() -> None:
    """Run one relay: it leads, or stands by until the leader falls silent.

    Run two of them on two machines if a machine may fail; they find out by themselves which one leads.
    """
    # Imported here: the help of every command should not wait for what only this one needs.
    from floorcast import assembly  # noqa: PLC0415 — see above

    raise typer.Exit(assembly.run_relay(load_settings()))
