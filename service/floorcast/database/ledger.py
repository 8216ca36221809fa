"""What was applied to a database: yoyo's own tables, kept by yoyo, on our connection and in our schema."""

import re
import socket
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import psycopg
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.exceptions import BadMigration
from yoyo.migrations import Migration, MigrationList, parse_metadata_from_sql_comments

_NUMBERED = re.compile(r"\d{4}_")
_DATA = re.compile(r"\d{4}_data_")

Connection = psycopg.Connection[tuple[Any, ...]]


class Ledger(PostgresqlPsycopgBackend):  # type: ignore[misc] # yoyo has no types
    """yoyo's record of migrations: which exist, in which order, which are applied.

    yoyo itself would apply a migration on one connection and record it on another afterwards: killed in
    between, it would leave a migration that is applied and not recorded. So we take its files, its order and
    its tables, and run and record each migration in one transaction of one connection. Its lock is a row,
    which outlives a killed process; ours is an advisory lock of the same connection, taken before this class
    writes (exclusive.py).
    """

    log_table = "migration_log"
    version_table = "ledger_version"

    def __init__(self, connection: Connection, schema: Path) -> None:
        """Work on `connection`, which stays its owner's; `schema` is the folder of migrations."""
        self._given = connection
        name = connection.info.dbname
        super().__init__(DatabaseURI("postgresql+psycopg", None, None, None, None, name, {}), "migration")
        self.migrations = read_folder(schema)

    def connect(self, dburi: object) -> Connection:  # noqa: ARG002 — yoyo's signature
        """The connection that holds the advisory lock, so that no work outlives the lock."""
        return self._given

    def lock(self, timeout: float = 0) -> AbstractContextManager[None]:  # noqa: ARG002 — yoyo's signature
        """Nothing: whoever writes with a Ledger holds our advisory lock."""
        return nullcontext()

    def get_log_data(self, migration: Migration | None = None, operation: str = "apply") -> Mapping[str, Any]:
        """Who did what, without asking for names that a container may not have (DNS, passwd)."""
        return {
            "id": str(uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": self._given.info.user,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }

    def pending(self) -> list[Migration]:
        """Migrations that this code has and the database has not, oldest first."""
        return list(cast("MigrationList", self.to_apply(self.migrations)))

    def applied(self) -> list[Migration]:
        """Migrations that both have, newest first."""
        return list(cast("MigrationList", self.to_rollback(self.migrations)))


class WholeFile(Migration):  # type: ignore[misc] # yoyo has no types
    """A migration that is run as the file that it is.

    To know what one depends on, yoyo takes all of its SQL apart, and that of its rollback: half a second for a folder,
    whenever a database is migrated, for statements that nobody runs.
    """

    def __init__(self, migration: Migration, siblings: dict[str, Migration]) -> None:
        """The same as `migration`; `siblings` are all of its folder, by their names, once it is loaded."""
        super().__init__(migration.id, migration.path, migration.source_dir)
        self._siblings = siblings

    def load(self) -> None:
        """Read what it depends on, once.

        Raises:
            BadMigration: on one that is not in its folder.
        """
        if self.loaded:
            return
        directives, _, _ = parse_metadata_from_sql_comments(migration_file(self).read_text(encoding="utf-8"))
        names = directives.get("depends", "").split()
        if missing := [name for name in names if name not in self._siblings]:
            raise BadMigration(f"{self.path} depends on {', '.join(missing)}, which is not there")
        self._depends = {self._siblings[name] for name in names}
        self.steps: list[object] = []


def read_folder(schema: Path) -> MigrationList:
    """The migrations in a folder, oldest first: `NNNN_words.sql`. The snapshot beside them is none."""
    found: dict[str, Migration] = {}
    for migration in read_migrations(str(schema)):
        if _NUMBERED.match(migration.id):
            found[migration.id] = WholeFile(migration, found)
    return MigrationList(found.values())


def migration_names(schema: Path) -> tuple[str, ...]:
    """The names of the migrations in a folder, oldest first, without a database."""
    return tuple(migration.id for migration in read_folder(schema))


def moves_rows(migration: Migration) -> bool:
    """Whether it changes rows and nothing else: `NNNN_data_words.sql`."""
    return _DATA.match(migration.id) is not None


def migration_file(migration: Migration) -> Path:
    """The file that a migration is."""
    return Path(migration.path)


def rollback_file(migration: Migration) -> Path:
    """The file that undoes a migration: `NNNN_words.rollback.sql`."""
    return Path(migration.path).with_suffix(".rollback.sql")
