"""Batches of durable consumers as Postgres gives them out, in the name of whose they are.

What is read is read as the owner of the consumer, under his access as it is at that moment; nobody else's rights count.
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

_SESSION = {
    "autocommit": True,
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

    def __init__(self, reason: str, state: str, detail: str | None = None) -> None:
        """Keep the SQLSTATE beside the sentence, and what the server says in detail: of a position, why it is gone."""
        super().__init__(reason)
        self.state = state
        self.detail = detail


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


class BatchBook:
    """A few sessions; who finds them all taken waits, or is turned away.

    Every method raises DatabaseUnavailable where Postgres does not answer, or not in time.
    """

    def __init__(self, url: str, name: str, *, connections: int = 4, patience_seconds: float = 10.0) -> None:
        """Take the login that may become floorcast_gateway and the roles of owners; connect nothing yet.

        `name` is what the sessions, and the file with further queries, are called.
        """
        self._queries = {**load_queries("batches.sql"), **load_queries(f"{name}.sql")}
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
            kwargs={**_SESSION, "application_name": f"floorcast {name}"},
            configure=_become_gateway,
            check=AsyncConnectionPool.check_connection,
            open=False,
            name=name,
        )

    async def open(self) -> None:
        """Make ready; needs a running loop, not a running Postgres."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every session; what is being asked is cut off after a moment."""
        await self._pool.close(timeout=2.0)

    async def next_batch(
        self, owner: Caller, consumer: str, share: int | None, *, most: int, worker: str, seconds: int
    ) -> OpenBatch | None:
        """Take the next changes of a share, or of any that nobody has, under a lease; None: nothing is due.

        Raises:
            OwnerRefused: its owner may not have it, or its position cannot be continued.
        """
        asked = {"consumer": consumer, "share": share, "most": most, "worker": worker, "seconds": seconds}
        async with AsyncExitStack() as stack:
            with _translated(owner):
                session = await stack.enter_async_context(self._pool.connection())
                async with session.transaction():
                    await session.execute("select set_config('statement_timeout', %s, true)", [_LARGE_MILLISECONDS])
                    await session.execute(self._queries["become"], {"claims": owner.claims, "role": owner.role})
                    cursor = session.cursor("batch", withhold=True)
                    await cursor.execute(self._queries["next_batch"], asked)
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

    async def hold(self, owner: Caller, consumer: str, batch: str, seconds: int) -> str:
        """Keep a batch for so many seconds from now, one at least. Raises LeaseGone, OwnerRefused.

        Returns until when.
        """
        return str(await self._value("hold", {"consumer": consumer, "batch": batch, "seconds": seconds}, owner))

    async def ack(self, owner: Caller, consumer: str, batch: str, rejected: Mapping[str, str]) -> int:
        """Be done with a batch, but for what was rejected: id → reason. Raises LeaseGone, OwnerRefused.

        Returns the tick up to which its share is done.
        """
        listed = json.dumps([{"id": change, "reason": reason} for change, reason in rejected.items()])
        return int(await self._value("ack", {"consumer": consumer, "batch": batch, "rejected": listed}, owner))

    async def _value(self, query: str, parameters: Mapping[str, Any], caller: Caller | None = None) -> Any:
        """Return the one value that a query answers with."""
        async with self._session(caller) as session:
            row = await (await session.execute(self._queries[query], parameters)).fetchone()
        return next(iter(row.values())) if row is not None else None

    @asynccontextmanager
    async def _session(self, caller: Caller | None = None) -> AsyncIterator[psycopg.AsyncConnection[DictRow]]:
        """One transaction, as the gateway or as somebody."""
        with _translated(caller):
            async with self._pool.connection() as session, session.transaction():
                await session.execute("select set_config('statement_timeout', %s, true)", [self._milliseconds])
                if caller is not None:
                    await session.execute(self._queries["become"], {"claims": caller.claims, "role": caller.role})
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
            raise DatabaseUnavailable(f"Postgres says of consumers: {error.diag.message_primary}") from error
        raise OwnerRefused(
            error.diag.message_primary or str(error), error.sqlstate, error.diag.message_detail
        ) from error


async def _close(cursor: psycopg.AsyncServerCursor[DictRow]) -> None:
    with suppress(psycopg.Error):
        # A session that broke has none any more; the pool throws it away.
        await cursor.close()


async def _become_gateway(connection: psycopg.AsyncConnection[DictRow]) -> None:
    await connection.execute("set role floorcast_gateway")
    await connection.execute("set search_path = ''")
    await connection.execute("set timezone to 'UTC'")
