"""What `floorcast up` runs on: its own servers where none is named, and the environment of its processes."""

import os
import shlex
import shutil
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from floorcast.cli.caretaker import Server
from floorcast.embedded.home import HomeLock, default_home, prepare_home, secret
from floorcast.embedded.postgres import DATABASE, OWNER, EmbeddedPostgres
from floorcast.embedded.redis import EmbeddedRedis
from floorcast.settings import Settings
from floorcast.supervisor.procfile import RELEASE


@dataclass(slots=True)
class Installation:
    """The servers and secrets that one `up` uses."""

    settings: Settings
    # Held while we run servers of our own; None when both are named by a URL.
    _lock: HomeLock | None = field(init=False, default=None)
    _postgres: EmbeddedPostgres | None = field(init=False, default=None)
    _redis: EmbeddedRedis | None = field(init=False, default=None)

    @property
    def home(self) -> Path:
        """The folder of our own servers."""
        return self.settings.home or default_home()

    def claim(self) -> None:
        """Make sure that no other `up` uses this home; raises a sentence if one does. Starts nothing."""
        if self.settings.database_url is None or self.settings.redis_url is None:
            self._lock = HomeLock(prepare_home(self.home) / "up.lock", "`floorcast up`")
            self._lock.acquire()

    def start(self) -> None:
        """Start what no URL names; blocks until it answers."""
        if self.settings.database_url is None:
            self._postgres = EmbeddedPostgres(self.home)
            self._postgres.start()
        if self.settings.redis_url is None:
            self._redis = EmbeddedRedis(self.home)
            self._redis.start()

    def stop(self) -> None:
        """Stop what `start` started, the database last; harmless at any time."""
        if self._redis is not None:
            self._redis.stop()
        if self._postgres is not None:
            self._postgres.stop()
        if self._lock is not None:
            self._lock.release()

    @property
    def servers(self) -> Mapping[str, Server]:
        """Our own servers, by the name that people know."""
        found = {"postgres": self._postgres, "redis": self._redis}
        return {name: server for name, server in found.items() if server is not None}

    @property
    def embedded_owner_url(self) -> str | None:
        """The owner's URL of our own database; None when the database is somebody's."""
        return self._postgres.owner_url if self._postgres is not None else None

    @property
    def token_secret(self) -> str | None:
        """The HS256 secret of tokens: the one given, or one that stays in our home; None with JWKS."""
        if self.settings.jwt_secret is not None:
            return self.settings.jwt_secret.get_secret_value()
        if self.settings.jwks_url is not None:
            return None
        return secret(self.home, "jwt")

    def environment(self, program: str, inherited: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of a program of the Procfile, as `gateway.2`. Needs `start`.

        Each gets the login that was made for it, and only the release process the owner's: whoever takes over one
        process has not taken the others.
        """
        process = program.partition(".")[0]
        found = {
            "DATABASE_URL": self._postgres.process_url(process) if self._postgres else self.settings.database_url,
            "FLOORCAST_OWNER_DATABASE_URL": self._owner_url if process == RELEASE else None,
            "REDIS_URL": self._redis.url if self._redis else self.settings.redis_url,
            "FLOORCAST_JWT_SECRET": self.token_secret,
            "FLOORCAST_HOME": str(self.home),
            "PORT": str(self.settings.port),
            "HOST": self.settings.host,
            # The Procfile says `floorcast …`: this one, also where its virtualenv is not activated.
            "PATH": os.pathsep.join([sysconfig.get_path("scripts"), inherited.get("PATH", os.defpath)]),
            "PYTHONUNBUFFERED": "1",
        }
        kept = {name: value for name, value in inherited.items() if name not in found}
        return {**kept, **{name: value for name, value in found.items() if value is not None}}

    @property
    def _owner_url(self) -> str | None:
        return self._postgres.owner_url if self._postgres else self.settings.owner_database_url

    def psql_command(self) -> str:
        """A command line, ready to paste, that opens the database; no password is in it."""
        if self._postgres is None:
            return (
                'psql "$FLOORCAST_OWNER_DATABASE_URL"' if self.settings.owner_database_url else 'psql "$DATABASE_URL"'
            )
        psql = "psql" if shutil.which("psql") else str(self._postgres.bin_directory / "psql")
        words = [psql, "-h", "127.0.0.1", "-p", str(self._postgres.port), "-U", OWNER, DATABASE]
        return f"PGPASSFILE={shlex.quote(str(self._postgres.password_file))} {shlex.join(words)}"
