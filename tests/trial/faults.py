"""What can happen to a floor, each with what a supervisor does about it. All block until that is done."""

import contextlib
import os
import signal
import time

from tests.trial.floor import Floor, Process, wait_for


def kill_relay(floor: Floor) -> None:
    """Kill -9 the leading relay; the standby takes over, and the killed one comes back as standby."""
    killed = _leader(floor)
    killed.kill()
    wait_for(lambda: floor.leader() not in (None, killed), "the standby leads")
    killed.start()


def freeze_relay(floor: Floor) -> None:
    """SIGSTOP the leading relay until the standby leads, and wake it up again: it must find out and stand by."""
    frozen = _leader(floor)
    frozen.freeze()
    begun = time.monotonic()
    try:
        wait_for(lambda: floor.leader() not in (None, frozen), "the standby leads")
        assert time.monotonic() - begun < 10, "the standby was too patient"
    finally:
        frozen.thaw()
    wait_for(lambda: "leadership lost" in frozen.events(), f"{frozen.name} notices that it leads no more")


def kill_gateway(floor: Floor) -> None:
    """Kill -9 the first gateway and start it again."""
    floor.gateways[0].kill()
    floor.gateways[0].start()
    floor.wait_until_ready()


def kill_redis(floor: Floor) -> None:
    """Kill -9 Redis and start it again; it keeps nothing."""
    floor.redis.kill()
    floor.redis.start()


def flush_redis(floor: Floor) -> None:
    """FLUSHALL."""
    with contextlib.closing(floor.redis_client()) as client:
        client.flushall()


def freeze_redis(floor: Floor) -> None:
    """SIGSTOP Redis for three seconds: nobody is refused, nobody is answered."""
    assert floor.redis.pid is not None
    os.kill(floor.redis.pid, signal.SIGSTOP)
    try:
        time.sleep(3)
    finally:
        os.kill(floor.redis.pid, signal.SIGCONT)


def restart_postgres(floor: Floor) -> None:
    """Fast shutdown and start."""
    floor.postgres.restart()


def kill_postgres(floor: Floor) -> None:
    """Kill -9 the server with all its sessions and start it again; it recovers from its log."""
    floor.postgres.kill()
    floor.postgres.start()


def _leader(floor: Floor) -> Process:
    wait_for(lambda: floor.leader() is not None, "a relay leads")
    leader = floor.leader()
    assert leader is not None
    return leader
