"""One subscriber's side of the conversation (pure): a frame in, bytes to send or a reason to close out.

Replies are given in the call that decides them, and a join becomes a membership of the hub in that same call. Nothing
can come between the position in a join's reply and the first change after it. A join that begins with a picture or
behind a cursor is answered when its start is fixed; it is a membership meanwhile, which can be revoked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from floorcast.access.claims import Claims
from floorcast.errors import TokenError
from floorcast.gateway import wire
from floorcast.gateway.admission import Admission
from floorcast.gateway.appearance import PresenceWish
from floorcast.gateway.audience import Member, Selection
from floorcast.gateway.channels.channel import PREFIX, Person
from floorcast.gateway.channels.desk import ChannelRules, Desk
from floorcast.gateway.hub import Hub
from floorcast.gateway.join_request import Ground, read_request
from floorcast.gateway.joining import Joining
from floorcast.gateway.lens import look
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.presence import ORDERS, Presence, Visitor
from floorcast.gateway.refusal import Refusal
from floorcast.gateway.wire import Message, Version
from floorcast.observe import JoinRefused, TopicJoined, observe
from floorcast.topic import HEARTBEAT, parse_topic

FRAMES_PER_SECOND = 100.0
FRAMES_AT_ONCE = 300.0
"""A token bucket. Clients that come back join all their topics at once and push a token to each: room for more."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What every session of a gateway is held to."""

    hub: Hub
    # Returns the claims of a token; raises TokenError.
    verify: Callable[[str], Claims]
    topics_per_socket: int
    admission: Admission
    # Answers a join that does not begin now, and brings it to the present.
    welcome: Callable[[Member, Joining], None]
    presence: Presence
    # None: there are no `realtime:` topics here.
    channels: ChannelRules | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """The socket has to end; `code` is a key of `errors.CODES`."""

    code: str


class Session:
    """Who is there, in which version, with which topics."""

    __slots__ = (
        "_allowance",
        "_allowed_at",
        "_remember",
        "_rules",
        "claims",
        "desk",
        "expires_at",
        "members",
        "outbox",
        "role",
        "user",
        "version",
    )

    def __init__(
        self,
        rules: Rules,
        claims: Claims,
        version: Version,
        outbox: Outbox,
        now: float,
        *,
        remember: str | None = None,
    ) -> None:
        """Begin for a verified user; `now` is the loop's clock, in seconds, `remember` the URL's parameter."""
        self._rules = rules
        self.version = version
        self.outbox = outbox
        self.user = claims.user
        # As Postgres is told them when a picture is read.
        self.claims = orjson.dumps(claims.raw).decode()
        self.role: str = claims.role
        # Unix seconds; the newest accepted token's.
        self.expires_at = claims.expires_at
        # A tuple, since most sockets have one topic and a dict of one costs three times as much.
        self.members: tuple[Member, ...] = ()
        # Its `realtime:` topics; most sockets have none.
        self.desk: Desk | None = None
        self._remember = remember
        self._allowance = FRAMES_AT_ONCE
        self._allowed_at = now

    def allow(self, now: float) -> bool:
        """Take note of a frame of any kind; false when there were too many."""
        allowance = min(FRAMES_AT_ONCE, self._allowance + (now - self._allowed_at) * FRAMES_PER_SECOND)
        self._allowance, self._allowed_at = allowance - 1.0, now
        return allowance >= 1.0

    def receive(self, text: bytes | bytearray, now: float) -> bytes | Close:
        """Answer one message."""
        if not self.allow(now):
            return Close("too_many_frames")
        message = wire.parse(self.version, text)
        return self._unread() if message is None else self._answer(message, now, text)

    def receive_binary(self, frame: bytes, now: float) -> bytes | Close:
        """Answer a binary message: in `realtime:` topics a broadcast, else it has no meaning."""
        if not self.allow(now):
            return Close("too_many_frames")
        answer = None if self.desk is None else self.desk.hear_binary(frame, now)
        return (
            self._unread("binary frames are broadcasts in realtime: topics, or nothing") if answer is None else answer
        )

    def end(self) -> None:
        """Leave every topic: the socket is gone."""
        for member in self.members:
            self._rules.hub.leave(member)
        self.members = ()
        if self.desk is not None:
            self.desk.end()
        self._rules.presence.close(self.outbox)

    def forget(self, member: Member) -> None:
        """Hear from the hub that it ended a joining."""
        self.members = tuple(other for other in self.members if other is not member)
        self._gather()

    def lag(self) -> Close | None:
        """Go on from where topics were cut off because too much was waiting, or say that the socket has to end."""
        if self.outbox.overflown:
            return Close("slow_reader")
        for topic, after in self.outbox.lagging().items():
            member = self._find(topic)
            if self.desk is not None:
                self.desk.lag(topic, after)
            if member is not None:
                if member.manner.when_slow == "close":
                    return Close("slow_reader")
                self._rules.hub.cut_off(member, after)
        topics = [member.audience.selection.topic for member in self.members]
        for topic in (*topics, *(() if self.desk is None else self.desk.channels)):
            self._rules.presence.show_again(self.outbox, topic)
        return None

    def expire(self, now: float) -> None:
        """End the channels whose token is over; `now` is in Unix seconds, less the grace that is given."""
        if self.desk is not None:
            self.desk.expire(now)

    @property
    def pause(self) -> float | None:
        """How many seconds pass between two `prove`; None where nothing is to be proved."""
        return None if self.desk is None else self.desk.pause

    def prove(self) -> bytes | None:
        """Return what a ping has to say whose echo proves what was received; None where there is none now."""
        return None if self.desk is None else self.desk.prove()

    def proved(self, echo: bytes) -> None:
        """Hear what a ping was answered with."""
        if self.desk is not None:
            self.desk.proved(echo)

    @property
    def next_end(self) -> float:
        """When the first of its tokens is over, in Unix seconds."""
        return self.expires_at if self.desk is None else min(self.expires_at, self.desk.expires_at)

    def _unread(self, detail: str = "") -> bytes:
        """Answer what nothing in can be named of: on the topic that every client has."""
        nameless = Message(wire.NULL, wire.NULL, HEARTBEAT, "", None)
        return wire.refusal(self.version, nameless, "bad_frame", detail)

    def _answer(self, message: Message, now: float, text: bytes | bytearray) -> bytes:  # noqa: PLR0911 — one for each event
        match message.event:
            case _ if message.topic.startswith(PREFIX):
                return self._channel_answer(message, now, text)
            case "heartbeat" if message.topic == HEARTBEAT:
                return wire.reply(self.version, message)
            case "phx_join":
                return self._join(message, now)
            case "phx_leave":
                return self._leave(message)
            case "access_token" if self._find(message.topic) is not None:
                return self._refresh(message)
            case "presence" if self._find(message.topic) is not None:
                return self._appear(message)
            case _:
                known = message.topic == HEARTBEAT or self._find(message.topic) is not None
                return wire.refusal(self.version, message, "unknown_event" if known else "unmatched_topic")

    def _channel_answer(self, message: Message, now: float, text: bytes | bytearray) -> bytes:
        if self.desk is None:
            if self._rules.channels is None:
                return wire.refusal(self.version, message, "unknown_topic")
            person = Person(self.user, self.role, self.claims, self.expires_at)
            self.desk = Desk(self._rules.channels, person, self.version, self.outbox, self._remember)
        answer = self.desk.answer(message, now, text)
        self._gather()
        return answer

    def _gather(self) -> None:
        """Tell the outbox whether the socket has several topics."""
        channels = 0 if self.desk is None else len(self.desk.channels)
        self.outbox.gather(several=len(self.members) + channels > 1)

    def _find(self, topic: str) -> Member | None:
        return next((member for member in self.members if member.audience.selection.topic == topic), None)

    def _join(self, message: Message, now: float) -> bytes:
        replaced = b""
        previous = self._find(message.topic)
        if previous is not None:
            # The client has given up the earlier joining by asking again. It is told so where it can tell the two
            # apart; a vsn 1 client would take the old one's phx_close for the new one's.
            self._rules.hub.leave(previous, returns=True)
            self.forget(previous)
            # What still waits was decided under the earlier joining's token.
            self.outbox.drop(message.topic)
            if self.version != 1:
                replaced = wire.ended(self.version, previous.join_ref, message.topic, "phx_close")
        if replaced:
            self.outbox.put(replaced)
        try:
            return self._admit(message, now)
        except Refusal as refusal:
            observe(JoinRefused(refusal.code))
            return wire.refusal(self.version, message, refusal.code, refusal.detail, refusal.again_in)

    def _admit(self, message: Message, now: float) -> bytes:
        """Make the join a membership and return its answer, empty when that comes later; raises Refusal."""
        hub = self._rules.hub
        topic = parse_topic(message.topic)
        if topic is None:
            raise Refusal("unknown_topic")
        payload: Any = {} if message.payload is None else message.payload
        if not isinstance(payload, dict):
            raise Refusal("bad_join", "the payload is not an object")
        if len(self.members) >= self._rules.topics_per_socket:
            raise Refusal("too_many_topics")
        if not hub.ready:
            raise Refusal("not_ready")
        later = self._rules.admission.join(self.user, now)
        if later is not None:
            raise Refusal(later.code, again_in=later.seconds)
        nameless = not self.user
        self._take_token(payload.get("access_token"))
        named = self._rules.admission.name(self.user, now) if nameless and self.user else None
        if named is not None:
            raise Refusal(named.code, again_in=named.seconds)
        role = hub.role(self, topic.warehouse)
        if role is None:
            raise Refusal("forbidden")
        # After access: who may not join learns nothing of what is tracked.
        view = hub.view(role)
        known = hub.tables_for(view)
        request = read_request(payload, Ground(view, known, hub.shapes, hub.awaited(role)))
        tables = known if request.asked.tables is None else request.asked.tables
        keys = {table: hub.shapes[table].key if table in hub.shapes else () for table in tables}
        selection = Selection(message.topic, topic.warehouse, self.version, look(view, request.asked))
        presence = None if request.presence is None else self._attend(selection, request.presence)
        joining = Joining(self.version, message, request, hub.incarnation, role, view, keys, presence)
        join_ref = message.ref if message.join_ref == wire.NULL else message.join_ref
        begins_now = not request.origin.picture and request.origin.cursor is None
        member = hub.join(self, selection, join_ref, request.manner, None if begins_now else joining)
        self.members = (*self.members, member)
        self._gather()
        observe(TopicJoined(topic.warehouse, self.user, member.since))
        if begins_now:
            return joining.accepted(member.since, member.audience.cursor(member.since))
        self._rules.welcome(member, joining)
        return b""

    def _attend(self, selection: Selection, wish: PresenceWish) -> Mapping[str, Any]:
        """Be shown who is present once the join is answered, and be present as is wished; returns what became of it."""

        def answered() -> bool:
            member = self._find(selection.topic)
            return member is not None and member.asking is None

        orders = selection.lens.view.reads_table(ORDERS)
        visitor = Visitor.of_warehouse(
            self.user,
            self.outbox,
            selection.topic,
            self.version,
            selection.warehouse,
            orders=orders,
            answered=answered,
        )
        hindrance = self._rules.presence.join(visitor, wish)
        if hindrance is not None:
            return {"tracked": False, "code": hindrance}
        return {"tracked": wish.track is not None}

    def _appear(self, message: Message) -> bytes:
        try:
            self._rules.presence.hear(self.outbox, message.topic, message.payload)
        except Refusal as refusal:
            return wire.refusal(self.version, message, refusal.code, refusal.detail, refusal.again_in)
        return wire.reply(self.version, message)

    def _leave(self, message: Message) -> bytes:
        answer = wire.reply(self.version, message)
        member = self._find(message.topic)
        if member is None:
            return answer
        self._rules.hub.leave(member)
        self.outbox.drop(message.topic)
        self.forget(member)
        return answer + wire.ended(self.version, member.join_ref, message.topic, "phx_close")

    def _refresh(self, message: Message) -> bytes:
        """Take a newer token. Success is silent, as clients expect; after a refusal the older token still counts."""
        payload = message.payload if isinstance(message.payload, dict) else {}
        try:
            self._take_token(payload.get("access_token"))
        except Refusal as refusal:
            return wire.refusal(self.version, message, refusal.code, refusal.detail)
        return b""

    def _take_token(self, token: object) -> None:
        # `sb_…` are Supabase's keys for a project, which their clients send where no user has signed in.
        if token is None or (isinstance(token, str) and token.startswith("sb_")):
            return
        try:
            claims = self._rules.verify(token if isinstance(token, str) else "")
        except TokenError as error:
            raise Refusal(error.code, str(error)) from None
        if claims.user != self.user:
            # A front end connects with the project's key and says in a join who has signed in: once, since whatever
            # this socket is sent from then on is that user's.
            if self.user or self.role != "anon":
                raise Refusal("token_invalid", "The token is another user's; open a socket for each.")
            self.user = claims.user
        self.expires_at = claims.expires_at
        self.claims = orjson.dumps(claims.raw).decode()
        if claims.role != self.role:
            self.role = claims.role
            for member in self.members:
                self._rules.hub.look_again(member)
