"""Postgres is restored while Redis is lost and gateways begin anew: nobody remembers another history but cursors."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.fixtures.gateway import Phone
from tests.fixtures.page import Floorcast
from tests.fixtures.tampering import by_force
from tests.fixtures.time import UNIT
from websockets.asyncio.client import connect

from floorcast.cursor import parse_cursor


async def _join(up: Floorcast, origin: str = "now") -> dict[str, Any]:
    """The answer to somebody who comes, and goes at once."""
    url = f"ws://127.0.0.1:{up.port}/realtime/v1/websocket?vsn=2.0.0&apikey={up.token()}"
    async with connect(url, compression=None) as ws:
        response: dict[str, Any] = (await Phone(ws).join(str(up.warehouse), **{"from": origin}))["response"]
        return response


async def _join_behind(up: Floorcast, tick: int) -> dict[str, Any]:
    """The same, once something has happened behind a tick."""
    async with asyncio.timeout(10 * UNIT):
        while True:
            await up.write("update public.equipment set name = name || '.' where warehouse_id = %s", up.warehouse)
            found = await _join(up)
            if parse_cursor(found["cursor"]).tick > tick:
                return found


async def _close_one_behind(up: Floorcast, tick: int) -> None:
    """Write, and wait until it is in a tick."""
    await up.write("update public.equipment set name = name || '!' where warehouse_id = %s", up.warehouse)
    async with up.database.owner() as connection:
        query = b"select from floorcast.tick where tick > %s"
        while (await (await connection.execute(query, (tick,))).fetchone()) is None:  # noqa: ASYNC110 — a row, no event
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_cursor_of_the_time_that_was_lost_is_refused_by_who_has_just_begun(
    floorcast_up: Floorcast, *, is_written: bool
) -> None:
    """Wherever it begins, surely behind the tick of that number where something is written; one of before goes on."""
    up = floorcast_up
    kept = await _join(up)
    lost = await _join_behind(up, parse_cursor(kept["cursor"]).tick)
    await up.stop("gateway")
    await up.stop("relay")
    async with up.database.owner() as connection:
        since = parse_cursor(kept["cursor"]).anchor
        await connection.execute(by_force(f"update floorcast.tick set seal = sha256(seal) where tick > {since}"))
    async with Redis.from_url(up.redis_url) as redis:
        await redis.flushall()
    if is_written:
        await up.start_relay()
        await _close_one_behind(up, parse_cursor(lost["cursor"]).anchor)
    await up.start_gateway()
    answers = [await _join(up, each["cursor"]) for each in (lost, kept)]
    assert answers[0]["reason"] == "incarnation"
    assert (answers[1]["incarnation"], answers[1]["position"]) == (lost["incarnation"], kept["position"])
