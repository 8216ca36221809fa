"""`floorcast tail` as a process, against a server that says exactly what a test wants it to say."""

import asyncio
import json
import signal
import subprocess
import sys
from http import HTTPStatus
from typing import Any

from tests.unit.client.peer import Peer, a_server
from websockets.asyncio.server import Request, Response, ServerConnection

CHANGE = (
    '{"position":"12-3","op":"enter","by":"insert","table":"work_orders","key":{"id":"k1"},'
    '"new":{"id":"k1","number":"WO-1","title":"LEAK","status":"open","actual_cost":183.0500},'
    '"actor":"system:test","at":"2026-11-23T10:11:12.345678+00:00"}'
)


def warehouses(socket: ServerConnection, request: Request) -> Response | None:
    """Answer the read of warehouses; let sockets pass."""
    if request.path != "/v1/warehouses":
        return None
    if request.headers["Authorization"] != "Bearer good":
        problem = {"code": "token_invalid", "detail": "It was signed by somebody else."}
        return socket.respond(HTTPStatus.UNAUTHORIZED, json.dumps(problem))
    found = [{"id": "n1", "name": "North Plant", "location": None, "role": "viewer"}]
    return socket.respond(HTTPStatus.OK, json.dumps({"warehouses": found}))


async def one_change(peer: Peer) -> None:
    """Take a join of the warehouse, then tell one change."""
    asked = await peer.receive()
    assert asked[2] == "warehouse:n1"
    await peer.reply(asked, position="11-0", role="viewer", tables=asked[4].get("tables"))
    await peer.socket.send(f'[null,null,"warehouse:n1","changes",{{"tick":12,"changes":[{CHANGE}]}}]')
    await peer.socket.wait_closed()


async def tail(url: str, *arguments: str, token: str = "good") -> asyncio.subprocess.Process:
    """Start the command."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "floorcast", "tail", "--url", url, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"FLOORCAST_TOKEN": token, "PYTHONUTF8": "1", "FLOORCAST_HOME": "/nonexistent/floorcast"},
        # A shell starts background jobs with Ctrl-C ignored, and that is inherited: also by tests that run in one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


async def test_a_change_is_a_line_and_ctrl_c_ends_well() -> None:
    """The warehouse may be given by name."""
    async with a_server(one_change, warehouses) as url:
        process = await tail(url, "north plant")
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert "12-3  work_orders            enter  WO-1 LEAK status: open  (system:test)" in line
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


async def test_json_keeps_every_digit() -> None:
    """One object a line, for the next program."""
    async with a_server(one_change, warehouses) as url:
        process = await tail(url, "n1", "--json", "--tables", "work_orders")
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        process.kill()
        await process.communicate()
    assert '"actual_cost":183.0500' in line
    assert json.loads(line) == json.loads(CHANGE)


async def failed(url: str, *arguments: str, **options: Any) -> str:
    """Return what a command that fails says."""
    process = await tail(url, *arguments, **options)
    _, errors = await process.communicate()
    assert process.returncode == 1
    return errors.decode()


async def test_refusals_are_sentences() -> None:
    """An unknown warehouse, a token that is not good, nobody at the address."""
    async with a_server(one_change, warehouses) as url:
        assert "North Plant" in await failed(url, "West")
        assert "signed by somebody else" in await failed(url, "n1", token="bad")
    assert "unreachable" in await failed("ws://127.0.0.1:9", "n1")
    assert "not an address" in await failed("plant", "n1")


async def test_without_a_token_it_says_where_to_get_one() -> None:
    """Beside no `floorcast up` there is none to take."""
    said = await failed("ws://127.0.0.1:9", "n1", token="")
    assert "floorcast token" in said


async def test_withdrawn_access_ends_it_with_1() -> None:
    """There is nothing more to show, and that is not how it should have ended."""

    async def script(peer: Peer) -> None:
        asked = await peer.receive()
        await peer.reply(asked, position="11-0")
        await peer.socket.send('[null,null,"warehouse:n1","revoked",{"code":"revoked","reason":"Gone."}]')
        await peer.socket.wait_closed()

    async with a_server(script, warehouses) as url:
        assert "Gone." in await failed(url, "n1")
