"""Everything worth seeing, once: named, typed, observed.

Modules call `observe(event)` and decide nothing about logs or metrics. Whoever cares calls `watch`: one watcher renders
log lines, one counts, and tests await the very events that operators read about. See docs/operations.md for the list.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in this process."""


@dataclass(frozen=True, slots=True)
class ProcessStarted(Event):
    """A component is up."""

    component: str


@dataclass(frozen=True, slots=True)
class ProcessStopping(Event):
    """A component was asked to stop."""

    component: str
    reason: str


@dataclass(frozen=True, slots=True)
class Standby(Event):
    """Another relay leads; this one watches it."""

    leader_pid: int


@dataclass(frozen=True, slots=True)
class LeaderSilent(Event):
    """The leading relay gave no sign of life for too long; its session is being ended."""

    leader_pid: int
    silent_seconds: float


@dataclass(frozen=True, slots=True)
class LeadershipTaken(Event):
    """This relay leads now; the feed is published through this tick."""

    tick: int


@dataclass(frozen=True, slots=True)
class LeadershipLost(Event):
    """This relay does not lead any more; it will try again."""

    reason: str


@dataclass(frozen=True, slots=True)
class DoorbellSet(Event):
    """The doorbell's state is `idle`, `draining` or `busy` from now on."""

    state: str


@dataclass(frozen=True, slots=True)
class TickClosed(Event):
    """A tick is durable in Postgres."""

    tick: int
    count: int


@dataclass(frozen=True, slots=True)
class TickPublished(Event):
    """A tick is in the feed."""

    tick: int
    large: bool


@dataclass(frozen=True, slots=True)
class FeedRepaired(Event):
    """Ticks that Redis did not have were published from Postgres."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class FeedRestarted(Event):
    """The feed begins anew at a tick; gateways read what they miss from Postgres."""

    tick: int
    reason: str


@dataclass(frozen=True, slots=True)
class IncarnationBegan(Event):
    """Another history of ticks began; cursors of the old one end in must_refetch."""

    incarnation: str
    reason: str


@dataclass(frozen=True, slots=True)
class DatabaseLost(Event):
    """A connection to Postgres ended; it is tried again."""

    component: str
    reason: str


@dataclass(frozen=True, slots=True)
class DatabaseBack(Event):
    """Postgres answers again."""

    component: str


@dataclass(frozen=True, slots=True)
class SessionSilent(Event):
    """A session of ours to Postgres gave no answer, and nobody had ended it; it is replaced."""

    session: str
    silent_seconds: float


@dataclass(frozen=True, slots=True)
class StreamLost(Event):
    """Redis does not answer; it is tried again."""

    component: str
    reason: str


@dataclass(frozen=True, slots=True)
class StreamBack(Event):
    """Redis answers again."""

    component: str


@dataclass(frozen=True, slots=True)
class GatewayReady(Event):
    """A gateway follows the feed and takes joins."""

    tick: int
    port: int


@dataclass(frozen=True, slots=True)
class TickDelivered(Event):
    """A gateway handed a tick to its subscribers."""

    tick: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class TickMissing(Event):
    """A tick was not in the feed; it is read from Postgres."""

    tick: int


@dataclass(frozen=True, slots=True)
class TopicsEnded(Event):
    """A gateway could not go on exactly and told its subscribers to read again."""

    reason: str
    topics: int


@dataclass(frozen=True, slots=True)
class CanaryCame(Event):
    """A canary came through the feed: the way of a change is open from trigger to gateway."""

    beat: int


@dataclass(frozen=True, slots=True)
class CanaryRound(Event):
    """A canary that this gateway wrote came back after so many seconds."""

    beat: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CanaryMissing(Event):
    """Canaries do not come, or cannot be written; `reason` names the leg that is silent."""

    reason: str


@dataclass(frozen=True, slots=True)
class SchemaChanged(Event):
    """Tracked tables look different than before; who looks at them reads them again."""

    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SocketOpened(Event):
    """A subscriber connected."""

    user: str


@dataclass(frozen=True, slots=True)
class SocketClosed(Event):
    """A subscriber's socket ended, with its close code and our reason."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class HandshakeRefused(Event):
    """A connection was refused before it became a socket; `code` is a key of errors.CODES."""

    code: str


@dataclass(frozen=True, slots=True)
class TopicJoined(Event):
    """A subscriber joined a warehouse, live from `tick` on."""

    warehouse: str
    user: str
    tick: int


@dataclass(frozen=True, slots=True)
class ChannelJoined(Event):
    """Somebody asked to join a `realtime:` topic and was not refused at once; `channel` is without that prefix."""

    channel: str
    user: str


@dataclass(frozen=True, slots=True)
class BroadcastsLost(Event):
    """Redis was away for so long that other gateways do not hear so many broadcasts of this one's people."""

    count: int


@dataclass(frozen=True, slots=True)
class JoinRefused(Event):
    """A join was refused; `code` is a key of errors.CODES, of a `realtime:` topic Supabase's name for it."""

    code: str


@dataclass(frozen=True, slots=True)
class AccessWithdrawn(Event):
    """A joined subscriber lost access and was told to forget."""

    warehouse: str
    user: str


@dataclass(frozen=True, slots=True)
class SubscriberSlow(Event):
    """A subscriber did not read; so many bytes that waited for it were taken back, to be told again at its own pace."""

    waiting_bytes: int


@dataclass(frozen=True, slots=True)
class GatewaySilent(Event):
    """Another gateway gave no sign of life for too long; who was present there is not any more."""

    gateway: str


@dataclass(frozen=True, slots=True)
class PresenceRetold(Event):
    """Redis did not hold what this gateway had told of who is present; all of it was told again."""

    people: int


@dataclass(frozen=True, slots=True)
class CaughtUp(Event):
    """A joining that was behind is live: at once from memory, or by an errand."""

    how: Literal["memory", "errand"]
    # Ticks that it was behind.
    ticks: int


@dataclass(frozen=True, slots=True)
class PastRead(Event):
    """A page of the past that a gateway did not remember was read, from the logs in Redis or from the trail."""

    where: Literal["logs", "trail"]
    seconds: float


@dataclass(frozen=True, slots=True)
class PictureRead(Event):
    """The first picture of a warehouse was read for somebody."""

    seconds: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class WebhookDelivered(Event):
    """A webhook's receiver took a message with so many changes."""

    consumer: str
    changes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class WebhookFailed(Event):
    """A webhook's receiver did not take a message; it is sent again."""

    consumer: str
    reason: str
    again_in_seconds: float


@dataclass(frozen=True, slots=True)
class WebhookRejected(Event):
    """A webhook's receiver does not want a change; later ones of the same row wait behind it, all others go on."""

    consumer: str
    change: str
    reason: str


@dataclass(frozen=True, slots=True)
class WebhookPaused(Event):
    """A webhook's receiver failed too often, or asked for time: nothing is sent to it for so long."""

    consumer: str
    seconds: float


@dataclass(frozen=True, slots=True)
class WebhookResumed(Event):
    """A webhook that was paused is taken again."""

    consumer: str


@dataclass(frozen=True, slots=True)
class WebhookDisabled(Event):
    """A webhook was switched off, for good: its receiver wants nothing more, or its URL is none that may be called."""

    consumer: str
    reason: str


@dataclass(frozen=True, slots=True)
class MaintenanceDue(Event):
    """Maintenance schedules that were due made this many work orders."""

    count: int


@dataclass(frozen=True, slots=True)
class ScheduleRefused(Event):
    """A maintenance schedule made no work order, because Postgres refused it; the others did."""

    reason: str


@dataclass(frozen=True, slots=True)
class PolicyFailed(Event):
    """A policy of realtime.messages failed when somebody was judged by it, who so may do nothing in that room."""

    reason: str


@dataclass(frozen=True, slots=True)
class WorkOrdersEscalated(Event):
    """Work orders that nobody had touched for long were escalated."""

    count: int


@dataclass(frozen=True, slots=True)
class AccessEnded(Event):
    """Access to warehouses whose time had come was ended."""

    count: int


@dataclass(frozen=True, slots=True)
class MessagesForgotten(Event):
    """Messages of realtime.messages that were older than FLOORCAST_MESSAGE_HOURS were removed."""

    count: int


@dataclass(frozen=True, slots=True)
class JobFailed(Event):
    """A job of `floorcast maintain` failed; nothing of it was kept, and it is tried again."""

    job: str
    error: str


@dataclass(frozen=True, slots=True)
class ChildStarted(Event):
    """`floorcast up` started a process of the Procfile."""

    name: str
    pid: int


@dataclass(frozen=True, slots=True)
class ChildEnded(Event):
    """A process of the Procfile ended by itself (a negative code is a signal); it is started again."""

    name: str
    code: int
    again_in_seconds: float


@dataclass(frozen=True, slots=True)
class TaskFailed(Event):
    """Something failed that should not have; the component goes on or restarts."""

    component: str
    error: str


Watcher = Callable[[Event], None]

_watchers: list[Watcher] = []


def observe(event: Event) -> None:
    """Tell every watcher. A watcher must be quick and must not wait."""
    for watcher in tuple(_watchers):
        watcher(event)


def watch(watcher: Watcher) -> Callable[[], None]:
    """Have `watcher` called for each event from now on; call what is returned to end it."""
    _watchers.append(watcher)

    def unwatch() -> None:
        _watchers.remove(watcher)

    return unwatch
