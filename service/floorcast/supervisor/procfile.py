"""Which processes there are: the Procfile, found and read."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from honcho.environ import parse_procfile  # type: ignore[import-untyped]  # it ships no types

import floorcast
from floorcast.errors import SettingsError

RELEASE = "release"
"""The process that runs to its end before the others start: migrations."""

_SHELL = ("/bin/sh", "-c")
_PLAIN_WORDS = re.compile(r"[\w./:@%+,\- ]+")


@dataclass(frozen=True, slots=True)
class Program:
    """One process to run."""

    # `relay`, or `gateway.2` where there are several.
    name: str
    # Ready for exec.
    command: tuple[str, ...]

    @property
    def is_shell(self) -> bool:
        """Whether the command is a shell, which starts further processes."""
        return self.command[:1] == _SHELL[:1]


def find_procfile(working_directory: Path) -> Path:
    """The Procfile here if it is about Floorcast, else the one that came with this installation.

    A Procfile without a gateway is another application's: starting that would be a surprise.
    """
    here = working_directory / "Procfile"
    if here.is_file() and "gateway" in _commands(here):
        return here
    package = Path(floorcast.__file__).parent
    in_wheel, in_repository = package / "Procfile", package.parents[1] / "Procfile"
    for path in (in_wheel, in_repository):
        if path.is_file():
            return path
    raise SettingsError(
        f"There is no Procfile in {working_directory} or in the installation ({package}). "
        "Nothing was started. Install floorcast again, or name one with --procfile.",
    )


def read_procfile(path: Path, counts: Mapping[str, int]) -> tuple[Program, ...]:
    """Its programs in order; a name in ``counts`` is repeated so often, as name.1, name.2."""
    return tuple(
        Program(name=f"{name}.{number}" if name in counts else name, command=as_words(command))
        for name, command in _commands(path).items()
        for number in range(1, counts.get(name, 1) + 1)
    )


def as_words(command: str) -> tuple[str, ...]:
    """Split a command line, or hand it to a shell where only a shell understands it ($PORT, pipes).

    Without a shell in between, the process that we signal is the one that was named.
    """
    if _PLAIN_WORDS.fullmatch(command):
        return tuple(shlex.split(command))
    return (*_SHELL, command)


def _commands(path: Path) -> Mapping[str, str]:
    try:
        found: Mapping[str, str] = parse_procfile(path.read_text()).processes
    except (OSError, AssertionError) as error:  # honcho asserts that names are unique
        raise SettingsError(f"{path} cannot be used as a Procfile: {error}. Nothing was started.") from error
    if not found:
        raise SettingsError(f"{path} names no process (`name: command` per line). Nothing was started.")
    return found
