"""What a set-up is like, as `floorcast doctor` finds it: facts without judgement. `diagnosis.py` judges them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a side is: Postgres has closed, or Redis published, this tick."""

    incarnation: str
    tick: int
    # Hex; what tells two histories apart.
    seal: str


@dataclass(frozen=True, slots=True)
class TrackedTable:
    """One table in `floorcast.tracked`, or a partition of one, and the triggers that it has or lacks."""

    name: str
    # Capture triggers that are not there.
    missing: Sequence[str]
    # Capture triggers that are there but not ENABLE ALWAYS.
    disabled: Sequence[str]
    # AFTER ROW triggers of somebody else.
    foreign: Sequence[str]


@dataclass(frozen=True, slots=True)
class Guards:
    """What keeps people to the rules of access and the trail as it was written: where it is not, or is switched off."""

    # Tables under the rules of access whose row level security is off or not forced.
    unforced: Sequence[str]
    # Parts of the trail with what nothing refuses there, as "floorcast.tick (update)".
    changeable: Sequence[str]
    # Tables that a rule of access names and that are not under them.
    unprotected: Sequence[str]
    # Tables and views of ours on which anon, who is nobody, has a right.
    open: Sequence[str]


@dataclass(frozen=True, slots=True)
class Messages:
    """What puts broadcasts that the database sends into the trail: a trigger of realtime.messages."""

    # Whose the table is; None: there is none.
    owner: str | None
    # We made it; else Supabase did.
    is_ours: bool
    # Whose our functions are, who would make the trigger.
    migrator: str
    trigger: Literal["on", "off", "missing"]


@dataclass(frozen=True, slots=True)
class Migrations:
    """How the database stands against this code."""

    pending: Sequence[str]
    # Applied by a newer version.
    unknown: Sequence[str]
    # Files of triggers/ that differ from what was applied.
    changed: Sequence[str]


@dataclass(frozen=True, slots=True)
class LongTransaction:
    """The transaction that has been open for longest."""

    pid: int
    application: str
    state: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Leader:
    """The relay that leads, as the database sees it."""

    # None when nobody holds the lock.
    pid: int | None
    # Since its last sign of life; None when there never was one.
    silent_seconds: float | None


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What was found in Postgres. None means that it could not be read, mostly because something else is wrong."""

    # server_version_num, as 180001.
    version: int
    is_standby: bool
    login: str
    # Our roles → whether the login may become it; None for a role that does not exist.
    roles: Mapping[str, bool | None]
    # Server settings that matter here, by name.
    settings: Mapping[str, str]
    prepared_transactions: int
    # 0 to 1: how full the queue of notifications is.
    notification_queue: float
    longest: LongTransaction | None
    # False when statements of one session reach different server processes: a pooler is in between.
    is_direct: bool
    # False when a NOTIFY did not come back to the session that LISTENs.
    hears_notify: bool
    migrations: Migrations | None
    tables: Sequence[TrackedTable] | None
    guards: Guards | None
    messages: Messages | None
    # CACHE of floorcast.change_seq.
    sequence_cache: int | None
    leader: Leader | None
    newest: Reached | None


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What was found in Redis."""

    version: str
    # maxmemory-policy
    policy: str
    # Bytes; 0 for no limit.
    memory_limit: int
    memory_used: int
    # master or slave
    role: str
    newest: Reached | None
