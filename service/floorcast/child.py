"""Children that end when we end, however we end: kill -9 included.

Each is started through ``launch.py`` (which asks the kernel for that) in a session of its own, so that
Ctrl-C in a terminal reaches only us and we decide the order in which things stop.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import IO

_LAUNCH = Path(__file__).with_name("launch.py")

# "Parent" means the *thread* that forked: a child forked by a short-lived worker thread would die with it.
# So one thread, which lives as long as the process, forks for everybody.
_FORKER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="floorcast-fork")


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's user that a child runs as."""

    name: str
    user: int
    group: int


def launch_command(
    command: Sequence[str], *, death_signal: Signals, account: Account | None = None, family: bool = False
) -> list[str]:
    """Wrap ``command`` so that it gets ``death_signal`` when this process ends; its process id stays.

    ``family``: the command has children of its own, as a shell has. Then the process id is that of a guard beside
    it, to be signalled as a process group, and at our end the whole group is killed, whatever the signal.
    Whoever runs the result itself must do so from a thread that lives as long as the child should.
    """
    user, group = (account.user, account.group) if account else (-1, -1)
    facts = (death_signal.value, os.getpid(), user, group, int(family))
    return [sys.executable, "-I", "-S", str(_LAUNCH), *(str(fact) for fact in facts), *command]


def spawn(
    command: Sequence[str],
    *,
    death_signal: Signals,
    account: Account | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    output: IO[bytes] | int | None = None,
    family: bool = False,
) -> subprocess.Popen[bytes]:
    """Start ``command`` in the background; stdin is empty, stdout and stderr go to ``output``.

    Safe from any thread; ``family`` as in ``launch_command``. ``directory`` must be one that ``account`` may enter.
    """
    return _FORKER.submit(
        subprocess.Popen,
        launch_command(command, death_signal=death_signal, account=account, family=family),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        cwd=directory,
        env=environment,
        start_new_session=True,
    ).result()
