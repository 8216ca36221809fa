"""Everything that can go wrong, in one tree and one table.

    FloorcastError
    ├── SettingsError         a setting is missing or wrong: refuse to start
    ├── DatabaseUnavailable   Postgres cannot be reached, or is not what we need
    ├── MigrationFailed       a migration or a file of triggers/ was refused by Postgres; it left nothing behind
    ├── ForeignTrail          ticks of another cluster: nothing would ever be new
    ├── NewerDatabaseError    the database was migrated by a newer Floorcast
    ├── StreamUnavailable     Redis cannot be reached
    ├── PublishRefused        Redis is at another position than the relay believed
    ├── EmbeddedServerError   the PostgreSQL or Redis of `floorcast up` cannot be started or stopped
    ├── FactoryError          the demo, the simulation or a replay cannot be done on this database
    ├── TokenError            a token that cannot be accepted
    └── ClientError           a subscriber was refused or let go (the Python client raises it)

`CODES` is what clients see: each code says what happened, what to do, whether to reconnect and whether the cursor still
holds. Close codes follow the field's habit: 4000–4499 reconnect, 4500–4999 do not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class FloorcastError(Exception):
    """Base of our errors: a sentence that says what happened, what it means for the data and what to do."""


class SettingsError(FloorcastError):
    """A setting is missing or wrong; names it, its value and what would be right."""


class DatabaseUnavailable(FloorcastError):  # noqa: N818 — reads as a state, which it is
    """Postgres cannot be reached or used; nothing that was committed is lost."""


class MigrationFailed(FloorcastError):  # noqa: N818 — reads as an event, which it is
    """A migration or a file of triggers/ was refused by Postgres; nothing of it was kept, what came before it was."""


class ForeignTrail(DatabaseUnavailable):
    """The ticks in this database were cut by another cluster's transactions; it was restored from a dump."""


class NewerDatabaseError(FloorcastError):
    """The database knows migrations that this version does not; running on could damage it."""


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

    def __init__(self, code: str, detail: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(f"{code}: {detail}")
        self.code = code


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """What a client is told, and what it should do next."""

    code: str
    # What happened and what it means for the client's data: one sentence.
    message: str
    # What to do: one sentence.
    hint: str
    # May the client come back by itself?
    reconnect: bool
    # Does a cursor that the client holds still stand?
    cursor_holds: bool
    # WebSocket close code, when the whole socket ends; None when only a topic or one request does.
    close: int | None = None
    # HTTP status, when it answers a request or a handshake.
    status: int | None = None


_TABLE = (
    # Handshake and requests
    ErrorCode("token_missing", "No token was given.", "Send a token as `apikey`.", False, True, 4501, 401),
    ErrorCode(
        "token_expired",
        "The token has expired.",
        "Get a new token, then connect again.",
        True,
        True,
        4401,
        401,
    ),
    ErrorCode(
        "token_invalid",
        "The token is not one that this server accepts.",
        "Check issuer, audience, algorithm and signature.",
        False,
        True,
        4502,
        401,
    ),
    ErrorCode(
        "version_unsupported",
        "This protocol version is not spoken here.",
        "Use vsn=2.0.0 or vsn=1.0.0.",
        False,
        True,
        None,
        403,
    ),
    ErrorCode(
        "not_found",
        "There is nothing at this address.",
        "See docs/protocol.md for addresses.",
        False,
        True,
        None,
        404,
    ),
    ErrorCode(
        "handshake_too_slow",
        "The request did not arrive in time.",
        "Connect again.",
        True,
        True,
        None,
        408,
    ),
    ErrorCode(
        "handshake_too_large",
        "The request's head is larger than is allowed.",
        "Send fewer or shorter headers.",
        False,
        True,
        None,
        431,
    ),
    ErrorCode(
        "bad_request",
        "The request cannot be understood.",
        "Correct what the reason names.",
        False,
        True,
        None,
        400,
    ),
    ErrorCode(
        "method_not_allowed",
        "This address does not take this method.",
        "Use GET or HEAD.",
        False,
        True,
        None,
        405,
    ),
    ErrorCode(
        "unavailable",
        "The database cannot be read at the moment.",
        "Ask again in a few seconds.",
        True,
        True,
        None,
        503,
    ),
    # Joins
    ErrorCode(
        "forbidden",
        "There is no such warehouse, or you have no access to it.",
        "Ask for access; a join succeeds as soon as it is granted.",
        False,
        False,
        None,
        403,
    ),
    ErrorCode(
        "unknown_topic",
        "This topic cannot be joined.",
        "Join warehouse:<id>.",
        False,
        True,
    ),
    ErrorCode("unmatched_topic", "This topic is not joined.", "Join it first.", False, True),
    ErrorCode("unknown_event", "This event is not known here.", "See docs/protocol.md for events.", False, True),
    ErrorCode(
        "unknown_table",
        "A table in the join is not tracked, or your role does not read it.",
        "Leave it out, or have it tracked with floorcast.track() and a rule made for it.",
        False,
        True,
    ),
    ErrorCode("bad_join", "The join's payload is not as documented.", "Correct what the reason names.", False, True),
    ErrorCode(
        "too_many_topics",
        "This socket has joined as many topics as it may.",
        "Leave one, or open another socket.",
        False,
        True,
    ),
    ErrorCode("not_ready", "This gateway has not caught up yet.", "Join again in a moment.", True, True, None, 503),
    # The end of a topic
    ErrorCode(
        "revoked",
        "Your access to this warehouse was withdrawn.",
        "Forget what you hold of it.",
        False,
        False,
    ),
    ErrorCode(
        "must_refetch",
        "The stream cannot be continued exactly from where you are.",
        "Join again and read the picture again.",
        True,
        False,
    ),
    # The end of a socket
    ErrorCode(
        "slow_reader",
        "You read more slowly than changes arrive; what was waiting for you was dropped.",
        "Connect again, join and read the picture again.",
        True,
        False,
        4400,
    ),
    ErrorCode(
        "heartbeat_missing",
        "Nothing was heard from you for too long.",
        "Connect again, join and read the picture again.",
        True,
        False,
        4402,
    ),
    ErrorCode(
        "too_many_frames",
        "You send more frames than are allowed.",
        "Connect again and send less.",
        True,
        True,
        4403,
    ),
    ErrorCode("shutting_down", "This gateway is being stopped.", "Connect again.", True, True, 1012),
    ErrorCode("bad_frame", "A frame could not be understood.", "See docs/protocol.md for frames.", False, True),
    ErrorCode(
        "internal",
        "Something failed here.",
        "Try again; tell the operator if it stays.",
        True,
        False,
        1011,
        500,
    ),
)

CODES: Mapping[str, ErrorCode] = MappingProxyType({code.code: code for code in _TABLE})
"""Every code that a client can see, by name."""
