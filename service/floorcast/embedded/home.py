"""The folder that holds everything of the embedded servers: where it is, its secrets, and who is using it."""

import fcntl
import os
import secrets
from pathlib import Path

from floorcast.errors import EmbeddedServerError


def default_home() -> Path:
    """Where the data is when nobody says otherwise: a system folder as root, else the user's own."""
    if os.geteuid() == 0:
        return Path("/var/lib/floorcast")
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "floorcast"


def prepare_home(home: Path) -> Path:
    """Create the home and return its real path; others may pass through it to what is theirs, not list it."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o711)
    except OSError as error:
        raise EmbeddedServerError(
            f"Cannot use {home} as the folder of the embedded servers: {error.strerror}. "
            "Nothing was started. Name another with FLOORCAST_HOME, or run as the user who owns it.",
        ) from error
    return home.resolve()


def secret(home: Path, name: str) -> str:
    """A random secret that stays the same in this home, readable by its owner only (mode 0600)."""
    folder = home / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    if not path.exists():
        # Linked into place when complete: a start killed half-way must not leave an empty secret behind.
        draft = folder / f"{name}.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # Somebody else was faster; theirs is the secret.
        finally:
            draft.unlink()
    return path.read_text()


class HomeLock:
    """Says that a living process uses a part of the home; the kernel releases it, however that one ends."""

    def __init__(self, path: Path, purpose: str) -> None:
        """``purpose`` completes the sentence "… is already running"."""
        self._path = path
        self._purpose = purpose
        # The open file that carries the lock; None while not held. Children never inherit it.
        self._held: int | None = None

    def acquire(self) -> None:
        """Take the lock, or raise with the holder's process id; a second call while held does nothing."""
        if self._held is not None:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode().strip() or "unknown"
            os.close(descriptor)
            raise EmbeddedServerError(
                f"{self._purpose} is already running with {self._path.parent} (process {holder}). "
                "It was left alone. Use that one, stop it first, or set FLOORCAST_HOME to another folder.",
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._held = descriptor

    def release(self) -> None:
        """Let the next one in. The file stays: removing it would let two processes lock two files."""
        if self._held is not None:
            os.close(self._held)
            self._held = None
