"""What can happen to a floor under a crowd, each for so many seconds; all block until it is put right."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from tests.trial import failover, faults
from tests.trial.crowd import Breakage
from tests.trial.disk import fill_the_trails_disk
from tests.trial.floor import Floor, wait_for

SLOW_SECONDS = 0.1
"""So long takes each chunk on a slow link, each way."""

LINKS: Mapping[str, tuple[str, str]] = {
    "relays and Postgres": ("relay", "postgres"),
    "relays and Redis": ("relay", "redis"),
    "gateways and Postgres": ("gateway", "postgres"),
    "gateways and Redis": ("gateway", "redis"),
    "clients and gateways": ("clients", "gateway"),
}
"""The network between two parts, as the trial's links have it."""


def nothing(_floor: Floor, held: float) -> None:
    """For comparison."""
    time.sleep(held)


def kill_backend(floor: Floor, _held: float) -> None:
    """Kill -9 the leading relay's server process: Postgres ends all sessions and recovers."""
    text = "select pid from pg_locks where locktype = 'advisory' and granted order by pid limit 1"
    ((pid,), *_) = floor.query(text)
    os.kill(pid, signal.SIGKILL)


def kill_gateways(floor: Floor, held: float) -> None:
    """Kill -9 all of them, and start them again."""
    for gateway in floor.gateways:
        gateway.kill()
    time.sleep(min(held, 1.0))
    for gateway in floor.gateways:
        gateway.start()
    floor.wait_until_ready()


def stop_gateway(floor: Floor, _held: float) -> None:
    """SIGTERM the first one, as a deploy does, and start it again."""
    floor.gateways[0].stop()
    floor.gateways[0].start()
    floor.wait_until_ready()


def freeze_redis(floor: Floor, held: float) -> None:
    """SIGSTOP."""
    assert floor.redis.pid is not None
    os.kill(floor.redis.pid, signal.SIGSTOP)
    time.sleep(held)
    os.kill(floor.redis.pid, signal.SIGCONT)


def fill_redis(floor: Floor, held: float) -> None:
    """Let it have less memory than it has in use: it refuses whatever would need more."""
    with contextlib.closing(floor.redis_client()) as client:
        before = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", "1")
        time.sleep(held)
        client.config_set("maxmemory", before)


def restore_redis(floor: Floor, held: float) -> None:
    """Save a file, go on for a while, and come back with the file."""
    with contextlib.closing(floor.redis_client()) as client:
        client.save()
    time.sleep(held)
    floor.redis.kill()
    floor.redis.start()
    (floor.redis.directory / "dump.rdb").unlink()


def freeze_leader(floor: Floor, _held: float) -> None:
    """SIGSTOP the leader until another leads, and wake it up."""
    faults.freeze_relay(floor)


@contextmanager
def _healing(floor: Floor, who: str, where: str) -> Iterator[None]:
    assert floor.wires is not None
    try:
        yield
    finally:
        floor.wires.heal(who, where)
        wait_for(lambda: floor.leader() is not None, "a relay leads", 30)


def _cut(floor: Floor, held: float, *, who: str, where: str) -> None:
    with _healing(floor, who, where):
        assert floor.wires is not None
        floor.wires.cut(who, where)
        time.sleep(held)


def _freeze(floor: Floor, held: float, *, who: str, where: str) -> None:
    with _healing(floor, who, where):
        assert floor.wires is not None
        floor.wires.freeze(who, where)
        time.sleep(held)


def _slow(floor: Floor, held: float, *, who: str, where: str) -> None:
    with _healing(floor, who, where):
        assert floor.wires is not None
        floor.wires.slow(who, where, SLOW_SECONDS)
        time.sleep(held)


PROCESSES: Mapping[str, Breakage] = {
    "nothing, for comparison": nothing,
    "kill -9 of the leading relay": lambda floor, _: faults.kill_relay(floor),
    "SIGSTOP of the leading relay, woken while another leads": freeze_leader,
    "kill -9 of one gateway of two": lambda floor, _: faults.kill_gateway(floor),
    "kill -9 of all gateways": kill_gateways,
    "SIGTERM of one gateway of two": stop_gateway,
    "kill -9 of Redis, back empty": lambda floor, _: faults.kill_redis(floor),
    "FLUSHALL": lambda floor, _: faults.flush_redis(floor),
    "SIGSTOP of Redis": freeze_redis,
    "Redis out of memory": fill_redis,
    "Redis back with an old file": restore_redis,
    "Redis failed over to a replica without the tail": failover.promote_redis_replica,
    "kill -9 of a Postgres backend": kill_backend,
    "restart of Postgres": lambda floor, _: faults.restart_postgres(floor),
    "kill -9 of Postgres": lambda floor, _: faults.kill_postgres(floor),
}
NETWORK: Mapping[str, Breakage] = {
    f"network between {name} {how}": partial(what, who=who, where=where)
    for how, what in (("cut", _cut), ("frozen", _freeze), (f"slowed by {SLOW_SECONDS:g} s each way", _slow))
    for name, (who, where) in LINKS.items()
}
FAILOVER: Mapping[str, Breakage] = {
    "Postgres standby promoted, nothing lost": partial(failover.promote_standby, lose_tail=False),
    "Postgres standby promoted without the tail": partial(failover.promote_standby, lose_tail=True),
}
DISK: Mapping[str, Breakage] = {"disk of the trail full": fill_the_trails_disk}
BREAKAGES: Mapping[str, Breakage] = {**PROCESSES, **NETWORK, **FAILOVER, **DISK}
