"""Somebody who comes back: begins with a picture, keeps the cursor, and returns with it after every loss.

What was applied is kept for the ledger (`ledger.py`): a *life* is one picture and everything behind it, through as
many connections as it took, until the server says `must_refetch`.
"""

import asyncio
import json
import random
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tests.trial.floor import STRETCH, Reader
from tests.trial.line import Frame, Refused, read_json
from tests.trial.wire import Wire

_HEARTBEAT_SECONDS = 2.0
_PATIENCE_SECONDS = 2.0 * STRETCH
_LONGEST_WAIT = 2.0

# Refusals after which one asks again: whoever is hurt may say so.
_AGAIN = {"not_ready", "unavailable", "too_busy", "too_many_joins", "too_many_connections", "connecting_too_often"}


@lru_cache(maxsize=16_384)
def _frame(text: bytes) -> Frame:
    # Everybody who joined in the same way gets the same bytes: read once, and the ledger compares them once.
    return Frame(*read_json(text.decode())[:5])


@dataclass
class Life:
    """A picture and what was applied to it."""

    incarnation: str
    keys: dict[str, list[str]]
    # The tick of the picture, and its parts as they came.
    tick: int = -1
    picture: list[Any] = field(default_factory=list)
    # Ticks that were applied, parts together: the tick, and the payloads of its frames.
    applied: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)
    # Why it could not be continued.
    ended: str | None = None


class Regular:
    """One client of one warehouse."""

    def __init__(self, reader: Reader, warehouse: str, urls: Sequence[str]) -> None:
        """`urls` are gateways, tried in turn."""
        self.reader = reader
        self.warehouse = warehouse
        self._urls = list(urls)
        self.lives: list[Life] = []
        self.faults: list[str] = []
        # When changes came, Unix seconds; a picture counts as one.
        self.arrivals = array("d")
        self.losses = 0
        # Everything up to this tick is applied; -1 without a picture.
        self.reached = -1
        # Whether a joining is under way or stands.
        self.joined = False
        self._cursor: str | None = None
        self._wire: Wire | None = None
        self._topic = f"warehouse:{warehouse}"
        self._refs = 0
        self._join_ref = ""
        self._draft: Life | None = None
        self._parts: list[Any] = []
        self._heard_at = 0.0
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    def __str__(self) -> str:
        """Who it is and how far he is."""
        return f"{self.reader.name} in {self.warehouse[:8]} ({'joined' if self.joined else 'away'}, {self.reached})"

    def has_reached(self, tick: int, incarnation: str) -> bool:
        """Whether everything up to a tick is applied, in this history."""
        return self.joined and self.reached >= tick and self.lives[-1].incarnation == incarnation

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._live(), name=f"regular {self.reader.name}")

    async def stop(self) -> None:
        """End; a fault of ours is raised."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            if not self._task.cancelled() and (error := self._task.exception()) is not None:
                raise error

    async def _live(self) -> None:
        for turn in range(random.randrange(2), 1_000_000):
            try:
                self._wire = await Wire.dial(
                    self._urls[turn % len(self._urls)], self.reader.token, self._hear, _PATIENCE_SECONDS
                )
            except (OSError, EOFError):
                await self._pause()
                continue
            except Refused as refused:
                if refused.code not in _AGAIN | {"shutting_down"}:
                    self._fault(f"refused at the door: {refused}")
                await self._pause()
                continue
            try:
                self._join()
                await self._stay(self._wire)
            finally:
                self.joined = False
                self._wire.abort()
            self.losses += 1
            # A tick or a picture of which a part is missing was never applied.
            self._parts.clear()
            self._draft = None
            await self._pause()

    async def _stay(self, wire: Wire) -> None:
        """Return when the socket ended, or nobody answers on it."""
        self._heard_at = time.monotonic()
        while True:
            asked = time.monotonic()
            wire.send(json.dumps([None, self._ref(), "phoenix", "heartbeat", {}]))
            done, _ = await asyncio.wait({wire.ended}, timeout=max(_HEARTBEAT_SECONDS, _PATIENCE_SECONDS))
            if done or self._heard_at < asked:
                return

    async def _pause(self) -> None:
        self._failures += 1
        await asyncio.sleep(random.uniform(0, min(2.0 ** (self._failures - 1), _LONGEST_WAIT)))

    def _ref(self) -> str:
        self._refs += 1
        return str(self._refs)

    def _join(self) -> None:
        assert self._wire is not None
        self._join_ref = self._ref()
        self._parts.clear()
        self._draft = None
        start = {"from": self._cursor or "snapshot"}
        self._wire.send(json.dumps([self._join_ref, self._join_ref, self._topic, "phx_join", start]))

    def _join_later(self, seconds: float) -> None:
        """Ask again on this socket, if it is still there then."""
        wire = self._wire

        def again() -> None:
            if wire is self._wire and wire is not None and not wire.ended.done():
                self._join()

        asyncio.get_running_loop().call_later(seconds, again)

    def _hear(self, text: bytes) -> None:
        self._heard_at = time.monotonic()
        frame = _frame(text)
        if frame.topic != self._topic:
            return
        match frame.event:
            case "changes":
                self._changes(frame.payload)
            case "progress":
                self._progress(frame.payload)
            case "phx_reply":
                self._reply(frame)
            case "snapshot":
                self._snapshot(frame.payload)
            case "must_refetch":
                self._end(frame.payload["reason"])
            case "phx_error":
                self.joined = False
                self._join_later(random.uniform(0, 1))
            case _:
                self._fault(f"{frame.event}: {frame.payload}")

    def _reply(self, frame: Frame) -> None:
        answer = frame.payload["response"]
        if frame.ref != self._join_ref:
            return
        if frame.payload["status"] != "ok":
            code = answer["code"]
            if code == "must_refetch":
                self._end(answer["reason"])
            elif code not in _AGAIN:
                self._fault(f"refused: {answer}")
            wait = int(answer["retry_after_ms"].text) / 1000 if "retry_after_ms" in answer else random.uniform(0, 1)
            self._join_later(wait)
            return
        self.joined = True
        self._failures = 0
        if self._cursor is None:
            self._draft = Life(answer["incarnation"], answer["keys"])
            return
        position = int(answer["position"].split("-")[0])
        if position != self.reached:
            self._fault(f"came back from {self.reached} and was taken up at {position}")
        if answer["incarnation"] != self.lives[-1].incarnation:
            self._fault("was taken up in another incarnation")

    def _snapshot(self, payload: Any) -> None:
        life = self._draft
        if life is None:
            self._fault("a picture that was not asked for")
            return
        life.picture.append(payload)
        if int(payload["part"].text) != len(life.picture):
            self._fault(f"part {payload['part'].text} of a picture is the {len(life.picture)}th to come")
        if payload["end"]:
            life.tick = self.reached = int(payload["tick"].text)
            self._cursor = payload["cursor"]
            self.lives.append(life)
            self._draft = None
            self.arrivals.append(time.time())

    def _changes(self, payload: Any) -> None:
        tick = int(payload["tick"].text)
        if not self.joined or self._draft is not None or self._cursor is None:
            self._fault(f"changes of tick {tick} without a picture")
            return
        if payload.get("folded"):
            self._fault(f"tick {tick} was folded, and every change was asked for")
        if tick <= self.reached:
            self._fault(f"tick {tick}, and {self.reached} is applied")
        part = int(payload["part"].text) if "part" in payload else 1
        if part != len(self._parts) + 1 or (self._parts and int(self._parts[0]["tick"].text) != tick):
            self._fault(f"part {part} of tick {tick} behind {len(self._parts)} parts")
        self._parts.append(payload)
        if payload.get("end", True):
            self.lives[-1].applied.append((tick, tuple(self._parts)))
            self._parts.clear()
            self.reached = tick
            self._cursor = payload["cursor"]
        self.arrivals.append(time.time())

    def _progress(self, payload: Any) -> None:
        tick = int(payload["position"].split("-")[0])
        if self._draft is not None or self._cursor is None or self._parts or tick < self.reached:
            self._fault(f"progress {tick}, and {self.reached} is applied, with {len(self._parts)} parts under way")
            return
        self.reached = tick
        self._cursor = payload.get("cursor", self._cursor)

    def _end(self, reason: str) -> None:
        if self._cursor is not None:
            self.lives[-1].ended = reason
        self._cursor = None
        self.reached = -1
        self._parts.clear()
        self._draft = None

    def _fault(self, text: str) -> None:
        self.faults.append(f"{self.reader.name} in {self.warehouse[:8]}: {text}")
