"""The process that calls the jobs, round after round.

No leader and no state: each job does its work exactly once however many processes call it and wherever they are killed,
because a job is one transaction that locks what it changes. So two processes on two machines are as good as one, and no
time is remembered here that a restart could forget.

The trail's partitions are not made here: the relay makes them, and without a relay nobody needs them.
"""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from typing import Any

import psycopg

from floorcast.backoff import Backoff
from floorcast.database.connect import connect
from floorcast.database.queries import load_queries
from floorcast.errors import DatabaseUnavailable
from floorcast.observe import DatabaseBack, DatabaseLost, JobFailed, ScheduleRefused, observe
from floorcast.upkeep.jobs import Job

_COMPONENT = "maintain"
_JOBS = load_queries("jobs.sql", "floorcast.upkeep")


class Upkeep:
    """One upkeep process. `run` is its part of the life of a process."""

    def __init__(self, database_url: str, jobs: Sequence[Job], *, every_seconds: float) -> None:
        """`jobs` are called in this order, once a round."""
        self._database_url = database_url
        self._jobs = jobs
        self._every_seconds = every_seconds
        self._backoff = Backoff(random.Random())  # noqa: S311 — spreads attempts, keeps no secret
        # Postgres did not answer last time.
        self._lost = False

    async def run(self, stop: asyncio.Event) -> None:
        """Call the jobs until `stop` is set; a job that runs then is finished, since it is short and whole."""
        while not stop.is_set():
            try:
                await self._keep_calling(stop)
            except (psycopg.Error, DatabaseUnavailable, OSError) as error:
                if not self._lost:
                    observe(DatabaseLost(_COMPONENT, f"{type(error).__name__}: {error}"))
                self._lost = True
                await _pause(stop, self._backoff.next_seconds())

    async def _keep_calling(self, stop: asyncio.Event) -> None:
        connection = await connect(self._database_url, role="floorcast_maintain", application="floorcast maintain")
        connection.add_notice_handler(_tell)
        try:
            await connection.execute(_JOBS["patience"])
            while not stop.is_set():
                for job in self._jobs:
                    await self._call(connection, job, stop)
                self._answers()
                await _pause(stop, self._every_seconds)
        finally:
            await connection.close()

    def _answers(self) -> None:
        self._backoff.reset()
        if self._lost:
            observe(DatabaseBack(_COMPONENT))
        self._lost = False

    async def _call(self, connection: psycopg.AsyncConnection[Any], job: Job, stop: asyncio.Event) -> None:
        """Call one job until there is no more; one that fails leaves nothing behind and stops no other."""
        done = 0
        try:
            while not stop.is_set():
                cursor = await connection.execute(_JOBS[job.name], job.parameters)
                row = await cursor.fetchone()
                made = 0 if row is None else int(row[0])
                done += made
                if not job.has_more(made):
                    break
        except psycopg.Error as error:
            if connection.closed:
                raise
            observe(JobFailed(job.name, f"{type(error).__name__}: {error}"))
        if done and job.told is not None:
            observe(job.told(done))


def _tell(notice: psycopg.errors.Diagnostic) -> None:
    """Pass on what a job warns of."""
    if notice.severity_nonlocalized == "WARNING":
        observe(ScheduleRefused(notice.message_primary or "no reason was given"))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
