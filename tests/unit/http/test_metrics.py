"""Observations become figures."""

from tests.unit.http.world import World

from floorcast import observe
from floorcast.http.metrics import Metrics, metric_name


def test_every_event_has_a_counter_that_begins_at_zero() -> None:
    """A rate over a series that appears with its first event misses that event."""
    text = Metrics().render().decode()
    for kind in vars(observe).values():
        if isinstance(kind, type) and issubclass(kind, observe.Event) and kind is not observe.Event:
            assert f"\n{metric_name(kind)}_total 0.0\n" in text


def test_deliveries_sockets_and_the_newest_tick_are_followed() -> None:
    """The figures that a dashboard of the operator begins with."""
    metrics = Metrics()
    for event in (
        observe.SocketOpened("u"),
        observe.SocketOpened("v"),
        observe.SocketClosed(1000, ""),
        observe.TickDelivered(41, 10),
        observe.TickDelivered(42, 5),
        observe.PastRead("trail", 0.02),
        observe.PictureRead(0.02, 100),
    ):
        metrics.count(event)
    lines = metrics.render().decode().splitlines()
    assert "floorcast_sockets 1.0" in lines
    assert "floorcast_deliveries_total 15.0" in lines
    assert "floorcast_newest_tick 42.0" in lines
    assert "floorcast_tick_delivered_total 2.0" in lines
    assert 'floorcast_past_seconds_count{where="trail"} 1.0' in lines
    assert 'floorcast_past_seconds_count{where="logs"} 0.0' in lines
    assert 'floorcast_picture_seconds_bucket{le="0.025"} 1.0' in lines


async def test_metrics_are_served_as_prometheus_reads_them() -> None:
    """Text, version 0.0.4."""
    async with World().client() as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "floorcast_socket_opened_total" in answer.text
