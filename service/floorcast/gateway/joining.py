"""A join and its answer (pure): given when the start is fixed, which may be later than the question."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from floorcast.access.policy import View
from floorcast.gateway import wire
from floorcast.gateway.join_request import Request
from floorcast.gateway.wire import Message, Version


@dataclass(frozen=True, slots=True)
class Joining:
    """What a join asked for, who asked, and what the answer says beside where the stream begins."""

    version: Version
    message: Message
    request: Request
    incarnation: str
    # Of the person in this warehouse, and what it shows him.
    role: str
    view: View
    # Table → columns of its key, for every table that is sent.
    keys: Mapping[str, tuple[str, ...]]
    # What became of his wish to be present, if he had one.
    presence: Mapping[str, Any] | None

    def accepted(self, tick: int, cursor: str | None) -> bytes:
        """Return the answer: live, or to be live, from after a tick."""
        response: dict[str, Any] = {
            "position": f"{tick}-0",
            "incarnation": self.incarnation,
            "cursor": cursor,
            "role": self.role,
            "tables": sorted(self.keys),
            "keys": self.keys,
        }
        if self.presence is not None:
            response["presence"] = self.presence
        return wire.reply(self.version, self.message, orjson.dumps(response))

    def refused(self, code: str, detail: str = "") -> bytes:
        """Return the answer that says no."""
        return wire.refusal(self.version, self.message, code, detail)

    def refetch(self, reason: str) -> bytes:
        """Return the answer that says to begin with a picture."""
        return wire.reply(self.version, self.message, wire.must_refetch_payload(reason), "error")
