"""The trail's past of some places: what is further back than Redis goes, as far as the trail is kept.

What lies between and concerns others is not read: places are looked up by index, and so are the ticks of what is found.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from floorcast.database.concerned import find_ticks, kept_seal, newest_kept, read_law, read_piece, read_ticks
from floorcast.database.connect import answered_within
from floorcast.database.ticks import Connection, batches, read_headers
from floorcast.errors import DatabaseUnavailable, TickNotKept
from floorcast.operation import EVERYWHERE, Operation
from floorcast.past import Past
from floorcast.tick import Anchor, TickHeader

MOST_OF_LAW = 100_000
"""Changes of access that are read at one time; past it, whoever was away reads the present anew."""

_READ_SECONDS = 15.0
_LARGE_SECONDS = 60.0
"""How long an answer may take: looking through a tick of some million changes takes its time."""

_CHECK_SECONDS = 3.0
_RECONNECT_SECONDS = 2.0

_OPTIONS = {
    "autocommit": True,
    "application_name": "floorcast past",
    # A standby may lag behind what this gateway has delivered.
    "target_session_attrs": "read-write",
    "connect_timeout": 5,
    # A peer that vanished without a word is noticed within seconds.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15000,
}

_SESSION = (
    "set role floorcast_gateway",
    "set search_path = ''",
    "set timezone = 'UTC'",
    # A question that nobody waits for any more ends by itself.
    f"set statement_timeout = '{_LARGE_SECONDS:.0f}s'",
    # As in connect.py: little lies between two snapshots, which the planner cannot know.
    "set jit = off",
    "set enable_seqscan = off",
    # Ticks are looked up as the first of an index. Where nobody analysed them, the planner believes that there is one,
    # and would collect and sort them all, for each transaction of a page.
    "set enable_bitmapscan = off",
)


class TrailReader:
    """A gateway's sight of the past, over a few sessions of its own; who finds them all taken waits, or is turned away.

    Every method raises DatabaseUnavailable when there is no answer in time, and AnotherTick where Postgres does not
    have the anchor: it was restored, and has other ticks under the same numbers. Without one, whatever it has will do.
    """

    def __init__(self, url: str, *, connections: int = 4, waiting: int = 1_000, patience_seconds: float = 10.0) -> None:
        """Take the service's login; connects nothing yet.

        Args:
            url: a login that may become floorcast_gateway.
            connections: how many questions are asked at once.
            waiting: how many callers may wait for a session.
            patience_seconds: how long one may wait for it.
        """
        # min_size 0: an idle gateway holds no session, and one that starts before Postgres does not fail.
        self._pool = AsyncConnectionPool(
            url,
            min_size=0,
            max_size=connections,
            max_waiting=waiting,
            timeout=patience_seconds,
            # Then the next question tries anew. The pool's own pauses would double, until long after Postgres is back.
            reconnect_timeout=_RECONNECT_SECONDS,
            kwargs=_OPTIONS,
            configure=_configure,
            check=_check,
            open=False,
            name="past",
        )

    async def open(self) -> None:
        """Make ready; needs a running loop, not a running Postgres."""
        await self._pool.open()

    async def close(self) -> None:
        """End every session; questions that are being answered are cut off after a moment."""
        await self._pool.close(timeout=2.0)

    async def seal_of(self, tick: int, anchor: Anchor | None = None) -> str | None:
        """Return the seal of a tick; None when it is not kept any more."""
        async with self._session() as connection:
            return await kept_seal(connection, tick, anchor)

    async def read(self, places: Sequence[str], after: int, upto: int, anchor: Anchor | None = None) -> Past | None:
        """Return what places had behind one tick and up to another, or a first part of it.

        Large ticks that concern them are in it without operations. None: it cannot be continued from `after`, which is
        not kept any more, or is not there (yet).
        """
        wanted = _distinct(places)
        if upto <= after or not wanted:
            return Past(upto, ())
        async with self._session() as connection:
            newest = await newest_kept(connection, after, anchor)
            if newest is None or newest <= after:
                return None
            reached, found = await find_ticks(connection, wanted, after, min(upto, newest))
            ticks = await read_ticks(connection, wanted, found)
            # Ticks are removed before what they see: one that is still here was so while all behind it was read.
            if await newest_kept(connection, after, None) is None:
                return None
        return Past(reached, ticks).bounded()

    async def pages(
        self, tick: int, places: Sequence[str], anchor: Anchor | None = None
    ) -> AsyncIterator[tuple[Operation, ...]]:
        """Yield what a tick of any size brought to some places, a page at a time: the same pages each time.

        They are those that are delivered live, without what concerns others; holds no session between two of them.

        Raises:
            TickNotKept: it is not kept any more.
        """
        wanted = _distinct(places)
        async with self._session(_LARGE_SECONDS) as connection:
            header = await _header(connection, tick, anchor)
            cut = await batches(connection, tick, wanted)
        done = 0
        for batch in cut:
            end, last = done + batch.changes, 0
            while batch.is_concerned and done < end:
                async with self._session(_LARGE_SECONDS) as connection:
                    piece = await read_piece(connection, batch, wanted, done, last, in_causes=not header.large)
                    await _header(connection, tick, anchor)
                if not piece.changes:
                    raise AssertionError(f"the trail was edited: tick {tick} lacks changes")
                done, last = done + piece.changes, piece.last_seq
                if piece.operations:
                    yield piece.operations
            done = end

    async def access(
        self, after: int, upto: int, anchor: Anchor | None = None
    ) -> Sequence[tuple[int, tuple[Operation, ...]]] | None:
        """Return what was done to access behind one tick and up to another, by tick; `n` counts among these alone.

        None: it is too much, or cannot be continued from `after` (as in `read`).
        """
        if upto <= after:
            return ()
        async with self._session() as connection:
            newest = await newest_kept(connection, after, anchor)
            if newest is None or newest < upto:
                return None
            found = await read_law(connection, after, upto, most=MOST_OF_LAW)
            return None if await newest_kept(connection, after, None) is None else found

    @asynccontextmanager
    async def _session(self, seconds: float = _READ_SECONDS) -> AsyncIterator[Connection]:
        """Lend a session; it is severed when what is asked of it meanwhile is not answered in time."""
        try:
            async with self._pool.connection() as connection:
                with answered_within(connection, seconds):
                    yield connection
        except (PoolTimeout, TooManyRequests) as error:
            raise DatabaseUnavailable("No session became free in time; nothing is lost, ask again.") from error
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"Postgres does not answer: {error}") from error


def _distinct(places: Sequence[str]) -> list[str]:
    if EVERYWHERE in places:
        raise ValueError("what concerns every gateway belongs to no place; ask for access")
    return list(dict.fromkeys(places))


async def _configure(connection: Connection) -> None:
    await connection.execute("; ".join(_SESSION).encode())


async def _check(connection: Connection) -> None:
    """Refuse a session that is gone, or that nobody answers on."""
    with answered_within(connection, _CHECK_SECONDS):
        await AsyncConnectionPool.check_connection(connection)


async def _header(connection: Connection, tick: int, anchor: Anchor | None) -> TickHeader:
    headers = await read_headers(connection, tick - 1, limit=1)
    if not headers or headers[0].tick != tick or await newest_kept(connection, tick - 1, anchor) is None:
        raise TickNotKept(f"Tick {tick} is not in the trail any more; read the present anew.")
    return headers[0]
