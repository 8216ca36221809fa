"""`floorcast audit`: verify, anchor."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from floorcast.cli.reach import reach_settings
from floorcast.database.audit import Auditor, auditor
from floorcast.errors import FloorcastError, SettingsError
from floorcast.verification import Anchor, Chain, Fault, judge_anchor, judge_surroundings

audit = typer.Typer(
    no_args_is_help=True,
    help="Prove that the trail is as it was written (verify), and keep its head elsewhere for that (anchor).\n\n"
    "The database is the one that FLOORCAST_OWNER_DATABASE_URL names, else DATABASE_URL, else that of the "
    "`floorcast up` that runs here. Nothing is changed in it.",
)

_BROKEN = 4
"""A distinct exit code, so that an alarm can tell a trail that was tampered with from a database that was away."""

_TOLD = 20
"""So many faults are told one by one; who edited a million rows is known by then."""

_STRIDE = 10_000
"""Ticks between two lines of progress."""


@audit.command()
def verify(
    from_: Annotated[
        int, typer.Option("--from", min=0, help="Begin at this tick and believe it: after a restore, the cut.")
    ] = 0,
    anchor: Annotated[
        Path | None, typer.Option("--anchor", help="Check against what `floorcast audit anchor` wrote.")
    ] = None,
) -> None:
    """Seal every tick again from what the trail says now, and compare.

    The first bad tick is named; the exit code is 4 when there is one. Without an anchor, ticks that were removed from
    the end are not missed, and neither is a chain that was forged as a whole.
    """
    with _sentences():
        kept = None if anchor is None else _read(anchor)
        faults, told = asyncio.run(_verify(_url(), from_, kept))
    if faults:
        typer.echo(f"The trail is not as it was sealed: {told}", err=True)
        raise typer.Exit(_BROKEN)
    typer.echo(told)


@audit.command(name="anchor")
def write_anchor(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write it into this file instead.")] = None,
) -> None:
    """Print the head of the chain as JSON, to be kept where the database's owner cannot reach it."""
    with _sentences():
        text = asyncio.run(_head(_url())).to_json()
        if out is None:
            typer.echo(text)
            return
        try:
            out.write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"The anchor cannot be written to {out}: {error}.") from error


async def _head(url: str) -> Anchor:
    async with auditor(url) as session:
        return await session.head()


async def _verify(url: str, first: int, anchor: Anchor | None) -> tuple[int, str]:
    """Walk the chain, telling faults as they are found; returns how many, and the last sentence."""
    async with auditor(url) as session:
        head, around = await session.head(), await session.surroundings()
        begin = max(first, around.first_tick)
        if begin > head.tick:
            raise SettingsError(f"There is no tick {begin} yet: the newest is {head.tick}.")
        for entry in around.book:
            typer.echo(f"The trail was opened at {entry}")
        if begin > 0:
            typer.echo(f"Tick {begin} is believed, since the one before it is not looked at; an anchor can prove it.")
        chain, count = Chain(begin), 0
        first_bad: int | None = None
        async for fault in _faults(session, chain, begin, head):
            count += 1
            first_bad = fault.tick if first_bad is None else first_bad
            if count <= _TOLD:
                typer.echo(fault.text)
        outside = list(judge_surroundings(around, begin))
        if anchor is not None:
            outside += judge_anchor(anchor, await session.anchored(anchor), around.first_tick, head.tick)
        for fault in outside:
            typer.echo(fault.text)
            first_bad = fault.tick if first_bad is None else first_bad
        count += len(outside)
        return count, _last_words(chain, head, around.newer, count, first_bad)


async def _faults(session: Auditor, chain: Chain, begin: int, head: Anchor) -> AsyncIterator[Fault]:
    """Yield what is wrong with the ticks, first to last."""
    async for tick in session.ticks(begin, head.tick):
        for fault in chain.judge(tick):
            yield fault
        if chain.ticks % _STRIDE == 0:
            typer.echo(f"… tick {tick.tick} of {head.tick}", err=True)


def _last_words(chain: Chain, head: Anchor, newer: int, faults: int, first_bad: int | None) -> str:
    walked = f"{chain.ticks} ticks with {chain.changes} changes, up to tick {head.tick} (seal {head.seal[:12]}…)"
    if faults:
        where = "no tick is bad, but see above" if first_bad is None else f"the first bad tick is {first_bad}"
        more = f", {faults - _TOLD} of them not told" if faults > _TOLD else ""
        return f"{where}. {faults} faults{more} in {walked}."
    waiting = f" {newer} changes wait for the next tick." if newer else ""
    return f"The trail is as it was sealed: {walked}.{waiting}"


def _read(file: Path) -> Anchor:
    try:
        return Anchor.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"The anchor {file} cannot be read: {error}. Nothing was verified.") from error


def _url() -> str:
    url = reach_settings().migration_url
    if url is None:
        raise SettingsError(
            "No database is named, and no `floorcast up` of yours runs here: there is nothing to verify. Set "
            "FLOORCAST_OWNER_DATABASE_URL or DATABASE_URL."
        )
    return url


@contextmanager
def _sentences() -> Iterator[None]:
    """End with the sentence of an error on stderr."""
    try:
        yield
    except FloorcastError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
