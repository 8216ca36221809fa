"""`floorcast gateway`."""

import typer

from floorcast.settings import load_settings


def gateway() -> None:
    """Serve screens: sockets, the page and HTTP, all on PORT.

    Follows the feed in Redis (REDIS_URL) and reads from Postgres (DATABASE_URL) where to begin and what the feed lacks.
    Run as many as you like: on one port of a machine they share its connections, on several machines any load balancer
    does. They hold nothing that a reconnect does not rebuild. Ends on SIGTERM, after sending its sockets elsewhere.
    """
    # Imported here: the help of every command should not wait for what only this one needs.
    from floorcast import assembly  # noqa: PLC0415 — see above

    raise typer.Exit(assembly.run_gateway(load_settings()))
