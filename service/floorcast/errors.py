"""Everything that can go wrong, in one tree and one table.

    FloorcastError
    ├── SettingsError         a setting is missing or wrong: refuse to start
    ├── DatabaseUnavailable   Postgres cannot be reached, or is not what we need
    ├── MigrationFailed       a migration or a file of triggers/ was refused by Postgres; it left nothing behind
    ├── AnotherTick           Postgres was restored meanwhile: what it has under a tick's number is another tick
    ├── ForeignTrail          ticks of another cluster: nothing would ever be new
    ├── NewerDatabaseError    the database was migrated by a newer Floorcast
    ├── TickNotKept           a tick is asked for that was removed with what is older
    ├── StreamUnavailable     Redis cannot be reached
    ├── PublishRefused        Redis is at another position than the relay believed
    ├── PictureTooLarge       a first picture has more bytes than may be read at once
    ├── PicturesBusy          as many first pictures are read or held as may be
    ├── PictureUnreadable     a table is not as the gateway knows it, or not for the caller
    ├── EmbeddedServerError   the PostgreSQL or Redis of `floorcast up` cannot be started or stopped
    ├── FactoryError          the demo, the simulation or a replay cannot be done on this database
    ├── TokenError            a token that cannot be accepted
    └── ClientError           a subscriber was refused or let go (the Python client raises it)

What clients are told is in codes.py, and importable from here too.
"""

from dataclasses import dataclass

from floorcast.codes import CODES as CODES  # noqa: PLC0414 — said to be importable from here
from floorcast.codes import REFETCH_REASONS as REFETCH_REASONS  # noqa: PLC0414
from floorcast.codes import ErrorCode as ErrorCode  # noqa: PLC0414


class FloorcastError(Exception):
    """Base of our errors: a sentence that says what happened, what it means for the data and what to do."""


class SettingsError(FloorcastError):
    """A setting is missing or wrong; names it, its value and what would be right."""


class DatabaseUnavailable(FloorcastError):  # noqa: N818 — reads as a state, which it is
    """Postgres cannot be reached or used; nothing that was committed is lost."""


class MigrationFailed(FloorcastError):  # noqa: N818 — reads as an event, which it is
    """A migration or a file of triggers/ was refused by Postgres; nothing of it was kept, what came before it was."""


class AnotherTick(FloorcastError):  # noqa: N818 — reads as a find, which it is
    """Postgres has another tick under that number by now, or none: it was restored, or another one took its place."""


class ForeignTrail(DatabaseUnavailable):
    """The ticks in this database were cut by another cluster's transactions; it was restored from a dump."""


class NewerDatabaseError(FloorcastError):
    """The database knows migrations that this version does not; running on could damage it."""


class TickNotKept(FloorcastError):  # noqa: N818 — reads as a state, which it is
    """A tick is not in the trail any more; who asks for it has to read the present anew."""


class StreamUnavailable(FloorcastError):  # noqa: N818 — reads as a state, which it is
    """Redis cannot be reached or used; ticks stay in Postgres and are published when it is back."""


@dataclass
class PublishRefused(FloorcastError):  # noqa: N818 — the script's own word for it
    """Redis holds another newest tick than the caller believed; the caller repairs from Postgres."""

    # What Redis holds: newest tick and its seal; tick 0 when it holds nothing of this incarnation.
    tick: int
    seal: str

    def __str__(self) -> str:
        """Say where Redis stands."""
        return f"refused: the feed is published through tick {self.tick} (seal {self.seal[:12] or 'none'})"


class PictureTooLarge(FloorcastError):  # noqa: N818 — reads as a state, which it is
    """A first picture has more bytes than may be read at once; asking for less helps, asking again does not."""


class PicturesBusy(FloorcastError):  # noqa: N818 — reads as a state, which it is
    """As many first pictures are read or held as may be, or the disk for them is full; asking later helps."""


class PictureUnreadable(FloorcastError):  # noqa: N818 — reads as a state, which it is
    """A table cannot be read as it was asked for: it has changed, or its rules were never applied to it."""


class EmbeddedServerError(FloorcastError):
    """An embedded server cannot be found, started or stopped; the data in its folder is as it was."""


class FactoryError(FloorcastError):
    """The demo factory, its simulation or a replay cannot be done here; says what is missing or in the way."""


class TokenError(FloorcastError):
    """A token that cannot be accepted; `code` is a key of `CODES`."""

    def __init__(self, code: str, detail: str) -> None:
        """Keep the code for the wire beside the sentence for people."""
        super().__init__(detail)
        self.code = code


class ClientError(FloorcastError):
    """The server refused or ended something; `code` is a key of `CODES` where the server sent one."""

    def __init__(
        self, code: str, detail: str, *, reason: str | None = None, retry_after_seconds: float | None = None
    ) -> None:
        """Keep what a program decides by beside the sentence."""
        super().__init__(f"{code}: {detail}")
        self.code = code
        # The bare reason, of `must_refetch` for one.
        self.reason = reason
        # How long the server asks to wait before trying again.
        self.retry_after_seconds = retry_after_seconds
