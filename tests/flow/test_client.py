"""The Python client on a real gateway: wherever the line breaks, it holds what the database shows its person."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from tests.fixtures.page import Floorcast
from tests.fixtures.proxy import OpenLink
from tests.fixtures.time import UNIT

from floorcast.client import (
    Changes,
    FileCursor,
    Forgotten,
    Joined,
    Progress,
    Snapshot,
    ViewEvent,
    Waiting,
    WarehouseView,
)
from floorcast.factory import plant

TABLES = ("equipment", "inventory_items", "work_order_timeline", "work_orders")
SOUTH = plant.SOUTH.id
REPORT = b"""
    insert into public.work_orders (warehouse_id, equipment_id, title)
    select warehouse_id, id, %s from public.equipment where id = %s
"""
MANAGER = plant.demo_id("person", plant.MANAGER.name)


class Soon(Random):
    """Draws short waits, and not all the same."""

    def random(self) -> float:
        """Return a small share."""
        return super().random() * 0.02


class Listener:
    """A view, what it told, and how to wait for it."""

    def __init__(self, view: WarehouseView) -> None:
        """Listen to a view, which must be open."""
        self.view = view
        self.events: list[ViewEvent] = []

    async def until(self, met: Callable[[ViewEvent], bool]) -> Any:
        """Go on to the event that meets a condition."""
        try:
            async with asyncio.timeout(20 * UNIT):
                async for event in self.view:
                    self.events.append(event)
                    if met(event):
                        return event
        except TimeoutError:
            pytest.fail(f"it did not come; the last that did: {[str(event)[:200] for event in self.events[-5:]]}")
        raise AssertionError(f"the view ended; it told {self.events}")

    async def until_told(self, up: Floorcast) -> None:
        """Go on until everything that has committed by now was told."""
        async with up.database.owner() as connection:
            found = await (await connection.execute(b"select clock_timestamp()")).fetchone()
        assert found is not None
        now: datetime = found[0]
        await self.until(lambda event: isinstance(event, Progress) and datetime.fromisoformat(event.at) > now)

    def positions(self, after: int) -> list[str]:
        """Return every change behind a tick that was told, in order."""
        steps = [event for event in self.events if isinstance(event, Changes) and event.tick > after]
        return [change.position for step in steps for change in step.changes]

    def told(self, kind: type[ViewEvent]) -> list[Any]:
        """Return all events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def listening(
    up: Floorcast, url: str, person: str = plant.MANAGER.name, **options: Any
) -> AsyncIterator[Listener]:
    """Open a view of North Plant that comes back quickly."""
    usual: dict[str, Any] = {"tables": TABLES, "random": Soon(1), "parse_float": Decimal}
    async with WarehouseView(url, lambda: up.token(person), str(up.warehouse), **(usual | options)) as view:
        yield Listener(view)


async def shown(up: Floorcast, person: UUID, table: str, where: str = "true") -> dict[Any, Any]:
    """Return the rows of North Plant that the database shows somebody, by id."""
    query = f"select row_to_json(v)::text from visible.{table} v where warehouse_id = %s and {where}"
    async with up.database.person(person) as connection:
        cursor = await connection.execute(query.encode(), (up.warehouse,))
        rows = [json.loads(text, parse_float=Decimal) for (text,) in await cursor.fetchall()]
    return {row["id"]: row for row in rows}


async def is_as_shown(up: Floorcast, listener: Listener, person: UUID = MANAGER) -> None:
    """Compare what a view holds with what the database shows its person now."""
    for table in TABLES:
        assert dict(listener.view.rows(table)) == await shown(up, person, table), table


def address(up: Floorcast) -> str:
    """Where sockets are."""
    return up.page_url.replace("http", "ws")


async def write(up: Floorcast, random: Random, statements: int) -> None:
    """Do what people do in two warehouses: report, finish, retire, restore, move, count, and think better of it."""
    machines = [machine.id for machine in plant.MACHINES]
    async with up.database.owner() as connection:
        for number in range(statements):
            machine = random.choice(machines)
            many = b"(select id from public.work_orders order by md5(id::text || %s) limit %s)"
            query, parameters = random.choice(
                [
                    (REPORT, (f"Report {number}", machine)),
                    (b"update public.work_orders set title = title || '.' where id in " + many, (str(number), 5)),
                    (b"update public.work_orders set deleted_at = now() where id in " + many, (str(number), 1)),
                    (b"update public.work_orders set deleted_at = null where id in " + many, (str(number), 3)),
                    (
                        b"update public.equipment set warehouse_id = %s where id = %s",
                        (random.choice([up.warehouse, SOUTH]), machine),
                    ),
                    (b"update public.inventory_items set quantity = quantity + 1", ()),
                ]
            )
            async with connection.transaction(force_rollback=random.random() < 0.1):
                await connection.execute(query, parameters)


async def test_wherever_the_line_breaks_nothing_is_missing_and_nothing_comes_twice(
    floorcast_up: Floorcast, proxy: OpenLink
) -> None:
    """Beside one that is never cut: the same changes in the same order, and both hold what the database shows."""
    up, random = floorcast_up, Random(7)
    link = await proxy(address(up))
    async with listening(up, link.url) as cut, listening(up, address(up)) as whole:
        written = asyncio.create_task(write(up, random, 150))

        async def break_the_line() -> None:
            while not written.done():
                await asyncio.sleep(random.random() * 0.1)
                await link.drop()

        breaking = asyncio.create_task(break_the_line())
        await asyncio.gather(cut.until_told(up), whole.until_told(up))
        await asyncio.gather(written, breaking)
        await asyncio.gather(cut.until_told(up), whole.until_told(up))
        await is_as_shown(up, whole)
        await is_as_shown(up, cut)
    assert len(cut.told(Waiting)) > 3
    assert not whole.told(Waiting)
    assert "cursor" in {joined.origin for joined in cut.told(Joined)}
    first = max(cut.told(Snapshot)[-1].tick, whole.told(Snapshot)[0].tick)
    positions = cut.positions(first)
    assert len(positions) == len(set(positions))
    assert positions == whole.positions(first)


async def test_a_deploy_while_people_write_leaves_nothing_out(floorcast_up: Floorcast) -> None:
    """The next gateway remembers nothing: what was missed is read from the logs, exactly."""
    up, random = floorcast_up, Random(11)
    async with listening(up, address(up)) as listener:
        first = await listener.until(lambda event: isinstance(event, Snapshot))
        written = asyncio.create_task(write(up, random, 60))

        async def deploy() -> None:
            await up.stop("gateway")
            await written
            await up.start_gateway()

        deploying = asyncio.create_task(deploy())
        waiting = await listener.until(lambda event: isinstance(event, Waiting))
        assert waiting.error.code == "shutting_down"
        await listener.until(lambda event: isinstance(event, Joined))
        await deploying
        await listener.until_told(up)
        await is_as_shown(up, listener)
    assert [joined.origin for joined in listener.told(Joined)] == ["snapshot", "cursor"]
    steps = [event.tick for event in listener.events if isinstance(event, Changes)]
    assert steps == sorted(set(steps))
    assert min(steps) > first.tick


async def test_a_filter_and_columns_are_followed(floorcast_up: Floorcast) -> None:
    """A row that ceases to meet the filter leaves; one that begins to enters whole, as far as it was asked for."""
    up = floorcast_up
    options = {"where": {"work_orders": "status=eq.open"}, "columns": {"work_orders": ["title", "status"]}}
    async with listening(up, address(up), tables=["work_orders"], **options) as listener:
        await listener.until(lambda event: isinstance(event, Snapshot))
        opened = await shown(up, MANAGER, "work_orders", "status = 'open'")
        assert opened
        assert listener.view.rows("work_orders").keys() == opened.keys()
        (first, *_) = opened
        for status, there in (("cancelled", False), ("open", True)):
            await up.write("update public.work_orders set status = %s where id = %s", status, first)
            await listener.until(lambda event: isinstance(event, Changes))
            assert (first in listener.view.rows("work_orders")) == there
        row = listener.view.rows("work_orders")[first]
        assert row.keys() == {"id", "title", "status"}


async def test_a_changed_role_is_another_picture(floorcast_up: Floorcast) -> None:
    """Read as the new role sees it, costs and all; whoever was away when it changed is told so at the join."""
    up = floorcast_up
    change = "update public.user_warehouse_access set role = %s where user_id = %s and warehouse_id = %s"
    async with listening(up, address(up)) as listener:
        await listener.until(lambda event: isinstance(event, Snapshot))
        await is_as_shown(up, listener)
        await up.write(change, "viewer", MANAGER, up.warehouse)
        forgotten = await listener.until(lambda event: isinstance(event, Forgotten))
        assert (forgotten.reason, forgotten.final) == ("policy", False)
        await listener.until(lambda event: isinstance(event, Snapshot))
        await is_as_shown(up, listener)
    assert listener.told(Joined)[-1].role == "viewer"


async def test_who_was_away_for_a_changed_role_is_told_at_the_join(floorcast_up: Floorcast, proxy: OpenLink) -> None:
    """The cursor was given out for another view."""
    up = floorcast_up
    link = await proxy(address(up))
    change = "update public.user_warehouse_access set role = %s where user_id = %s and warehouse_id = %s"
    async with listening(up, link.url) as listener:
        await listener.until(lambda event: isinstance(event, Snapshot))
        await link.cut()
        await listener.until(lambda event: isinstance(event, Waiting))
        await up.write(change, "viewer", MANAGER, up.warehouse)
        await link.heal()
        forgotten = await listener.until(lambda event: isinstance(event, Forgotten))
        assert (forgotten.reason, forgotten.final) == ("policy", False)
        await listener.until(lambda event: isinstance(event, Snapshot))
        await is_as_shown(up, listener)


@pytest.mark.parametrize("away", [False, True])
async def test_withdrawn_access_ends_the_view_and_leaves_nothing(
    floorcast_up: Floorcast,
    proxy: OpenLink,
    tmp_path: Path,
    away: bool,  # noqa: FBT001 — pytest's way
) -> None:
    """Rows and cursor, whether he was there to hear it or not."""
    up, path = floorcast_up, tmp_path / "cursor"
    link = await proxy(address(up))
    async with (
        listening(up, link.url, keep_rows=False, cursor=FileCursor(path)) as listener,
        listening(up, address(up)) as present,
    ):
        await listener.until(lambda event: isinstance(event, Progress))
        await present.until(lambda event: isinstance(event, Progress))
        if away:
            await link.cut()
            await listener.until(lambda event: isinstance(event, Waiting))
        await up.write("delete from public.user_warehouse_access where user_id = %s", MANAGER)
        await present.until(lambda event: isinstance(event, Forgotten))
        if away:
            await link.heal()
        forgotten = await listener.until(lambda event: isinstance(event, Forgotten))
        assert (forgotten.reason, forgotten.final) == ("forbidden" if away else "revoked", True)
        assert [event async for event in listener.view] == []
    assert not path.exists()


async def test_people_see_each_other_again_after_a_loss(floorcast_up: Floorcast, proxy: OpenLink) -> None:
    """Whoever is cut off comes back with what he was shown with, at the order that he works on too."""
    up = floorcast_up
    link, order = await proxy(address(up)), "479e0bff-0000-4000-8000-000000000000"
    anna = str(plant.demo_id("person", "Technician One"))

    def is_here(listener: Listener) -> bool:
        metas = listener.view.present.get(anna, ())
        return {meta.get("work_order") for meta in metas} == {None, order}

    async with (
        listening(up, link.url, "Technician One", presence=True) as lost,
        listening(up, address(up), presence=True) as other,
    ):
        await lost.view.track({"device": "tablet"})
        await lost.view.track({"doing": "repair"}, work_order=order)
        await lost.until(lambda _: is_here(lost))
        await other.until(lambda _: is_here(other))
        await link.drop()
        await other.until(lambda _: anna not in other.view.present)
        await lost.until(lambda event: isinstance(event, Joined))
        await lost.until(lambda _: is_here(lost))
        await other.until(lambda _: is_here(other))
        await lost.view.untrack()
        await other.until(lambda _: anna not in other.view.present)


def entered(line: bytes) -> list[int]:
    """Return the number of an order that enters, if that is what a line is about."""
    change = json.loads(line)
    return [int(change["new"]["title"].split()[1])] if change["op"] == "enter" else []


async def test_a_program_that_is_killed_again_and_again_misses_nothing(floorcast_up: Floorcast, tmp_path: Path) -> None:
    """What it had not finished is told again; with the cursor in a file nothing else is."""
    up, random = floorcast_up, Random(3)
    command = (sys.executable, "-m", "floorcast", "tail", "--url", address(up), str(up.warehouse))
    options = ("--json", "--tables", "work_orders", "--from", "now", "--cursor-file", str(tmp_path / "cursor"))
    insert = "insert into public.work_orders (warehouse_id, title) values (%s, %s)"
    lives: list[list[int]] = []
    expected = 0
    for life in range(3):
        process = await asyncio.create_subprocess_exec(
            *command,
            *options,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"FLOORCAST_TOKEN": up.token(), "FLOORCAST_HOME": str(tmp_path)},
        )
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(20 * UNIT):
            said = (await process.stderr.readline()).decode()
            assert said.rstrip().endswith("on" if life == 0 else "without a gap")
            # In the last life until everything was told.
            enough = random.randrange(3, 8)
            for _ in range(10):
                expected += 1
                await up.write(insert, up.warehouse, f"Order {expected}")
            numbers: list[int] = []
            while len(numbers) < enough or (life == 2 and numbers[-1] < expected):
                numbers.extend(entered(await process.stdout.readline()))
        process.send_signal(signal.SIGKILL)
        # What is printed is done with, read or not.
        rest, _ = await process.communicate()
        lives.append([*numbers, *(number for line in rest.splitlines() for number in entered(line))])
    assert sorted({number for numbers in lives for number in numbers}) == list(range(1, expected + 1))
    for before, after in pairwise(lives):
        assert after == list(range(after[0], after[0] + len(after)))
        assert before[0] < after[0] <= before[-1] + 1
