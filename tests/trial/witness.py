"""A listener that believes nothing: it notes what it hears, checks each frame as it comes, and is audited at the end.

On the fly: no change twice, ticks and positions ascending, a tick whole (or in parts with an end), nothing that
progress had promised to be over, nothing after the end of a topic. At the end: what it heard is what the trail says,
row for row.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from tests.trial.floor import Reader
from tests.trial.line import STRETCH, Cut, Frame, Heard, Line, Refused
from tests.trial.trail import Trail

MARK = "marker "
"""A location that begins so is a mark."""


class Arrival(NamedTuple):
    """A frame of changes came."""

    tick: int
    # Unix seconds.
    at: float
    # When the first of its changes was captured, which is just before its commit; the server's clock, which is ours.
    written: float


@dataclass
class Hearing:
    """What was heard on one topic, from the join on."""

    warehouse: str
    # Live from behind this tick.
    after: int
    join_ref: str
    operations: list[dict[str, Any]] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    # The newest tick that progress called complete.
    complete: int = -1
    # `revoked` or `must_refetch` with its payload, and how the topic ended then.
    ended: tuple[str, Any] | None = None
    closed: str | None = None
    # Marks that a trial has written, to see whether everybody has heard them.
    marks: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    # The tick and place of the newest operation; a part of a large tick under way.
    _tick: int = -1
    _n: int = 0
    _part: int = 0

    def hear(self, frame: Frame, at: float) -> None:
        """Note a frame of this topic."""
        payload = frame.payload
        if self.closed is not None:
            self._fault(f"{frame.event} after {self.closed}")
        match frame.event:
            case "changes":
                self._changes(payload, at)
            case "progress":
                self._progress(payload)
            case "revoked" | "must_refetch":
                self.ended = (frame.event, payload)
            case "phx_close" | "phx_error":
                self.closed = frame.event
            case _:
                self._fault(f"unknown event {frame.event}")

    def _changes(self, payload: Any, at: float) -> None:
        tick = int(payload["tick"].text)
        part = int(payload["part"].text) if "part" in payload else 0
        if self.ended is not None:
            self._fault(f"changes of tick {tick} after {self.ended[0]}")
        if tick <= max(self.after, self.complete):
            self._fault(f"tick {tick} although live from behind {self.after} and complete up to {self.complete}")
        if part != self._part + 1 if self._part else part not in (0, 1):
            self._fault(f"part {part} of tick {tick} after part {self._part} of tick {self._tick}")
        if tick < self._tick or (tick == self._tick and not self._part):
            self._fault(f"tick {tick} after tick {self._tick}")
        operations = payload["changes"]
        if not operations and not part:
            self._fault(f"an empty frame of tick {tick}")
        for operation in operations:
            of, n = map(int, operation["position"].split("-"))
            if of != tick or (of == self._tick and n <= self._n):
                self._fault(f"{of}-{n} in tick {tick} after {self._tick}-{self._n}")
            self._tick, self._n = of, n
            self._note_mark(operation)
        self._tick = tick
        self._part = part if part and not payload["end"] else 0
        self.operations += operations
        if operations:
            written = min(operation["at"] for operation in operations)
            self.arrivals.append(Arrival(tick, at, datetime.fromisoformat(written).timestamp()))

    def _note_mark(self, operation: dict[str, Any]) -> None:
        location = operation["new"].get("location") if "new" in operation else None
        if location is not None and location.startswith(MARK):
            self.marks.add(location)

    def _progress(self, payload: Any) -> None:
        tick, n = map(int, payload["position"].split("-"))
        if n != 0 or tick < max(self.complete, self._tick) or self._part:
            self._fault(f"progress {payload['position']} after tick {self._tick} and progress {self.complete}")
        self.complete = max(self.complete, tick)

    def _fault(self, text: str) -> None:
        self.faults.append(text)

    def audit(self, trail: Trail, user: str, *, cut: bool = False) -> list[str]:
        """Compare with what the trail says; return every difference in a sentence, at most a few of a kind.

        Who was `cut` has to have heard a beginning of it.
        """
        expected = trail.expected(user, self.warehouse, self.after)
        if cut and self.ended is None:
            return self.faults + _differences(self.operations, expected.operations[: len(self.operations)])
        faults = self.faults + _differences(self.operations, expected.operations)
        if expected.ended is None:
            if self.ended is not None or self.closed is not None:
                faults.append(f"ended with {self.ended} {self.closed}, and access was never touched")
            elif self.complete < trail.last:
                faults.append(f"complete up to {self.complete} of {trail.last} only")
        else:
            _, how = expected.ended
            ending = "phx_close" if how == "revoked" else "phx_error"
            if self.ended is None or self.ended[0] != how or self.closed != ending:
                faults.append(f"should have ended with {how} and {ending}, ended with {self.ended} {self.closed}")
        return faults


class Witness:
    """Somebody on one connection, with one or more topics."""

    def __init__(self, reader: Reader, url: str) -> None:
        """Nothing is opened before `connect`."""
        self.reader = reader
        self.url = url
        self.hearings: dict[str, Hearing] = {}
        # Earlier hearings of a topic that was joined again.
        self.past: list[Hearing] = []
        # How the connection ended, if it ended before `close`.
        self.cut: Cut | None = None
        self._line: Line | None = None
        self._task: asyncio.Task[None] | None = None
        self._replies: dict[str, asyncio.Future[Any]] = {}
        self._joining: dict[str, str] = {}

    async def connect(self) -> None:
        """Open the socket and begin to listen."""
        self._line = await Line.open(self.url, self.reader.token)
        self._task = asyncio.create_task(self._listen(self._line), name=f"witness {self.reader.name}")

    async def join(self, warehouse: str, tables: Sequence[str] | None = None) -> Hearing:
        """Join a warehouse.

        Raises:
            Refused: with the server's code.
        """
        assert self._line is not None
        topic = f"warehouse:{warehouse}"
        if topic in self.hearings:
            self.past.append(self.hearings.pop(topic))
        payload: dict[str, Any] = {} if tables is None else {"tables": list(tables)}
        ref = await self._line.send(topic, "phx_join", payload)
        self._joining[ref] = warehouse
        future = self._replies[ref] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(10 * STRETCH):
            answer = await future
        if answer["status"] != "ok":
            raise Refused(answer["response"]["code"], answer["response"])
        return self.hearings[topic]

    async def close(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._line is not None:
            await self._line.close()

    @property
    def complete(self) -> int:
        """The newest tick that is complete on every topic that still goes on."""
        going = [hearing.complete for hearing in self.hearings.values() if hearing.closed is None]
        return min(going, default=2**63)

    @property
    def arrivals(self) -> list[Arrival]:
        """Every frame of changes, in the order in which they came."""
        every = (*self.hearings.values(), *self.past)
        return sorted((each for hearing in every for each in hearing.arrivals), key=lambda arrival: arrival.at)

    def heard(self) -> int:
        """How many changes were heard."""
        return sum(len(hearing.operations) for hearing in (*self.hearings.values(), *self.past))

    def audit(self, trail: Trail) -> list[str]:
        """Every fault, with our name."""
        faults = []
        for hearing in (*self.past, *self.hearings.values()):
            faults += hearing.audit(trail, str(self.reader.id), cut=self.cut is not None)
        return [f"{self.reader.name}: {fault}" for fault in faults]

    async def _listen(self, line: Line) -> None:
        while True:
            heard = await line.hear()
            if isinstance(heard, Cut):
                self.cut = heard
                return
            self._take(heard)

    def _take(self, heard: Heard) -> None:
        frame = heard.frame
        if frame.event == "phx_reply":
            # In this very call: a push may follow the reply in the same read.
            if frame.payload["status"] == "ok" and frame.ref in self._joining:
                after, n = map(int, frame.payload["response"]["position"].split("-"))
                assert n == 0, "a join's position names a whole tick"
                self.hearings[frame.topic] = Hearing(self._joining[frame.ref], after, frame.ref)
            if frame.ref in self._replies:
                self._replies.pop(frame.ref).set_result(frame.payload)
            return
        hearing = self.hearings.get(frame.topic)
        if hearing is None:
            raise AssertionError(f"{self.reader.name} hears {frame.event} on {frame.topic}, which is not joined")
        hearing.hear(frame, heard.at)


def longest_wait(witness: Witness, begun: float, ended: float) -> float:
    """Return the longest time from capture to receipt among frames that came in a span of Unix seconds."""
    return max((each.at - each.written for each in witness.arrivals if begun <= each.at <= ended), default=0.0)


def longest_silence(witness: Witness, begun: float, ended: float) -> float:
    """Return the longest time between two frames of changes that touches a span of Unix seconds."""
    times = [each.at for each in witness.arrivals]
    return max((b - a for a, b in pairwise(times) if b >= begun and a <= ended), default=0.0)


def _differences(heard: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]], most: int = 3) -> list[str]:
    """Say where two sequences of operations part."""
    if heard == expected:
        return []
    heard_at = {operation["position"] for operation in heard}
    expected_at = {operation["position"] for operation in expected}
    faults = []
    missing = [each["position"] for each in expected if each["position"] not in heard_at]
    foreign = [each["position"] for each in heard if each["position"] not in expected_at]
    if missing:
        faults.append(f"{len(missing)} changes were never heard: {missing[:most]} …")
    if foreign:
        faults.append(f"{len(foreign)} changes were not for it: {foreign[:most]} …")
    if not faults:
        pairs = zip(heard, expected, strict=False)
        unlike = [f"heard {ours}, expected {theirs}" for ours, theirs in pairs if ours != theirs]
        faults.append(f"{len(unlike)} changes differ: {unlike[:1]}")
    return faults
