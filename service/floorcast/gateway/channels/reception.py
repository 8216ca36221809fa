"""Answers joins of channels that have to wait: for what their person may do there, and for what he missed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import SystemRandom
from typing import Protocol

import orjson

from floorcast.backoff import Backoff
from floorcast.broadcast import Broadcast
from floorcast.database.channel_messages import StoredMessage
from floorcast.errors import DatabaseUnavailable
from floorcast.gateway.channels import frames
from floorcast.gateway.channels.channel import Channel, Person, Rights
from floorcast.gateway.channels.channels import Channels
from floorcast.gateway.channels.config import Replay
from floorcast.gateway.channels.remembering import Remembering
from floorcast.gateway.channels.resume import read_resume
from floorcast.gateway.channels.retelling import Retelling
from floorcast.gateway.wire import Message
from floorcast.observe import TaskFailed, observe

_COMPONENT = "gateway"


class RightsOf(Protocol):
    """Knows what policies permit; `rights.PolicyRights` is one."""

    async def read(self, person: Person, topic: str) -> Rights:
        """Return what somebody may do in a private room; raises DatabaseUnavailable."""
        ...


class MessagesOf(Protocol):
    """Knows what was said in private rooms; `database.channel_messages.MessageReader` is one."""

    async def since(self, topic: str, since_ms: int, limit: int) -> Sequence[StoredMessage]:
        """Return the newest messages since a time, oldest first; raises DatabaseUnavailable and ValueError."""
        ...


class _RefusedJoin(Exception):  # noqa: N818 — an outcome, not a fault
    """A join is refused, with the words that Supabase's clients know."""


class Reception:
    """Every join of a gateway that is not answered yet."""

    def __init__(
        self,
        channels: Channels,
        rights: RightsOf | None,
        messages: MessagesOf | None,
        retelling: Retelling,
        remembering: Remembering,
    ) -> None:
        """Serve these channels."""
        channels.review = self.review
        self._channels = channels
        self._rights = rights
        self._messages = messages
        self._retelling = retelling
        self._remembering = remembering
        self._joining: set[asyncio.Task[None]] = set()

    def welcome(self, channel: Channel, message: Message) -> None:
        """Answer a join as soon as what it needs is known."""
        self._start(channel, lambda: self._receive(channel, message), message)

    def review(self, channel: Channel) -> None:
        """Ask anew what somebody may do in a private room: his token is another one."""
        self._start(channel, lambda: self._look_again(channel), None)

    @property
    def waiting(self) -> bool:
        """Whether somebody may want to hear that the hub has moved."""
        return bool(self._joining)

    async def aclose(self) -> None:
        """Answer nobody any more."""
        for task in self._joining:
            task.cancel()
        if self._joining:
            await asyncio.wait(self._joining)

    def _start(self, channel: Channel, work: Callable[[], Awaitable[None]], message: Message | None) -> None:
        async def run() -> None:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 — a fault of ours must not leave somebody without an answer
                observe(TaskFailed(_COMPONENT, f"{type(error).__name__}: {error}"))
                if message is not None:
                    self._refuse(channel, message, "UnknownError: Unknown Error on Channel")

        task = asyncio.create_task(run(), name="reception")
        if message is not None:
            channel.errand = task
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _receive(self, channel: Channel, message: Message) -> None:
        past: Sequence[tuple[str, Broadcast]] | None = None
        try:
            if channel.config.private:
                await self._look(channel)
            if channel.config.replay is not None:
                past = await self._past(channel, channel.config.replay)
        except _RefusedJoin as refusal:
            self._refuse(channel, message, str(refusal))
            return
        resume, gap = channel.config.resume, None
        if channel.remember:
            # Before it is answered: from then on the client counts on being told.
            here = self._channels.incarnation, self._channels.position
            remembered, gap = await self._remembering.enter(channel, *here)
            resume = resume or remembered
        if resume is None or not channel.bound.bindings:
            self._begin(channel, message, gap)
        else:
            await self._resume(channel, message, resume, gap)
        if past is not None:
            self._channels.rooms.tell_past(channel, past)

    async def _look(self, channel: Channel) -> None:
        """Ask what somebody may do in a private room; raises _RefusedJoin where that is nothing."""
        if self._rights is None:
            raise _RefusedJoin(_unauthorized(channel))
        try:
            channel.rights = await self._rights.read(channel.person, channel.name)
        except DatabaseUnavailable:
            raise _RefusedJoin("UnableToConnectToProject: Postgres does not answer; join again") from None
        if not channel.rights.may_read:
            raise _RefusedJoin(_unauthorized(channel))

    async def _past(self, channel: Channel, replay: Replay) -> Sequence[tuple[str, Broadcast]]:
        """Return what was said in a private room, and have what is said from now on wait behind it."""
        if not channel.config.private:
            raise _RefusedJoin("UnableToReplayMessages: Replay is only for private channels")
        if self._messages is None or not channel.rights.hears:
            return ()
        # First: what is committed while we read is in one of the two, or in both and told once.
        self._channels.rooms.hold(channel)
        try:
            found = await self._messages.since(channel.name, replay.since, replay.limit)
        except DatabaseUnavailable:
            raise _RefusedJoin("UnableToReplayMessages: Postgres does not answer; join again") from None
        except ValueError:
            raise _RefusedJoin("UnableToReplayMessages: Replay params are not valid") from None
        return [(each.id, _told_again(channel, each)) for each in found]

    def _begin(self, channel: Channel, message: Message, gap: str | None = None) -> None:
        """Answer a join that begins now."""
        if channel.over:
            return
        channel.errand = None
        self._channels.join(channel, live=True)
        channel.outbox.put(frames.accepted(channel, message, self._channels.facts))
        self._channels.joined(channel)
        if gap is not None:
            self._channels.tell_of_gap(channel, gap)

    async def _resume(self, channel: Channel, message: Message, text: str, known_gap: str | None = None) -> None:
        """Answer a join that goes on from a position, and have it told what it missed; there may be a gap before it."""
        origin = read_resume(text)
        if origin is None:
            self._begin(channel, message, "position")
            return
        incarnation, after = origin
        channel.sight = sight = self._channels.sight_of(channel.person.role, channel.person.user)
        gap = await self._retelling.examine(channel, incarnation, after)
        if gap is None and sight != self._channels.sight_of(channel.person.role, channel.person.user):
            # It was examined for what he saw then.
            gap = "policy"
        if gap is not None:
            self._begin(channel, message, gap)
        elif not channel.over:
            channel.errand = None
            self._channels.join(channel, live=False)
            channel.outbox.put(frames.accepted(channel, message, self._channels.facts_at(after)))
            self._channels.joined(channel)
            if known_gap is not None:
                self._channels.tell_of_gap(channel, known_gap)
            self._retelling.tell(channel, after)

    async def _look_again(self, channel: Channel) -> None:
        if self._rights is None:
            return
        person, backoff = channel.person, Backoff(SystemRandom(), largest_seconds=5.0)
        rights: Rights | None = None
        while rights is None:
            try:
                rights = await self._rights.read(person, channel.name)
            except DatabaseUnavailable:
                # Nobody can say yet that he lost anything.
                await asyncio.sleep(backoff.next_seconds())
            if channel.over or channel.person is not person:
                # A token that is newer still has an errand of its own.
                return
        channel.rights = rights
        if rights.may_read:
            self._channels.entered(channel)
        else:
            text = f"You no longer have permission to read from this Channel topic: {channel.name}"
            self._channels.end(channel, text, returns=False)

    def _refuse(self, channel: Channel, message: Message, reason: str) -> None:
        if not channel.over:
            channel.over, channel.errand = True, None
            self._channels.rooms.leave(channel)
            channel.outbox.put(frames.refused(channel.version, message, reason))
            channel.outbox.release()
            channel.owner.forget(channel)


def _told_again(channel: Channel, stored: StoredMessage) -> Broadcast:
    meta = orjson.dumps({"id": stored.id, "replayed": True})
    if stored.binary is not None:
        return Broadcast(channel.room, stored.event, stored.binary, binary=True, meta=meta)
    return Broadcast(channel.room, stored.event, stored.payload_json or b"{}", meta=meta)


def _unauthorized(channel: Channel) -> str:
    return f"Unauthorized: You do not have permissions to read from this Channel topic: {channel.name}"
