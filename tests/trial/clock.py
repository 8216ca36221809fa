"""A machine whose clock can be set: libfaketime in front of Postgres and of our processes."""

import shlex
import time
from collections.abc import Mapping
from pathlib import Path

_LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib64/faketime/libfaketime.so.1")


def faketime_library() -> Path | None:
    """The library, if it is on this machine."""
    return next((found for pattern in _LIBRARIES for found in Path("/").glob(pattern[1:])), None)


class Clock:
    """What time it is for those who were started under it; how long something takes is true for them, too."""

    def __init__(self, folder: Path) -> None:
        """It is right until it is set."""
        self._folder = folder
        self.set(0)

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes a process go by it."""
        return {
            "LD_PRELOAD": str(faketime_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._folder / "clock"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: int) -> None:
        """So far from the true time; known everywhere at the next look."""
        draft = self._folder / "clock.new"
        draft.write_text(f"{seconds:+d}")
        draft.chmod(0o644)
        draft.rename(self._folder / "clock")

    def hold(self, seconds: int, held: float) -> None:
        """Set it, and see how it is for so long; blocks."""
        self.set(seconds)
        time.sleep(held)

    def programs(self, real: Path) -> Path:
        """A folder of Postgres' programs, whose server goes by it.

        In front of the server itself: it runs as another user than whoever starts it, and libfaketime shares memory
        with what it was inherited from.
        """
        folder = self._folder / "programs"
        folder.mkdir()
        for program in real.iterdir():
            (folder / program.name).symlink_to(program)
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.environment.items())
        server = folder / "postgres"
        server.unlink()
        server.write_text(f'#!/bin/sh\nexec env {settings} {shlex.quote(str(real / "postgres"))} "$@"\n')
        server.chmod(0o755)
        return folder
