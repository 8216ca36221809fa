"""Which user the embedded servers run as."""

import os
import pwd
from pathlib import Path

from floorcast.child import Account
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
    """Create a folder that only ``account`` (and root) can enter."""
    path.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(path, account.user, account.group)


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
