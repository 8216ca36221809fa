"""The files of `triggers/`: their order, their checksums, and how they differ from what a database has."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BehaviourFile:
    """One `.sql` file of `triggers/`; `path` is relative to that folder, as in `2_capture/track.sql`."""

    path: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """What a database remembers of a file that was applied to it.

    `objects` are the functions, triggers, policies and views that the file made, as `function
    floorcast.track(regclass)`.
    """

    path: str
    checksum: str
    objects: frozenset[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """How the files stand against a database; paths, in order."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    vanished: tuple[str, ...]

    @property
    def needs_applying(self) -> bool:
        """Whether a text is new or other than the one applied. A vanished file leaves nothing to apply."""
        return bool(self.added or self.changed)


def read_behaviour(triggers: Path) -> tuple[BehaviourFile, ...]:
    """Every `.sql` file below `triggers`, by folder, then by name: the order in which they are applied."""
    paths = sorted((path.relative_to(triggers) for path in triggers.rglob("*.sql")), key=lambda path: path.parts)
    return tuple(BehaviourFile(path.as_posix(), (triggers / path).read_text(encoding="utf-8")) for path in paths)


def compare(files: Iterable[BehaviourFile], recorded: Mapping[str, RecordedFile]) -> Difference:
    """Tell apart what is new, what reads differently, and what has no file any more."""
    checksums = {file.path: file.checksum for file in files}
    return Difference(
        added=tuple(path for path in checksums if path not in recorded),
        changed=tuple(
            path for path, checksum in checksums.items() if path in recorded and recorded[path].checksum != checksum
        ),
        vanished=tuple(sorted(path for path in recorded if path not in checksums)),
    )


def settle_ownership(
    made: Mapping[str, frozenset[str]], recorded: Mapping[str, RecordedFile], existing: frozenset[str]
) -> dict[str, frozenset[str]]:
    """Which file owns which objects after an application of all files.

    A file owns what it made in this application. An object that only a vanished file ever made stays with
    that file for as long as the object exists: that is what `status` reports. One that another file makes
    now (it was renamed) moves.

    Args:
        made: by path of a present file, the objects that it made or replaced.
        recorded: the ledger before.
        existing: every object that is in the database now.
    """
    taken = frozenset[str]().union(*made.values())
    left = {path: (file.objects - taken) & existing for path, file in recorded.items() if path not in made}
    return {**made, **{path: objects for path, objects in left.items() if objects}}
