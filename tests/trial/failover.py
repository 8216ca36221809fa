"""A second server takes over from the first, which dies: with everything, or without what was written last."""

import contextlib
import os
import shutil
import subprocess
import time
from itertools import count
from pathlib import Path

import psycopg
import redis
from tests.trial.floor import Floor, wait_for

from floorcast.embedded.account import server_account
from floorcast.embedded.postgres import EmbeddedPostgres
from floorcast.embedded.redis import EmbeddedRedis

_numbers = count(1)

_SHORTEST_TAIL = 0.5  # seconds


class _Standby(EmbeddedPostgres):
    """A server whose cluster is a copy: logins are there, and may not be written while it follows."""

    def _provision(self) -> None:
        pass


def promote_redis_replica(floor: Floor, held: float) -> None:
    """A replica that has been cut off for so long takes over from the Redis that everybody knows, which dies."""
    assert floor.wires is not None
    home = _second_home(floor)
    password = floor.redis.url.split(":")[2].split("@")[0]
    # Taken over by hand: the settings of the next start are those of a server of its own.
    replica = EmbeddedRedis(home)
    replica.start()
    with contextlib.closing(redis.Redis.from_url(replica.url)) as client:
        client.config_set("masterauth", password)
        client.execute_command("replicaof", "127.0.0.1", str(floor.redis.port))
        wait_for(lambda: client.info("replication").get("master_link_status") == "up", "the replica follows")
        client.execute_command("replicaof", "no", "one")
    time.sleep(max(held, _SHORTEST_TAIL))
    dead, floor.redis = floor.redis, replica
    dead.kill()
    dead.stop()
    floor.wires.lead_to("redis", replica.port)
    floor.wires.drop("", "redis")


def promote_standby(floor: Floor, held: float, *, lose_tail: bool) -> int | None:
    """A standby takes over from the Postgres that everybody knows, which dies.

    `lose_tail`: it has been cut off for so long by then; else nothing commits that it does not have. Returns the newest
    tick that it has, where a tail was lost.
    """
    assert floor.wires is not None
    home = _second_home(floor)
    standby = _copy(floor, home)
    standby.start()
    standing_by = psycopg.connect(standby.owner_url, autocommit=True)
    with standing_by:
        wait_for(lambda: bool(floor.query("select 1 from pg_stat_replication where state = 'streaming'")), "it follows")
        if lose_tail:
            standing_by.execute("alter system set primary_conninfo to ''")
            standing_by.execute("select pg_reload_conf()")
            wait_for(lambda: not floor.query("select 1 from pg_stat_replication"), "it follows no more")
        else:
            floor.query("alter system set synchronous_standby_names to '*'")
            floor.query("select pg_reload_conf()")
            is_sync = "select 1 from pg_stat_replication where sync_state in ('sync', 'quorum')"
            wait_for(lambda: bool(floor.query(is_sync)), "commits wait for it")
        time.sleep(max(held, _SHORTEST_TAIL))
        dead, floor.postgres = floor.postgres, standby
        dead.kill()
        dead.stop()
        standing_by.execute("select pg_promote()")
    fork, histories = floor.newest_tick(), _histories(floor)
    floor.wires.lead_to("postgres", standby.port)
    floor.wires.drop("", "postgres")
    if not lose_tail:
        return None
    # Until it is noticed, numbers of the lost history look like those of the new one.
    wait_for(lambda: _histories(floor) > histories, "the relay notices that it is another history", 30)
    return fork


def _histories(floor: Floor) -> int:
    return int(floor.query("select count(*) from floorcast.incarnation")[0][0])


def _second_home(floor: Floor) -> Path:
    """A folder with the secrets and programs of the first."""
    home = floor.home / f"second-{next(_numbers)}"
    home.mkdir(mode=0o711)
    shutil.copytree(floor.home / "secrets", home / "secrets", copy_function=shutil.copy2)
    if (floor.home / "bin").exists():
        (home / "bin").symlink_to(floor.home / "bin")
    return home


def _copy(floor: Floor, home: Path) -> EmbeddedPostgres:
    """A copy of the running cluster that follows it."""
    source = floor.postgres
    data = home / "postgres" / str(source.version)
    account = server_account(floor.home / "postgres" / str(source.version))
    data.parent.mkdir(mode=0o700)
    command = [str(source.bin_directory / "pg_basebackup"), "-D", str(data), "-X", "stream", "-c", "fast", "-R"]
    subprocess.run([*command, "-d", source.url_for("postgres")], check=True, capture_output=True)
    if account is not None:
        for folder, folders, files in os.walk(data.parent):
            for name in ("", *folders, *files):
                os.chown(Path(folder, name), account.user, account.group)
    return _Standby(home, settings=source.settings, version=source.version)
