"""A screen as a page is one: joins with a picture, applies changes, and goes on from its cursor when it was cut."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import psycopg
from tests.trial.floor import Reader
from tests.trial.line import Cut, Line, Refused, read_json

KEYS = {
    "equipment": ("id",),
    "work_orders": ("id",),
    "work_order_assignments": ("work_order_id", "user_id"),
    "work_order_timeline": ("id",),
    "inventory_items": ("id",),
    "inventory_transactions": ("id",),
}
"""Tables that are followed, and their keys."""

_ASKED = {
    "tables": list(KEYS),
    "where": {"work_orders": "status=not.in.(completed,verified,closed,cancelled)"},
    "recent": {
        "work_order_timeline": {"by": "timestamp", "rows": 50},
        "inventory_transactions": {"by": "created_at", "rows": 50},
    },
}

# What must be held at least; of a filtered table nothing else may be.
_SHOWN = {
    "work_orders": "status not in ('completed', 'verified', 'closed', 'cancelled')",
    "work_order_timeline": """id in (
        select id from visible.work_order_timeline
        where warehouse_id = %(warehouse)s order by "timestamp" desc, id limit 50
    )""",
    "inventory_transactions": """id in (
        select id from visible.inventory_transactions
        where warehouse_id = %(warehouse)s order by created_at desc, id limit 50
    )""",
}
_FILTERED = frozenset({"work_orders"})

_AGAIN_SECONDS = 0.1

Store = dict[str, dict[tuple[Any, ...], Any]]


class Screen:
    """One warehouse as somebody sees it, kept up through losses of its gateway."""

    def __init__(self, reader: Reader, warehouse: str, urls: Sequence[str]) -> None:
        """`urls` are gateways, tried in turn."""
        self.reader = reader
        self.warehouse = warehouse
        self._urls = list(urls)
        self.store: Store = {}
        # Why each connection or topic ended before the present one.
        self.losses: list[str] = []
        # Everything up to this tick is in the store; -1 while that is not known.
        self.complete = -1
        self.pictures = 0
        # Of what is in the store; None: begin with a picture.
        self._cursor: str | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._follow(), name=f"screen {self.reader.name}")

    async def stop(self) -> None:
        """End; a fault that ended it before is raised."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        for turn in range(1_000_000):
            url = self._urls[turn % len(self._urls)]
            try:
                line = await Line.open(url, self.reader.token)
            except (OSError, Refused, EOFError):
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            try:
                self.losses.append(await self._show(line))
            finally:
                self.complete = -1
                await line.close()
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _show(self, line: Line) -> str:
        """Follow on one connection; return why it ended."""
        asked = _ASKED | {"from": self._cursor or "snapshot"}
        await line.send(f"warehouse:{self.warehouse}", "phx_join", asked)
        parts: list[Any] = []
        while True:
            heard = await line.hear()
            if isinstance(heard, Cut):
                return str(heard)
            event, payload = heard.frame.event, heard.frame.payload
            match event:
                case "phx_reply" if payload["status"] != "ok":
                    return self._ended(str(payload["response"]["code"]))
                case "must_refetch" | "revoked" | "phx_error" | "phx_close":
                    return self._ended(event)
                case "snapshot" | "changes":
                    parts.append(payload)
                    if payload.get("end", True):
                        self._take(event, parts)
                        parts.clear()
                case "progress":
                    self.complete = int(payload["position"].split("-")[0])
                    self._cursor = payload["cursor"]

    def _ended(self, why: str) -> str:
        if why in ("must_refetch", "bad_cursor", "revoked"):
            self._cursor = None
        return why

    def _take(self, event: str, parts: Sequence[Any]) -> None:
        """Apply a whole picture or a whole tick."""
        if event == "snapshot":
            self.pictures += 1
            self.store = {table: {} for table in KEYS}
        for part in parts:
            for table, rows in part.get("rows", {}).items():
                self.store[table].update({tuple(row[name] for name in KEYS[table]): row for row in rows})
            for operation in part.get("changes", ()):
                table = operation["table"]
                key = tuple(operation["key"][name] for name in KEYS[table])
                if operation["op"] == "leave":
                    self.store[table].pop(key, None)
                else:
                    self.store[table][key] = operation["new"]
        self._cursor = parts[-1]["cursor"]

    def differences(self, owner_url: str) -> list[str]:
        """Compare with the database; nothing may be written meanwhile. Return every difference in a sentence."""
        faults = []
        with psycopg.connect(owner_url, autocommit=True) as connection:
            connection.execute("set timezone to 'UTC'")
            # As the reader, so that what is hidden from him is null here too.
            claims = f'{{"sub": "{self.reader.id}", "role": "authenticated"}}'
            connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
            connection.execute("set role authenticated")
            for table, key in KEYS.items():
                shown = self._rows(connection, table, key, _SHOWN.get(table, "true"))
                rows = shown if table in _FILTERED else self._rows(connection, table, key, "true")
                held = self.store.get(table, {})
                faults += [f"{table} {name} is held and gone" for name in held.keys() - rows.keys()]
                faults += [f"{table} {name} is missing" for name in shown.keys() - held.keys()]
                faults += [
                    f"{table} {name} is held as {held[name]} and is {rows[name]}"
                    for name in held.keys() & rows.keys()
                    if held[name] != rows[name]
                ]
        return [f"screen of {self.reader.name}: {fault}" for fault in faults]

    def _rows(
        self, connection: psycopg.Connection[tuple[Any, ...]], table: str, key: tuple[str, ...], where: str
    ) -> dict[tuple[Any, ...], Any]:
        text = f"select row_to_json(t)::text from visible.{table} as t where warehouse_id = %(warehouse)s and {where}"
        rows = (read_json(row[0]) for row in connection.execute(text.encode(), {"warehouse": self.warehouse}))
        return {tuple(row[name] for name in key): row for row in rows}
