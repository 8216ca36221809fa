"""What a view asks for: the options of a joining, checked and in the form of the wire (pure)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from floorcast.client.channel import Payload

History = Literal["every", "newest"]
Slow = Literal["resume", "newest", "close"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A warehouse, and what of it."""

    # Where the server is, as channel.socket_address writes it.
    address: str
    warehouse: str
    # None: every table that the person may read.
    tables: Sequence[str] | None = None
    # Table → filter, as docs/protocol.md has them.
    where: Mapping[str, str] | None = None
    # Table → the columns that come; None: all of them.
    columns: Mapping[str, Sequence[str]] | None = None
    # Table → a column and how many: the picture has only the newest rows by it.
    recent: Mapping[str, tuple[str, int]] | None = None
    history: History = "every"
    slow: Slow = "resume"
    # Should it be told who is here, and may it be shown itself?
    presence: bool = False

    def __post_init__(self) -> None:
        """Refuse a text where a list of names is meant: it would be taken for a list of letters."""
        for names in (self.tables, *(self.columns or {}).values()):
            if isinstance(names, str):
                raise ValueError(f"{names!r} is a text, where a list of names is expected")  # noqa: TRY004 — a value like others

    @property
    def topic(self) -> str:
        """What is joined."""
        return f"warehouse:{self.warehouse}"

    @property
    def binding(self) -> str:
        """64 hex digits that differ wherever a cursor for one is none for the other: another server, another view."""
        what = self._what()
        if self.tables is not None:
            what["tables"] = sorted(set(self.tables))
        if self.columns:
            what["columns"] = {table: sorted(set(names)) for table, names in self.columns.items()}
        described = json.dumps([self.address, self.warehouse, what], sort_keys=True)
        return hashlib.sha256(described.encode()).hexdigest()

    def join(self, origin: str, shown: Mapping[str, Any] | None) -> Payload:
        """Return the join's payload; `origin` is `snapshot`, `now` or a cursor, `shown` what others see of oneself."""
        payload = self._what() | {"from": origin}
        if self.recent:
            payload["recent"] = {table: {"by": by, "rows": rows} for table, (by, rows) in self.recent.items()}
        # Left out where it is what is meant anyway: an older server knows no other.
        if self.history != "every":
            payload["history"] = self.history
        if self.slow != "resume":
            payload["slow"] = self.slow
        if self.presence:
            payload["presence"] = True if shown is None else {"meta": dict(shown)}
        return payload

    def _what(self) -> dict[str, Any]:
        what: dict[str, Any] = {}
        if self.tables is not None:
            what["tables"] = list(self.tables)
        if self.where:
            what["where"] = dict(self.where)
        if self.columns:
            what["columns"] = {table: list(names) for table, names in self.columns.items()}
        return what
