"""`floorcast tail` as a process, against a server that says exactly what a test wants it to say."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
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


PICTURE = (
    '[null,null,"warehouse:n1","snapshot",{"tick":11,"at":"2026-11-23T10:11:12.345678+00:00","part":1,"end":true,'
    '"rows":{"work_orders":[{"id":"k0","number":"WO-0"}]},"cursor":"c11"}]'
)
TICK = (
    '[null,null,"warehouse:n1","changes",{"tick":12,"at":"2026-11-23T10:11:12.345678+00:00","cursor":"c12",'
    f'"changes":[{CHANGE}]}}]'
)
JOINS: list[dict[str, Any]] = []


async def accept(peer: Peer) -> list[Any]:
    """Take a join of the warehouse, and keep it."""
    asked = await peer.receive()
    assert asked[2] == "warehouse:n1"
    JOINS.append(asked[4])
    await peer.reply(asked, position="11-0", role="viewer", tables=["work_orders"], keys={"work_orders": ["id"]})
    return asked


async def one_change(peer: Peer) -> None:
    """Take a join of the warehouse, then tell a picture and one change."""
    await accept(peer)
    await peer.socket.send(PICTURE)
    await peer.socket.send(TICK)
    await peer.socket.wait_closed()


async def tail(url: str, *arguments: str, token: str = "good") -> asyncio.subprocess.Process:
    """Start the command."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "floorcast", "tail", "--url", url, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            "FLOORCAST_TOKEN": token,
            "PYTHONUTF8": "1",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "FLOORCAST_HOME": "/nonexistent/floorcast",
        },
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


async def test_it_says_what_the_picture_holds_and_how_it_goes_on_after_a_loss() -> None:
    """On the other channel, so that the changes stay a stream of their own."""
    JOINS.clear()
    losses = 0

    async def script(peer: Peer) -> None:
        nonlocal losses
        losses += 1
        await accept(peer)
        if losses == 1:
            await peer.socket.send(PICTURE)
            await peer.socket.close(4402)
        else:
            await peer.socket.send(TICK)
            await peer.socket.wait_closed()

    async with a_server(script, warehouses) as url:
        options = ("--where", "work_orders:status=in.(open,assigned)", "--columns", "work_orders:number,status")
        process = await tail(url, "n1", *options)
        assert process.stdout is not None
        await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = (await process.communicate())[1].decode()
    asked = {"where": {"work_orders": "status=in.(open,assigned)"}, "columns": {"work_orders": ["number", "status"]}}
    first, second = JOINS
    assert first == asked | {"from": "snapshot"}
    assert second == asked | {"from": "c11"}
    notes = [line.removeprefix("-- North Plant: ") for line in said.splitlines()]
    assert notes[:2] == ["joined as viewer, beginning with the picture", "the picture at tick 11: 1 work_orders"]
    assert notes[2].startswith("lost (heartbeat_missing: ")
    assert notes[3] == "joined as viewer, again, without a gap"


async def test_a_cursor_file_is_where_the_next_one_goes_on(tmp_path: Path) -> None:
    """Also after it was ended by Ctrl-C; a line that was printed does not come again."""
    JOINS.clear()
    async with a_server(one_change, warehouses) as url:
        for _ in range(2):
            process = await tail(url, "n1", "--cursor-file", str(tmp_path / "cursor"), "--from", "now")
            assert process.stdout is not None
            await process.stdout.readline()
            while "c12" not in (tmp_path / "cursor").read_text():  # noqa: ASYNC110 — another process writes it
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGINT)
            await process.communicate()
    assert [join["from"] for join in JOINS] == ["now", "c12"]


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
    assert "table:…" in await failed("ws://127.0.0.1:9", "n1", "--where", "status=eq.open")


async def test_without_a_token_it_says_where_to_get_one() -> None:
    """Beside no `floorcast up` there is none to take."""
    said = await failed("ws://127.0.0.1:9", "n1", token="")
    assert "floorcast token" in said


async def test_withdrawn_access_ends_it_with_1() -> None:
    """There is nothing more to show, and that is not how it should have ended."""

    async def script(peer: Peer) -> None:
        await accept(peer)
        await peer.socket.send('[null,null,"warehouse:n1","revoked",{"code":"revoked","reason":"Gone."}]')
        await peer.socket.wait_closed()

    async with a_server(script, warehouses) as url:
        assert "Gone." in await failed(url, "n1")
