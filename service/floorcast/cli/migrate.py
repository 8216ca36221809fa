"""`floorcast migrate`: up, down, status, export."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from floorcast.cli.reach import reach_settings
from floorcast.database import export as exporter
from floorcast.database import migrate as runner
from floorcast.database.migrate import Patience
from floorcast.errors import FloorcastError, NewerDatabaseError, SettingsError
from floorcast.settings import load_settings

migrate = typer.Typer(
    no_args_is_help=True,
    help="Bring a database to this version (up), back (down), or compare the two (status); or write the same steps "
    "for the Supabase CLI (export).\n\n"
    "The database is the one that FLOORCAST_OWNER_DATABASE_URL names, else DATABASE_URL, else (not for down) "
    "that of the `floorcast up` that runs here, which migrates it by itself when it starts. The login must own it.\n\n"
    "Ends with 0 when all is well, 1 when something was refused, 3 when the database is newer than "
    "this version.",
)

_REFUSED = 1
_NEWER = 3
"""A distinct exit code, so that a deployment can tell an old version from a broken one."""


_PATIENCE = Patience()
StatementSeconds = Annotated[
    float,
    typer.Option(
        min=1, help="How long one statement may keep others from a table. Migrations of rows take what they take."
    ),
]


@migrate.command()
def up(
    *,
    statement_seconds: StatementSeconds = _PATIENCE.statement,
    reapply: Annotated[
        bool,
        typer.Option("--reapply", help="Apply triggers/ although nothing of it changed: mends what was switched off."),
    ] = False,
) -> None:
    """Apply the migrations that are pending, then triggers/ if it changed. Safe for many at once."""
    with _sentences():
        patience = Patience(statement=statement_seconds)
        outcome = runner.up(_url(), reapply=reapply, patience=patience, say=_say)
        if not (outcome.migrations or outcome.behaviour or reapply):
            _say("Nothing to do: the database is at this version.")


@migrate.command()
def down(
    count: Annotated[int, typer.Argument(min=1, help="How many migrations to undo, newest first.")] = 1,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Undo every migration.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    statement_seconds: StatementSeconds = _PATIENCE.statement,
) -> None:
    """Undo the newest migrations. DELETES the data of the tables that they made.

    Everything of triggers/ is taken away first: until the next `up` no change is captured.
    """
    with _sentences():
        # Found by itself would be too easy: what this deletes is gone.
        url = _named(load_settings().migration_url)
        steps = "every migration" if all_ else f"the newest {count} migration{'s' * (count > 1)}"
        if not yes and not typer.confirm(f"Undo {steps}, with the data in their tables?"):
            _say("Nothing was changed.")
            return
        patience = Patience(statement=statement_seconds)
        if not runner.down(url, None if all_ else count, patience=patience, say=_say):
            _say("Nothing to undo: no migration is applied.")


@migrate.command()
def status() -> None:
    """Show what is applied, what is pending, and which files of triggers/ changed. Changes nothing."""
    with _sentences():
        found = runner.status(_url())
        Console().print(_table(found))
        if found.unknown:
            raise NewerDatabaseError(
                "The database was migrated by a newer Floorcast. This version will not touch it: run the newer one."
            )
        if not found.is_current:
            _say("Run `floorcast migrate up` to bring the database to this version.")


@migrate.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Where they go: `supabase/migrations` of a project.")],
) -> None:
    """Write the migrations and triggers/ as files for the Supabase CLI. Needs no database.

    Run it again after an update of Floorcast: it writes the steps that are new and leaves the others as they are.
    A database migrated by these files is known to `floorcast migrate status`, up and down.
    """
    with _sentences():
        try:
            done = exporter.export(directory)
        except OSError as error:
            raise FloorcastError(
                f"The files cannot be written to {directory}: {error.strerror}. No database was touched. Name a "
                "directory that is yours to write."
            ) from error
        for name in done.written:
            _say(f"Wrote {directory / name}")
        _say(f"{len(done.written)} files written, {len(done.kept)} were there. Apply them with `supabase db push`.")


def _table(found: runner.Status) -> Table:
    """One row per migration, then one per file of triggers/ that is not as applied."""
    table = Table()
    table.add_column("what", overflow="fold")
    table.add_column("state", overflow="fold")
    for name, at in found.applied:
        newer = " [red]by a newer version[/red]" if name in found.unknown else ""
        table.add_row(f"schema/{escape(name)}", f"[green]applied[/green] {at:%Y-%m-%d %H:%M:%S} UTC{newer}")
    for name in found.pending:
        table.add_row(f"schema/{escape(name)}", "[yellow]pending[/yellow]")
    for state, paths in (("new", found.behaviour.added), ("changed", found.behaviour.changed)):
        for path in paths:
            table.add_row(f"triggers/{escape(path)}", f"[yellow]{state}[/yellow]")
    for path, left in found.orphans.items():
        table.add_row(
            f"triggers/{escape(path)}",
            "[red]no more[/red]; it left "
            + (escape(", ".join(left)) or "nothing")
            + " (drop it in a migration)" * bool(left),
        )
    if not (found.behaviour.needs_applying or found.behaviour.vanished):
        table.add_row("triggers/", "[green]as applied[/green]")
    return table


def _url() -> str:
    return load_settings().migration_url or _named(reach_settings().migration_url)


def _named(url: str | None) -> str:
    if url is None:
        raise SettingsError(
            "No database is named. Nothing was changed. Set FLOORCAST_OWNER_DATABASE_URL (or DATABASE_URL) "
            "to postgresql://owner@host/database. Without, up and status look for the `floorcast up` that runs here, "
            "which brings its own; down, which deletes, does not."
        )
    return url


def _say(sentence: str) -> None:
    typer.echo(sentence)


@contextmanager
def _sentences() -> Iterator[None]:
    """End with the sentence of an error on stderr and the exit code that belongs to it."""
    try:
        yield
    except FloorcastError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_NEWER if isinstance(error, NewerDatabaseError) else _REFUSED) from error
