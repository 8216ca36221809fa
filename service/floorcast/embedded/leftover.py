"""Servers that outlived the process that started them, found by a mark on their command line.

A pid file is not enough: after a restart of the machine the number in it may belong to anybody. The command
line is readable by every user, even in a container whose root may not inspect other users' processes.
"""

import os
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGKILL, Signals

_PROCESSES = Path("/proc")
_LOOK_AGAIN = 0.02  # seconds


@dataclass(frozen=True, slots=True)
class Mark:
    """What a server of one home, and every process it forks, can be known by."""

    # Names of the program, as the kernel knows them.
    programs: Collection[str]
    # A text in the command line that no server of another home has.
    text: str


def marked_processes(mark: Mark) -> list[int]:
    """Ids of the living processes with this mark, lowest first."""
    text = mark.text.encode()
    found = []
    for entry in _PROCESSES.glob("[0-9]*"):
        with suppress(OSError):  # It ended while we looked.
            if (entry / "comm").read_text().strip() in mark.programs and text in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return sorted(found)


def end_leftover(mark: Mark, server: int | None, *, politely: Signals, patience: float) -> None:
    """End what an earlier run left: ``politely`` to the server, SIGKILL to all after ``patience`` seconds.

    ``server`` is the process id from its pid file; it is believed only if that process bears the mark.
    Returns when no marked process is left.
    """
    if server not in marked_processes(mark):
        kill_marked(mark)  # Children without their server: they hold its shared memory and nobody can ask them.
        return
    _send(server, politely)
    _send(server, SIGCONT)  # One that was stopped could not obey.
    deadline = time.monotonic() + patience
    while marked_processes(mark):
        if time.monotonic() > deadline:
            kill_marked(mark)
        time.sleep(_LOOK_AGAIN)


def kill_marked(mark: Mark) -> None:
    """SIGKILL every marked process at once, as a power cut would; returns when none is left."""
    while processes := marked_processes(mark):
        for process in processes:
            _send(process, SIGKILL)
        time.sleep(_LOOK_AGAIN)


def _send(process: int | None, number: Signals) -> None:
    if process is not None:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def read_process_id(path: Path) -> int | None:
    """The number on the first line of a pid file; None if there is no such file or number."""
    try:
        return int(path.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
