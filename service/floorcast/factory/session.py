"""The edge: performs steps as the people who take them, and comes back when the database does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import SystemRandom
from typing import Any

import psycopg

from floorcast.backoff import Backoff
from floorcast.database.connect import connect
from floorcast.database.queries import load_queries
from floorcast.errors import DatabaseUnavailable, FactoryError
from floorcast.factory.person import Person
from floorcast.factory.step import Step
from floorcast.observe import DatabaseBack, DatabaseLost, observe

_STEPS = load_queries("steps.sql", "floorcast.factory")

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

_TRANSIENT = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


class StepRefused(FactoryError):  # noqa: N818 — reads as an event, which it is
    """The database did not take a step; nothing of it was done."""


class Session:
    """One connection of a login that may become `authenticated`; one step at a time."""

    def __init__(self, url: str, component: str, backoff: Backoff | None = None) -> None:
        """`component` is what logs call it; it connects when it is first needed, or by `open`."""
        self._url = url
        self._component = component
        self._backoff = backoff or Backoff(SystemRandom(), largest_seconds=5.0)
        # None before the first step, and from a loss to the next attempt.
        self._connection: Connection | None = None
        # The database was lost, which was observed, and is not back yet.
        self._is_lost = False

    async def perform(self, step: Step) -> None:
        """Do a step, once, however long the database is away meanwhile.

        Raises:
            StepRefused: a rule of the database forbids it, or it touched nothing.
        """
        is_repeated = False
        while True:
            connection = await self.connection()
            try:
                await _perform(connection, step, is_repeated=is_repeated)
            except _TRANSIENT:
                continue
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                # The commit may have happened before the connection broke, so the next attempt may find it
                # done.
                is_repeated = True
                await self.lose(error)
            except psycopg.Error as error:
                raise StepRefused(f"{step.says}: {_sentence(error)}") from error
            else:
                return

    async def open(self) -> None:
        """Connect once, so that an obvious fault fails at the start.

        Raises:
            DatabaseUnavailable: it cannot be reached; later losses are waited out instead.
        """
        self._connection = await connect(self._url, role=None, application=f"floorcast {self._component}")

    async def connection(self) -> Connection:
        """Return the connection; opens one, again and again, if there is none."""
        while self._connection is None:
            try:
                self._connection = await connect(self._url, role=None, application=f"floorcast {self._component}")
            except DatabaseUnavailable as error:
                await self.lose(error)
        if self._is_lost:
            self._is_lost = False
            self._backoff.reset()
            observe(DatabaseBack(self._component))
        return self._connection

    async def lose(self, error: Exception) -> None:
        """Give a connection up and wait before the next attempt."""
        await self.close()
        if not self._is_lost:
            self._is_lost = True
            observe(DatabaseLost(self._component, str(error).strip()))
        await asyncio.sleep(self._backoff.next_seconds())

    async def close(self) -> None:
        """Close the connection; what was not committed is undone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


@asynccontextmanager
async def as_person(connection: Connection, person: Person) -> AsyncIterator[None]:
    """One transaction in which everything is done as a person: role `authenticated`, the claims of their token."""
    async with connection.transaction():
        await connection.execute(_STEPS["become"], {"claims": person.claims})
        yield


async def _perform(connection: Connection, step: Step, *, is_repeated: bool) -> None:
    async with connection.transaction():
        # One round trip for all of it; leaving the pipeline waits for the answers, before the commit is sent.
        async with connection.pipeline():
            await connection.execute(_STEPS["become"], {"claims": step.person.claims})
            results = [await connection.execute(_STEPS[each.name], each.parameters) for each in step.commands]
        for each, result in zip(step.commands, results, strict=True):
            # Row level security hides what a person may not change, and then nothing is changed, silently.
            if result.rowcount == 0 and not is_repeated:
                raise StepRefused(f"{step.says}: {step.person.name} may not do `{each.name}` here, or it is gone")


def _sentence(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).strip()
