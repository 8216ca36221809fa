"""`floorcast up`: everything on one machine, with one command."""

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from floorcast.cli.caretaker import look_after
from floorcast.cli.installation import Installation
from floorcast.cli.screen import Screen
from floorcast.cli.token import sign
from floorcast.embedded.port import is_free
from floorcast.errors import FactoryError, FloorcastError, SettingsError
from floorcast.factory import demo
from floorcast.lifecycle import run_parts, run_process
from floorcast.observe import watch
from floorcast.settings import Settings, load_settings
from floorcast.supervisor import STOP_PATIENCE, Program, Supervisor, find_procfile, read_procfile
from floorcast.supervisor.procfile import RELEASE

_SIMULATE = Program("simulate", ("floorcast", "simulate"))
_STOP_SECONDS = 60.0  # for everything together; each part has its own, shorter deadline
_READY_SECONDS = 30.0
_LOOK_AGAIN = 0.2  # seconds
_TOKEN_SECONDS = 7 * 24 * 3600  # a wall display keeps its link for a week


def up(
    *,
    simulate: Annotated[bool, typer.Option("--simulate", help="Keep the demo factory busy.")] = False,
    port: Annotated[int | None, typer.Option(help="The one port for page, HTTP, sockets. Default 4000.")] = None,
    home: Annotated[Path | None, typer.Option(help="Folder of the embedded servers' data.")] = None,
    gateways: Annotated[int | None, typer.Option(help="How many gateways share the port.")] = None,
    procfile: Annotated[Path | None, typer.Option(help="Which Procfile to run.")] = None,
) -> None:
    """Run everything on this machine: database, Redis, relay, gateways, and a demo factory.

    Starts an embedded PostgreSQL 18 and Redis, unless DATABASE_URL and REDIS_URL name your own; migrates;
    loads a demo factory into its own empty database; runs what the Procfile names and restarts what dies.
    Ctrl-C stops everything; the data stays and is there at the next start.

    Ends with 0 when it was asked to stop, 1 when something kept it from running.
    """
    screen = Screen.of_terminal()
    try:
        settings = load_settings(port=port, home=home, gateways=gateways)
        path = procfile or find_procfile(Path.cwd())
        programs = read_procfile(path, {"gateway": settings.gateways})
        installation = Installation(settings)
        installation.claim()
        _need_free_port(settings)
    except FloorcastError as error:
        screen.problem(str(error))
        raise typer.Exit(1) from error
    watch(screen.watch)

    async def everything(stop: asyncio.Event) -> None:
        try:
            await _run(installation, programs, screen, stop, simulate=simulate)
        finally:
            screen.note("stopping")
            installation.stop()

    raise typer.Exit(run_process("up", everything, drain_seconds=_STOP_SECONDS + settings.drain_seconds))


async def _run(
    installation: Installation,
    programs: tuple[Program, ...],
    screen: Screen,
    stop: asyncio.Event,
    *,
    simulate: bool,
) -> None:
    """Go through the start, then keep everything running until ``stop`` is set."""
    screen.note(f"starting PostgreSQL and Redis in {installation.home}")
    await asyncio.to_thread(installation.start)
    inherited = dict(os.environ)
    if screen.is_terminal and installation.settings.log_format == "auto":
        # They write into a pipe, but people read it.
        inherited["FLOORCAST_LOG_FORMAT"] = "plain"
    supervisor = Supervisor(
        lambda program: installation.environment(program.name, inherited),
        screen.line,
        stop_patience=STOP_PATIENCE + installation.settings.drain_seconds,
    )

    for program in programs:
        if program.name == RELEASE and await supervisor.run_once(program, stop) not in (0, None):
            raise FloorcastError(
                f"The release process ({' '.join(program.command)}) failed; what it said is above. "
                "The database is as it left it, and nothing else was started.",
            )
    user = await asyncio.to_thread(_load_demo, installation, screen)
    if stop.is_set():
        return

    lasting = [program for program in programs if program.name != RELEASE]
    await run_parts(
        stop,
        servers=lambda stop: look_after(installation.servers, stop),
        processes=lambda stop: supervisor.run([*lasting, *([_SIMULATE] if simulate else [])], stop),
        welcome=lambda stop: _welcome(installation, user, screen, stop),
    )


def _load_demo(installation: Installation, screen: Screen) -> str | None:
    """Load the demo factory into our own database; the id of the person that the link is for, if any."""
    if installation.embedded_owner_url is None:
        return None
    try:
        loaded = demo.load(installation.embedded_owner_url)
    except FactoryError as error:
        screen.note(f"no demo factory: {error}")
        return None
    return str(loaded.demo_user().id)


async def _welcome(installation: Installation, user: str | None, screen: Screen, stop: asyncio.Event) -> None:
    """Show the link as soon as a gateway answers there, then wait for the end."""
    settings = installation.settings
    ready = asyncio.create_task(_answers(settings))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({ready, stopped}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if stop.is_set():
        return
    link = f"http://{_reachable_host(settings)}:{settings.port}/"
    if user is None or (secret := installation.token_secret) is None:
        hint = "open it with a token: `floorcast token` makes one for a person of your database"
    else:
        # In the fragment: browsers send it to nobody, so it is in no log.
        signer = settings.model_copy(update={"jwt_secret": SecretStr(secret)})
        link += f"#token={sign(signer, user=user, role='authenticated', seconds=_TOKEN_SECONDS)}"
        hint = "the link carries the demo manager's token, good for a week"
    if not ready.result():
        hint += f" (nothing is ready there after {_READY_SECONDS:.0f} s; see the lines above)"
    screen.welcome(link=link, hint=hint, psql=installation.psql_command())
    await stopped


async def _answers(settings: Settings) -> bool:
    """Whether a gateway says that it is ready, within the deadline."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        try:
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(_reachable_host(settings), settings.port)
                writer.write(b"GET /readyz HTTP/1.1\r\nhost: floorcast\r\nconnection: close\r\n\r\n")
                status = await reader.readline()
                writer.close()
        except (OSError, TimeoutError):
            status = b""
        if status.startswith(b"HTTP/1.1 200"):
            return True
        await asyncio.sleep(_LOOK_AGAIN)
    return False


def _reachable_host(settings: Settings) -> str:
    """An address that a browser on this machine can open."""
    host = settings.hosts[0]
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 — compared, not bound


def _need_free_port(settings: Settings) -> None:
    for host in settings.hosts:
        try:
            free = is_free(settings.port, host)
        except socket.gaierror as error:
            raise SettingsError(f"HOST names {host!r}, which is no address of this machine: {error}.") from error
        if not free:
            raise SettingsError(
                f"Port {settings.port} on {host} is in use by another program, or is not ours to use. "
                f"Nothing was started. Stop that program, or take another: floorcast up --port {settings.port + 1}",
            )
