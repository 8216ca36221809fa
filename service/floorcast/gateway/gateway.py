"""The gateway as a whole.

A hub, a follower that feeds it, a listener that fills it, errands that bring joinings to the present, and a wheel that
looks after all sockets.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, Generic, Protocol

from floorcast.access.claims import Claims
from floorcast.access.policy import View
from floorcast.gateway.admission import Admission, Limits, Pace
from floorcast.gateway.attendance import Attendance, Board
from floorcast.gateway.audience import Member
from floorcast.gateway.catchup import CatchUps
from floorcast.gateway.channels.crossing import Crossing
from floorcast.gateway.channels.desk import ChannelRules
from floorcast.gateway.channels.house import House
from floorcast.gateway.channels.messenger import Messenger
from floorcast.gateway.channels.presence import ChannelPresence
from floorcast.gateway.channels.reception import Reception
from floorcast.gateway.channels.remembering import Remembering
from floorcast.gateway.channels.retelling import Retelling
from floorcast.gateway.drain import drain
from floorcast.gateway.follower import Follower, Standing
from floorcast.gateway.hub import Hub
from floorcast.gateway.listener import HttpSide, Listener
from floorcast.gateway.session import Rules
from floorcast.gateway.shared import Shared, Timed
from floorcast.gateway.upstream import Feed, HeaderT, Onlooker, PastPages, PastTrail, Pictures, Trail
from floorcast.gateway.wheel import Wheel
from floorcast.observe import GatewayReady, TaskFailed, observe
from floorcast.settings import Settings
from floorcast.shape import TableShape

_COMPONENT = "gateway"
_GRAIN_SECONDS = 0.25

_GUESTS_AT_ONCE = 100
"""Connections that are looked after in one turn of the loop: a thousand tokens may expire in the same second."""

_CROWD_SECONDS, _ONE_SECONDS = 2.0, 5.0
"""How many seconds' worth of connects or joins may come at once, of everybody together and of one."""


@dataclass(frozen=True, slots=True)
class Past:
    """Where a gateway finds what it does not remember."""

    pages: PastPages
    trail: PastTrail
    pictures: Pictures


class Verifier(Protocol):
    """Decides whether a token is one of ours."""

    def verify(self, token: str) -> Claims:
        """Return what the token says; raises TokenError."""
        ...


class Gateway(Generic[HeaderT]):
    """Serves sockets and HTTP on one port."""

    def __init__(
        self,
        *,
        settings: Settings,
        trail: Trail[HeaderT],
        feed: Feed,
        past: Past,
        verifier: Verifier,
        application: Any,
        house: House | None = None,
        board: Board | None = None,
        standing: Standing | None = None,
    ) -> None:
        """Put the parts together; nothing is opened before `run`.

        Args:
            settings: addresses, limits and rhythms.
            trail: Postgres; a `trail.PostgresTrail`.
            feed: Redis; a `stream.feed.FeedReader`.
            past: what was before this gateway's own memory, and first pictures.
            verifier: decides about tokens; an `access.claims.TokenVerifier`.
            application: the ASGI application for everything that is not a socket.
            house: rooms of `realtime:` topics, and what they need. None: public rooms of this gateway alone.
            board: where gateways hear from each other who is present; a `stream.presence.PresenceBoard`. None: there is
                only this one.
            standing: kept up to date, for whoever asks whether this gateway is of use.
        """
        self._settings = settings
        self._application = application
        self._verifier = verifier
        self.standing = standing or Standing()
        self._hub = Hub(settings.progress_seconds, settings.memory_bytes)
        self._catch_ups = CatchUps(
            self._hub, past.pages, past.trail, past.pictures, reading_seconds=settings.reading_seconds
        )
        self._retelling = Retelling(self._hub.channels, self._catch_ups.sources)
        house = house or House()
        self._hub.channels.rooms = house.rooms
        self._crossing = Crossing(house.rooms, house.line)
        self._messenger = Messenger(house.rooms, past.trail, lambda: self._hub.seals.anchor)
        self._remembering = Remembering(house.memory)
        self._reception = Reception(
            self._hub.channels, house.rights, house.messages, self._retelling, self._remembering
        )
        # News of the hub are for those, too, whose channels are being brought to the present.
        self._catch_ups.others_wait = lambda: self._retelling.waiting or self._reception.waiting
        self._attendance = Attendance(board, lease_seconds=settings.presence_lease_seconds, clock=time.monotonic)
        self._channel_presence = ChannelPresence(self._attendance.presence)
        self._hub.channels.entered = self._channel_presence.entered
        self._hub.channels.left = self._channel_presence.left
        self._hub.left = self._left
        self._onlookers: list[Onlooker] = []
        self._follower = Follower(self._hub, feed, trail, self.standing, self._announce, onlookers=self._onlookers)

    def tell(self, onlooker: Onlooker) -> None:
        """Have somebody look at what ticks bring; before `run`."""
        self._onlookers.append(onlooker)

    def views_of(self, role: str, user: str) -> Mapping[str, View] | None:
        """Return what somebody sees, by warehouse, as of the newest tick; None before joins are taken.

        Args:
            role: of his token.
            user: its `sub`.
        """
        return self._hub.law.views_of(role, user) if self._hub.ready else None

    def reshape(self, shapes: Mapping[str, TableShape], published: frozenset[str] | None) -> None:
        """Take note of what tracked tables look like now; who looks at one that changed reads it again.

        Args:
            shapes: of all tracked tables, by name.
            published: those that `realtime:` topics are told of; None: all of them.
        """
        self._hub.reshape(shapes, published)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then let everybody go with a word.

        Raises:
            SettingsError: an address cannot be listened on.
        """
        shared = self._share(asyncio.get_running_loop())
        side = HttpSide(self._application, shared)
        listener = Listener(self._settings.hosts, self._settings.port, side)
        await listener.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                parts = (self._follower, self._attendance, self._crossing, self._messenger, self._remembering)
                running = [tasks.create_task(part.run()) for part in parts]
                running.append(tasks.create_task(_turn(shared)))
                await stop.wait()
                listener.close()
                side.close()
                # Ticks go on to whoever is still here.
                await drain(shared, self._settings.drain_seconds, lambda: len(side.doors))
                for task in running:
                    task.cancel()
        finally:
            listener.close()
            side.close()
            if not stop.is_set():
                # A failure: what they are about goes on elsewhere, so nobody is kept here.
                await drain(shared, 0)
            for socket in tuple(shared.open_sockets):
                socket.close("shutting_down")
            await self._reception.aclose()
            await self._retelling.aclose()
            await self._catch_ups.aclose()
            await self._attendance.retire()

    def _share(self, loop: asyncio.AbstractEventLoop) -> Shared:
        settings = self._settings
        admission = Admission(_limits(settings), SystemRandom())
        return Shared(
            loop=loop,
            wheel=Wheel[Timed](_GRAIN_SECONDS, loop.time()),
            rules=Rules(
                self._hub,
                self._verifier.verify,
                settings.topics_per_socket,
                admission,
                self._catch_ups.welcome,
                self._attendance.presence,
                ChannelRules(
                    self._hub.channels,
                    self._verifier.verify,
                    settings.topics_per_socket,
                    admission,
                    lambda: self._hub.ready,
                    self._reception.welcome,
                    self._channel_presence,
                    settings.remember_seconds,
                    self._remembering.confirm,
                    self._remembering.forget,
                ),
            ),
            frame_bytes=settings.frame_bytes,
            body_bytes=settings.body_bytes,
            outbox_bytes=settings.outbox_bytes,
            idle_seconds=settings.idle_seconds,
            handshake_seconds=settings.handshake_seconds,
            token_grace_seconds=settings.token_grace_seconds,
            admission=admission,
            proxies=settings.trusted_networks,
        )

    def _left(self, member: Member, returns: bool) -> None:  # noqa: FBT001 — as `Hub.left`
        topic = member.audience.selection.topic
        self._attendance.presence.leave(member.subscriber.outbox, topic, linger=returns)

    def _announce(self, tick: int) -> None:
        observe(GatewayReady(tick, self._settings.port))


def _limits(settings: Settings) -> Limits:
    """Everybody's crowd may come at once for two seconds' worth, one user's or address's for five."""

    def pace(per_second: float, seconds: float) -> Pace:
        return Pace(per_second, max(1.0, per_second * seconds))

    address = settings.address_connects_per_second
    return Limits(
        connects=pace(settings.connects_per_second, _CROWD_SECONDS),
        user_connects=pace(settings.user_connects_per_second, _ONE_SECONDS),
        address_connects=pace(address, _ONE_SECONDS) if address else None,
        joins=pace(settings.joins_per_second, _CROWD_SECONDS),
        user_joins=pace(settings.user_joins_per_second, _ONE_SECONDS),
        sockets=settings.sockets,
    )


async def _turn(shared: Shared) -> None:
    """Turn the wheel."""
    while True:
        await asyncio.sleep(shared.wheel.grain)
        now = shared.loop.time()
        while guests := shared.wheel.advance(now, _GUESTS_AT_ONCE):
            for guest in guests:
                try:
                    guest.due(now)
                except Exception as error:  # noqa: BLE001 — one connection's trouble must not stop the clock of all
                    observe(TaskFailed(_COMPONENT, f"{type(error).__name__}: {error}"))
            await asyncio.sleep(0)
