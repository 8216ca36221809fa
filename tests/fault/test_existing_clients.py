"""Front ends that people have, on processes: what they are told, and the server restarted under them."""

import asyncio
import json
from collections import Counter
from itertools import count
from typing import Any

from tests.builders import a_token
from tests.fixtures.floor import OpenHall
from tests.fixtures.scripts import Run, Script
from tests.fixtures.time import UNIT
from tests.trial.floor import Floor, Reader

from floorcast.factory import plant

KEY = a_token(role="anon", sub=None, aud=None)
"""A project's: of nobody in particular."""

_TOLD = """
select c.table_name, upper(c.op), coalesce(c.new, c.old)::jsonb ->> 'id', c.new::jsonb ->> 'version',
    coalesce(c.new, c.old)::jsonb ->> 'name'
from floorcast.change as c
where c.seq > %s and c.warehouse = any(%s) and (
    c.table_name = 'work_orders'
    or (c.table_name = 'equipment' and c.op = 'update' and c.new::jsonb ->> 'status' in ('down', 'in_maintenance'))
    or (c.table_name = 'inventory_transactions' and c.op = 'insert')
    or (c.table_name = 'inventory_items' and c.op = 'update')
    or (c.table_name = 'notifications' and c.op = 'insert' and c.new::jsonb ->> 'user_id' = %s)
)
"""
_ENDPOINT = "/realtime/v1"


async def _open_service(node: Run, floor: Floor, reader: Reader, gateway: int) -> Script:
    url = floor.gateway_url(gateway)
    script = await node("service.js", url, KEY, reader.token, str(reader.id))
    await script.until("ready")
    return script


async def test_a_service_module_of_supabase_js_shows_what_happens_on_a_busy_floor(
    open_hall: OpenHall, node: Run
) -> None:
    """Orders, alerts, stock, notifications, who is online and announcements, for two people at two gateways.

    Neither names a warehouse. Each is told every change that he may see, and no other.
    """
    hall = await open_hall()
    floor = hall.floor
    readers = [floor.demo_reader("Manager One"), floor.demo_reader("Technician One")]
    scripts = [await _open_service(node, floor, reader, number) for number, reader in enumerate(readers)]
    people = sorted(str(reader.id) for reader in readers)
    for script in scripts:
        await script.until("online", people=people)
    ((before,),) = await asyncio.to_thread(floor.query, "select max(seq) from floorcast.change")
    hall.keep_busy(150)
    # The simulation decides by itself what it does: until there was something of everything.
    missing = {"work_orders", "equipment", "inventory_transactions", "inventory_items", "notifications"}
    seen_before: list[tuple[Any, ...]] = []
    while missing:
        seen_before.append(await _seen(scripts[0]))
        missing.discard(seen_before[-1][0])
    await hall.rest()
    await asyncio.to_thread(floor.settle)
    # Apart, since a machine that goes down is notified about behind its own change.
    for last in ("status = 'down'", "name = 'last'"):
        await asyncio.to_thread(floor.query, f"update equipment set {last} where id = %s", _MACHINE)
    for script, reader, before_last in zip(scripts, readers, (seen_before, []), strict=True):
        seen = [*before_last, *await _seen_up_to(script, "last")]
        assert Counter(seen) == Counter(await _told(floor, before, reader)), reader.name
    await scripts[1].say(text="Fire drill at noon")
    assert (await scripts[1].until("said"))["answer"] == "ok"
    assert (await scripts[0].until("announcement"))["text"] == "Fire drill at noon"
    assert await scripts[1].end() == 0
    await scripts[0].until("online", people=[str(readers[0].id)])
    assert await scripts[0].end() == 0


async def _told(floor: Floor, since: int, reader: Reader) -> list[tuple[Any, ...]]:
    return await asyncio.to_thread(floor.query, _TOLD, since, list(reader.roles), str(reader.id))


async def _seen_up_to(script: Script, name: str) -> list[tuple[Any, ...]]:
    """Return what a front end saw, up to a machine with a name; announcements and people are passed over."""
    seen = [await _seen(script)]
    while seen[-1][4] != name:
        seen.append(await _seen(script))
    return seen


async def _seen(script: Script) -> tuple[Any, ...]:
    """Return table, kind, id, version and name of the next change that a front end sees."""
    said = await script.until("seen")
    row, version = said["row"] or said["old"], said["row"].get("version")
    return said["topic"], said["kind"], row["id"], None if version is None else str(version), row.get("name")


_MACHINE = next(machine.id for machine in plant.MACHINES if machine.warehouse == plant.NORTH.id)


async def test_every_client_comes_back_to_a_gateway_that_was_killed_or_ended(
    open_hall: OpenHall, node: Run, python_client: Run
) -> None:
    """By itself, each by its own rules, and is told what happens then.

    A year-old client for Python is not among them: it cancels itself when it has connected again, at any server.
    """
    hall = await open_hall(gateways=1)
    floor = hall.floor
    token = floor.demo_reader("Manager One").token
    url = floor.gateway_url(0).replace("http", "ws", 1) + _ENDPOINT
    binding = {"event": "UPDATE", "schema": "public", "table": "equipment", "filter": f"id=eq.{_MACHINE}"}
    scripts = {
        "realtime-js": await node("changes.js", "@supabase/realtime-js", url, KEY, token),
        "realtime-js, a year old": await node("changes.js", "realtime-js-old", url, KEY, token),
        "supabase-js": await node("changes.js", "@supabase/supabase-js", url, KEY, token),
        "phoenix": await node("phoenix.js", url, token),
        "Python": await python_client("changes.py", "today", url, KEY, token),
    }
    for script in scripts.values():
        await script.say(do="subscribe", topic="floor", bindings=[binding])
    for script in scripts.values():
        await script.until("status")
    gateway = floor.gateways[0]
    for end in (gateway.kill, gateway.stop):
        await asyncio.to_thread(end)
        gateway.start()
        await asyncio.to_thread(floor.wait_until_ready)
        await asyncio.gather(*(_hear_of(floor, name, script) for name, script in scripts.items()))
    for name, script in scripts.items():
        assert await script.end() == 0, name


async def _hear_of(floor: Floor, name: str, script: Script) -> None:
    """Write until a client tells of it: what was written while it was away is not told."""

    async def write() -> None:
        for number in count():
            text = f"{name} {number}"
            await asyncio.to_thread(floor.query, "update equipment set location = %s where id = %s", text, _MACHINE)
            await asyncio.sleep(0.25)

    writing = asyncio.create_task(write())
    try:
        async with asyncio.timeout(20 * UNIT):
            while name not in json.dumps(await script.until("change")):
                pass
    except TimeoutError:
        raise AssertionError(f"{name} was told nothing") from None
    finally:
        writing.cancel()
