"""Ticks: closed by the relay, read again by whoever needs one that Redis does not have.

Both ways give the same changes in the same order with the same positions.
"""

from array import array
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row, tuple_row

from floorcast.causality import in_causal_order
from floorcast.change import Change
from floorcast.database.queries import load_queries
from floorcast.errors import ForeignTrail
from floorcast.tick import LARGE_BYTES, LARGE_COUNT, TickHeader

Connection = psycopg.AsyncConnection[Any]

_QUERIES = load_queries("queries.sql")


@dataclass(frozen=True, slots=True)
class ClosedTick:
    """A tick that has just become durable."""

    header: TickHeader
    # Empty when the tick is large.
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class NewestTick:
    """How far the trail is cut, and in which history."""

    tick: int
    seal: str
    incarnation: str


async def close_tick(connection: Connection) -> ClosedTick | None:
    """Close the next tick if anything is new; it is durable when this returns. Only for the leading relay.

    Raises:
        psycopg.errors.UniqueViolation: another leader closed it; this one must stop at once.
    """
    rows = await _rows(connection, "close_tick", largest_count=LARGE_COUNT, largest_bytes=LARGE_BYTES)
    if not rows:
        return None
    header = _header(rows[0])
    return ClosedTick(header, () if header.large else tuple(in_causal_order(_changes(rows))))


async def newest_tick(connection: Connection) -> NewestTick:
    """Return the newest tick; there always is one, tick 0 at least.

    Raises:
        ForeignTrail: its snapshot is another cluster's. Compared with it nothing would ever be new, so to go on would
            be to lose every change in silence.
    """
    (row,) = await _rows(connection, "newest_tick")
    if row["is_foreign"]:
        raise ForeignTrail(
            f"Tick {row['tick']} knows of transactions that this server has not begun: the database came from a dump "
            "of another one. Changes are kept in the trail, and nothing is published until the trail is cut anew; see "
            "'Backup and restore' in docs/operations.md."
        )
    return NewestTick(row["tick"], row["seal"], row["incarnation"])


async def seal_of(connection: Connection, tick: int) -> str | None:
    """Return the seal of a tick, or None when there is no such tick (any more)."""
    rows = await _rows(connection, "seal_of", tick=tick)
    return rows[0]["seal"] if rows else None


async def read_changes_of(connection: Connection, header: TickHeader, tables: Collection[str]) -> list[Change]:
    """Return the changes of a few tables in a tick of any size, in order; `n` counts among these alone."""
    return _changes(await _rows(connection, "changes_of_tables", tick=header.tick, tables=sorted(tables)))


async def warehouses_of(connection: Connection, tick: int) -> tuple[str, ...]:
    """Return the warehouses that a tick concerns; reads the whole tick, but returns no more than their names."""
    return tuple(row["warehouse"] for row in await _rows(connection, "warehouses_of", tick=tick))


async def read_headers(connection: Connection, after: int, limit: int) -> list[TickHeader]:
    """Return up to `limit` ticks after `after`, ascending."""
    return [_header(row) for row in await _rows(connection, "headers", after=after, limit=limit)]


async def read_changes(connection: Connection, header: TickHeader) -> tuple[Change, ...]:
    """Return all changes of a tick that is not large."""
    if header.large:
        raise ValueError(f"tick {header.tick} is large: read it in pages")
    return tuple([change async for page in _pages(connection, header) for change in page])


async def read_pages(connection: Connection, header: TickHeader) -> AsyncIterator[list[Change]]:
    """Yield the changes of a tick, of any size, in lists whose rows stay within a few megabytes.

    Holds no transaction and no cursor between two pages, so a reader may take its time.
    """
    async for page in _pages(connection, header):
        yield page


async def _pages(connection: Connection, header: TickHeader) -> AsyncIterator[list[Change]]:
    done = 0
    for batch in await batches(connection, header.tick):
        xids = [str(xid) for xid in batch.xids]
        if batch.fits:
            rows = await _rows(connection, "changes", xids=xids)
            page = _changes(rows, first=done + 1)
            done += len(page)
            # A large tick keeps the order of capture: a chain could span pages, and holding them all is what paging
            # avoids. Every reader does the same, so positions agree.
            yield page if header.large else in_causal_order(page)
            continue
        end, after = done + batch.changes, 0
        while done < end:
            rows = await _rows(
                connection, "changes_of_one", xid=xids[0], after=after, count=LARGE_COUNT, bytes=LARGE_BYTES
            )
            if not rows:
                raise AssertionError(f"the trail was edited: tick {header.tick} lacks changes of {xids[0]}")
            page = _changes(rows, first=done + 1)
            done += len(page)
            after = page[-1].seq
            yield page


@dataclass(slots=True)
class Batch:
    """Transactions that make one page; one that is larger than a page stands alone."""

    # Eight bytes each: a tick may have as many transactions as were committed while no relay ran.
    xids: "array[int]"
    changes: int = 0
    bytes: int = 0
    # Some of it is about the places that were asked for.
    is_concerned: bool = False

    @property
    def fits(self) -> bool:
        """Whether it may be held in memory whole."""
        return self.changes <= LARGE_COUNT and self.bytes <= LARGE_BYTES


async def batches(connection: Connection, tick: int, places: Sequence[str] = ()) -> list[Batch]:
    """Group the transactions of a tick into pages; a tick that is not large is one page."""
    cut = [Batch(array("Q"))]
    async with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.stream(_QUERIES["transactions"], {"tick": tick, "places": list(places)})
        async for xid, changes, size, is_concerned in found:
            last = cut[-1]
            if last.xids and (last.changes + changes > LARGE_COUNT or last.bytes + size > LARGE_BYTES):
                last = Batch(array("Q"))
                cut.append(last)
            last.xids.append(xid)
            last.changes += changes
            last.bytes += size
            last.is_concerned |= is_concerned
    return cut if cut[0].xids else []


async def _rows(connection: Connection, name: str, **parameters: object) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_QUERIES[name], parameters)
        return await cursor.fetchall()


def _header(row: dict[str, Any]) -> TickHeader:
    return TickHeader(row["tick"], row["seal"], row["previous_seal"], row["closed_at"], row["count"], row["bytes"])


def _changes(rows: list[dict[str, Any]], first: int = 1) -> list[Change]:
    return [change_from(row, n) for n, row in enumerate(rows, first)]


def change_from(row: Mapping[str, Any], n: int) -> Change:
    """Read a row of the trail as the queries return it; `n` is its place in its tick."""
    return Change(
        n,
        row["xid"],
        row["seq"],
        row["table_name"],
        row["op"],
        row["key"],
        row["warehouse"],
        row["old_warehouse"],
        row["actor"],
        row["at"],
        row["old"],
        row["new"],
        row["retired"],
        row["old_retired"],
    )
