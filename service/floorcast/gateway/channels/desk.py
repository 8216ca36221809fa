"""One socket's channels (pure): what a client says of a `realtime:` topic, and what it is answered.

A channel that begins now is answered in the call that asks. One whose rights have to be asked of Postgres, or that goes
on from a position, is answered later; it counts as joined meanwhile, and can be left.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from secrets import token_hex

from floorcast.access.claims import Claims
from floorcast.errors import TokenError
from floorcast.gateway import wire
from floorcast.gateway.admission import Admission
from floorcast.gateway.channels import broadcasts, frames
from floorcast.gateway.channels.binding import bind
from floorcast.gateway.channels.channel import PREFIX, Channel, Person
from floorcast.gateway.channels.channels import Channels
from floorcast.gateway.channels.config import read_config
from floorcast.gateway.channels.presence import ChannelPresence
from floorcast.gateway.channels.remembered import Proofs, asked_seconds, pause_between
from floorcast.gateway.channels.speech import speak
from floorcast.gateway.outbox import Outbox
from floorcast.gateway.wire import Message, Version
from floorcast.observe import ChannelJoined, JoinRefused, observe

LONGEST_TOPIC = 255
"""Bytes, without `realtime:`: what a binary frame can name."""


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """What every desk of a gateway is held to."""

    channels: Channels
    # Returns the claims of a token; raises TokenError.
    verify: Callable[[str], Claims]
    # Channels of one socket.
    most: int
    admission: Admission
    # Gateways take joins.
    is_ready: Callable[[], bool]
    # Answers a join that does not begin now.
    welcome: Callable[[Channel, Message], None]
    presence: ChannelPresence
    # For so many seconds channels are remembered whose socket says nothing of it.
    remember_seconds: int = 0
    # Told of remembered channels that have everything up to ticks of a history, for certain.
    confirm: Callable[[str, Mapping[Channel, int]], None] = lambda _, __: None
    # Told of one whose client has left it.
    unremember: Callable[[Channel], None] = lambda _: None


class RefusedChannel(Exception):  # noqa: N818 — an outcome, not a fault
    """A join is refused, with the words that Supabase's clients know."""


class Desk:
    """The channels of one socket."""

    __slots__ = ("_outbox", "_proofs", "_remember", "_rules", "_version", "channels", "pause", "person")

    def __init__(
        self, rules: ChannelRules, person: Person, version: Version, outbox: Outbox, remember: str | None = None
    ) -> None:
        """Begin without channels.

        Args:
            rules: what all desks of a gateway share.
            person: whose socket it is; a channel that brings no token is his.
            version: of the socket.
            outbox: of the socket.
            remember: the URL's parameter of that name.
        """
        self._remember = asked_seconds(remember, rules.remember_seconds)
        # Made with the first channel that is remembered.
        self._proofs: Proofs | None = None
        # How many seconds pass between two `prove`; None where nobody is remembered.
        self.pause: float | None = None
        self._rules = rules
        self._version = version
        self._outbox = outbox
        self.person = person
        self.channels: dict[str, Channel] = {}

    def answer(  # noqa: PLR0911 — one for each event
        self, message: Message, now: float, text: bytes | bytearray = b""
    ) -> bytes:
        """Answer a message about a `realtime:` topic; `text` is the frame in which it came."""
        channel = self.channels.get(message.topic)
        match message.event:
            case "phx_join":
                return self._join(message, now)
            case "phx_leave":
                return self._leave(message, channel)
            case "access_token" if channel is not None:
                return self._refresh(message, channel)
            case broadcasts.EVENT if channel is not None:
                said = broadcasts.read_text(self._version, message, text)
                if said is None:
                    return frames.refused(
                        self._version, message, "a broadcast names its event, and is not nested too deeply"
                    )
                return speak(self._rules.channels.rooms, channel, said, now)
            case "presence" if channel is not None:
                return self._rules.presence.answer(channel, message)
            case _ if channel is None:
                return frames.refused(self._version, message, "unmatched topic")
            case _:
                return frames.refused(self._version, message, f"unknown event: {message.event[:64]}")

    def hear_binary(self, frame: bytes, now: float) -> bytes | None:
        """Answer a binary message; None when it is no broadcast in one of these channels."""
        said = None if self._version == 1 else broadcasts.read_binary(frame)
        channel = None if said is None else self.channels.get(said.message.topic)
        if said is None or channel is None:
            return None
        return speak(self._rules.channels.rooms, channel, said, now)

    def expire(self, now: float) -> None:
        """End the channels whose token is over; clients join again by themselves, with the token that they have then.

        `now` is in Unix seconds, less the grace that is given.
        """
        for channel in self._expired(now):
            late = max(0, round(now - channel.person.expires_at))
            self._rules.channels.end(channel, f"Token has expired {late} seconds ago", returns=True)

    @property
    def expires_at(self) -> float:
        """When the first token is over, in Unix seconds."""
        return min((channel.person.expires_at for channel in self.channels.values()), default=float("inf"))

    def lag(self, topic: str, after: int) -> None:
        """Go on with a topic that was cut off because too much was waiting."""
        channel = self.channels.get(topic)
        if channel is not None:
            self._rules.channels.cut_off(channel, after)

    def prove(self) -> bytes | None:
        """Return what a ping has to say whose echo proves what was received; None where there is none now."""
        remembered = [
            channel
            for channel in self.channels.values()
            if channel.remember and channel.live and channel.errand is None
        ]
        if self._proofs is None or not remembered:
            return None
        channels = self._rules.channels
        channels.hand_out()
        self._outbox.release()
        if not self._outbox.settled:
            return None
        return self._proofs.begin(dict.fromkeys(remembered, channels.position))

    def proved(self, echo: bytes) -> None:
        """Hear what a ping was answered with."""
        found = {} if self._proofs is None else self._proofs.end(echo)
        if found:
            self._rules.confirm(self._rules.channels.incarnation, found)

    def end(self) -> None:
        """Leave every channel: the socket is gone."""
        for channel in tuple(self.channels.values()):
            self._rules.channels.leave(channel)
        self.channels.clear()

    def forget(self, channel: Channel) -> None:
        """Hear that a channel was ended."""
        if self.channels.get(channel.topic) is channel:
            del self.channels[channel.topic]

    def _join(self, message: Message, now: float) -> bytes:
        previous = self.channels.pop(message.topic, None)
        if previous is not None:
            # The client has given it up by asking again. A vsn 1 client would take the old one's phx_close for the
            # new one's.
            self._rules.channels.leave(previous)
            self._outbox.drop(message.topic)
            if self._version != 1:
                self._outbox.put(wire.ended(self._version, previous.join_ref, message.topic, "phx_close"))
        try:
            return self._admit(message, now)
        except RefusedChannel as refusal:
            reason = str(refusal)
            observe(JoinRefused(reason.partition(":")[0]))
            return frames.refused(self._version, message, reason)

    def _admit(self, message: Message, now: float) -> bytes:
        rules = self._rules
        name = message.topic.removeprefix(PREFIX)
        if not name:
            raise RefusedChannel("TopicNameRequired: You must provide a topic name")
        if len(name.encode()) > LONGEST_TOPIC:
            raise RefusedChannel(f"TopicNameRequired: A topic name has at most {LONGEST_TOPIC} bytes")
        if len(self.channels) >= rules.most:
            raise RefusedChannel("ChannelRateLimitReached: Too many channels")
        if not rules.is_ready():
            raise RefusedChannel("InitializingProjectConnection: The gateway is not ready yet; join again")
        config = read_config(message.payload)
        person = self._person(config.token)
        if rules.admission.join(person.user, now) is not None:
            raise RefusedChannel("ClientJoinRateLimitReached: Too many joins per second")
        channels = rules.channels
        channel = Channel(
            owner=self,
            outbox=self._outbox,
            topic=message.topic,
            version=self._version,
            join_ref=message.ref if message.join_ref == wire.NULL else message.join_ref,
            config=config,
            person=person,
            bound=bind(config.bindings, channels.catalogue),
            sight=channels.sight_of(person.role, person.user),
        )
        self.channels[message.topic] = channel
        observe(ChannelJoined(name, person.user))
        if config.bindings and person.role != "anon" and self._remember:
            channel.remember, channel.joining = self._remember, token_hex(8)
            self._proofs = self._proofs or Proofs()
            self.pause = pause_between(self.channels.values())
        if config.private or channel.remember or config.replay is not None or config.resume is not None:
            rules.welcome(channel, message)
            return b""
        channels.join(channel, live=True)
        answer = frames.accepted(channel, message, channels.facts)
        self._outbox.put(answer)
        channels.joined(channel)
        return b""

    def _leave(self, message: Message, channel: Channel | None) -> bytes:
        answer = wire.reply(self._version, message)
        if channel is None:
            return answer
        self._rules.channels.leave(channel)
        self._rules.unremember(channel)
        self._outbox.drop(message.topic)
        self.forget(channel)
        return answer + wire.ended(self._version, channel.join_ref, message.topic, "phx_close")

    def _refresh(self, message: Message, channel: Channel) -> bytes:
        """Take a newer token; success is silent, as clients expect."""
        payload = message.payload if isinstance(message.payload, dict) else {}
        token = payload.get("access_token")
        if not isinstance(token, str) or token.startswith("sb_"):
            return b""
        try:
            person = self._person(token)
        except RefusedChannel as refusal:
            self._rules.channels.end(channel, str(refusal).partition(": ")[2], returns=True)
            return b""
        if person != channel.person:
            self._rules.channels.refresh(channel, person)
        return b""

    def _person(self, token: str | None) -> Person:
        """Return whom a token names, the socket's own person where there is none; raises RefusedChannel."""
        if token is None or token.startswith("sb_"):
            return self.person
        try:
            return Person.of(self._rules.verify(token))
        except TokenError as error:
            code = "MalformedJWT" if error.code == "token_missing" else "InvalidJWTToken"
            raise RefusedChannel(f"{code}: {error}") from None

    def _expired(self, now: float) -> Iterable[Channel]:
        return [channel for channel in self.channels.values() if channel.person.expires_at <= now]
