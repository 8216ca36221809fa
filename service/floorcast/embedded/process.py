"""One server process in the foreground of a log file: start it, know whether it lives, end it."""

import subprocess
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from signal import SIGKILL, Signals

from floorcast.child import Account, spawn

_LOG_LIMIT = 10 * 1024 * 1024  # bytes; a larger log is begun anew at the next start
_TAIL = 15  # lines
_PATIENCE = 5.0  # seconds for each signal after the first


class ServerProcess:
    """A child of ours that ends when we end; its output is appended to ``log``."""

    def __init__(self, log: Path) -> None:
        """Nothing runs until ``start``."""
        self._log = log
        # The running child; None before the first start and after an end that we asked for.
        self._child: subprocess.Popen[bytes] | None = None
        # Where this start's output begins in the log: errors quote nothing older.
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The process id; None when we run none."""
        return self._child.pid if self._child else None

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended if it ended by itself, negative for a signal; None otherwise."""
        return self._child.poll() if self._child is not None else None

    def start(self, command: Sequence[str], *, death_signal: Signals, account: Account | None) -> None:
        """Run ``command`` until it ends, we end it, or we end."""
        if self._log.exists() and self._log.stat().st_size > _LOG_LIMIT:
            self._log.unlink()
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            self._child = spawn(command, death_signal=death_signal, account=account, directory=Path("/"), output=log)

    def end(self, *signals: Signals, patience: float) -> None:
        """Send the signals in turn, with time to obey, then SIGKILL; returns when the process is gone."""
        if self._child is None:
            return
        for number in signals:
            self._child.send_signal(number)
            try:
                self._child.wait(patience)
                break
            except subprocess.TimeoutExpired:
                patience = _PATIENCE
        else:
            self._child.send_signal(SIGKILL)
        self.reap()

    def reap(self) -> None:
        """Wait for a process that has been told to end."""
        if self._child is not None:
            self._child.wait()
            self._child = None

    def log_tail(self) -> str:
        """The last lines that this start wrote, for an error message."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            lines = deque(log, maxlen=_TAIL)
        return b"".join(lines).decode(errors="replace").rstrip() or "(it said nothing)"
