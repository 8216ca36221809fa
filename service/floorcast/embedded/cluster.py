"""Making a PostgreSQL cluster."""

import os
import subprocess
from pathlib import Path
from signal import SIGKILL

from floorcast.child import Account, launch_command
from floorcast.embedded.account import own_folder
from floorcast.embedded.binaries import PostgresBinaries
from floorcast.errors import EmbeddedServerError

# Built in: no upgrade of the machine's C library can change the order of an index.
_BUILTIN_LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
# What comes closest: strings are compared byte by byte, and the machine knows which characters are letters.
_MACHINE_LOCALE = ("--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C")
_FIRST_WITH_BUILTIN_LOCALE = 17


def initialize(folder: Path, *, binaries: PostgresBinaries, account: Account | None, owner: str, password: str) -> None:
    """Run ``initdb`` in ``folder`` (created): UTF8, strings sorted alike on every machine, passwords."""
    own_folder(folder.parent, account)
    # initdb reads the password as the account, from a file, and never from its command line.
    password_file = folder.with_suffix(".password")
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if account is not None:
        os.chown(password_file, account.user, account.group)
    command = [
        str(binaries.directory / "initdb"),
        f"--pgdata={folder}",
        f"--username={owner}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        *(_BUILTIN_LOCALE if binaries.version >= _FIRST_WITH_BUILTIN_LOCALE else _MACHINE_LOCALE),
    ]
    try:
        result = subprocess.run(  # noqa: S603 -- A program of the wheel, or one that a test names.
            launch_command(command, death_signal=SIGKILL, account=account),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    finally:
        password_file.unlink()
    if result.returncode != 0:
        raise EmbeddedServerError(
            f"initdb could not make a database in {folder} (exit code {result.returncode}); "
            f"there was none before. It said:\n{result.stdout.strip()}",
        )
