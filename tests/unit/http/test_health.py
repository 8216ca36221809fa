"""Alive and ready."""

import asyncio
from dataclasses import dataclass

import pytest
from tests.unit.http.world import World

from floorcast.errors import StreamUnavailable
from floorcast.http.health import Check
from floorcast.http.readiness import GatewayHealth, feed_check


@dataclass
class Standing:
    """How a gateway stands."""

    ready: bool = True
    tick: int = 7
    fresh_at: float | None = 100.0
    waiting_for: str = ""


async def test_a_process_that_answers_is_alive_even_when_nothing_else_is() -> None:
    """Restarting it would not bring Postgres back."""
    async with World(checks_to_give=[Check("postgres", ok=False, reason="away")]).client() as client:
        assert (await client.get("/healthz")).json()["status"] == "alive"


async def test_ready_means_every_check_holds_and_each_gives_its_reason() -> None:
    """Somebody reads it at night."""
    world = World(checks_to_give=[Check("postgres", ok=True, reason="answers"), Check("feed", ok=True, reason="at 7")])
    async with world.client() as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (200, "ready")
        world.checks_to_give = [*world.checks_to_give[:1], Check("feed", ok=False, reason="no relay")]
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "checks": [
            {"name": "postgres", "ok": True, "reason": "answers"},
            {"name": "feed", "ok": False, "reason": "no relay"},
        ],
    }


@pytest.mark.parametrize(
    ("standing", "now", "ok", "words"),
    [
        (Standing(), 104.0, True, "at tick 7, sign of progress 4.0 s ago"),
        (Standing(), 106.0, False, "no sign of progress for 6.0 s, is a relay running?"),
        (Standing(waiting_for="Redis"), 106.0, False, "waiting for Redis"),
        (Standing(ready=False, waiting_for="the first look at Postgres"), 100.0, False, "the first look at Postgres"),
        (Standing(fresh_at=None), 100.0, False, "a first sign of progress"),
    ],
)
def test_a_feed_is_fresh_while_progress_comes(standing: Standing, now: float, ok: bool, words: str) -> None:  # noqa: FBT001 — a column of the table above
    """Behind a relay that stopped, everything else still answers."""
    check = feed_check(standing, now, 5.0)
    assert check.ok is ok
    assert words in check.reason


async def test_one_side_that_is_away_does_not_hide_the_others() -> None:
    """Each check stands for itself."""

    async def answers() -> None:
        await asyncio.sleep(0)

    async def away() -> None:
        raise StreamUnavailable("Redis refused the connection.")

    health = GatewayHealth(
        Standing(fresh_at=None), postgres=answers, redis=away, canary=lambda: (True, "came"), stale_seconds=5.0
    )
    assert [(check.name, check.ok) for check in await health.checks()] == [
        ("postgres", True),
        ("redis", False),
        ("feed", False),
        ("canary", True),
    ]
