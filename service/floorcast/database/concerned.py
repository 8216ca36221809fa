"""Which ticks concern some places, and what they brought there: the questions of past*.sql, one function each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from psycopg.rows import dict_row, tuple_row

from floorcast.causality import in_causal_order
from floorcast.change import Change
from floorcast.database.queries import load_queries
from floorcast.database.ticks import Batch, Connection, change_from, read_headers
from floorcast.errors import AnotherTick
from floorcast.operation import Operation, operations_in
from floorcast.past import PAGE_BYTES, PAGE_OPERATIONS, PastTick
from floorcast.tick import LARGE_BYTES, LARGE_COUNT, Anchor, is_large

_QUERIES = {**load_queries("past.sql"), **load_queries("past_changes.sql"), **load_queries("past_law.sql")}


_ENOUGH = 4
"""Ticks that have less than so many pages in all are read at once; what of it makes a page is seen then."""


@dataclass(frozen=True, slots=True)
class FoundTick:
    """A tick that concerns some places, before what it brought is read."""

    tick: int
    at: str
    large: bool
    # The transactions that concern them, with commas; how many changes do, and about their bytes. Nothing of it for a
    # large tick, and no figures where all that was found is little.
    xids: str = ""
    told: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a tick, read for some places."""

    operations: tuple[Operation, ...]
    # How many changes it has, those of others too; 0 where something is missing.
    changes: int
    # The last of them; meaningful only in a transaction that takes several pieces.
    last_seq: int


async def newest_kept(connection: Connection, tick: int, anchor: Anchor | None) -> int | None:
    """Return the newest tick; None when nobody can go on from `tick`, which is not kept or lies before a cut.

    No session outlives a restore, so what is read on it is of one history.

    Raises:
        AnotherTick: it is not the history of the anchor.
    """
    row = await _kept(connection, tick, anchor)
    return int(row["newest"]) if row is not None and row["is_kept"] else None


async def kept_seal(connection: Connection, tick: int, anchor: Anchor | None) -> str | None:
    """Return the seal of a tick, None when it is not kept any more.

    Raises:
        AnotherTick: it is not the history of the anchor.
    """
    row = await _kept(connection, tick, anchor)
    return None if row is None else row["seal"]


async def _kept(connection: Connection, tick: int, anchor: Anchor | None) -> dict[str, Any] | None:
    number, seal = (None, None) if anchor is None else (anchor.tick, anchor.seal)
    for row in await _rows(connection, "kept", tick=tick, anchor=number, seal=seal):
        if not row["is_anchored"]:
            raise AnotherTick(f"Postgres does not have tick {number} any more as it was delivered")
        return row
    return None


async def find_ticks(
    connection: Connection, places: Sequence[str], after: int, upto: int
) -> tuple[int, Sequence[FoundTick]]:
    """Return about a page of the ticks behind one that concern some places, and up to which tick these are all."""
    parameters: dict[str, Any] = {"places": places, "after": after, "upto": upto, "most": PAGE_OPERATIONS}
    parameters |= {"largest_count": LARGE_COUNT, "largest_bytes": LARGE_BYTES}
    parameters |= {"enough_count": _ENOUGH * PAGE_OPERATIONS, "enough_bytes": _ENOUGH * PAGE_BYTES}
    rows = await _rows(connection, "concerned", **parameters)
    if rows[0]["reached"] == after:
        # In the next tick alone, more transactions concern them than are looked at.
        (header,) = await read_headers(connection, after, limit=1)
        if header.large:
            return header.tick, [FoundTick(header.tick, header.at, large=True)]
        rows = await _rows(connection, "concerned", **{**parameters, "upto": header.tick, "most": None})
    found = [
        FoundTick(
            row["tick"],
            row["at"],
            is_large(row["count"], row["bytes"]),
            row["xids"],
            row["told"] or 0,
            row["size"] or 0,
        )
        for row in rows
        if row["tick"] is not None
    ]
    return _page(rows[0]["reached"], found)


async def read_ticks(connection: Connection, places: Sequence[str], found: Sequence[FoundTick]) -> tuple[PastTick, ...]:
    """Return what ticks brought to some places, exactly as it is delivered live; of a large one, that it is there."""
    chosen = [each for each in found if not each.large]
    told: dict[int, tuple[Operation, ...]] = {}
    if chosen:
        # As text, and rows as they come: a page has a thousand of each, and to make arrays and dictionaries of them
        # takes as long as Postgres does to find them.
        xids = ",".join(each.xids for each in chosen)
        ticks = ",".join(",".join([str(each.tick)] * (each.xids.count(",") + 1)) for each in chosen)
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(_QUERIES["changes_of_places"], {"places": places, "xids": xids, "ticks": ticks})
            rows = await cursor.fetchall()
        for tick, of_tick in groupby(rows, key=itemgetter(0)):
            changes = in_causal_order([Change(*row[1:]) for row in of_tick])
            told[tick] = _operations(changes, places)
    past = (PastTick(each.tick, each.at, told.get(each.tick, ()), each.large) for each in found)
    return tuple(tick for tick in past if tick.large or tick.operations)


async def read_piece(
    connection: Connection, batch: Batch, places: Sequence[str], done: int, after: int, *, in_causes: bool
) -> Piece:
    """Return what a page of a tick brought to some places, or a piece of one that does not fit into a page.

    Args:
        connection: a session as the gateway's role.
        batch: the page, one of `ticks.batches`.
        places: whom it is read for.
        done: how many changes of the tick come before it.
        after: where in the transaction the piece begins, where the page takes several.
        in_causes: several changes of a row are brought into the order of their causes; in a large tick they are not.
    """
    xids = [str(xid) for xid in batch.xids]
    if batch.fits:
        rows = await _rows(connection, "page_of_places", xids=xids, places=places, first=done)
        whole = rows[0]["total"] == batch.changes
        return Piece(_operations(_changes(rows, in_causes=in_causes), places), batch.changes if whole else 0, 0)
    bounds = {"count": LARGE_COUNT, "bytes": LARGE_BYTES}
    rows = await _rows(connection, "piece_of_places", xid=xids[0], after=after, places=places, first=done, **bounds)
    operations = _operations(_changes(rows, in_causes=in_causes), places)
    return Piece(operations, rows[0]["total"], rows[0]["last_seq"] or 0)


async def read_law(
    connection: Connection, after: int, upto: int, *, most: int
) -> Sequence[tuple[int, tuple[Operation, ...]]] | None:
    """Return what was done to access behind one tick and up to another, by tick; None when that is more than `most`."""
    rows = await _rows(connection, "changes_of_law", after=after, upto=upto, most=most + 1)
    if len(rows) > most:
        return None
    found: list[tuple[int, tuple[Operation, ...]]] = []
    for tick, of_tick in groupby(rows, key=lambda row: int(row["tick"])):
        changes = in_causal_order([change_from(row, n) for n, row in enumerate(of_tick, 1)])
        found.append((tick, tuple(operations_in(changes))))
    return found


def _page(reached: int, found: Sequence[FoundTick]) -> tuple[int, Sequence[FoundTick]]:
    """Cut what was found behind the tick in which it becomes a page."""
    told = size = 0
    for i, each in enumerate(found[:-1]):
        told += each.told
        size += each.size
        if told >= PAGE_OPERATIONS or size >= PAGE_BYTES:
            return found[i + 1].tick - 1, found[: i + 1]
    return reached, found


def _changes(rows: Iterable[Mapping[str, Any]], *, in_causes: bool) -> Sequence[Change]:
    """Return changes of one tick; rows without a place in it stand for nothing."""
    changes = [change_from(row, row["n"]) for row in rows if row["n"] is not None]
    return in_causal_order(changes) if in_causes else changes


def _operations(changes: Sequence[Change], places: Sequence[str]) -> tuple[Operation, ...]:
    """Return what changes of one tick brought to some places."""
    wanted = frozenset(places)
    return tuple(operation for operation in operations_in(changes) if operation.warehouse in wanted)


async def _rows(connection: Connection, name: str, **parameters: object) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_QUERIES[name], parameters)
        return await cursor.fetchall()
