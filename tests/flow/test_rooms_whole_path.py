"""Rooms on their real parts: said at a socket, by HTTP or in the database, and heard at every gateway."""

import asyncio
import json
from typing import Any

from tests.fixtures.floor import OpenHall
from tests.fixtures.time import UNIT
from websockets.asyncio.client import ClientConnection, connect

TOPIC = "realtime:floor"


async def _enter(url: str, token: str, *, private: bool) -> ClientConnection:
    """Come into a room at a gateway, with vsn 1.0.0; returns the open socket."""
    address = f"{url.replace('http', 'ws', 1)}/realtime/v1/websocket?vsn=1.0.0&apikey={token}"
    socket = await connect(address, compression=None)
    await _tell(socket, "phx_join", {"config": {"private": private}})
    assert (await _hear(socket))["payload"]["status"] == "ok"
    return socket


async def _tell(socket: ClientConnection, event: str, payload: object) -> None:
    await socket.send(json.dumps({"topic": TOPIC, "event": event, "payload": payload, "ref": "1", "join_ref": "1"}))


async def _hear(socket: ClientConnection) -> Any:
    async with asyncio.timeout(10 * UNIT):
        return json.loads(await socket.recv())


async def _post(url: str, token: str, *messages: object) -> bytes:
    """Say something by HTTP; returns the status line."""
    host, _, port = url.removeprefix("http://").partition(":")
    body = json.dumps({"messages": messages}).encode()
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /realtime/v1/api/broadcast HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    async with asyncio.timeout(10 * UNIT):
        line = await reader.readline()
    writer.close()
    return line


async def test_what_is_said_anywhere_is_heard_at_every_gateway(open_hall: OpenHall) -> None:
    """In a private room by whom policies let in; what nobody may say there is accepted and heard by nobody."""
    hall = await open_hall()
    floor = hall.floor
    may_write = f"auth.jwt() ->> 'sub' = '{floor.demo_reader('Manager One').id}'"
    for policy in (
        "create policy reads on realtime.messages for select to authenticated using (realtime.topic() = 'floor')",
        f"create policy writes on realtime.messages for insert to authenticated with check ({may_write})",
    ):
        await asyncio.to_thread(floor.query, policy)
    manager, technician = floor.demo_reader("Manager One").token, floor.demo_reader("Technician Six").token
    url, other = floor.gateway_url(0), floor.gateway_url(1)
    here, there = await _enter(url, manager, private=True), await _enter(other, technician, private=True)
    both = (here, there)
    try:
        message = {"topic": "floor", "event": "http", "payload": {"n": 1}, "private": True}
        assert b" 202 " in await _post(url, technician, {**message, "event": "forbidden"})
        assert b" 202 " in await _post(url, manager, message)
        for socket in both:
            assert (await _hear(socket))["payload"] == {"type": "broadcast", "event": "http", "payload": {"n": 1}}
        await asyncio.to_thread(floor.query, "select realtime.send('{\"id\": \"x\"}', 'sql', 'floor', true)")
        for socket in both:
            told = (await _hear(socket))["payload"]
            assert (told["event"], told["payload"]) == ("sql", {"id": "x"})
            assert set(told["meta"]) == {"id"}
        await _tell(there, "broadcast", {"type": "broadcast", "event": "forbidden", "payload": {}})
        await _tell(here, "broadcast", {"type": "broadcast", "event": "socket", "payload": {}})
        assert (await _hear(there))["payload"]["event"] == "socket"
        await _tell(here, "phx_leave", {})
        assert (await _hear(here))["event"] == "phx_reply"
    finally:
        for socket in both:
            await socket.close()
