"""Observations as log lines: coloured on a terminal, JSON elsewhere.

What happens thousands of times a second is counted (see /metrics) and not written. What a stranger can
provoke is written at most a few times a second, so that nobody can fill a disk from outside.
"""

import dataclasses
import logging
import re
import sys
import time
from collections.abc import Callable
from typing import Literal, TextIO

import structlog

from floorcast import observe
from floorcast.observe import Event

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")

_COUNTED_ONLY: frozenset[type[Event]] = frozenset(
    {
        observe.TickClosed,
        observe.TickPublished,
        observe.TickDelivered,
        observe.DoorbellSet,
        observe.CanaryCame,
        observe.CanaryRound,
        observe.PastRead,
        observe.PictureRead,
        observe.SocketOpened,
        observe.TopicJoined,
        observe.ChannelJoined,
        observe.WebhookDelivered,
    }
)

_WARNINGS: frozenset[type[Event]] = frozenset(
    {
        observe.LeaderSilent,
        observe.LeadershipLost,
        observe.FeedRestarted,
        observe.IncarnationBegan,
        observe.DatabaseLost,
        observe.StreamLost,
        observe.SessionSilent,
        observe.CanaryMissing,
        observe.TickMissing,
        observe.TopicsEnded,
        observe.SubscriberSlow,
        observe.WebhookFailed,
        observe.WebhookRejected,
        observe.WebhookPaused,
        observe.WebhookDisabled,
        observe.ScheduleRefused,
        observe.JobFailed,
    }
)

LINES_PER_SECOND = 20
"""Of one kind of event; the next line of that kind says how many were left out."""


class Journal:
    """Writes one line per event worth reading; hand `write` to `observe.watch`."""

    def __init__(
        self,
        log_format: Literal["auto", "json", "plain"],
        stream: TextIO = sys.stderr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Choose the form; libraries' own warnings are written in the same one."""
        plain = log_format == "plain" or (log_format == "auto" and stream.isatty())
        last = (
            structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=24)
            if plain
            else structlog.processors.JSONRenderer(sort_keys=False)
        )
        before: list[structlog.typing.Processor] = [
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=not plain),
        ]
        self._logger = structlog.wrap_logger(structlog.WriteLogger(stream), processors=[*before, last])
        self._clock = clock
        # Per kind of event: the running second, lines written in it, lines left out since the last one.
        self._spent: dict[type[Event], tuple[int, int, int]] = {}
        self.handler = _Handler(self._logger)

    def write(self, event: Event) -> None:
        """Write the event, unless it is one that is only counted or its kind has had its lines."""
        kind = type(event)
        if kind in _COUNTED_ONLY:
            return
        second = int(self._clock())
        began, written, left_out = self._spent.get(kind, (second, 0, 0))
        if began != second:
            began, written = second, 0
        if written >= LINES_PER_SECOND:
            self._spent[kind] = (began, written, left_out + 1)
            return
        self._spent[kind] = (began, written + 1, 0)
        facts = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
        if left_out:
            facts["left_out_before"] = left_out
        level = "error" if kind is observe.TaskFailed else "warning" if kind in _WARNINGS else "info"
        getattr(self._logger, level)(_CAPITAL.sub(" ", kind.__name__).lower(), **facts)


class _Handler(logging.Handler):
    """Takes what libraries log (the connection pool, uvicorn) from the level of a warning on."""

    def __init__(self, logger: structlog.typing.WrappedLogger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        facts = {"library": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            facts["error"] = repr(record.exc_info[1])
        getattr(self._logger, level)(record.getMessage(), **facts)


def keep_journal(log_format: Literal["auto", "json", "plain"]) -> Callable[[], None]:
    """Write a journal to standard error from now on; call what is returned to end it."""
    journal = Journal(log_format)
    logging.getLogger().addHandler(journal.handler)
    unwatch = observe.watch(journal.write)

    def end() -> None:
        unwatch()
        logging.getLogger().removeHandler(journal.handler)

    return end
