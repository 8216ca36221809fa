"""Diagnosis: each thing that can be wrong is told once, with what it means and what to do."""

from dataclasses import replace
from typing import Any

import pytest

from floorcast.diagnosis import diagnose
from floorcast.facts import (
    DatabaseFacts,
    Guards,
    Leader,
    LongTransaction,
    Messages,
    Migrations,
    Reached,
    StreamFacts,
    TrackedTable,
)

HEALTHY = DatabaseFacts(
    version=180_001,
    is_standby=False,
    login="floorcast_service",
    roles={"authenticated": True, "floorcast_relay": True},
    settings={"max_prepared_transactions": "0", "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"},
    prepared_transactions=0,
    notification_queue=0.0,
    longest=LongTransaction(7, "psql", "active", 1.0),
    is_direct=True,
    hears_notify=True,
    migrations=Migrations((), (), ()),
    tables=(TrackedTable("work_orders", (), (), ()),),
    guards=Guards((), (), (), ()),
    messages=Messages("owner", True, "owner", "on"),
    sequence_cache=1,
    leader=Leader(9, 0.4),
    newest=Reached("i1", 12, "aa"),
)
STREAM = StreamFacts("7.2.4", "noeviction", 0, 1_000, "master", Reached("i1", 12, "aa"))


def test_nothing_is_said_of_a_healthy_set_up() -> None:
    """A feed that is ahead of what Postgres said a moment ago is healthy too."""
    assert diagnose(HEALTHY, STREAM) == []
    assert diagnose(HEALTHY, replace(STREAM, newest=Reached("i1", 15, "bb"))) == []


@pytest.mark.parametrize(
    ("change", "weight", "said"),
    [
        ({"version": 140_009}, "problem", "PostgreSQL 14 is too old"),
        ({"is_standby": True}, "problem", "standby"),
        ({"prepared_transactions": 2}, "problem", "2 prepared transactions"),
        ({"settings": {"max_prepared_transactions": "10"}}, "risk", "max_prepared_transactions"),
        ({"settings": {"fsync": "off"}}, "risk", "power cut"),
        ({"settings": {"synchronous_commit": "off"}}, "risk", "synchronous_commit"),
        ({"notification_queue": 0.7}, "problem", "70% full"),
        ({"longest": LongTransaction(7, "report", "idle in transaction", 1200.0)}, "risk", "20 minutes"),
        ({"is_direct": False, "hears_notify": False}, "problem", "pooler"),
        ({"hears_notify": False}, "problem", "did not come back"),
        ({"roles": {"floorcast_relay": None}}, "problem", "do not exist"),
        (
            {"roles": {"authenticated": False, "floorcast_relay": False}},
            "problem",
            "grant authenticated, floorcast_relay to floorcast_service;",
        ),
        ({"migrations": None}, "risk", "FLOORCAST_OWNER_DATABASE_URL"),
        ({"migrations": Migrations((), ("0999_future",), ())}, "problem", "newer Floorcast (0999_future)"),
        ({"migrations": Migrations(("0001_a",), (), ("x.sql", "y.sql"))}, "problem", "1 migrations and 2 files"),
        ({"sequence_cache": 32}, "problem", "cache of 32"),
        ({"tables": ()}, "problem", "No table is tracked"),
        ({"tables": (TrackedTable("t", ("_500_capture_update",), (), ()),)}, "problem", "t has no _500_capture_update"),
        ({"tables": (TrackedTable("t", (), ("_500_capture_update",), ()),)}, "problem", "not ENABLE ALWAYS"),
        ({"tables": (TrackedTable("t", (), (), ("bump",)),)}, "risk", "AFTER ROW triggers (bump)"),
        ({"guards": Guards(("users",), (), (), ())}, "problem", "users is under the rules of access, but"),
        ({"guards": Guards((), ("floorcast.tick (update)",), (), ())}, "problem", "changes of floorcast.tick (update)"),
        ({"guards": Guards((), (), ("tools",), ())}, "problem", "name tools, which is not under them"),
        ({"guards": Guards((), (), (), ("users",))}, "problem", "anon has rights on users"),
        ({"messages": Messages(None, False, "pat", "missing")}, "risk", "no table realtime.messages"),
        ({"messages": Messages("pat", True, "pat", "missing")}, "problem", "missing or not ENABLE ALWAYS"),
        ({"messages": Messages("pat", True, "pat", "off")}, "problem", "missing or not ENABLE ALWAYS"),
        ({"messages": Messages("them", False, "pat", "missing")}, "risk", "grant trigger on realtime.messages to pat;"),
        ({"messages": Messages("them", False, "pat", "off")}, "problem", "As them or a superuser: alter table"),
        ({"leader": Leader(None, 60.0)}, "problem", "No relay leads"),
        ({"leader": Leader(9, 30.0)}, "problem", "silent for 30 s"),
        ({"leader": Leader(9, None)}, "problem", "never gave a sign of life"),
    ],
)
def test_what_is_wrong_in_postgres_is_told(change: dict[str, Any], weight: str, said: str) -> None:
    """Exactly once, and nothing else with it."""
    (finding,) = diagnose(replace(HEALTHY, **change), STREAM)
    assert finding.weight == weight
    assert said in finding.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "6.0.16"}, "Redis 6.0.16 is too old"),
        ({"role": "slave"}, "replica"),
        ({"policy": "allkeys-lru"}, "maxmemory-policy allkeys-lru"),
        ({"memory_limit": 1_000, "memory_used": 950}, "95% of its maxmemory"),
        ({"newest": None}, "holds no feed"),
        ({"newest": Reached("i2", 12, "aa")}, "another history"),
        ({"newest": Reached("i1", 11, "aa")}, "tick 12, Redis at 11"),
    ],
)
def test_what_is_wrong_in_redis_is_told(change: dict[str, Any], said: str) -> None:
    """As a problem: without the feed nothing is delivered."""
    (finding,) = diagnose(HEALTHY, replace(STREAM, **change))
    assert finding.weight == "problem"
    assert said in finding.text


def test_without_a_relay_nothing_is_said_of_the_feed() -> None:
    """It follows from the same cause."""
    findings = diagnose(replace(HEALTHY, leader=Leader(None, None)), replace(STREAM, newest=None))
    assert [finding.text[:14] for finding in findings] == ["No relay leads"]


def test_an_unmigrated_database_says_one_thing() -> None:
    """Everything else that is missing follows from it."""
    bare = replace(
        HEALTHY,
        roles={"floorcast_relay": None},
        migrations=Migrations(("0001_a",), (), ("a.sql",)),
        tables=None,
        guards=None,
        sequence_cache=None,
        leader=None,
        newest=None,
    )
    (finding,) = diagnose(bare, replace(STREAM, newest=None))
    assert "floorcast migrate up" in finding.text


def test_problems_come_before_risks() -> None:
    """Whoever reads only the first line reads the one that matters most."""
    facts = replace(HEALTHY, settings={"fsync": "off"}, leader=Leader(None, None))
    assert [finding.weight for finding in diagnose(facts, STREAM)] == ["problem", "risk"]
