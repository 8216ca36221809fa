"""Whether the trail is as it was sealed, in sentences: ticks and anchors in, faults out. Pure.

A seal covers the one before it, so a tick holds only if all before it do. Yet each is judged against the seal that its
predecessor has now: then one edited row is one bad tick, and where it is is said.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of the chain at one moment, kept where the database's owner cannot reach it."""

    incarnation: str
    tick: int
    seal: str
    closed_at: str
    # How many ticks there were up to this one: fewer than tick + 1 where old ones were dropped.
    ticks: int
    # The cluster's own; a copy that was made on the disk has the same, one that was restored from a dump has not.
    system_identifier: str

    def to_json(self) -> str:
        """Return it as it is written into a file."""
        return json.dumps({"floorcast": "anchor", **asdict(self)}, indent=2)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `to_json` wrote; raises ValueError with a sentence for anything else."""
        try:
            found: Any = json.loads(text)
        except ValueError as error:
            raise ValueError(f"it is not JSON: {error}") from error
        wanted = {
            "incarnation": str,
            "tick": int,
            "seal": str,
            "closed_at": str,
            "ticks": int,
            "system_identifier": str,
        }
        if not isinstance(found, dict) or found.get("floorcast") != "anchor":
            raise ValueError("it is not what `floorcast audit anchor` writes")
        for name, kind in wanted.items():
            if type(found.get(name)) is not kind:
                raise ValueError(f"{name} is missing, or is no {'number' if kind is int else 'text'}")
        return cls(**{name: found[name] for name in wanted})


@dataclass(frozen=True, slots=True)
class SealedTick:
    """A tick as it was sealed and as the trail has it now."""

    tick: int
    seal: str
    closed_at: str
    count: int
    bytes: int
    found_count: int
    found_bytes: int
    # Whether the seal follows from the one before and the changes; None where there is none before.
    is_whole: bool | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies outside the ticks."""

    first_tick: int
    # Rows that were there before the first tick.
    older: int
    # Rows that no tick has yet.
    newer: int
    # Rows of transactions that are yet to come.
    future: int
    # Times that the trail was opened, as sentences.
    book: tuple[str, ...]
    # Parts of the trail without the triggers that refuse changes.
    unguarded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was; `tick` is where, None for what is outside of all ticks."""

    tick: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Anchored:
    """What the database has of the tick that an anchor names."""

    # None when there is no such tick.
    seal: str | None
    closed_at: str | None
    ticks: int
    knows_incarnation: bool
    system_identifier: str


class Chain:
    """Judges ticks as they come, ascending; keeps nothing but where it is."""

    def __init__(self, first_tick: int) -> None:
        """`first_tick` is where the walk begins."""
        self._next = first_tick
        self._first = first_tick
        self.ticks = 0
        self.changes = 0

    def judge(self, tick: SealedTick) -> Iterator[Fault]:
        """Yield what is wrong with the next tick, and with what should be before it."""
        if tick.tick != self._next:
            last = tick.tick - 1
            missing = f"Tick {last} is" if last == self._next else f"Ticks {self._next} to {last} are"
            yield Fault(
                self._next,
                f"{missing} missing: removed, since numbers have no gaps. What was in them is not proven any more.",
            )
        self._next = tick.tick + 1
        self.ticks += 1
        self.changes += tick.found_count
        # Sealed over one that is gone: nothing can be said of its changes. The first is believed; an anchor proves it.
        if tick.is_whole is None or (tick.tick == self._first and tick.tick > 0):
            return
        if not tick.is_whole:
            yield Fault(tick.tick, f"Tick {tick.tick} (closed {tick.closed_at}) is not as it was sealed: {_why(tick)}")


def _why(tick: SealedTick) -> str:
    missing = tick.count - tick.found_count
    if missing > 0:
        return f"it had {_changes(tick.count)} and has {tick.found_count}: {_changes(missing)} removed."
    if missing < 0:
        return f"it had {_changes(tick.count)} and has {tick.found_count}: {_changes(-missing)} added."
    if tick.bytes != tick.found_bytes:
        return (
            f"its {_changes(tick.count)} had {tick.bytes} bytes of rows and have {tick.found_bytes}: "
            "at least one of them was edited or replaced."
        )
    return "a change was edited, or put into another order, or the tick itself or the one before it was."


def _changes(count: int) -> str:
    return "1 change" if count == 1 else f"{count} changes"


def judge_surroundings(around: Surroundings, first: int) -> Iterator[Fault]:
    """Yield what is wrong outside the ticks; `first` is the tick at which the walk began."""
    if around.first_tick > 0 and not around.book:
        yield Fault(
            None,
            f"The trail begins at tick {around.first_tick} and was never opened by floorcast.begin_maintenance(): "
            "everything before was removed past its guard.",
        )
    if around.first_tick == first == 0 and around.older:
        yield Fault(
            None,
            f"{_changes(around.older)} older than the first tick: the trail was empty then, so "
            f"{'it was' if around.older == 1 else 'they were'} added later.",
        )
    if around.future:
        yield Fault(
            None,
            f"{_changes(around.future)} of transactions that are yet to come: nothing captured "
            f"{'it' if around.future == 1 else 'them'}, somebody wrote past the guard. No tick has them; "
            "floorcast.history() and floorcast.as_of() leave them out.",
        )
    if around.unguarded:
        yield Fault(
            None,
            f"Nothing refuses changes of {', '.join(around.unguarded)}: triggers were dropped or switched off. "
            "`floorcast migrate up` hangs them on again when a file of triggers/ changes; until then as the owner: "
            "floorcast.guard_from_truncate(), floorcast.guard_from_inserts() and the statements of "
            "triggers/2_capture/refuse_trail_changes.sql.",
        )


def judge_anchor(anchor: Anchor, found: Anchored, first_tick: int, newest_tick: int) -> Iterator[Fault]:
    """Yield how the database differs from what an anchor says."""
    if anchor.system_identifier != found.system_identifier:
        yield Fault(
            None,
            f"The anchor was written on another cluster ({anchor.system_identifier}, this one is "
            f"{found.system_identifier}): this database was restored from a dump, or is another one.",
        )
    if found.seal is None:
        if anchor.tick > newest_tick:
            why = f"the newest one is {newest_tick}, so the newest ticks were removed, or an older state was restored"
        elif anchor.tick < first_tick:
            why = f"the first one kept is {first_tick}, so this anchor proves nothing any more: use a newer one"
        else:
            why = "it was removed"
        yield Fault(anchor.tick, f"The anchored tick {anchor.tick} is not there: {why}.")
        return
    if found.seal != anchor.seal:
        known = "" if found.knows_incarnation else f", and the incarnation {anchor.incarnation} is not known here"
        yield Fault(
            anchor.tick,
            f"Tick {anchor.tick} has another seal than the anchor: it, or one before it, was replaced and sealed anew"
            f"{known}.",
        )
    if found.ticks > anchor.ticks:
        yield Fault(
            None,
            f"There are {found.ticks} ticks up to {anchor.tick}, and were {anchor.ticks}: older ones came back.",
        )
