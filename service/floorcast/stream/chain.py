"""Whether what Redis holds of some places is all that there was (pure).

A log lacks whatever was trimmed, lost or never written, and shows none of it by itself. What it does show: each entry
says behind which tick it comes, and a hash names the newest tick of every log that it knows, and behind which tick it
knows them all. So the entries of a place either join into one chain, from the tick that the reader holds to the newest,
or nothing is proved and the answer is Postgres's to give.

    behind ≤ after     behind = 12        behind = 15        newest = 21
        ─────────[12]──────────────[15]──────────────[21]
             after ┘                     └ limit

Where they are wrong is not asked, since nothing can be built on it: the feed begun anew past some ticks, a log that was
trimmed, deleted or evicted, an entry of an older version, another history, a Redis that was flushed or is as it was
yesterday, each is a chain that does not join.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from floorcast.operation import Operation
from floorcast.past import Past, PastTick, in_order
from floorcast.stream.entry import LogEntry


@dataclass(frozen=True, slots=True)
class LogRead:
    """What was found of one place."""

    # Its newest tick as the hash has it; None where the hash does not name it.
    newest: int | None
    # `behind` of the first entry past the limit; None for none.
    beyond: int | None
    # Those behind `after` and up to the limit, ascending.
    entries: Sequence[LogEntry]


@dataclass(frozen=True, slots=True)
class LogsRead:
    """What was found of some places, all at one moment."""

    # What is published; an empty text and None for nothing.
    incarnation: str
    tick: int | None
    # What the hash knows: everything behind one tick and up to another; None where there is no hash.
    known_behind: int | None
    known_upto: int | None
    # How far the entries go, where nothing is missing.
    limit: int
    logs: Sequence[LogRead]


def proven(found: LogsRead, incarnation: str, after: int) -> Past | None:
    """Return what the places had behind `after` in a history; None where something may be missing."""
    if found.incarnation != incarnation or found.tick is None or found.tick != found.known_upto:
        return None
    if found.known_behind is None or found.limit <= after:
        return None
    if not all(_joins(log, after, found.limit, found.known_behind) for log in found.logs):
        return None
    return Past(found.limit, _merged(found.logs))


def _joins(log: LogRead, after: int, limit: int, known_behind: int) -> bool:
    if log.newest is None:
        return known_behind <= after and not log.entries
    if log.newest <= after:
        return not log.entries
    reached: int | None = None
    for entry in log.entries:
        if not _follows(entry.behind, reached, after):
            return False
        reached = entry.tick
    if log.newest <= limit:
        return reached == log.newest
    return _follows(log.beyond, reached, after)


def _follows(behind: int | None, reached: int | None, after: int) -> bool:
    """Whether an entry continues what was reached: the entry before it, or what the reader holds."""
    if behind is None:
        return False
    return behind <= after if reached is None else behind == reached


def _merged(logs: Sequence[LogRead]) -> tuple[PastTick, ...]:
    entries: defaultdict[int, list[LogEntry]] = defaultdict(list)
    for log in logs:
        for entry in log.entries:
            entries[entry.tick].append(entry)
    return tuple(_tick(entries[tick]) for tick in sorted(entries))


def _tick(entries: Sequence[LogEntry]) -> PastTick:
    """Put together what several places have of one tick."""
    large = any(entry.large for entry in entries)
    operations: list[Operation] = []
    if not large:
        operations = [operation for entry in entries for operation in entry.operations]
    return PastTick(entries[0].tick, entries[0].at, in_order(operations), large)
