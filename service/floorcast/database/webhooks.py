"""Webhooks as Postgres has them: which there are, what is to be sent, and how it goes.

What is sent is read as the owner of the consumer, under his access as it is at that moment; nobody else's rights count.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from floorcast.database.caller import Caller
from floorcast.database.queries import load_queries
from floorcast.errors import DatabaseUnavailable

_QUERIES = load_queries("webhooks.sql")

_SESSION = {
    "autocommit": True,
    "application_name": "floorcast webhooks",
    "row_factory": dict_row,
    # A standby may lag: a position that was acknowledged would not be there yet.
    "target_session_attrs": "read-write",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15000,
}

_LEASE_GONE = "PT409"
_NO_TEXT = "22021"
_SERVER_SPEAKS = ("08", "53", "57", "58")
"""Classes of errors in which the server says something of itself: no connection, no room, cancelled, a broken disk."""


PAGE_ROWS = 1_000
"""Of a batch that is larger, as many are in memory at a time."""

_LARGE_AT_ONCE = 2
"""Batches of more than a page keep a session to themselves, and some sessions have to be left for the others."""

_LARGE_MILLISECONDS = "300000"
"""A transaction of a million rows takes its time to be found."""


class LeaseGone(Exception):  # noqa: N818 — reads as a state, which it is
    """Another worker has the share, or the batch was acknowledged."""


class OwnerRefused(Exception):  # noqa: N818 — reads as an event, which it is
    """What an owner asks for is refused, and why: no access, not his consumer, a position that is not kept."""

    def __init__(self, reason: str, state: str) -> None:
        """Keep the SQLSTATE beside the sentence."""
        super().__init__(reason)
        self.state = state


class OpenBatch:
    """The rows of a batch that is out, page by page: a large transaction is one, and is never whole in memory."""

    def __init__(
        self, rows: Sequence[DictRow], close: AsyncExitStack, cursor: psycopg.AsyncServerCursor[DictRow]
    ) -> None:
        """Begin with the first page; `close` ends what is still read from, which is nothing where there is no more."""
        # The first page.
        self.rows = rows
        self._close = close
        self._cursor = cursor
        self._more = len(rows) == PAGE_ROWS

    async def next(self) -> Sequence[DictRow]:
        """Return the next page; empty behind the last. Raises DatabaseUnavailable: the batch is begun anew."""
        if not self._more:
            return []
        try:
            rows = await self._cursor.fetchmany(PAGE_ROWS)
        except psycopg.Error as error:
            await self.close()
            raise DatabaseUnavailable("The session that read a large batch is gone; it is read again.") from error
        if len(rows) < PAGE_ROWS:
            await self.close()
        return rows

    async def close(self) -> None:
        """End the session that reads it."""
        self._more = False
        await self._close.aclose()


class WebhookBook:
    """A few sessions; who finds them all taken waits, or is turned away.

    Every method raises DatabaseUnavailable where Postgres does not answer, or not in time.
    """

    def __init__(self, url: str, *, connections: int = 4, patience_seconds: float = 10.0) -> None:
        """Take the login that may become floorcast_gateway and the roles of owners; connect nothing yet."""
        self._milliseconds = str(round(patience_seconds * 1000))
        # Large batches under way.
        self._large = 0
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[DictRow]] = AsyncConnectionPool(
            url,
            connection_class=psycopg.AsyncConnection[DictRow],
            min_size=0,
            max_size=connections,
            max_waiting=1_000,
            timeout=patience_seconds,
            kwargs=_SESSION,
            configure=_become_gateway,
            check=AsyncConnectionPool.check_connection,
            open=False,
            name="webhooks",
        )

    async def open(self) -> None:
        """Make ready; needs a running loop, not a running Postgres."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every session; what is being asked is cut off after a moment."""
        await self._pool.close(timeout=2.0)

    async def hooks(self, consumer: str | None = None) -> Sequence[DictRow]:
        """Return the webhooks that are on, or the one of a consumer; their columns are those of the query `hooks`."""
        async with self._session() as session:
            return await (await session.execute(_QUERIES["hooks"], {"consumer": consumer})).fetchall()

    async def next_batch(
        self, owner: Caller, consumer: str, share: int, *, most: int, worker: str, seconds: int
    ) -> OpenBatch | None:
        """Take the next changes of a share, under a lease of so many seconds; None when nothing is due.

        Raises:
            OwnerRefused: its owner may not have it, or its position cannot be continued.
        """
        asked = {"consumer": consumer, "share": share, "most": most, "worker": worker, "seconds": seconds}
        async with AsyncExitStack() as stack:
            with _translated(owner):
                session = await stack.enter_async_context(self._pool.connection())
                async with session.transaction():
                    await session.execute("select set_config('statement_timeout', %s, true)", [_LARGE_MILLISECONDS])
                    await session.execute(_QUERIES["become"], {"claims": owner.claims, "role": owner.role})
                    cursor = session.cursor("batch", withhold=True)
                    await cursor.execute(_QUERIES["next_batch"], asked)
                    rows = await cursor.fetchmany(PAGE_ROWS)
                    is_large = len(rows) == PAGE_ROWS
                    if is_large and self._large >= _LARGE_AT_ONCE:
                        # Rolled back with this: nobody has the share.
                        raise DatabaseUnavailable("As many large batches are being posted as may be.")
                    if not is_large:
                        # What it brought need not be kept on the server beyond the transaction.
                        await cursor.close()
            batch = OpenBatch(rows, AsyncExitStack(), cursor)
            if is_large:
                self._large += 1
                stack.callback(self._end_large)
                stack.push_async_callback(_close, cursor)
                batch = OpenBatch(rows, stack.pop_all(), cursor)
        return batch if rows else None

    def _end_large(self) -> None:
        self._large -= 1

    async def is_out(self, consumer: str, share: int) -> bool:
        """Say whether somebody has a share at the moment."""
        return bool(await self._value("is_out", {"consumer": consumer, "share": share}))

    async def hold(self, owner: Caller, consumer: str, batch: str, seconds: int) -> None:
        """Keep a batch for so many seconds from now, one at least. Raises LeaseGone, OwnerRefused."""
        await self._value("hold", {"consumer": consumer, "batch": batch, "seconds": seconds}, owner)

    async def ack(self, owner: Caller, consumer: str, batch: str, rejected: Mapping[str, str]) -> None:
        """Be done with a batch, but for what was rejected: id → reason. Raises LeaseGone, OwnerRefused."""
        listed = json.dumps([{"id": change, "reason": reason} for change, reason in rejected.items()])
        await self._value("ack", {"consumer": consumer, "batch": batch, "rejected": listed}, owner)

    async def failed(self, consumer: str, reason: str, failures: int, again_in_seconds: float) -> None:
        """Note that the receiver did not take a message."""
        noted = {"consumer": consumer, "reason": reason, "failures": failures, "seconds": again_in_seconds}
        async with self._session() as session:
            await session.execute(_QUERIES["failed"], noted)

    async def recovered(self, consumer: str) -> None:
        """Note that it takes messages again."""
        async with self._session() as session:
            await session.execute(_QUERIES["recovered"], {"consumer": consumer})

    async def disable(self, consumer: str, reason: str) -> None:
        """Send nothing more until its owner says otherwise."""
        async with self._session() as session:
            await session.execute(_QUERIES["disable"], {"consumer": consumer, "reason": reason})

    async def put(self, caller: Caller, consumer: str, url: str, key: str, most: int) -> bool:
        """Have a consumer posted to a URL; returns whether the secret is this one. Raises OwnerRefused."""
        return bool(await self._value("put", {"consumer": consumer, "url": url, "key": key, "most": most}, caller))

    async def rotate(self, caller: Caller, consumer: str, key: str, seconds: int) -> str:
        """Give a webhook a new secret; returns until when the earlier one signs too. Raises OwnerRefused."""
        return str(await self._value("rotate", {"consumer": consumer, "key": key, "seconds": seconds}, caller))

    async def remove(self, caller: Caller, consumer: str) -> bool:
        """Post nothing more; returns whether there was a webhook. Raises OwnerRefused."""
        return bool(await self._value("remove", {"consumer": consumer}, caller))

    async def state(self, caller: Caller, consumer: str) -> DictRow | None:
        """Return what is known of a webhook, without its secrets; None if there is none. Raises OwnerRefused."""
        async with self._session(caller) as session:
            return await (await session.execute(_QUERIES["state"], {"consumer": consumer})).fetchone()

    async def _value(self, query: str, parameters: Mapping[str, Any], caller: Caller | None = None) -> Any:
        async with self._session(caller) as session:
            row = await (await session.execute(_QUERIES[query], parameters)).fetchone()
        return next(iter(row.values())) if row is not None else None

    @asynccontextmanager
    async def _session(self, caller: Caller | None = None) -> AsyncIterator[psycopg.AsyncConnection[DictRow]]:
        """One transaction, as the gateway or as somebody."""
        with _translated(caller):
            async with self._pool.connection() as session, session.transaction():
                await session.execute("select set_config('statement_timeout', %s, true)", [self._milliseconds])
                if caller is not None:
                    await session.execute(_QUERIES["become"], {"claims": caller.claims, "role": caller.role})
                yield session


@contextmanager
def _translated(caller: Caller | None) -> Iterator[None]:
    """Say errors of the driver in our words."""
    try:
        yield
    except (PoolTimeout, TooManyRequests) as error:
        raise DatabaseUnavailable("No session became free in time; nothing is lost, ask again.") from error
    except psycopg.Error as error:
        if caller is not None and error.sqlstate is None and isinstance(error, psycopg.DataError):
            # Text that Postgres has no form for, a zero byte say, was not even sent.
            raise OwnerRefused(str(error), _NO_TEXT) from error
        # Without a state the error is the driver's: there was no answer.
        if error.sqlstate is None or error.sqlstate.startswith(_SERVER_SPEAKS):
            raise DatabaseUnavailable("The database did not answer in time; nothing is lost, ask again.") from error
        if error.sqlstate == _LEASE_GONE:
            raise LeaseGone from error
        if caller is None:
            # Nobody is refused anything: tables of a version to which this database was not migrated yet, say.
            raise DatabaseUnavailable(f"Postgres says of webhooks: {error.diag.message_primary}") from error
        raise OwnerRefused(error.diag.message_primary or str(error), error.sqlstate) from error


async def _close(cursor: psycopg.AsyncServerCursor[DictRow]) -> None:
    with suppress(psycopg.Error):
        # A session that broke has none any more; the pool throws it away.
        await cursor.close()


async def _become_gateway(connection: psycopg.AsyncConnection[DictRow]) -> None:
    await connection.execute("set role floorcast_gateway")
    await connection.execute("set search_path = ''")
    await connection.execute("set timezone to 'UTC'")
