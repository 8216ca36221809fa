"""A screen as a page is one: joins, reads the picture, applies changes, and does all of it again when it was cut."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import psycopg
from tests.trial.floor import Reader, http_get
from tests.trial.line import Cut, Frame, Line, Refused, read_json

KEYS = {
    "equipment": ("id",),
    "work_orders": ("id",),
    "work_order_assignments": ("work_order_id", "user_id"),
    "work_order_timeline": ("id",),
    "inventory_items": ("id",),
    "inventory_transactions": ("id",),
}
"""Tables of the picture that are followed, and their keys."""

# What a picture read now would have to hold, table by table. Except assignments of an order that was reopened: a
# picture read while it was closed has none of them, and reopening does not tell them again.
_SHOWN = {
    "equipment": "deleted_at is null and status <> 'retired'",
    "work_orders": "deleted_at is null and status not in ('completed', 'verified', 'closed', 'cancelled')",
    "work_order_assignments": """work_order_id in (
        select id from visible.work_orders
        where deleted_at is null and status not in ('completed', 'verified', 'closed', 'cancelled')
    ) and work_order_id not in (select work_order_id from visible.work_order_timeline where event_type = 'reopened')""",
    "work_order_timeline": """id in (
        select id from visible.work_order_timeline
        where warehouse_id = %(warehouse)s order by "timestamp" desc, id limit 50
    )""",
    "inventory_items": "deleted_at is null",
    "inventory_transactions": """id in (
        select id from visible.inventory_transactions
        where warehouse_id = %(warehouse)s order by created_at desc, id limit 50
    )""",
}

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
        # Everything up to this tick is in the store; -1 while there is none.
        self.complete = -1
        self.pictures = 0
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
                self.losses.append(await self._show(line, url))
            finally:
                self.complete = -1
                await line.close()
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _show(self, line: Line, url: str) -> str:
        """Follow on one connection; return why it ended."""
        topic = f"warehouse:{self.warehouse}"
        await line.send(topic, "phx_join", {})
        after: int | None = None
        reading: asyncio.Task[tuple[int, Store]] | None = None
        base: int | None = None
        waiting: list[Frame] = []
        try:
            while True:
                heard = await line.hear()
                if isinstance(heard, Cut):
                    return str(heard)
                frame = heard.frame
                if frame.event == "phx_reply" and after is None:
                    if frame.payload["status"] != "ok":
                        return str(frame.payload["response"]["code"])
                    after = int(frame.payload["response"]["position"].split("-")[0])
                    reading = asyncio.create_task(self._read_picture(url, after))
                elif frame.event in ("must_refetch", "revoked", "phx_error", "phx_close"):
                    return str(frame.event)
                else:
                    waiting.append(frame)
                if base is None and reading is not None and reading.done():
                    base, self.store = reading.result()
                    self.pictures += 1
                if base is not None:
                    for each in waiting:
                        self._apply(each, base)
                    waiting.clear()
        finally:
            if reading is not None:
                reading.cancel()

    async def _read_picture(self, url: str, after: int) -> tuple[int, Store]:
        """Read until there is a picture that is not older than the join."""
        while True:
            address = f"{url}/v1/picture?warehouse={self.warehouse}"
            picture = await asyncio.to_thread(http_get, address, self.reader.token, read_json)
            if picture is not None:
                tick = int(picture["position"].split("-")[0])
                if tick >= after:
                    store = {
                        table: {tuple(row[name] for name in key): row for row in picture["tables"][table]}
                        for table, key in KEYS.items()
                    }
                    return tick, store
            await asyncio.sleep(_AGAIN_SECONDS)

    def _apply(self, frame: Frame, base: int) -> None:
        if frame.event == "progress":
            tick = int(frame.payload["position"].split("-")[0])
            self.complete = max(self.complete, tick) if tick >= base else self.complete
            return
        if frame.event != "changes" or int(frame.payload["tick"].text) <= base:
            return
        for operation in frame.payload["changes"]:
            table = operation["table"]
            if table not in KEYS:
                continue
            key = tuple(operation["key"][name] for name in KEYS[table])
            if operation["op"] == "leave":
                self.store[table].pop(key, None)
            else:
                self.store[table][key] = operation["new"]

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
                rows = self._rows(connection, table, key, "true")
                shown = self._rows(connection, table, key, _SHOWN[table])
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
