"""The trail on a disk of its own, and that one full: only root can make such a disk."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import errors
from tests.trial.floor import Floor

_MEGABYTES = 48
_BLOCK = bytes(1 << 16)

_PARTITIONS = """
select inhrelid::regclass::text from pg_inherits where inhparent = 'floorcast.change'::regclass
"""
_ANYTHING = "update public.equipment set location = 'at ' || clock_timestamp()"


def may_mount() -> bool:
    """Whether a disk can be made here: by root, outside of most containers."""
    if os.geteuid() != 0:
        return False
    trial = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    with suppress(FileNotFoundError):
        return subprocess.run(trial, check=False, capture_output=True).returncode == 0
    return False


def fill_the_trails_disk(floor: Floor, held: float) -> None:
    """Move the trail to a disk that then has no room left for so long; who writes is refused meanwhile."""
    with _small_disk(floor) as disk:
        _move(floor, "small")
        ballast = disk / "ballast"
        try:
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(_BLOCK)
            _write_until_full(floor)
            time.sleep(held)
        finally:
            ballast.unlink()
        # Whoever waits tries again by himself; then the trail goes back to where it was.
        _move(floor, "pg_default")
        floor.query("drop tablespace small")


def _write_until_full(floor: Floor) -> None:
    for _ in range(1_000):
        try:
            floor.query(_ANYTHING)
        except errors.DiskFull:
            return
    raise AssertionError("the disk never was full")


def _move(floor: Floor, where: str) -> None:
    """Move every part of the trail; who writes waits."""
    for (partition,) in floor.query(_PARTITIONS):
        for _ in range(100):
            try:
                floor.query(f"alter table {partition} set tablespace {where}")
                break
            except psycopg.OperationalError:
                # A deadlock with whoever writes to two of them.
                time.sleep(0.05)


@contextmanager
def _small_disk(floor: Floor) -> Iterator[Path]:
    disk = floor.home / "small"
    disk.mkdir(mode=0o711)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m,mode=711", "tmpfs", str(disk)], check=True)
    try:
        place = disk / "trail"
        place.mkdir()
        owner = (floor.home / "postgres" / str(floor.postgres.version)).stat()
        os.chown(place, owner.st_uid, owner.st_gid)
        floor.query(f"create tablespace small location '{place}'")
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
