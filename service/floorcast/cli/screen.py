"""What `floorcast up` shows: the output of its processes, each line with its name, and its own notes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self, TextIO

from rich.console import Console
from rich.text import Text

from floorcast.observe import ChildEnded, Event

_COLOURS = (36, 33, 32, 35, 34, 31)  # the terminal's own cyan, yellow, …, so that its theme decides
_NAME_WIDTH = 10  # characters; longer names push their lines to the right
_SELF = "up"


class Screen:
    """Writes to a terminal, a file or a pipe; one that nobody reads any more stops nothing."""

    def __init__(self, stream: TextIO, *, is_terminal: bool) -> None:
        """Colour only where a terminal shows it."""
        self._stream = stream
        self.is_terminal = is_terminal
        # Name → colour, in order of appearance.
        self._colours: dict[str, int] = {}

    @classmethod
    def of_terminal(cls) -> Self:
        """Use standard output."""
        return cls(sys.stdout, is_terminal=sys.stdout.isatty())

    def line(self, name: str, text: str) -> None:
        """One line of a process's output."""
        with self._while_it_lasts():
            self._stream.write(f"{self._prefix(name)} {text}\n")
            self._stream.flush()

    def note(self, text: str) -> None:
        """Say what `up` itself does."""
        self.line(_SELF, text)

    def problem(self, text: str) -> None:
        """Say why nothing runs, on stderr."""
        sys.stderr.write(f"{text}\n")

    def watch(self, event: Event) -> None:
        """Tell what the supervisor observed."""
        if isinstance(event, ChildEnded):
            how = f"ended with code {event.code}" if event.code >= 0 else f"was ended by signal {-event.code}"
            self.note(f"{event.name} {how}; starting it again in {event.again_in_seconds:.1f} s")

    def welcome(self, *, link: str, hint: str, psql: str) -> None:
        """Show where the page is and how to reach the database; never wrapped, so that it can be copied."""
        text = Text()
        for title, value in (("page ", link), ("      ", hint), ("psql ", psql)):
            text.append(f"{title} ", style="bold").append(f"{value}\n")
        console = Console(file=self._stream, force_terminal=self.is_terminal, soft_wrap=True)
        with self._while_it_lasts():
            console.rule("[bold]Floorcast is up[/bold]  ·  Ctrl-C stops everything, the data stays")
            console.print(text, end="", highlight=False)
            console.rule()

    @contextmanager
    def _while_it_lasts(self) -> Iterator[None]:
        """Write, unless the stream is closed (ValueError) or its terminal gone (OSError): then SIGHUP is on its way.

        What is still buffered goes nowhere, too: else the interpreter's last flush would end us with an error.
        """
        try:
            yield
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)

    def _prefix(self, name: str) -> str:
        padded = f"{name:<{_NAME_WIDTH}} │"
        if not self.is_terminal:
            return padded
        colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
        return f"\033[{colour}m{padded}\033[0m"
