"""Everything that a client can be told is wrong, in one table, and why a stream cannot go on, in a second one.

Each code says what happened, what to do, whether to come back and after how long, and whether the cursor still holds.
Server, clients, docs/protocol.md and docs/asyncapi.json all take it from here. Close codes follow the field's habit:
4000–4499 come back, 4500–4999 do not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Wait:
    """How long to wait before coming back: a random time between the two, so that not all come in one instant."""

    # Seconds.
    least: float
    most: float

    def seconds(self, share: float, failures: int = 0) -> float:
        """Return how long to wait; `share` is random in [0, 1), `failures` how often in a row it has failed before."""
        longest = min(_LONGEST, self.most * 2.0 ** min(failures, 16))
        return self.least + share * max(0.0, longest - self.least)

    def __str__(self) -> str:
        """As documents say it."""
        return f"{self.least:g}–{self.most:g} s"


_LONGEST = 30.0
"""Seconds; whoever fails again and again waits twice as long each time, up to this."""


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
    # Before coming back; an answer's own `retry_after_ms` or Retry-After counts where it has one. None: no coming back.
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class RefetchReason:
    """Why a stream cannot be continued exactly; the client's next step is the same for all."""

    reason: str
    # What happened: one clause.
    message: str


_SOON = Wait(0, 1)
_SPREAD = Wait(0, 3)
_PATIENT = Wait(1, 10)

_TABLE = (
    # Handshake and requests
    ErrorCode("token_missing", "No token was given.", "Send a token as `apikey`.", False, True, 4501, 401),
    ErrorCode(
        "token_expired",
        "The token has expired.",
        "Get a new token, then connect again and hand back your cursor.",
        True,
        True,
        4401,
        401,
        _SOON,
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
        _PATIENT,
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
        "body_too_large",
        "The request's body is larger than is allowed; nothing of it was done.",
        "Send less at a time.",
        False,
        True,
        None,
        413,
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
        _PATIENT,
    ),
    ErrorCode(
        "too_many_connections",
        "This gateway has as many sockets as it may, or has been asked for more than it opens at a time.",
        "Connect again after the time that the answer says.",
        True,
        True,
        4404,
        503,
        _PATIENT,
    ),
    ErrorCode(
        "connecting_too_often",
        "You, or your address, have asked for more sockets than one may at a time.",
        "Connect again after the time that the answer says.",
        True,
        True,
        None,
        429,
        _PATIENT,
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
        "bad_filter",
        "A filter in the join cannot be understood, or names what is not there for you.",
        "Correct it at the place that the reason names.",
        False,
        True,
    ),
    ErrorCode(
        "bad_cursor",
        "The cursor in the join is not one that was given out here.",
        "Join again from the snapshot.",
        True,
        False,
        wait=_SOON,
    ),
    ErrorCode(
        "too_many_topics",
        "This socket has joined as many topics as it may.",
        "Leave one, or open another socket.",
        False,
        True,
    ),
    ErrorCode(
        "too_many_joins",
        "More joins were asked for than are taken at a time.",
        "Join again after the time that the answer says; the socket stays.",
        True,
        True,
        wait=_PATIENT,
    ),
    ErrorCode(
        "too_busy",
        "As many pictures wait to be read as may.",
        "Join again after the time that the answer says.",
        True,
        True,
        None,
        503,
        _PATIENT,
    ),
    ErrorCode(
        "picture_too_large",
        "What the picture would hold is larger than is read at once.",
        "Ask for fewer tables or columns, or narrow them with `where` and `recent`.",
        False,
        True,
    ),
    ErrorCode(
        "not_ready",
        "This gateway has not caught up yet.",
        "Join again in a moment.",
        True,
        True,
        None,
        503,
        _SPREAD,
    ),
    # Consumers
    ErrorCode(
        "batch_gone",
        "The batch is not out any more: its lease ended and another worker has the share, or it was acknowledged.",
        "Take the next batch; what was not acknowledged comes again.",
        True,
        True,
        None,
        409,
        _SOON,
    ),
    # Presence
    ErrorCode(
        "bad_presence",
        "What you want to be shown with is not as documented, or presence is not on in this joining.",
        "Correct what the reason names.",
        False,
        True,
    ),
    ErrorCode(
        "presence_full",
        "As many are shown here as can be.",
        "Go on without being shown, or try again later.",
        False,
        True,
    ),
    ErrorCode(
        "presence_too_often",
        "What you want to be shown with changes more often than is passed on.",
        "Say it again in a while, as it is by then.",
        True,
        True,
        wait=_PATIENT,
    ),
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
        "Join again from the snapshot.",
        True,
        False,
        status=410,
        wait=_SPREAD,
    ),
    # The end of a socket
    ErrorCode(
        "slow_reader",
        "You read more slowly than changes arrive; what was waiting for you was dropped.",
        "Connect again and hand back your cursor.",
        True,
        True,
        4400,
        wait=_SPREAD,
    ),
    ErrorCode(
        "heartbeat_missing",
        "Nothing was heard from you for too long.",
        "Connect again and hand back your cursor.",
        True,
        True,
        4402,
        wait=_SOON,
    ),
    ErrorCode(
        "too_many_frames",
        "You send more frames than are allowed.",
        "Send less, then connect again and hand back your cursor.",
        True,
        True,
        4403,
        wait=_PATIENT,
    ),
    ErrorCode(
        "shutting_down",
        "This gateway is being stopped.",
        "Connect again and hand back your cursor.",
        True,
        True,
        1012,
        wait=_SPREAD,
    ),
    ErrorCode("bad_frame", "A frame could not be understood.", "See docs/protocol.md for frames.", False, True),
    ErrorCode(
        "internal",
        "Something failed here.",
        "Connect again and hand back your cursor; tell the operator if it stays.",
        True,
        True,
        1011,
        500,
        _PATIENT,
    ),
)

CODES: Mapping[str, ErrorCode] = MappingProxyType({code.code: code for code in _TABLE})
"""Every code that a client can see, by name."""

_POLICY = (
    "what you may see changed: your role in this warehouse, a rule of access, the warehouse's organization; "
    "or a row moved away of which only its owner, who cannot be told from its key, may hear"
)

REFETCH_REASONS: Mapping[str, RefetchReason] = MappingProxyType(
    {
        reason: RefetchReason(reason, message)
        for reason, message in (
            ("trimmed", "what you missed is not kept any more, or is more than is worth sending one by one"),
            ("incarnation", "the database was restored, copied or replaced: another history begins"),
            ("policy", _POLICY),
            ("schema", "a table that you follow has other columns, types or another key than your cursor was made for"),
            ("filter", "the cursor was made for other tables, columns or conditions than you ask for"),
            ("future", "the cursor is ahead of everything that this history has"),
            ("internal", "a fault of the server; it goes on from a fresh beginning"),
        )
    }
)
"""Every `reason` of `must_refetch`, by name."""
