"""Finds the servers that a `floorcast up` of the same home runs now, so that other commands reach them unasked.

Only files of the home are read, as whoever owns it; nothing is started, created or locked.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from floorcast.embedded.port import LOOPBACK
from floorcast.embedded.postgres import DATABASE, OWNER, SERVICE

_REDIS_PORT = re.compile(r"^port (\d+)$", re.MULTILINE)
_PORT_LINE = 3  # of postmaster.pid, counting from 0


@dataclass(frozen=True, slots=True)
class RunningServers:
    """Where the servers of a home are, passwords included, and the secret that its tokens are signed with."""

    service_url: str | None
    owner_url: str | None
    redis_url: str | None
    jwt_secret: str | None


def find_running(home: Path) -> RunningServers:
    """Return what runs in a home; fields are None for what does not, or is not ours to read."""
    postgres = _postgres_port(home / "postgres")
    redis = _redis_port(home / "redis")
    service, owner, cache = (
        _read(home / "secrets" / name) for name in (f"postgres-{SERVICE}", f"postgres-{OWNER}", "redis")
    )
    return RunningServers(
        service_url=_postgres_url(SERVICE, service, postgres),
        owner_url=_postgres_url(OWNER, owner, postgres),
        redis_url=f"redis://:{quote(cache)}@{LOOPBACK}:{redis}/0" if redis and cache else None,
        jwt_secret=_read(home / "secrets" / "jwt") if postgres else None,
    )


def _postgres_url(role: str, password: str | None, port: int | None) -> str | None:
    if port is None or password is None:
        return None
    return f"postgresql://{role}:{quote(password)}@{LOOPBACK}:{port}/{DATABASE}"


def _postgres_port(folder: Path) -> int | None:
    try:
        clusters = sorted(folder.glob("*/postmaster.pid"))
    except OSError:
        return None
    for path in clusters:
        lines = (_read(path) or "").splitlines()
        if len(lines) > _PORT_LINE and lines[_PORT_LINE].strip().isdigit() and _is_alive(lines[0]):
            return int(lines[_PORT_LINE])
    return None


def _redis_port(folder: Path) -> int | None:
    found = _REDIS_PORT.search(_read(folder / "redis.conf") or "")
    return int(found[1]) if found and _is_alive(_read(folder / "redis.pid") or "") else None


def _is_alive(process_id: str) -> bool:
    if not process_id.strip().isdigit():
        return False
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None
