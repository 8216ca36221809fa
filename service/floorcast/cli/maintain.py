"""`floorcast maintain`: does what time makes due."""

import typer

from floorcast.settings import load_settings


def maintain() -> None:
    """Run the jobs that time makes due: maintenance orders, escalation, the end of access.

    Once a minute unless FLOORCAST_MAINTAIN_SECONDS says otherwise. Run as many as you like: what is due is done once.
    """
    # Imported here: the help of every command should not wait for what only this one needs.
    from floorcast import assembly  # noqa: PLC0415 — see above

    raise typer.Exit(assembly.run_upkeep(load_settings()))
