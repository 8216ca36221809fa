"""Who is here, from Phoenix' `presence_state` and `presence_diff`, and what we show of ourselves (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from floorcast.client.channel import Payload
from floorcast.client.events import Metas, PresenceDiff, PresenceState


@dataclass(slots=True)
class Shown:
    """What others see of us; outlives a joining, and is said again in the next."""

    # Work order, "" for the warehouse itself → what we are shown with.
    _metas: dict[str, dict[str, Any]] = field(default_factory=dict)

    def track(self, meta: Mapping[str, Any], work_order: str | None) -> Payload:
        """Be shown with `meta` instead of what was before; returns the payload that says so."""
        self._metas[work_order or ""] = dict(meta) | ({"work_order": work_order} if work_order else {})
        return _said("track", self._metas[work_order or ""])

    def untrack(self, work_order: str | None) -> Payload:
        """Be shown no more, at a work order, or nowhere; returns the payload that says so."""
        if work_order is None:
            self._metas.clear()
            return _said("untrack", {})
        self._metas.pop(work_order, None)
        return _said("untrack", {"work_order": work_order})

    @property
    def at_joining(self) -> Mapping[str, Any] | None:
        """What goes into the join itself."""
        return self._metas.get("")

    def after_joining(self) -> Iterator[Payload]:
        """Yield what is to be said once it is joined."""
        for work_order, meta in self._metas.items():
            if work_order:
                yield _said("track", meta)


@dataclass(slots=True)
class Presence:
    """Everybody who is shown in a warehouse."""

    # Key → metas; each has a `phx_ref` of its own.
    present: dict[str, Metas] = field(default_factory=dict)

    def clear(self) -> None:
        """Nobody is known to be here."""
        self.present = {}

    def state(self, payload: Payload) -> PresenceState:
        """Take `presence_state`: it replaces whoever was known."""
        self.present = _read(payload)
        return PresenceState(dict(self.present))

    def diff(self, payload: Payload) -> PresenceDiff:
        """Take `presence_diff`. A meta that changed joins with a new ref, and leaves with its old one."""
        joins, leaves = _read(payload.get("joins") or {}), _read(payload.get("leaves") or {})
        for key, metas in joins.items():
            new = {meta.get("phx_ref") for meta in metas}
            stayed = tuple(meta for meta in self.present.get(key, ()) if meta.get("phx_ref") not in new)
            self.present[key] = (*stayed, *metas)
        for key, metas in leaves.items():
            gone = {meta.get("phx_ref") for meta in metas}
            stayed = tuple(meta for meta in self.present.get(key, ()) if meta.get("phx_ref") not in gone)
            if stayed:
                self.present[key] = stayed
            else:
                self.present.pop(key, None)
        return PresenceDiff(joins, leaves)


def _read(shown: Mapping[str, Any]) -> dict[str, Metas]:
    return {key: tuple(each["metas"]) for key, each in shown.items()}


def _said(event: str, meta: Mapping[str, Any]) -> Payload:
    return {"type": "presence", "event": event, "payload": dict(meta)}
