"""Observations counted, in Prometheus' text format.

Every event of `observe.py` has a counter `floorcast_<event>_total`, made from the class itself: a new one
needs nothing here. Beside them stand the few figures that are more than a count. A process counts for itself.
"""

import re
import time
from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from floorcast import observe
from floorcast.observe import (
    CanaryRound,
    Event,
    PastRead,
    PictureRead,
    SocketClosed,
    SocketOpened,
    TickDelivered,
    WebhookDelivered,
    WebhookDisabled,
    WebhookPaused,
    WebhookResumed,
)

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")

# When a counter began is a series of its own per counter, which nobody asked for.
disable_created_metrics()  # type: ignore[no-untyped-call]

_CANARY_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_PAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_WEBHOOK_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_PICTURE_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts events: hand `count` to `observe.watch`, serve `endpoint`."""

    def __init__(self) -> None:
        """Start every figure at zero, so that a scrape sees a series before its first event."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._events: Mapping[type[Event], Counter] = {
            event: Counter(metric_name(event), _sentence(event), registry=self._registry) for event in _all_events()
        }
        self._deliveries = Counter(
            "floorcast_deliveries", "Frames of changes handed to subscribers.", registry=self._registry
        )
        self._sockets = Gauge("floorcast_sockets", "Sockets open now.", registry=self._registry)
        self._tick = Gauge("floorcast_newest_tick", "The newest tick handed to subscribers.", registry=self._registry)
        self._pictures = Histogram(
            "floorcast_picture_seconds",
            "How long a first picture took.",
            buckets=_PICTURE_SECONDS,
            registry=self._registry,
        )
        self._past = Histogram(
            "floorcast_past_seconds",
            "How long a page of the past took, from the logs in Redis or from the trail.",
            ("where",),
            buckets=_PAST_SECONDS,
            registry=self._registry,
        )
        for where in ("logs", "trail"):
            self._past.labels(where)
        self._canaries = Histogram(
            "floorcast_canary_seconds",
            "How long a canary of this gateway took from write to feed.",
            buckets=_CANARY_SECONDS,
            registry=self._registry,
        )
        self._webhooks = Histogram(
            "floorcast_webhook_seconds",
            "How long a webhook's receiver took to take a message.",
            buckets=_WEBHOOK_SECONDS,
            registry=self._registry,
        )
        self._webhook_changes = Counter(
            "floorcast_webhook_changes", "Changes that receivers of webhooks took.", registry=self._registry
        )
        self._webhooks_paused = Gauge(
            "floorcast_webhooks_paused", "Webhooks that nothing is sent to at the moment.", registry=self._registry
        )
        # Until when, by consumer, on the monotonic clock: whoever is not sent anything any more is not paused for ever.
        self._paused: dict[str, float] = {}
        self._webhooks_paused.set_function(self._count_paused)

    def count(self, event: Event) -> None:
        """Take one event into account."""
        counter = self._events.get(type(event))
        if counter is not None:
            counter.inc()
        match event:
            case TickDelivered(tick=tick, deliveries=deliveries):
                self._deliveries.inc(deliveries)
                self._tick.set(tick)
            case SocketOpened():
                self._sockets.inc()
            case SocketClosed():
                self._sockets.dec()
            case CanaryRound(seconds=seconds):
                self._canaries.observe(seconds)
            case PastRead(where=where, seconds=seconds):
                self._past.labels(where).observe(seconds)
            case PictureRead(seconds=seconds):
                self._pictures.observe(seconds)
            case _:
                self._count_webhook(event)

    def _count_webhook(self, event: Event) -> None:
        match event:
            case WebhookDelivered(changes=changes, seconds=seconds):
                self._webhooks.observe(seconds)
                self._webhook_changes.inc(changes)
            case WebhookPaused(consumer=consumer, seconds=seconds):
                self._paused[consumer] = time.monotonic() + seconds
            case WebhookResumed(consumer=consumer) | WebhookDisabled(consumer=consumer):
                self._paused.pop(consumer, None)
            case _:
                pass

    def _count_paused(self) -> float:
        now = time.monotonic()
        self._paused = {consumer: until for consumer, until in self._paused.items() if until > now}
        return len(self._paused)

    def render(self) -> bytes:
        """Return every figure in Prometheus' text format."""
        return generate_latest(self._registry)

    async def endpoint(self, _request: Request) -> Response:
        """GET /metrics."""
        return Response(self.render(), headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4, "cache-control": "no-store"})


def metric_name(event: type[Event]) -> str:
    """Name the counter of an event: TickClosed is floorcast_tick_closed (Prometheus adds _total)."""
    return "floorcast_" + _CAPITAL.sub("_", event.__name__).lower()


def _sentence(event: type[Event]) -> str:
    return (event.__doc__ or event.__name__).strip().splitlines()[0]


def _all_events() -> list[type[Event]]:
    """Every kind of event there is, in the order in which observe.py defines them."""
    # Not __subclasses__(): a slotted dataclass is made twice, and the first one lives on for a while.
    return [
        kind
        for kind in vars(observe).values()
        if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
    ]
