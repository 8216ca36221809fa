"""Which user the embedded servers run as."""

import os
import pwd
import subprocess
from pathlib import Path
from signal import SIGKILL

from floorcast.child import Account, launch_command
from floorcast.errors import EmbeddedServerError

_CANDIDATES = ("postgres", "nobody")


def server_account(data: Path) -> Account | None:
    """The account that must run a server on ``data``; None means our own user, who is not root.

    PostgreSQL refuses to run as root. Data that exists already belongs to the account that made it, even if
    a better candidate has been installed since.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(name=_name_of(owner.st_uid), user=owner.st_uid, group=owner.st_gid)
    for name in _CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, user=found.pw_uid, group=found.pw_gid)
    raise EmbeddedServerError(
        "PostgreSQL refuses to run as root, and this machine has neither a user postgres nor a user nobody. "
        "Nothing was started. Create one of them, or run as an ordinary user.",
    )


def own_folder(path: Path, account: Account | None) -> None:
    """Create a folder that only ``account`` (and root) can enter, and make sure that it can."""
    path.mkdir(mode=0o700, exist_ok=True)
    if account is None:
        return
    os.chown(path, account.user, account.group)
    # Asked by trying: a folder above may be closed to it, by mode, access list or mount.
    trial = launch_command(["/bin/sh", "-c", 'test -w "$0"', str(path)], death_signal=SIGKILL, account=account)
    if subprocess.run(trial, cwd="/", check=False).returncode != 0:  # noqa: S603 -- our own words
        raise EmbeddedServerError(
            f"As root, the embedded servers run as the user {account.name}, who cannot reach {path}: a folder above it "
            "is closed. Nothing was started, and no permission was changed. Set FLOORCAST_HOME to a folder that this "
            "user can reach (the default is /var/lib/floorcast), or run as an ordinary user.",
        )


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
