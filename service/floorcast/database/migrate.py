"""Migrate a database: `schema/` once and in order, `triggers/` whenever its text changes.

What this promises:

- One at a time. Runners that come together wait for each other (bounded) and find nothing left to do.
- All or nothing. A migration and its record are one transaction; so are all files of `triggers/` together. A
  runner that is killed leaves nothing to clean up: its transaction is undone and its lock ends with its
  session.
- Never backwards by accident. A database that knows migrations that this code does not is refused.

`down` first takes away what `triggers/` made, since functions and triggers hang on the tables that rollbacks
drop. So after `down` nothing is captured and no rule of the CMMS is kept until the next `up`, of whichever
version.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.pq import TransactionStatus

from floorcast.database import exclusive, objects
from floorcast.database.behaviour import BehaviourFile, Difference, compare, read_behaviour
from floorcast.database.exclusive import STATEMENTS, Say
from floorcast.database.ledger import (
    Connection,
    Ledger,
    migration_file,
    migration_names,
    moves_rows,
    rollback_file,
)
from floorcast.database.sources import Sources, find_sources
from floorcast.errors import DatabaseUnavailable, MigrationFailed, NewerDatabaseError


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a runner waits before it gives up and says so; both in seconds."""

    # For another runner.
    runner: float = 60.0
    # For a table that other sessions use. Short, because whoever wants the table next queues behind us.
    table: float = 5.0
    # For one statement that changes tables, functions or triggers: it may lock others out for as long as it runs. What
    # moves rows (NNNN_data_….sql) locks rows only, and takes the time that it takes.
    statement: float = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `up` did: migrations applied; files of triggers/ that were new or changed; files that vanished."""

    migrations: tuple[str, ...]
    behaviour: tuple[str, ...]
    vanished: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """How a database stands against this code."""

    # Applied migrations with their time, oldest first; those that this code does not know are in `unknown`
    # too.
    applied: tuple[tuple[str, datetime], ...]
    # What `up` would apply, oldest first.
    pending: tuple[str, ...]
    # Applied by a newer version: this code refuses the database.
    unknown: tuple[str, ...]
    # Files of triggers/ against what was applied.
    behaviour: Difference
    # By path of a file that is no more: what it made and is still there.
    orphans: dict[str, tuple[str, ...]]

    @property
    def is_current(self) -> bool:
        """Whether `up` would do nothing, and would not refuse."""
        return not (self.pending or self.unknown or self.behaviour.needs_applying)


class Migrator:
    """Migrations of one set of sources, for one database."""

    def __init__(
        self,
        url: str,
        sources: Sources | None = None,
        *,
        patience: Patience = Patience(),
        say: Say = exclusive.silent,
    ) -> None:
        """`url` is the owner's login; `say` is told in sentences what happens meanwhile."""
        self._url = url
        self._sources = sources if sources is not None else find_sources()
        self._patience = patience
        self._say = say

    def up(self, *, reapply: bool = False) -> Outcome:
        """Apply what is pending, then triggers/ if any of it changed, or anyway to `reapply`.

        Raises:
            DatabaseUnavailable: no connection, the wrong server, or another runner that does not end.
            NewerDatabaseError: the database is ahead of this code; nothing was changed.
            MigrationFailed: Postgres refused something; what came before it is kept.
        """
        with self._alone() as (connection, ledger):
            pending = ledger.pending()
            for migration in pending:
                with self._step(connection, migration_file(migration), hurried=not moves_rows(migration)) as text:
                    connection.execute(text)
                    self._mark(connection)
                    ledger.mark_one(migration, log=False)
                    ledger.log_migration(migration, "apply")
                self._say(f"Applied {migration.id}.")
            files = read_behaviour(self._sources.triggers)
            difference = compare(files, objects.recorded_files(connection))
            # All files or none: one may call what another defines, as the tracked tables call track(), which
            # must generate again when its own text changed, or a table its columns.
            if difference.needs_applying or pending or reapply:
                self._apply_behaviour(connection, files)
            for path in difference.vanished:
                self._say(f"triggers/{path} is no more; `floorcast migrate status` lists what it left behind.")
            return Outcome(
                tuple(migration.id for migration in pending),
                difference.added + difference.changed,
                difference.vanished,
            )

    def down(self, count: int | None = 1) -> tuple[str, ...]:
        """Undo the newest `count` migrations (None: all), newest first; returns their names.

        Raises:
            MigrationFailed: one has no rollback file (then nothing was changed), or Postgres refused one.
            DatabaseUnavailable, NewerDatabaseError: as `up`.
        """
        with self._alone() as (connection, ledger):
            migrations = ledger.applied()[:count]
            if missing := [migration.id for migration in migrations if not rollback_file(migration).is_file()]:
                raise MigrationFailed(
                    f"There is no rollback for {', '.join(missing)}. Nothing was changed. Write "
                    f"schema/{missing[0]}.rollback.sql, or go back fewer steps."
                )
            if migrations:
                self._pin(connection)
                with _refusals("taking away what triggers/ made", ""), connection.transaction():
                    self._seize_tables(connection)
                    withdrawn = objects.withdraw(connection)
                self._say(f"Took away the {len(withdrawn)} functions, triggers, policies and views of triggers/.")
            for migration in migrations:
                with self._step(connection, rollback_file(migration), hurried=not moves_rows(migration)) as text:
                    connection.execute(text)
                    self._mark(connection)
                    ledger.unmark_one(migration, log=False)
                    ledger.log_migration(migration, "rollback")
                self._say(f"Rolled back {migration.id}.")
            return tuple(migration.id for migration in migrations)

    def status(self) -> Status:
        """Compare the database with this code; reads only, waits for nobody.

        Raises:
            DatabaseUnavailable: no connection, or the wrong server.
        """
        with exclusive.session(self._url, lock_timeout=self._lock_timeout) as connection:
            row = connection.execute(STATEMENTS["ledger_exists"]).fetchone()
            begun = row is not None and bool(row[0])
            applied = tuple(connection.execute(STATEMENTS["applied_migrations"]).fetchall()) if begun else ()
            recorded = objects.recorded_files(connection) if begun else {}
            present = objects.present_objects(connection).keys()
        known = migration_names(self._sources.schema)
        names = {name for name, _ in applied}
        difference = compare(read_behaviour(self._sources.triggers), recorded)
        return Status(
            applied=tuple((name, at) for name, at in applied),
            pending=tuple(name for name in known if name not in names),
            unknown=_unknown(names, known),
            behaviour=difference,
            orphans={path: tuple(sorted(recorded[path].objects & present)) for path in difference.vanished},
        )

    @contextmanager
    def _alone(self) -> Iterator[tuple[Connection, Ledger]]:
        """A session that holds the lock, with a ledger that is there and not ahead of this code."""
        with exclusive.session(self._url, lock_timeout=self._lock_timeout) as connection:
            exclusive.lock(connection, wait_seconds=self._patience.runner, say=self._say)
            row = connection.execute(STATEMENTS["ledger_exists"]).fetchone()
            if row is None or not row[0]:
                with connection.transaction():
                    connection.execute(STATEMENTS["create_ledger"])
            ledger = Ledger(connection, self._sources.schema)
            ledger.ensure_internal_schema_updated()
            names = {name for name, _ in connection.execute(STATEMENTS["applied_migrations"])}
            if unknown := _unknown(names, migration_names(self._sources.schema)):
                raise NewerDatabaseError(
                    f"This database was migrated by a newer Floorcast: it has {', '.join(unknown)}, which "
                    "this version does not know. Nothing was changed. Run the newer version, or go back with "
                    "its own `floorcast migrate down` first."
                )
            yield connection, ledger

    @contextmanager
    def _step(self, connection: Connection, file: Path, *, hurried: bool) -> Iterator[bytes]:
        """One transaction for one migration file and its record; yields the file's text."""
        text = file.read_text(encoding="utf-8")
        self._pin(connection, hurried=hurried)
        with _refusals(file.name, text), connection.transaction():
            # Nothing on the path: a name without its schema fails here, not one day in another place.
            connection.execute("set local search_path = ''")
            yield text.encode()

    def _mark(self, connection: Connection) -> None:
        """From here on the transaction writes the ledger, which yoyo names without its schema."""
        if connection.info.transaction_status is not TransactionStatus.INTRANS:
            raise MigrationFailed(
                "The file ends its transaction itself, so that it and its record could come apart. What it "
                "did is kept, unrecorded. Take `commit` and `rollback` out of it, and undo what it did by "
                "hand."
            )
        self._pin(connection)

    def _apply_behaviour(self, connection: Connection, files: tuple[BehaviourFile, ...]) -> None:
        """Apply all files of triggers/ in one transaction and record what each made."""
        self._pin(connection)
        with connection.transaction():
            self._seize_tables(connection)
            recorded = objects.recorded_files(connection)
            owned = frozenset[str]().union(*(file.objects for file in recorded.values()))
            before = objects.present_objects(connection)
            made: dict[str, frozenset[str]] = {}
            for file in files:
                with _refusals(f"triggers/{file.path}", file.text):
                    # Bodies are checked when they run, so that files may call what a later one defines. Set
                    # for each file, since one may have changed it.
                    connection.execute("set local check_function_bodies = off; set local search_path = ''")
                    connection.execute(file.text.encode())
                after = objects.present_objects(connection)
                made[file.path] = objects.made_between(before, after, owned)
                owned |= made[file.path]
                before = after
            objects.record(connection, files, made)
        self._say(f"Applied the {len(files)} files of triggers/.")

    def _seize_tables(self, connection: Connection) -> None:
        """Have all tables that behaviour hangs on, before anything of it is touched: writers never meet half of it."""
        with _refusals("triggers/", ""):
            locks = [statement for (statement,) in connection.execute(STATEMENTS["locks_of_behaviour"])]
            exclusive.seize(connection, locks, wait_seconds=self._patience.table)

    def _pin(self, connection: Connection, *, hurried: bool = True) -> None:
        exclusive.pin(
            connection,
            lock_timeout=self._lock_timeout,
            statement_timeout=_milliseconds(self._patience.statement) if hurried else "0",
        )

    @property
    def _lock_timeout(self) -> str:
        return _milliseconds(self._patience.table)


def up(url: str, *, reapply: bool = False, patience: Patience = Patience(), say: Say = exclusive.silent) -> Outcome:
    """`Migrator.up` with the SQL that belongs to this code."""
    return Migrator(url, patience=patience, say=say).up(reapply=reapply)


def down(
    url: str, count: int | None = 1, *, patience: Patience = Patience(), say: Say = exclusive.silent
) -> tuple[str, ...]:
    """`Migrator.down` with the SQL that belongs to this code."""
    return Migrator(url, patience=patience, say=say).down(count)


def status(url: str) -> Status:
    """`Migrator.status` with the SQL that belongs to this code."""
    return Migrator(url).status()


def _unknown(applied: set[str], known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(applied - set(known)))


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


@contextmanager
def _refusals(name: str, text: str) -> Iterator[None]:
    """Turn what Postgres refuses into a sentence that names the file and the line."""
    try:
        yield
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        raise MigrationFailed(
            f"{name} did not get a lock in time: {error.diag.message_primary}. Other sessions use what it "
            "changes. Nothing of it was kept; what came before it was. Run it again when less is going on, "
            "or end the sessions that keep a transaction open (pg_stat_activity, oldest xact_start)."
        ) from error
    except psycopg.errors.QueryCanceled as error:
        raise MigrationFailed(
            f"{name} was stopped: {error.diag.message_primary}. Others waited for it meanwhile. Nothing of it was "
            "kept; what came before it was. Run it again at a quiet time, with a longer --statement-seconds."
        ) from error
    except psycopg.Error as error:
        if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
            raise DatabaseUnavailable(
                f"The connection was lost during {name}: {str(error).strip()} Either all of it was kept or "
                "nothing. Run this again when the server is back: it goes on from there."
            ) from error
        detail = " ".join(part for part in (error.diag.message_detail, error.diag.message_hint) if part)
        raise MigrationFailed(
            f"{name}{_line(error, text)} failed: {error.diag.message_primary or error}."
            f"{' ' + detail if detail else ''} Nothing of it was kept; what came before it was. Put it "
            "right, then run `floorcast migrate up` again."
        ) from error


def _line(error: psycopg.Error, text: str) -> str:
    """The line of `text` at which Postgres stumbled, where it says so."""
    if error.diag.statement_position is None:
        return ""
    return f", line {text.count(chr(10), 0, int(error.diag.statement_position) - 1) + 1},"
